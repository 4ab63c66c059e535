"""qmail-queue.log: each level's lines, and the counting of them as log-report does it."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mailwarden.logs.queue_log import QueueLogLevel, queue_lines
from mailwarden.message.anomalies import Anomaly
from mailwarden.verdict.decide import Decision, Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Finding, Kind
from support.log_records import (
    AWAY,
    POLICY,
    VIRUS,
    quarantined_and_tagged,
    record,
    spam,
    time_zone,
)

BEFORE = "Thu, 12 Feb 2004 10:34:16 -0500:7304: "
AFTER = "Thu, 12 Feb 2004 10:34:17 -0500:7304: "
FROM_TO = 'from="yykk62@hotmail.com" to="mike@example.net"'
HOSTILE = (
    'x" score="0/0"\r\nThu, 12 Feb 2004 10:34:17 -0500:1: rejecting: name="y\u2028\t\0\ud800'
    + "z" * 10_000_000
)
EVENT = re.compile(
    r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}:\d+: "
    r'(rejecting|tagging|quarantining|deleting|deferring): name="[^"]*" from="[^"]*" to="[^"]*"'
    r' score="[^"]*"'
)


def lines(
    one: Record,
    level: QueueLogLevel = "important",
    outcome: str = "answered",
    *,
    spam_debug: bool = False,
) -> list[str]:
    with time_zone("EST5"):
        return list(queue_lines(one, outcome, level, spam_debug=spam_debug))


@pytest.mark.parametrize(
    ("disposition", "verb"),
    [
        (Disposition.REJECT, "rejecting"),
        (Disposition.TAG, "tagging"),
        (Disposition.QUARANTINE, "quarantining"),
        (Disposition.DELETE, "deleting"),
        (Disposition.DEFER, "deferring"),
    ],
)
def test_an_event_has_its_verb_and_all_that_is_counted(disposition: Disposition, verb: str) -> None:
    assert lines(record(disposition, VIRUS)) == [
        f'{AFTER}{verb}: name="Worm.SomeFool.I" {FROM_TO} score=""'
    ]
    assert lines(record(disposition, spam("7.5"))) == [
        f'{AFTER}{verb}: name="spam" {FROM_TO} score="7.5/5.0"'
    ]


def test_a_message_that_passes_as_it_came_is_no_event() -> None:
    assert lines(record(Disposition.ACCEPT)) == []


def test_each_group_of_recipients_has_its_own_event() -> None:
    found = lines(quarantined_and_tagged())
    assert [line.removeprefix(AFTER).partition(" ")[0] for line in found] == [
        "tagging:",
        "quarantining:",
    ]
    assert 'to="a@one.example,b@one.example"' in found[0]
    assert 'to="c@two.example"' in found[1]


def test_minidebug_adds_the_first_and_the_last_line() -> None:
    assert lines(record(Disposition.REJECT, VIRUS), "minidebug") == [
        f"{BEFORE}+++ starting debugging for process 7304 by uid=201",
        f'{AFTER}rejecting: name="Worm.SomeFool.I" {FROM_TO} score=""',
        (
            f"{AFTER}cleanup: CLAMDSCAN:Worm.SomeFool.I:RC:0(192.0.2.7):. id id-1,"
            " total time 1.234567 secs"
        ),
    ]


def test_debug_tells_everything_behind_the_prefixes_of_the_original() -> None:
    one = record(Disposition.QUARANTINE, VIRUS, POLICY, AWAY, spam("7.5", "BAYES_99"))
    odd = replace(one.report, anomalies=(Anomaly("bare-cr", "1"),))
    one = replace(one, report=odd, files=(("a b.exe", 9),), crypto="smime")
    assert lines(one, "debug") == [
        f"{BEFORE}+++ starting debugging for process 7304 by uid=201",
        f"{BEFORE}w_c: via SMTP from 192.0.2.7 (192.0.2.7)",
        f'{BEFORE}w_c: 4321 bytes, subject is "Re: Your product", message-id is "<1@hotmail.com>"',
        f'{BEFORE}g_e_h: return-path is "yykk62@hotmail.com", recips is "mike@example.net"',
        f'{BEFORE}d_m: unpacked "a b.exe", 9 bytes',
        f"{BEFORE}d_m: signed or encrypted: smime",
        f"{AFTER}ini_sc: clamuko: 0.67. spamassassin: 2.63.",
        f"{AFTER}clamdscan: clamdscan found virus Worm.SomeFool.I in msg.pif",
        f"{AFTER}p_s: A name ends in .exe.",
        f"{AFTER}clamd: clamd could not answer: no usable answer (may work later)",
        f'{AFTER}p_s: bare-cr in part "1"',
        f"{AFTER}SA: 7.5/5.0, spam",
        f'{AFTER}scanloop: virus:Worm.SomeFool.I asks for quarantine, to "mike@example.net"',
        f'{AFTER}scanloop: policy:extension-exe asks for quarantine, to "mike@example.net"',
        f'{AFTER}scanloop: fault:clamd asks for quarantine, to "mike@example.net"',
        f'{AFTER}scanloop: spam asks for quarantine, to "mike@example.net"',
        f'{AFTER}quarantining: name="Worm.SomeFool.I" {FROM_TO} score="7.5/5.0"',
        f"{AFTER}q_s_c: the client is still there",
        (
            f"{AFTER}cleanup: CLAMDSCAN:Worm.SomeFool.I:RC:0(192.0.2.7):SA:1(7.5/5.0):. id id-1,"
            " total time 1.234567 secs"
        ),
    ]


def test_the_tests_of_spamassassin_are_told_to_those_who_asked() -> None:
    one = record(Disposition.TAG, spam("7.5", "BAYES_99", "URIBL_BLACK"))
    assert f"{AFTER}SA: tests BAYES_99,URIBL_BLACK" in lines(one, "debug", spam_debug=True)
    assert not any("BAYES_99" in line for line in lines(one, "debug"))


def test_a_score_below_what_is_required_is_no_spam() -> None:
    assert f"{AFTER}SA: 1/5.0, no spam" in lines(record(Disposition.ACCEPT, spam("1")), "debug")


def test_debug_tells_where_a_local_message_came_from_and_that_nobody_was_asked() -> None:
    one = record(variables={})
    one = replace(one, report=replace(one.report, asked=()))
    found = lines(one, "debug", "handed-over")
    assert f"{BEFORE}w_c: via local process 7304" in found
    assert f"{AFTER}ini_sc: no scanner was asked" in found
    assert f"{AFTER}q_r: handed over to qmail-queue" in found


def test_debug_tells_of_a_client_that_went_away_and_of_a_release() -> None:
    released = Decision(Disposition.ACCEPT, (Reason(VIRUS, Disposition.ACCEPT, released=True),))
    found = lines(replace(record(), decision=released), "debug", "client-gone")
    assert f"{AFTER}q_s_c: the client went away, it has not heard what was decided" in found
    assert any("virus:Worm.SomeFool.I forgiven by a release" in line for line in found)


def test_what_two_groups_have_in_common_is_told_once() -> None:
    found = lines(quarantined_and_tagged(), "debug")
    assert len([line for line in found if ": SA: " in line]) == 1
    assert len([line for line in found if ": ini_sc: " in line]) == 1
    assert len([line for line in found if ": scanloop: spam asks for tag, to " in line]) == 1
    assert len([line for line in found if ": scanloop: spam asks for quarantine" in line]) == 1
    assert f"{BEFORE}g_e_h:" in found[3]
    assert 'recips is "a@one.example,b@one.example,c@two.example"' in found[3]


@pytest.mark.parametrize("level", ["important", "minidebug", "debug"])
def test_no_message_forges_a_line_or_the_fields_of_an_event(
    tmp_path: Path, level: QueueLogLevel
) -> None:
    octets = HOSTILE.encode("utf-8", "surrogatepass")
    one = record(
        Disposition.QUARANTINE,
        Finding(HOSTILE, Kind.VIRUS, HOSTILE, HOSTILE, HOSTILE),
        sender=octets,
        recipients=(octets,),
        subject=HOSTILE,
        message_id=HOSTILE,
        files=((HOSTILE, 1),),
    )
    found = lines(one, level)
    assert all(line.isprintable() and len(line) < 10_000 for line in found)
    (event,) = [line for line in found if EVENT.match(line)]
    assert EVENT.fullmatch(event)
    assert event.startswith(f"{AFTER}quarantining: ")
    path = tmp_path / "qmail-queue.log"
    path.write_text("".join(f"{line}\n" for line in found))
    counted = subprocess.run(
        ["grep", "-cE", "^[^:]*:[0-9:]* [-+][0-9]*:[0-9]+: rejecting: ", path],
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert counted.stdout == b"0\n"


def test_grep_by_the_process_of_the_header_finds_all_lines_of_a_message(tmp_path: Path) -> None:
    path = tmp_path / "qmail-queue.log"
    found = lines(record(Disposition.REJECT, VIRUS), "debug")
    path.write_text("".join(f"{line}\n" for line in found))
    counted = subprocess.run(
        ["grep", "-c", ":7304: ", path], capture_output=True, check=True, timeout=30
    )
    assert int(counted.stdout) == len(found)
