"""From events to statistics."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import msgspec
import pytest

from mailwarden.reports import counting
from mailwarden.reports.counting import ScannerCount, Statistics, count
from mailwarden.reports.event import Event, EventKind
from mailwarden.reports.span import Span
from mailwarden.verdict.disposition import Disposition
from support.old_logs import AT

CLEAN = Event(disposition=Disposition.ACCEPT, at=AT, sender="a@x.example", size_bytes=100)
VIRUS = Event(disposition=Disposition.QUARANTINE, kind=EventKind.VIRUS, name="W32/X", at=AT)
RULE = Event(disposition=Disposition.REJECT, kind=EventKind.POLICY, name="no exe", at=AT)
SPAM = Event(disposition=Disposition.REJECT, kind=EventKind.SPAM, name="spam", at=AT, score=12.5)
FAULT = Event(disposition=Disposition.DEFER, kind=EventKind.FAULT, name="clamd", at=AT)


def counted(*events: Event, span: Span | None = None) -> Statistics:
    return count(events, span or Span(), UTC)


def with_(event: Event, **changes: object) -> Event:
    return msgspec.structs.replace(event, **changes)


def test_messages_are_counted_by_disposition_and_cause() -> None:
    found = counted(CLEAN, VIRUS, RULE, SPAM, FAULT)
    assert (found.messages, found.blocked) == (5, 3)
    assert found.dispositions == {
        Disposition.ACCEPT: 1,
        Disposition.QUARANTINE: 1,
        Disposition.REJECT: 2,
        Disposition.DEFER: 1,
    }
    assert all(found.kinds[kind] == 1 for kind in EventKind)


def test_names_are_of_what_stopped_a_message_and_spam_is_counted_by_what_was_done() -> None:
    tagged = with_(RULE, disposition=Disposition.TAG)
    found = counted(VIRUS, VIRUS, RULE, SPAM, with_(SPAM, disposition=Disposition.TAG), tagged)
    assert found.names.rows == (("W32/X", 2), ("no exe", 1))
    assert found.viruses.rows == (("W32/X", 2),)
    assert found.policies.rows == (("no exe", 1),)
    assert {one: number for one, number in found.spam.items() if number} == {
        Disposition.REJECT: 1,
        Disposition.TAG: 1,
    }


def test_what_could_not_be_judged_is_no_virus() -> None:
    limit = with_(RULE, disposition=Disposition.DEFER, name="depth")
    kept = with_(FAULT, disposition=Disposition.QUARANTINE)
    found = counted(FAULT, limit, kept)
    assert found.undecided.rows == (("clamd", 2), ("depth", 1))
    assert found.names.rows == ()


def test_further_recipients_count_as_recipients_only() -> None:
    first = with_(CLEAN, recipients=("b@y.example",))
    more = with_(CLEAN, recipients=("c@Y.example",), further=True)
    found = counted(first, more)
    assert (found.messages, found.size_bytes) == (1, 100)
    assert found.recipients.rows == (("c@Y.example", 1), ("b@y.example", 1))
    assert found.recipient_domains.rows == (("y.example", 2),)


def test_nobody_is_a_sender_and_an_unknown_one_is_not() -> None:
    found = counted(CLEAN, with_(CLEAN, sender=""), VIRUS)
    assert found.senders.rows == (("a@x.example", 1), ("<>", 1))
    assert found.sender_domains.rows == (("x.example", 1), ("<>", 1))


def test_scanners_are_counted_by_what_they_were_asked_found_and_failed() -> None:
    found = counted(
        with_(CLEAN, asked=("clamd", "spamd")),
        with_(VIRUS, asked=("clamd",), found_by=("clamd",)),
        with_(FAULT, failed=("spamd",)),
    )
    assert found.scanners == (ScannerCount("clamd", 2, 1, 0), ScannerCount("spamd", 1, 0, 1))


def test_scores_are_counted_by_whole_points_and_wild_ones_at_the_ends() -> None:
    scores = (-0.5, 0.0, 0.9, 1000.0, -500.0)
    found = counted(*(with_(SPAM, score=score) for score in scores))
    assert found.points == {-20: 1, -1: 1, 0: 2, 50: 1}


def test_hours_and_days_are_those_of_the_zone() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    # 18:29 and 18:31 in UTC are two days in India.
    midnight = datetime(2026, 11, 23, tzinfo=india).timestamp()
    events = [with_(CLEAN, at=midnight + moved) for moved in (-60, 60, 120)]
    found = count(events, Span(), india)
    assert [(one.start.day, one.start.hour, one.messages) for one in found.hours] == [
        (22, 23, 1),
        (23, 0, 2),
    ]
    assert [(one.start.day, one.messages) for one in found.days] == [(22, 1), (23, 2)]


def test_a_day_with_a_change_of_clocks_is_one_day() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(2026, 10, 25, 12, tzinfo=berlin).timestamp()
    found = count([with_(CLEAN, at=noon - 41_400), with_(CLEAN, at=noon)], Span(), berlin)
    assert [one.messages for one in found.days] == [2]


def test_only_what_lies_within_the_span_counts() -> None:
    events = [with_(CLEAN, at=AT + moved) for moved in (-1, 0, 9, 10)]
    found = counted(*events, with_(CLEAN, at=None), span=Span(AT, AT + 10))
    assert (found.messages, found.undated) == (2, 1)
    assert (found.first, found.last) == (AT, AT + 9)


def test_events_without_a_date_count_where_no_span_is_asked_for() -> None:
    found = counted(with_(CLEAN, at=None))
    assert (found.messages, found.undated, found.days) == (1, 0, ())


def test_of_more_hours_than_are_kept_the_newest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_MOST_HOURS", 100)
    found = counted(*(with_(CLEAN, at=AT + 3600.0 * number) for number in range(1_000)))
    assert found.messages == 1_000
    assert 100 <= len(found.hours) <= 200
    assert found.hours[-1].start.timestamp() == AT - 1800 + 3600 * 999


def test_the_same_events_give_the_same_statistics() -> None:
    events = (CLEAN, VIRUS, RULE, SPAM, FAULT)
    assert counted(*events) == counted(*events)
