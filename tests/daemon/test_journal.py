"""The log: one line for each message, whatever the message says."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from mailwarden.daemon.journal import LogJournal, log_text, make_log
from mailwarden.logs.qmail_scanner import open_logs
from mailwarden.net.descriptors import Peer
from mailwarden.settings.model import LogSettings
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record, join_records
from mailwarden.verdict.reply import Trouble
from mailwarden.verdict.report import Fault
from support.log_records import record, spam
from support.records import record_of

HOSTILE = b'a" disposition=accept\r\nevent=forged \x1b[31m\0\xff\xe2\x80\xae ='


def hostile_record() -> Record:
    text = HOSTILE.decode("utf-8", "surrogateescape")
    return record_of("one", sender=HOSTILE, recipients=(HOSTILE,), subject=text, virus=text)


def journal(stream: io.StringIO, kind: str = "json", level: str = "info") -> LogJournal:
    settings = LogSettings.model_validate({"format": kind, "level": level})
    return LogJournal(make_log(settings, stream))


@pytest.mark.parametrize("kind", ["json", "text"])
def test_a_hostile_message_is_one_line_without_control_characters(kind: str) -> None:
    stream = io.StringIO()
    journal(stream, kind).passed("one", hostile_record(), "answered")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert line.isascii() or kind == "text"


def test_the_line_says_what_became_of_the_message() -> None:
    stream = io.StringIO()
    journal(stream).passed("one", record_of("one"), "answered")
    said = json.loads(stream.getvalue())
    expected = {
        "event": "message",
        "level": "info",
        "id": "one",
        "disposition": "quarantine",
        "reason": "virus:Test-Virus",
        "outcome": "answered",
        "sender": "sender@example.org",
        "recipients": 1,
        "recipient": "one@example.net",
        "size_bytes": 7,
        "origin": "127.0.0.1",
        "subject": "a subject",
        "seconds": 0.5,
    }
    assert expected.items() <= said.items()


@pytest.mark.parametrize("spam_debug", [True, False])
def test_the_tests_that_made_a_score_are_told_to_those_who_asked(spam_debug: bool) -> None:
    stream = io.StringIO()
    log = make_log(LogSettings.model_validate({"format": "json"}), stream)
    tests = ["BAYES_99", *["LONG_NAME"] * 100, "LAST\n"]
    tagged = record(Disposition.TAG, spam("7.5", *tests))
    LogJournal(log, spam_debug=spam_debug).passed("one", tagged, "handed-over")
    LogJournal(log, spam_debug=spam_debug).passed("two", record_of("two"), "answered")
    with_score, without = (json.loads(line) for line in stream.getvalue().splitlines())
    assert with_score["score"] == "7.5"
    assert without["score"] == ""
    assert "tests" not in without
    expected = f"BAYES_99,{'LONG_NAME,' * 100}LAST\\n" if spam_debug else None
    assert with_score.get("tests") == expected


def test_the_logs_of_qmail_scanner_hear_of_each_message(tmp_path: Path) -> None:
    settings = LogSettings.model_validate({"directory": str(tmp_path), "queue_log": "debug"})
    complaints: list[str] = []
    logs = open_logs(settings, complaints.append, spam_debug=False)
    assert logs
    told = LogJournal(make_log(settings, io.StringIO()), logs)
    told.passed("one", record_of("one"), "answered")
    told.passed("two", record_of("two"), "handed-over")
    logs.close()
    text = (tmp_path / "qmail-queue.log").read_text()
    assert text.count("quarantining: name=") == 2
    assert text.count("q_r: handed over to qmail-queue") == 1
    assert complaints == []


def test_a_text_line_cannot_be_forged() -> None:
    stream = io.StringIO()
    journal(stream, "text").passed("one", hostile_record(), "answered")
    line = stream.getvalue()
    assert line.count(" disposition=quarantine") == 1
    assert "\nevent=forged" not in line
    assert r"\" disposition=accept" in line, "inside quotes, the quote escaped"


def test_a_trouble_names_its_client() -> None:
    stream = io.StringIO()
    journal(stream).troubled("one", Trouble.CANNOT_WRITE, "spool full\n", Peer(7, 8, 9))
    said = json.loads(stream.getvalue())
    assert said["trouble"] == "cannot-write"
    assert (said["code"], said["pid"], said["uid"]) == (53, 7, 8)
    assert said["detail"] == r"spool full\n"


def test_a_trouble_of_nobody_is_told_too() -> None:
    stream = io.StringIO()
    journal(stream).troubled("", Trouble.BUSY, "accept", None)
    assert json.loads(stream.getvalue())["uid"] == -1


@pytest.mark.parametrize("kind", ["json", "text"])
def test_a_bug_is_one_line_with_its_trace(kind: str) -> None:
    stream = io.StringIO()
    with pytest.raises(RuntimeError) as caught:
        _stumble()
    journal(stream, kind).failed("one", caught.value)
    assert stream.getvalue().count("\n") == 1
    assert "Traceback" in stream.getvalue()


def _stumble() -> None:
    raise RuntimeError("line one\nline two")


def test_the_level_silences_what_is_below() -> None:
    stream = io.StringIO()
    quiet = journal(stream, level="error")
    quiet.passed("one", record_of("one"), "answered")
    quiet.troubled("one", Trouble.BUSY, "busy", None)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain@example.org", "plain@example.org"),
        ("grüße".encode(), "grüße"),
        (b"\xff\0\n", r"\xff\x00\n"),
        ("\u202e\ud800", r"\u202e\ud800"),
        ("x" * 1_000, "x" * 300),
        ("", ""),
    ],
)
def test_a_value_becomes_printable_text(value: str | bytes, text: str) -> None:
    assert log_text(value) == text


def test_a_fault_that_any_group_of_recipients_saw_is_a_line_of_its_own_and_one_only() -> None:
    kept, other = record_of("one"), record_of("one", recipients=(b"two@example.net",))
    report = replace(other.report, faults=(Fault("spamd", "spamd is away"),))
    decision = replace(other.decision, disposition=Disposition.TAG)
    other = replace(other, report=report, decision=decision)
    stream = io.StringIO()
    journal(stream).passed("one", join_records([kept, other, other]), "answered")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["message", "fault"]
