"""The record of each recipient, as parsers of mailstats.csv and of syslog take it (facts 4.5)."""

import re
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mailwarden.logs.details import mailstats_lines, syslog_lines
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Finding, Kind
from support.log_records import POLICY, VIRUS, quarantined_and_tagged, record, spam, time_zone

HOSTILE = "x y\t100%\r\nqmail-scanner[1]: Clear:\u2028\x1b[31m\0\ud800" + "z" * 10_000_000
OCTETS = HOSTILE.encode("utf-8", "surrogatepass")
STATUS = "Clear:RC:0(192.0.2.7):"


def hostile() -> Record:
    return record(
        Disposition.QUARANTINE,
        Finding("clamd", Kind.VIRUS, HOSTILE),
        sender=OCTETS,
        recipients=(OCTETS, OCTETS),
        subject=HOSTILE,
        message_id=HOSTILE,
        files=((HOSTILE, 1), (HOSTILE, 2)),
    )


def mailstats(one: Record, *, crypto: bool = False) -> list[list[str]]:
    with time_zone("EST5"):
        return [line.split("\t") for line in mailstats_lines(one, crypto=crypto)]


def syslog(one: Record, *, crypto: bool = False) -> list[str]:
    return list(syslog_lines(one, crypto=crypto))


def received(folder: Path, *records: Record) -> Path:
    """What syslogd writes into the mail log: time and host before each line."""
    path = folder / "maillog"
    lines = [line for one in records for line in syslog(one)]
    path.write_text("".join(f"Feb 12 10:34:16 server {line}\n" for line in lines))
    return path


def awk(program: str, path: Path, *options: str) -> list[str]:
    done = subprocess.run(
        ["awk", *options, program, path], capture_output=True, check=True, timeout=30
    )
    return done.stdout.decode().splitlines()


def test_mailstats_has_the_columns_of_the_original() -> None:
    files = (("price.doc", 12_345), ("a b.zip/c", 7))
    (columns,) = mailstats(record(Disposition.TAG, spam("7.5"), files=files))
    assert columns == [
        "Thu, 12 Feb 2004 10:34:16 -0500",
        "Clear:RC:0(192.0.2.7):SA:1(7.5/5.0):",
        "1.234567",
        "4321",
        "yykk62@hotmail.com",
        "mike@example.net",
        "Re: Your product",
        "<1@hotmail.com>",
        "price.doc:12345",
        "a b.zip/c:7",
    ]


def test_a_message_without_files_is_told_as_one() -> None:
    assert mailstats(record())[0][8:] == ["id-1-unpacked:4321"]
    assert syslog(record())[0].endswith(" id-1-unpacked:4321")


def test_each_recipient_has_a_line_with_their_own_status() -> None:
    score = "SA:1(7.5/5.0):"
    expected = [
        ("a@one.example", f"{STATUS}{score}"),
        ("b@one.example", f"{STATUS}{score}"),
        ("c@two.example", f"{STATUS.replace('Clear', 'SA:SPAM-QUARANTINED')}{score}"),
    ]
    mixed = quarantined_and_tagged()
    assert [(line[5], line[1]) for line in mailstats(mixed)] == expected
    assert [(line.split()[5], line.split()[1]) for line in syslog(mixed)] == expected


def test_each_group_tells_its_own_result() -> None:
    infected = record(Disposition.QUARANTINE, VIRUS, recipients=(b"b@two.example",))
    both = replace(record(recipients=(b"a@one.example",)), shares=(record(), infected))
    assert [line[1] for line in mailstats(both)] == [
        STATUS,
        "CLAMDSCAN:Worm.SomeFool.I:RC:0(192.0.2.7):",
    ]


def test_nobody_and_nothing_are_told_as_in_the_original() -> None:
    empty = record(sender=b"", subject="", message_id="")
    assert mailstats(empty)[0][4:8] == ["<>", "mike@example.net", "", ""]
    assert syslog(empty)[0].split()[4:8] == ["<>", "mike@example.net", "<>", "<>"]


def test_the_line_for_syslog_has_the_shape_of_the_original() -> None:
    one = record(Disposition.TAG, spam("7.5"), files=(("my price.doc", 12_345), ("b.doc", 1)))
    assert syslog(one) == [
        (
            f"qmail-scanner[7304]: {STATUS}SA:1(7.5/5.0): 1.234567 4321 yykk62@hotmail.com"
            " mike@example.net Re:_Your_product <1@hotmail.com> my_price.doc:12345 b.doc:1"
        )
    ]


def test_the_time_has_eight_characters_in_syslog() -> None:
    slow = replace(record(), seconds=123.456789)
    assert syslog(slow)[0].split()[2] == "123.4567"
    assert mailstats(slow)[0][2] == "123.456789"


@pytest.mark.parametrize(
    ("word", "value"),
    [
        (6, f"{STATUS}SA:1(7.5/5.0):"),
        (9, "yykk62@hotmail.com"),
        (10, "mike@example.net"),
        (11, "Re:_Your_product"),
        (12, "<1@hotmail.com>"),
    ],
)
def test_awk_finds_each_word_of_the_mail_log_in_its_place(
    tmp_path: Path, word: int, value: str
) -> None:
    path = received(tmp_path, record(Disposition.TAG, spam("7.5")))
    assert awk(f"{{print ${word}}}", path) == [value]


def test_the_status_is_taken_apart_at_its_colons(tmp_path: Path) -> None:
    path = received(tmp_path, record(Disposition.QUARANTINE, VIRUS), record())
    program = '{split($6, part, ":"); print part[1], part[2]}'
    assert awk(program, path) == ["CLAMDSCAN Worm.SomeFool.I", "Clear RC"]
    path = received(tmp_path, record(Disposition.QUARANTINE, POLICY))
    assert awk(program, path) == ["ATTACHMENTS A_name_ends_in_.exe."]


def test_the_counters_of_mail_toaster_tell_clean_from_all(tmp_path: Path) -> None:
    path = received(tmp_path, record(), record(), record(Disposition.QUARANTINE, VIRUS))
    counted = "grep -c 'qmail-scanner\\[' \"$0\"; grep 'qmail-scanner\\[' \"$0\" | grep -c Clear:"
    done = subprocess.run(["sh", "-c", counted, path], capture_output=True, check=True, timeout=30)
    assert done.stdout.split() == [b"3", b"2"]


def test_what_is_signed_or_encrypted_is_said_at_the_end_of_the_status(tmp_path: Path) -> None:
    one = replace(record(), crypto="smime,zip-encrypted")
    said = f"{STATUS}CRYPTO(smime,zip-encrypted):"
    assert mailstats(one, crypto=True)[0][1] == said
    assert syslog(one, crypto=True)[0].split()[1] == said
    assert mailstats(one)[0][1] == syslog(one)[0].split()[1] == STATUS
    assert mailstats(record(), crypto=True)[0][1] == STATUS


def test_no_message_forges_a_column_or_a_line_of_mailstats(tmp_path: Path) -> None:
    path = tmp_path / "mailstats.csv"
    path.write_text("".join(f"{line}\n" for line in mailstats_lines(hostile(), crypto=True)))
    assert awk("{print NF}", path, "-F\t") == ["10", "10"]
    for line in path.read_text().splitlines():
        assert line.replace("\t", "").isprintable()
        assert len(line) < 6_500


def test_no_message_forges_a_word_or_a_line_for_syslog(tmp_path: Path) -> None:
    path = received(tmp_path, hostile())
    assert awk("{print $5, $8}", path) == ["qmail-scanner[7304]: 4321"] * 2
    assert awk("{print NF}", path) == ["12", "12"], "no room for the first file"
    for line in syslog(hostile()):
        assert line.isprintable()
        assert len(line.encode()) <= 800
        assert not re.search("(?<!%)%(%%)*(?!%)", line)


def test_no_value_pushes_what_follows_out_of_a_line_for_syslog() -> None:
    wide = "ü%" * 10_000
    one = record(
        Disposition.QUARANTINE,
        Finding("clamd", Kind.VIRUS, wide),
        sender=wide.encode(),
        recipients=(wide.encode(),),
        subject=wide,
        message_id=wide,
        files=(("a.doc", 1), ("b.doc", 2), (wide, 3)),
    )
    (line,) = syslog(one)
    words = line.split()
    assert len(words) >= 8
    assert [len(word.encode()) <= 100 for word in words[4:6]] == [True, True]
    assert [len(word.encode()) <= 80 for word in words[6:8]] == [True, True]


def test_files_end_where_the_line_is_full() -> None:
    one = record(files=tuple((f"{number:04}.doc", 1) for number in range(1_000)))
    (line,) = syslog(one)
    names = [word for word in line.split() if ".doc" in word]
    assert names == [f"{number:04}.doc:1" for number in range(len(names))]
    assert 780 < len(line) <= 800
    (columns,) = mailstats(one)
    assert columns[8:] == [f"{number:04}.doc:1" for number in range(len(columns) - 8)]
    assert len("\t".join(columns[8:])) < 2_000


def test_thousands_of_recipients_take_little_time() -> None:
    many = record(recipients=tuple(b"r%d@example.net" % number for number in range(10_000)))
    started = time.process_time()
    assert len(syslog(many)) == len(mailstats(many)) == 10_000
    assert time.process_time() - started < 1.0
