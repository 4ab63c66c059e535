from dataclasses import replace
from decimal import Decimal

import pytest

from mailwarden.logs.facts import (
    date_text,
    event_name,
    hit_tests,
    recipients_text,
    shares_of,
)
from mailwarden.verdict.decide import Cause, Decision, Reason
from mailwarden.verdict.disposition import Disposition
from support.log_records import (
    AT,
    AWAY,
    POLICY,
    VIRUS,
    quarantined_and_tagged,
    record,
    spam,
    time_zone,
)


def test_the_date_is_that_of_rfc_2822_in_local_time() -> None:
    with time_zone("EST5"):
        assert date_text(AT) == "Thu, 12 Feb 2004 10:34:16 -0500"
    with time_zone("IST-5:30"):
        assert date_text(AT) == "Thu, 12 Feb 2004 21:04:16 +0530"


def test_a_day_of_one_digit_has_two() -> None:
    with time_zone("UTC0"):
        assert date_text(AT - 4 * 86_400) == "Sun, 08 Feb 2004 15:34:16 +0000"


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        (VIRUS, "Worm.SomeFool.I"),
        (POLICY, "A name ends in .exe."),
        (spam(), "spam"),
        (AWAY, "fault:clamd"),
    ],
)
def test_an_event_is_named_after_what_decided(cause: Cause, name: str) -> None:
    assert event_name(record(Disposition.QUARANTINE, cause)) == name


def test_who_waits_for_others_alone_is_said_to() -> None:
    assert event_name(record(Disposition.DEFER)) == "other-recipients"
    harmless = Decision(Disposition.DEFER, (Reason(spam("1"), Disposition.ACCEPT),))
    scored = replace(record(Disposition.DEFER, spam("1")), decision=harmless)
    assert event_name(scored) == "other-recipients"


def test_every_group_of_recipients_is_a_share() -> None:
    assert shares_of(record()) == (record(),)
    found = [share.arrival.envelope.recipients for share in shares_of(quarantined_and_tagged())]
    assert found == [(b"a@one.example", b"b@one.example"), (b"c@two.example",)]


def test_recipients_are_joined_by_commas_whole_and_not_without_end() -> None:
    assert recipients_text(record(recipients=(b"a@b", b"c\td@e"))) == "a@b,c d@e"
    many = recipients_text(record(recipients=(b"somebody@example.net",) * 10_000))
    assert set(many.split(",")) == {"somebody@example.net"}
    assert 4_000 < len(many) <= 4_100
    longest = b"x" * 1_003
    assert recipients_text(record(recipients=(longest,))) == "x" * 1_000


def test_the_tests_that_hit_are_listed() -> None:
    score = spam("7", "BAYES_99", "URIBL_BLACK")
    assert hit_tests(score) == "BAYES_99,URIBL_BLACK"
    told = replace(score, points=(("BAYES_99", Decimal("3.5")), ("OTHER", Decimal("-0.1"))))
    assert hit_tests(told) == "BAYES_99=3.5,URIBL_BLACK"
    assert hit_tests(replace(told, tests=())) == "BAYES_99=3.5,OTHER=-0.1"
    assert len(hit_tests(spam("7", *["T" * 500] * 500))) == 200 * 129 - 1
