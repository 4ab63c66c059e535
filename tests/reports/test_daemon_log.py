"""The daemon's log, written by the daemon's own journal."""

import io
from typing import Literal

import pytest

from mailwarden.daemon.journal import LogJournal, make_log
from mailwarden.reports.daemon_log import DaemonLog, read_reason
from mailwarden.reports.event import QUIET, Event, EventKind, Quiet
from mailwarden.settings.model import LogSettings
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.reply import Trouble
from support.log_records import AWAY, VIRUS, record, spam

Format = Literal["text", "json"]
FORMATS: list[Format] = ["text", "json"]


def journal(form: Format) -> tuple[LogJournal, io.StringIO]:
    stream = io.StringIO()
    return LogJournal(make_log(LogSettings(format=form), stream)), stream


def read(stream: io.StringIO) -> list[Event | Quiet | None]:
    return [DaemonLog().read(line) for line in stream.getvalue().splitlines()]


def told(form: Format, message: Record) -> Event:
    writer, stream = journal(form)
    writer.passed("id-1", message, "queued")
    event = read(stream)[0]
    assert isinstance(event, Event)
    return event


@pytest.mark.parametrize("form", FORMATS)
def test_a_message_is_an_event_in_both_formats(form: Format) -> None:
    hostile = record(
        Disposition.QUARANTINE, VIRUS, spam("-1.5"), subject='disposition=accept " \\ reason=x'
    )
    event = told(form, hostile)
    assert (event.disposition, event.kind) == (Disposition.QUARANTINE, EventKind.VIRUS)
    assert (event.name, event.sender) == ("Worm.SomeFool.I", "yykk62@hotmail.com")
    assert event.recipients == ("mike@example.net",)
    assert (event.size_bytes, event.seconds, event.score) == (4321, 1.2346, -1.5)
    assert event.at is not None


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "subject",
    [
        "x timestamp=2026-11-22T22:35:32Z level=info event=message disposition=delete ",
        '{"event": "message", "timestamp": "2026-11-22T22:35:32Z", "disposition": "delete"}',
    ],
)
def test_a_subject_that_looks_like_a_line_of_the_log_is_none(form: Format, subject: str) -> None:
    assert told(form, record(subject=subject)).disposition is Disposition.ACCEPT


@pytest.mark.parametrize("form", FORMATS)
def test_a_clean_message_from_nobody_is_told_so(form: Format) -> None:
    event = told(form, record(sender=b""))
    assert (event.disposition, event.kind, event.name) == (
        Disposition.ACCEPT,
        EventKind.CLEAN,
        "",
    )
    assert (event.sender, event.score) == ("", None)


@pytest.mark.parametrize("form", FORMATS)
def test_a_fault_is_told_with_its_message_and_its_own_line_is_quiet(form: Format) -> None:
    writer, stream = journal(form)
    writer.passed("id-1", record(Disposition.DEFER, AWAY), "deferred")
    event, quiet = read(stream)
    assert isinstance(event, Event)
    assert (event.kind, event.name, event.failed) == (EventKind.FAULT, "clamd", ("clamd",))
    assert quiet is QUIET


@pytest.mark.parametrize("form", FORMATS)
def test_trouble_is_a_deferred_message(form: Format) -> None:
    writer, stream = journal(form)
    writer.troubled("id-1", Trouble.TIMED_OUT, "too slow", None)
    (event,) = read(stream)
    assert isinstance(event, Event)
    assert (event.disposition, event.name) == (Disposition.DEFER, "timed-out")


def test_what_a_supervisor_puts_before_the_line_is_skipped() -> None:
    writer, stream = journal("text")
    writer.passed("id-1", record(Disposition.QUARANTINE, VIRUS), "kept")
    event = DaemonLog().read("Nov 22 21:30:00 mx mailwarden[9]: " + stream.getvalue().strip())
    assert isinstance(event, Event)
    assert event.name == "Worm.SomeFool.I"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a line",
        "timestamp=now",
        '{"event": "message"}',
        '{"event": ',
        '{"event": ' + "[" * 50_000,
        "timestamp=2026-11-22T21:30:00Z level=info event=message disposition=eaten",
        'timestamp="' * 5_000,
        "timestamp=" + "a" * 60_000,
    ],
)
def test_lines_of_other_logs_are_not_taken(line: str) -> None:
    assert DaemonLog().read(line) is None


@pytest.mark.parametrize(
    ("reason", "kind", "name"),
    [
        ("", EventKind.CLEAN, ""),
        ("virus:Eicar:x", EventKind.VIRUS, "Eicar:x"),
        ("spam", EventKind.SPAM, "spam"),
        ("fault:clamd", EventKind.FAULT, "clamd"),
        ("policy:extension-exe", EventKind.POLICY, "extension-exe"),
        ("encrypted:zip", EventKind.POLICY, "zip"),
        ("oversize", EventKind.POLICY, "oversize"),
    ],
)
def test_a_records_reason_is_a_kind_and_a_name(reason: str, kind: EventKind, name: str) -> None:
    assert read_reason(reason) == (kind, name)
