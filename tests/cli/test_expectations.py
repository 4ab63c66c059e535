"""What `selftest` waits for is what the settings say."""

import pytest

from mailwarden.cli.expectations import Probe, Seen, probes
from support.arrivals import settings_of

SCANNERS = ["clamd", "spamd"]
PLAIN = {
    "harmless": Seen.PASSED,
    "Eicar.com, zeros": Seen.STOPPED,
    "EICAR in sneaky.txt": Seen.STOPPED,
    "GTUBE": Seen.TAGGED,
    "forged X-Spam-Status": Seen.MOVED,
    "malformed": Seen.STOPPED,
    "ambiguous": Seen.STOPPED,
    "ambiguous-text": Seen.WARNED,
    "encrypted": Seen.STOPPED,
    "unopened": Seen.STOPPED,
    "over-limit": Seen.DEFERRED,
    "oversize": Seen.REJECTED,
}


def probes_of(**sections: object) -> dict[str, Probe]:
    given = {"scanners": SCANNERS, **sections}
    return {probe.name: probe for probe in probes(settings_of(**given))}


def expected(**sections: object) -> dict[str, Seen | None]:
    return {name: probe.expected for name, probe in probes_of(**sections).items()}


def test_settings_that_say_nothing_expect_the_defaults() -> None:
    assert expected() == PLAIN
    assert not any(probe.why for probe in probes_of().values())


@pytest.mark.parametrize(
    ("word", "seen"),
    [
        ("accept", Seen.PASSED),
        ("tag", Seen.WARNED),
        ("defer", Seen.DEFERRED),
        ("quarantine", Seen.STOPPED),
        ("reject", Seen.REJECTED),
        ("delete", Seen.STOPPED),
    ],
)
def test_every_kind_becomes_what_its_disposition_says(word: str, seen: Seen) -> None:
    kinds = ["malformed", "ambiguous", "ambiguous_text", "encrypted", "unopened", "over_limit"]
    given = dict.fromkeys([*kinds, "virus", "policy", "oversize"], word)
    found = expected(dispositions=given, limits={"message_bytes": 1_000_000})
    others = {"harmless", "GTUBE", "forged X-Spam-Status"}
    assert found == {name: PLAIN[name] if name in others else seen for name in PLAIN}


@pytest.mark.parametrize(
    ("spam", "seen"),
    [
        ({"quarantine_above": 2}, Seen.STOPPED),
        ({"quarantine_above": 2, "delete_above": 4}, Seen.STOPPED),
        ({"delete_above": 4, "reject": True}, Seen.REJECTED),
        ({"delete_above": 5_000, "reject": True}, Seen.TAGGED),
    ],
)
def test_gtube_becomes_what_the_thresholds_say(spam: dict[str, object], seen: Seen) -> None:
    assert expected(spam=spam) == {**PLAIN, "GTUBE": seen}


def test_a_virus_that_is_deleted_by_its_name_is_gone_whatever_others_become() -> None:
    found = expected(dispositions={"virus": "reject"}, viruses={"delete": ["EICAR"]})
    assert found == PLAIN


@pytest.mark.parametrize(
    ("sections", "names", "why"),
    [
        ({"scanners": ["spamd"]}, {"EICAR in sneaky.txt"}, "clamd is not among the scanners"),
        (
            {"scanners": ["clamd"]},
            {"GTUBE", "forged X-Spam-Status"},
            "spamd is not among the scanners",
        ),
        (
            {"attachments": {"forbidden_extensions": ["exe"]}},
            {"Eicar.com, zeros"},
            "com is not in attachments.forbidden_extensions",
        ),
        (
            {"structure": {"enabled": False}},
            {"malformed", "ambiguous", "ambiguous-text"},
            "structure.enabled is false",
        ),
        (
            {"structure": {"passed": ["blank-before-colon"]}},
            {"malformed"},
            "structure.passed lets blank-before-colon pass",
        ),
        ({"limits": {"depth": 10_000}}, {"over-limit"}, "limits.depth is more than 5000"),
        (
            {"limits": {"message_bytes": 300_000_000}},
            {"oversize"},
            "limits.message_bytes is 300000000: too much to send",
        ),
        (
            {"dispositions": {"oversize": "quarantine"}},
            {"oversize"},
            "limits.message_bytes is 100000000: too much to send",
        ),
    ],
)
def test_what_cannot_be_found_is_not_tried_and_says_why(
    sections: dict[str, object], names: set[str], why: str
) -> None:
    found = probes_of(**sections)
    assert {name for name, probe in found.items() if probe.expected is None} == names
    assert {probe.why for probe in found.values()} == {"", why}


def test_our_own_patterns_stand_for_both_scanners() -> None:
    assert expected(scanners=["test-patterns"]) == PLAIN


def test_messages_exceed_limits_by_just_a_little() -> None:
    found = probes_of(limits={"depth": 7, "message_bytes": 5_000})
    assert found["over-limit"].write("a@b", "c@d").count(b"multipart/mixed") == 8
    assert 5_000 < len(found["oversize"].write("a@b", "c@d")) < 5_500
