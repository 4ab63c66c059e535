"""Lines for tcpserver's rules, judged by tcprules itself."""

import subprocess
from pathlib import Path

import pytest

from mailwarden.installation.tcp_rules import Programs, differences, idioms

CLIENT = Path("/usr/bin/mailwarden-queue")
QUEUE = Path("/var/qmail/bin/qmail-queue")
PROGRAMS = Programs(CLIENT)
OURS = f'QMAILQUEUE="{CLIENT}"'


def answer(rules: str, address: str, folder: Path) -> list[str]:
    """What tcpserver would do for a client, in the words of tcprulescheck."""
    subprocess.run(
        ["tcprules", folder / "cdb", folder / "tmp"], input=rules, text=True, check=True, timeout=20
    )
    done = subprocess.run(
        ["tcprulescheck", folder / "cdb"],
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "TCPREMOTEIP": address},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    return sorted(done.stdout.splitlines()[1:])


def changed(text: str) -> list[str]:
    """The lines that would be added."""
    lines = differences(text, "tcp.smtp", PROGRAMS).splitlines()[2:]
    return [line[1:] for line in lines if line.startswith("+")]


def test_each_client_gets_what_the_idiom_promises(tmp_path: Path) -> None:
    own, fetchmail, *others = [line for _, line in idioms(PROGRAMS, QUEUE)]
    rules = "\n".join((own, *others)) + "\n"
    ours = f"set environment variable QMAILQUEUE={CLIENT}"
    relays = "set environment variable RELAYCLIENT="
    allow = "allow connection"
    assert answer(rules, "192.0.2.1", tmp_path) == [allow, ours]
    assert answer(rules, "192.168.3.4", tmp_path) == [allow, ours, relays]
    past_us = f"set environment variable QMAILQUEUE={QUEUE}"
    assert answer(rules, "127.0.0.1", tmp_path) == [allow, past_us, relays]
    scored = "set environment variable QS_SPAMASSASSIN=on"
    assert answer(fetchmail + "\n", "127.0.0.1", tmp_path) == [allow, ours, scored, relays]


def test_where_the_queue_is_elsewhere_each_rule_tells_our_program(tmp_path: Path) -> None:
    programs = Programs(CLIENT, Path("/usr/sbin/qmail-queue"))
    *_, (_, world) = idioms(programs, Path("/usr/sbin/qmail-queue"))
    assert "set environment variable MAILWARDEN_QMAIL_QUEUE=/usr/sbin/qmail-queue" in answer(
        world + "\n", "192.0.2.1", tmp_path
    )


@pytest.mark.parametrize(
    ("line", "proposed"),
    [
        (':allow,QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl"', f":allow,{OURS}"),
        ('10.:allow,QMAILQUEUE="/x/simscan",RBLSMTPD=""', f'10.:allow,{OURS},RBLSMTPD=""'),
        ("10.:allow,QMAILQUEUE=|/x/simscan|", f"10.:allow,{OURS}"),
        ('10.:allow,RELAYCLIENT=""', f'10.:allow,RELAYCLIENT="",{OURS}'),
        ("192.0.2.1-9:allow  ", f"192.0.2.1-9:allow,{OURS}"),
        ("=mail.example.org:allow", f"=mail.example.org:allow,{OURS}"),
    ],
)
def test_a_rule_that_should_name_us_is_changed(line: str, proposed: str) -> None:
    rest = [] if line.startswith(":") else [f":allow,{OURS}"]
    assert changed(f"{line}\n") == [proposed, *rest]


@pytest.mark.parametrize(
    "line",
    [
        "# a comment :allow",
        "",
        "10.66.:deny",
        '127.:allow,RELAYCLIENT=""',
        '127.:allow,RELAYCLIENT="",QMAILQUEUE="/var/qmail/bin/qmail-queue"',
        f"10.:allow,{OURS}",
        '10.:allow,BROKEN="no end',
        "what is this",
    ],
)
def test_every_other_line_stays_as_it_is(line: str) -> None:
    assert differences(f"{line}\n:allow,{OURS}\n", "tcp.smtp", PROGRAMS) == ""


def test_a_file_that_says_nothing_of_the_world_gets_a_rule_for_it() -> None:
    assert changed("10.:deny\n") == [f":allow,{OURS}"]
    assert changed("10.:deny\n:deny\n") == []


def test_what_is_proposed_needs_no_further_change() -> None:
    before = '127.:allow\n10.:allow,RELAYCLIENT=""\n'
    once = "\n".join(changed(before)) + "\n"
    assert differences(once, "tcp.smtp", PROGRAMS) == ""


@pytest.mark.parametrize("odd", [',A=""', ",A", '"', ",=="])
def test_a_long_odd_line_is_read_in_linear_time(odd: str) -> None:
    rules = f":allow{odd * 100_000}!\n"
    assert differences(rules, "tcp.smtp", PROGRAMS) == ""
