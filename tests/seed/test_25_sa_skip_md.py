"""SA_SKIP_MD: bounces in a flood of them are not scored, and virus scanners always look."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import samples
from support.clamd import EICAR, Clamd
from support.commands import command, run
from support.old_installations import program, written
from support.seed import ANN, Site, fields_of, site
from support.spamd import Spamd

# As some server sends it to an address that nobody has.
DAEMON = "Mail Delivery System <MAILER-DAEMON@mx.example.org>"


@pytest.fixture(scope="module")
def shared(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(clamd, spamd, spam={"skip_bounces": True}) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.gate.clear()
    return shared


def message_from(author: str) -> bytes:
    head = f"From: {author}\nTo: abxtyicj@example.net\nSubject: user unknown\nX-Test-Score: 7\n"
    return head.encode() + b"\nno such user here\n"


def is_scored(running: Site, author: str, sender: str) -> bool:
    """Whether SpamAssassin was asked about what comes from there."""
    assert running.run(message_from(author), sender=sender) == 0
    message = running.gate.queue.only_message().message
    (received,) = fields_of(message, "Received")
    status = fields_of(message, "X-Spam-Status")
    assert bool(status) == (":SA:" in received)
    return bool(status)


def test_25_1_from_mailer_daemon_and_an_empty_return_path_are_skipped(running: Site) -> None:
    assert not is_scored(running, DAEMON, sender="")
    running.gate.clear()
    assert not is_scored(running, "MAILER-DAEMON", sender="")


@pytest.mark.parametrize(
    ("author", "sender"),
    [(DAEMON, ANN), (ANN, ""), (ANN, ANN)],
    ids=["not_the_return_path", "not_the_author", "neither"],
)
def test_25_2_one_of_the_two_is_not_enough(running: Site, author: str, sender: str) -> None:
    assert is_scored(running, author, sender)


def test_25_3_the_antivirus_scanners_always_check_the_messages(running: Site) -> None:
    file = samples.attached(b"returned.dat", EICAR)
    bounce = samples.multipart(file).replace(b"From: Ann Sender <ann@sender.example>", b"From: <>")
    bounce = bounce.replace(b"From: <>", f"From: {DAEMON}".encode())
    assert running.run(bounce, sender="") == 0
    assert running.kept("viruses") == [bounce]
    assert running.gate.queue.is_empty()


def test_25_4_it_is_a_switch_that_you_enable_when_you_need_it_for_it_is_off_by_default(
    clamd: Clamd, spamd: Spamd
) -> None:
    with site(clamd, spamd, spam={"debug": False}) as running:
        assert is_scored(running, DAEMON, sender="")
        running.gate.clear()
        running.edit("debug = false", "skip_bounces = true")
        running.reload()
        assert not is_scored(running, DAEMON, sender="")
        running.gate.clear()
        running.edit("skip_bounces = true", "skip_bounces = false")
        running.reload()
        assert is_scored(running, DAEMON, sender="")


def test_25_5_who_had_switched_it_on_in_the_program_has_it_on_here(tmp_path: Path) -> None:
    old = written(tmp_path, {"qmail-scanner-queue.pl": program(["my $SA_SKIP_MD='1';"])})
    done = run(command("config", "import", old / "qmail-scanner-queue.pl"))
    assert tomllib.loads(done.out)["spam"]["skip_bounces"] is True
