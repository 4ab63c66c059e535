"""sa-forward: spam that is being quarantined, redirected for the administrator's purposes."""

import subprocess
from collections.abc import Iterator

import pytest

from support.clamd import Clamd
from support.seed import Site, infected, scored, site
from support.spamd import Spamd

ANTISPAM = "antispam@mydomain.example"
SPAM = {"quarantine_above": 2.1, "delete_above": 4.2}
QUIET = {"notices": {"notify": ["none"]}}
# One domain forwards, and all others are left with the default.
BOB, EVE, OTHER = "bob@learning.example", "eve@learning.example", "bob@example.net"
LEARNING = f'[[profile]]\nmatch = ["learning.example"]\nspam.forward = "{ANTISPAM}"\n'


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(clamd, spamd, spam=SPAM, sections=QUIET, more=LEARNING) as running:
        yield running


@pytest.fixture
def running(server: Site) -> Site:
    server.clear()
    return server


def learn(spamd: Spamd, message: bytes) -> str:
    """What spamd says when it is taught that a message is spam, as sa-learn would be."""
    socket = spamd.unix.removeprefix("unix:")
    done = subprocess.run(
        ["spamc", "-U", socket, "--learntype=spam"],
        input=message,
        capture_output=True,
        check=False,
        timeout=30,
    )
    return done.stdout.decode()


def test_06_1_it_defaults_to_nothing(running: Site) -> None:
    assert running.run(scored("8.7"), OTHER) == 0
    assert running.kept("spam") == [scored("8.7")]
    assert running.mail() == []


def test_06_2_spam_being_quarantined_is_redirected_to_the_address(running: Site) -> None:
    assert running.run(scored("8.7"), BOB, EVE) == 0
    (forwarded,) = running.mail()
    assert forwarded.envelope == f"F\0T{ANTISPAM}\0\0".encode()
    assert running.queued() == []
    assert running.kept("spam") == [scored("8.7")]


def test_06_3_and_nothing_else_is(running: Site) -> None:
    """Neither what is tagged, nor what is deleted, nor a virus."""
    for message in (scored("8.6"), scored("10.8"), infected()):
        assert running.run(message, BOB) == 0
    assert running.run(scored("8.7", "the only one"), BOB) == 0
    assert [one.message for one in running.mail()] == [scored("8.7", "the only one")]


def test_06_4_the_mail_is_almost_unmodified(running: Site) -> None:
    """Not a byte of it is changed, whatever it holds."""
    odd = scored(
        "8.7", "=?utf-8?q?gr=C3=BC=C3=9Fe?=", b"caf\xe9 \xff\r\n.\n\n no end of line at the end"
    )
    assert running.run(odd, BOB) == 0
    assert [one.message for one in running.mail()] == [odd]


def test_06_5_so_spamassassin_learns_from_it_as_from_the_message_itself(
    running: Site, spamd: Spamd
) -> None:
    original = scored("8.7", "to be learned from", b"cheap watches, cheap pills\n")
    assert running.run(original, BOB) == 0
    (forwarded,) = running.mail()
    assert "Message successfully un/learned" in learn(spamd, forwarded.message)
    assert "Message was already un/learned" in learn(spamd, original)
