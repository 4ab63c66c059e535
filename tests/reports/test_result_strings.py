"""Result strings of all versions."""

import time

import pytest

from mailwarden.reports.event import EventKind
from mailwarden.reports.result_strings import Meaning, Result, meaning_of, parse_result
from mailwarden.verdict.disposition import Disposition


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Clean.", Result("Clean")),
        ("Clear:.", Result("Clear")),
        ("Clear:RC:1:.", Result("Clear", 1)),
        ("Clear:RC:0(192.0.2.7):", Result("Clear", 0, "192.0.2.7")),
        (
            "Clear:RC:1(192.0.2.7):SA:0(-4.4/5.0):.",
            Result("Clear", 1, "192.0.2.7", score=-4.4, required=5.0),
        ),
        ("Clear:SA:1(19.4/5.0):.", Result("Clear", is_spam=True, score=19.4, required=5.0)),
        ("Clear:RC:0(192.0.2.7):SA:0(?/?):.", Result("Clear", 0, "192.0.2.7")),
        ("Clear:SA:1(0/0):.", Result("Clear")),
        ("CLAMDSCAN:Worm.I:RC:0(192.0.2.7):", Result("CLAMDSCAN:Worm.I", 0, "192.0.2.7")),
        (
            "Clear:RC:0(192.0.2.7):SA:1(9.0/5.0):CRYPTO(smime):",
            Result("Clear", 0, "192.0.2.7", is_spam=True, score=9.0, required=5.0),
        ),
        ("line\nend", Result("line\nend")),
    ],
)
def test_a_result_string_is_taken_apart(text: str, result: Result) -> None:
    assert parse_result(text) == result


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Clear:RC:0(192.0.2.7):", Meaning(Disposition.ACCEPT, EventKind.CLEAN)),
        ("No viruses found", Meaning(Disposition.ACCEPT, EventKind.CLEAN)),
        ("Released:RC:0(1.2.3.4):", Meaning(Disposition.ACCEPT, EventKind.CLEAN)),
        ("Clear:SA:1(9/5):", Meaning(Disposition.TAG, EventKind.SPAM, "spam")),
        ("Unscanned:RC:0(1.2.3.4):", Meaning(Disposition.DEFER, EventKind.FAULT, "unscanned")),
        (
            "SOPHIE:W32/Netsky-P:RC:0:",
            Meaning(Disposition.QUARANTINE, EventKind.VIRUS, "W32/Netsky-P", "SOPHIE"),
        ),
        (
            "PERLSCAN:no-vbs:RC:0:",
            Meaning(Disposition.QUARANTINE, EventKind.POLICY, "no-vbs", "PERLSCAN"),
        ),
        (
            "Policy_X:VBS files not allowed:RC:0:",
            Meaning(Disposition.QUARANTINE, EventKind.POLICY, "VBS files not allowed", "Policy_X"),
        ),
        ("SA:SPAM-REJECTED:RC:0:", Meaning(Disposition.REJECT, EventKind.SPAM, "spam", "SA")),
        ("SA:SPAM-DELETED:RC:0:", Meaning(Disposition.DELETE, EventKind.SPAM, "spam", "SA")),
        ("spam:RC:0:", Meaning(Disposition.QUARANTINE, EventKind.SPAM, "spam", "SA")),
    ],
)
def test_a_result_says_what_became_of_the_message(text: str, meaning: Meaning) -> None:
    assert meaning_of(parse_result(text)) == meaning


def test_a_hostile_result_string_takes_linear_time() -> None:
    before = time.monotonic()
    parse_result(":RC:1(" * 10_000 + "x")
    parse_result(":SA:1(" * 10_000 + "x")
    assert time.monotonic() - before < 2.0
