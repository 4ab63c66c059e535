"""quarantine.log, ours and the original's."""

from datetime import UTC

import pytest

from mailwarden.logs.quarantine_log import quarantine_lines
from mailwarden.reports.event import Event, EventKind
from mailwarden.reports.quarantine_log import QuarantineLog
from mailwarden.verdict.disposition import Disposition
from support.log_records import AT, VIRUS, record
from support.old_logs import mailstats_line, quarantine_line


def read(line: str) -> Event | None:
    return QuarantineLog(UTC).read(line)


def test_a_line_of_the_original_is_an_event() -> None:
    assert read(quarantine_line("Worm.SomeFool.I")) == Event(
        at=1_076_600_056.0,
        disposition=Disposition.QUARANTINE,
        kind=EventKind.VIRUS,
        name="Worm.SomeFool.I",
        sender="yykk62@hotmail.com",
        recipients=("mike@example.net",),
        asked=("clamuko",),
    )


def test_the_old_form_of_the_date_is_read() -> None:
    event = read(quarantine_line("X", date="12/02/2004 15:34:16"))
    assert event
    assert event.at == 1_076_600_056.0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Disallowed characters found in MIME headers", EventKind.POLICY),
        ("spam exceeds 8.6", EventKind.SPAM),
        ("SPAM", EventKind.SPAM),
        ("Email.Spam.Gen1", EventKind.VIRUS),
    ],
)
def test_descriptions_and_spam_are_told_from_viruses(name: str, kind: EventKind) -> None:
    event = read(quarantine_line(name))
    assert event
    assert event.kind is kind


def test_a_subject_with_tabs_forges_no_name() -> None:
    event = read(quarantine_line("Real-Virus", subject="a\tForged\tb"))
    assert event
    assert event.name == "Real-Virus"


def test_our_own_line_is_read() -> None:
    recipients = (b"a@x.example", b"b@x.example")
    (line,) = quarantine_lines(record(Disposition.DELETE, VIRUS, recipients=recipients))
    event = read(line)
    assert event
    assert (event.at, event.name) == (AT, "Worm.SomeFool.I")
    assert event.recipients == ("a@x.example", "b@x.example")
    assert event.asked == ("clamuko", "spamassassin")


@pytest.mark.parametrize(
    "line",
    ["", "a\tb", "x\ty\tz\t1\t2\t3", quarantine_line("x", date="n"), mailstats_line("Clear:")],
)
def test_lines_of_other_logs_are_not_taken(line: str) -> None:
    assert read(line) is None
