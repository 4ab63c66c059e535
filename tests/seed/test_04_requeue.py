"""'So, better be ready': how to requeue a quarantined message to the recipient."""

import re
from collections.abc import Iterator

import pytest

from support.clamd import Clamd
from support.seed import ANN, BOB, Site, infected, scored, site
from support.spamd import Spamd

GREETING = scored("8.4", "Buon Natale", b"caf\xe9 \xff\nwithout an end of line at the end")
MARK = rb"X-Mailwarden-Released: [^\n]+\n"


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(
        clamd, spamd, spam={"quarantine_above": 1.5}, sections={"notices": {"notify": ["none"]}}
    ) as running:
        yield running


@pytest.fixture
def running(server: Site) -> Site:
    server.clear()
    return server


def listed(running: Site) -> tuple[str, str]:
    """The id of the one message in quarantine, and its line of the list."""
    (line,) = running.command("quarantine", "list").out.splitlines()
    return line.split()[0], line


def test_04_1_the_subjects_of_quarantined_messages_can_be_looked_through(running: Site) -> None:
    """'I check every day the subject of the quarantine messages.'"""
    assert running.run(GREETING) == 0
    _, line = listed(running)
    assert line.endswith(f"from {ANN} to {BOB}: Buon Natale")


def test_04_2_a_quarantined_message_is_requeued_to_its_recipient_with_exact_bytes(
    running: Site,
) -> None:
    assert running.run(GREETING, BOB, "eve@example.net") == 0
    name, _ = listed(running)
    done = running.command("quarantine", "release", name)
    assert (done.code, done.out) == (0, f"{name} released to 2 recipients\n")

    released = running.post.only_message()
    assert released.envelope == f"F{ANN}\0T{BOB}\0Teve@example.net\0\0".encode()
    assert re.sub(MARK, b"", released.message, count=1) == GREETING
    assert running.gate.is_quarantine_empty()


@pytest.mark.parametrize("message", [GREETING, infected()], ids=["spam", "virus"])
def test_04_3_it_is_not_caught_again_on_its_way(message: bytes, running: Site) -> None:
    assert running.run(message) == 0
    name, _ = listed(running)
    assert running.command("quarantine", "release", name).code == 0
    released = running.post.only_message().message

    assert running.run(released) == 0, "another gate on the way to the mailbox, with the same key"
    (queued,) = running.queued()
    assert queued.message.endswith(released)
    assert running.gate.is_quarantine_empty()


def test_04_4_nobody_but_the_administrator_can_requeue_so(running: Site) -> None:
    assert running.run(GREETING) == 0
    name, _ = listed(running)
    assert running.command("quarantine", "release", name).code == 0
    mark, _, _ = running.post.only_message().message.partition(b"\n")

    other = scored("8.4", "a mark that was seen elsewhere", b"buy now\n")
    assert running.run(mark + b"\n" + other) == 0
    assert running.queued() == []
    assert len(running.kept("spam")) == 1
