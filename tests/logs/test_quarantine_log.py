"""quarantine.log, as those who read Qmail-Scanner's take it apart (facts 4.4)."""

import subprocess
from pathlib import Path

import pytest

from mailwarden.logs.quarantine_log import quarantine_lines
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Finding, Kind
from support.log_records import AWAY, POLICY, VIRUS, quarantined_and_tagged, record, spam, time_zone

HOSTILE = "x\ty\r\nThu, 12 Feb 2004\u2028\x1b[31m\0\ud800" + "z" * 10_000_000


def lines_of(*records: Record) -> list[str]:
    with time_zone("EST5"):
        return [line for record in records for line in quarantine_lines(record)]


def written(folder: Path, *records: Record) -> Path:
    path = folder / "quarantine.log"
    path.write_text("".join(f"{line}\n" for line in lines_of(*records)))
    return path


def piped(command: str, path: Path) -> list[str]:
    """What a follower's pipeline prints; `$LOG` in it is the file."""
    done = subprocess.run(
        ["sh", "-c", command], env={"LOG": str(path)}, capture_output=True, check=True, timeout=30
    )
    return done.stdout.decode().splitlines()


def test_the_line_has_the_fields_of_the_original() -> None:
    (line,) = lines_of(record(Disposition.QUARANTINE, VIRUS))
    assert line == (
        "Thu, 12 Feb 2004 10:34:16 -0500\tyykk62@hotmail.com\tmike@example.net\t"
        "Re: Your product\tWorm.SomeFool.I\tclamuko: 0.67. spamassassin: 2.63."
    )


@pytest.mark.parametrize("disposition", list(Disposition))
def test_only_what_is_blocked_has_a_line(disposition: Disposition) -> None:
    blocked = {Disposition.QUARANTINE, Disposition.REJECT, Disposition.DELETE}
    assert len(lines_of(record(disposition, VIRUS))) == (disposition in blocked)


def test_each_group_of_recipients_is_told_for_itself() -> None:
    (line,) = lines_of(quarantined_and_tagged())
    assert line.split("\t")[2:5] == ["c@two.example", "Re: Your product", "spam"]


def test_a_bounce_has_a_sender_that_can_be_seen() -> None:
    (line,) = lines_of(record(Disposition.QUARANTINE, VIRUS, sender=b""))
    assert line.split("\t")[1] == "<>"


def test_awk_counts_events_by_the_fifth_field(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        *[record(Disposition.QUARANTINE, VIRUS)] * 3,
        record(Disposition.REJECT, POLICY),
        record(Disposition.DELETE, spam()),
        record(Disposition.QUARANTINE, AWAY),
    )
    counted = piped("""awk -F'\\t' '{print $5}' "$LOG" | sort | uniq -c | sort -rn""", path)
    assert {tuple(line.split(maxsplit=1)) for line in counted} == {
        ("3", "Worm.SomeFool.I"),
        ("1", "spam"),
        ("1", "fault:clamd"),
        ("1", "A name ends in .exe."),
    }


def test_munin_finds_the_events_of_one_day(tmp_path: Path) -> None:
    path = written(tmp_path, record(Disposition.QUARANTINE, VIRUS, subject="on 13 Mar 2005"))
    command = """grep "%s" "$LOG" | awk -F'\\t' '{print $5}'"""
    assert piped(command % "12 Feb 2004", path) == ["Worm.SomeFool.I"]
    assert piped(command % "11 Feb 2004", path) == []


def test_no_message_forges_a_field_or_a_line(tmp_path: Path) -> None:
    octets = HOSTILE.encode("utf-8", "surrogatepass")
    virus = Finding("clamd", Kind.VIRUS, HOSTILE)
    path = written(
        tmp_path,
        record(
            Disposition.QUARANTINE,
            virus,
            sender=octets,
            recipients=(octets[:1_003],),
            subject=HOSTILE,
            message_id=HOSTILE,
        ),
    )
    assert piped("""awk -F'\\t' '{print NF}' "$LOG" """, path) == ["6"]
    assert piped('grep -c "^Thu, 12 Feb 2004" "$LOG"', path) == ["1"]
    (line,) = path.read_text().splitlines()
    assert line.replace("\t", "").isprintable()
    assert len(line) < 10_000
