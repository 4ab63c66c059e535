"""mailstats.csv and syslog records, ours and the original's."""

import time
from datetime import UTC

import pytest

from mailwarden.logs.details import mailstats_lines, syslog_lines
from mailwarden.logs.syslog import stamped
from mailwarden.reports.detail_logs import MailstatsLog, SyslogRecords
from mailwarden.reports.event import QUIET, Event, EventKind, Quiet
from mailwarden.verdict.disposition import Disposition
from support.log_records import VIRUS, record, spam
from support.old_logs import AT, mailstats_line, syslog_line

CLEAR = "Clear:RC:0(192.0.2.7):SA:0(-2.6/5.0):"
CLEAN_EVENT = Event(
    at=AT,
    disposition=Disposition.ACCEPT,
    sender="ann@sender.example",
    recipients=("bob@example.net",),
    size_bytes=4321,
    seconds=1.25,
    score=-2.6,
)


def syslog(*lines: str) -> list[Event | Quiet | None]:
    log = SyslogRecords(AT + 60, UTC)
    return [log.read(line) for line in lines]


def one(told: Event | Quiet | None) -> Event:
    assert isinstance(told, Event)
    return told


def test_a_line_of_mailstats_is_an_event() -> None:
    assert MailstatsLog(UTC).read(mailstats_line(CLEAR)) == CLEAN_EVENT


def test_a_record_of_syslog_is_an_event() -> None:
    assert syslog(syslog_line(CLEAR)) == [CLEAN_EVENT]


def test_newer_dates_and_priorities_are_read() -> None:
    line = syslog_line(CLEAR, date="2026-11-22T22:30:00.123456+01:00")
    assert syslog(line, "<22>" + syslog_line(CLEAR, pid=2)) == [CLEAN_EVENT, CLEAN_EVENT]


def test_an_engine_and_a_name_are_a_virus_that_it_found() -> None:
    event = one(syslog(syslog_line("CLAMDSCAN:Worm.X:RC:0(192.0.2.7):"))[0])
    assert (event.disposition, event.kind) == (Disposition.QUARANTINE, EventKind.VIRUS)
    assert (event.name, event.found_by) == ("Worm.X", ("CLAMDSCAN",))


def test_the_description_of_a_rule_may_have_blanks() -> None:
    event = one(syslog(syslog_line("Policy:no VBS 2 here:RC:0(192.0.2.7):"))[0])
    assert (event.kind, event.name) == (EventKind.POLICY, "no VBS 2 here")
    assert event.sender == "ann@sender.example"


def test_lines_of_further_recipients_are_of_the_same_message() -> None:
    lines = [syslog_line(CLEAR, to) for to in ("a@x.example", "b@x.example")]
    other = syslog_line(CLEAR, pid=78)
    assert [one(told).further for told in syslog(*lines, other)] == [False, True, False]
    log = MailstatsLog(UTC)
    told = [log.read(mailstats_line(CLEAR, to)) for to in ("a@x.example", "b@x.example")]
    assert [one(event).further for event in told] == [False, True]
    assert not one(log.read(mailstats_line(CLEAR, at=AT + 1))).further


def test_our_own_lines_are_read() -> None:
    virus = record(Disposition.QUARANTINE, VIRUS)
    tagged = record(Disposition.TAG, spam("12.5"), recipients=(b"a@x.example", b"b@x.example"))
    for each, names, scores in (
        (virus, ["Worm.SomeFool.I"], [None]),
        (tagged, ["spam"] * 2, [12.5] * 2),
    ):
        plain, marked = MailstatsLog(UTC), SyslogRecords(AT, UTC)
        events = [plain.read(line) for line in mailstats_lines(each, crypto=True)]
        from_syslog = [
            marked.read(
                f"{stamped(line, each.arrival.at).replace('qmail-scanner', 'mx qmail-scanner')}"
            )
            for line in syslog_lines(each, crypto=True)
        ]
        assert [one(event).name for event in events] == names
        assert [one(event).score for event in events] == scores
        assert [one(event).name for event in from_syslog] == names
        assert [one(event).size_bytes for event in from_syslog] == [4321] * len(names)


def test_lines_of_other_programs_are_quiet() -> None:
    assert (
        syslog(
            "Nov 22 21:30:00 mx spamd[1]: Clear:RC:0(1.2.3.4): 1.2 3 a b c d",
            "Nov 22 21:30:00 mx qmail-scanner[1]: Maximum time exceeded.",
            "Nov 33 21:30:00 mx qmail-scanner[1]: Clear:. 1.2 3 a b c d",
        )
        == [QUIET] * 3
    )


@pytest.mark.parametrize("line", ["", "a line", "a\tb\tc\td\te\tf\tg"])
def test_lines_of_other_logs_are_not_taken(line: str) -> None:
    assert syslog(line) == [None]
    assert MailstatsLog(UTC).read(line) is None


@pytest.mark.parametrize(("old", "new"), [("4321", "9" * 5000), ("1.25", "soon"), ("2026", "x")])
def test_a_line_of_mailstats_with_a_broken_field_is_not_taken(old: str, new: str) -> None:
    assert MailstatsLog(UTC).read(mailstats_line(CLEAR).replace(old, new, 1)) is None


def test_a_hostile_record_takes_linear_time() -> None:
    before = time.monotonic()
    for text in ("1 " * 30_000, "1 1 " * 15_000, ":RC:1(" * 10_000, "1.0 1" * 12_000):
        syslog(syslog_line(text))
        syslog(f"Nov 22 21:30:00 mx qmail-scanner[1]: {text}")
    assert time.monotonic() - before < 3.0
