"""tcp.smtp: one variable changes, every other byte stays."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.migrate.decisions import Loss, Note
from mailwarden.migrate.tcp_rules import ConvertedRules, converted

OURS = PurePosixPath("/usr/local/bin/mailwarden-queue")


def convert(octets: bytes) -> ConvertedRules:
    return converted(octets, "tcp.smtp", OURS)


@pytest.mark.parametrize(
    "old",
    [
        b"/var/qmail/bin/qmail-scanner-queue.pl",
        b"/var/qmail/bin/qmail-scanner-queue",
        b"/var/qmail/bin/simscan",
        b"simscan",
    ],
)
@pytest.mark.parametrize(
    "rule",
    [
        b':allow,QMAILQUEUE="%s"',
        b'127.:allow,RELAYCLIENT="",QMAILQUEUE="%s",QS_SPAMASSASSIN="on"\r\n# end',
        b'\xe9.example:allow,X=/"QMAILQUEUE="/,QMAILQUEUE=|%s|  \n',
        b'2001:db8::1:deny,QMAILQUEUE="%s"\n\n',
    ],
)
def test_the_old_program_becomes_ours_and_nothing_else_changes(rule: bytes, old: bytes) -> None:
    assert convert(rule % old).octets == rule % bytes(OURS)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b'# QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl"\n',
        b'127.:allow,RELAYCLIENT="",QMAILQUEUE="/var/qmail/bin/qmail-queue"\n',
        b'10.:allow,RBLSMTPD="",BMC_WHITELIST="on"\n192.0.2.1:deny\n:allow\n',
        b'=host.example:allow,QMAILQUEUE="/usr/local/bin/mailwarden-queue"\n',
        b'1.:allow,QMAILQUEUE=""\n',
    ],
)
def test_other_rules_stay_as_they_are_without_a_complaint(octets: bytes) -> None:
    done = convert(octets)
    assert done.octets == octets
    assert done.outcomes == (
        Note("tcp.smtp", "no rule named the old program: the copy is the same"),
    )


def test_another_program_stays_and_is_told() -> None:
    octets = b':allow,QMAILQUEUE="/opt/\xe9/magic"\n'
    done = convert(octets)
    assert done.octets == octets
    why = "QMAILQUEUE names /opt/\\xe9/magic, which is left as it is"
    assert done.outcomes[0] == Note("tcp.smtp:1", why)


@pytest.mark.parametrize(
    "line",
    [
        b"what is this",
        b":allowed",
        b':allow,QMAILQUEUE="/var/qmail/bin/simscan',
        b":allow,QMAILQUEUE",
        b':allow,RELAYCLIENT="" QMAILQUEUE="/var/qmail/bin/simscan"',
        b':allow,QMAILQUEUE="/bin/simscan",QMAILQUEUE="/bin/simscan"',
        b":allow,QMAILQUEUE=u/bin/simscanu",
    ],
)
def test_strange_lines_stay_and_are_told_with_their_number(line: bytes) -> None:
    done = convert(b":allow\n" + line + b"\n")
    assert done.octets == b":allow\n" + line + b"\n"
    assert [one.source for one in done.outcomes if isinstance(one, Loss)] == ["tcp.smtp:2"]


def test_the_rules_that_changed_are_counted() -> None:
    rule = b':allow,QMAILQUEUE="/bin/simscan"\n'
    assert "one rule names" in convert(rule).outcomes[-1].why
    assert "3 rules name" in convert(rule * 3).outcomes[-1].why


@given(st.binary())
def test_without_the_old_names_any_bytes_stay_as_they_are(octets: bytes) -> None:
    assert convert(octets).octets == octets
