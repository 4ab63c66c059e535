"""The answer to a rejected message, and texts of one's own without editing qmail.c."""

import os
from collections.abc import Iterator, Mapping

import pytest

from support import queue_program
from support.clamd import Clamd
from support.seed import ANN, BOB, STRANGER, Site, Tables, infected, scored, site
from support.smtp import mailfront, send
from support.spamd import Spamd

# The page's own example of a text.
TEXT = "We have reasons to believe this mail is SPAM (#5.7.1)"
SPAM = {"delete_above": 4.2, "reject": True}
OVER = scored("10.8")
ENVELOPE = f"F{ANN}\0T{BOB}\0\0".encode()


@pytest.fixture(scope="module")
def worded_site(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    sections: Tables = {
        "queue": {"flavour": "custom-error"},
        "rejection": {"spam": TEXT, "virus": "No viruses, please (#5.7.1)"},
        "dispositions": {"virus": "reject"},
        "notices": {"notify": ["none"]},
    }
    with site(clamd, spamd, spam=SPAM, sections=sections) as running:
        yield running


@pytest.fixture
def worded(worded_site: Site) -> Site:
    """Has texts of its own, for qmail with the patch for custom errors."""
    set_flavour(worded_site, "custom-error")
    return worded_site


def set_flavour(running: Site, flavour: str) -> None:
    line = f'flavour = "{flavour}"'
    text = (running.folder / "mailwarden.toml").read_text()
    (now,) = (one for one in text.splitlines() if one.startswith("flavour = "))
    if now != line:
        running.edit(now, line)
        running.reload()


def heard(running: Site, message: bytes, descriptor: int, **variables: str) -> tuple[int, bytes]:
    """What a patched qmail-smtpd hears: the exit code, and the text on its error descriptor."""
    reader, writer = os.pipe()
    try:
        code = queue_program.run(
            [running.gate.client],
            {**running.environment, **STRANGER, **variables},
            message=message,
            envelope=ENVELOPE,
            descriptors={descriptor: writer},
        )
    finally:
        os.close(writer)
    with os.fdopen(reader, "rb") as error:
        return code, error.read()


def test_12_1_the_remote_server_receives_a_554_code(rejecting: Site) -> None:
    with mailfront(rejecting.gate.client, rejecting.environment) as smtp:
        reply = send(smtp, OVER)
    assert reply.code == 554
    assert "5.3.0" in reply.text, "the server's own words for code 31"


def test_12_2_qmail_smtpd_receives_exit_code_31(rejecting: Site) -> None:
    assert rejecting.run(OVER) == 31


def test_12_3_who_wants_another_text_sets_it_and_needs_not_recompile_qmail(worded: Site) -> None:
    """82 says 'read my text'; its first letter stays D, which makes it permanent."""
    assert heard(worded, OVER, 4) == (82, b"D" + TEXT.encode())


def test_12_4_each_reason_can_have_a_text_of_its_own(worded: Site) -> None:
    assert heard(worded, infected(), 4) == (82, b"DNo viruses, please (#5.7.1)")
    assert heard(worded, scored("1"), 4) == (0, b"")


@pytest.mark.parametrize(
    ("flavour", "descriptor", "variables"),
    [
        ("sagredo", 5, {"ERROR_FD": "5"}),
        ("sagredo", 4, {}),
        ("indimail", 7, {"ERROR_FD": "7"}),
        ("notqmail", 6, {}),
    ],
)
def test_12_5_it_comes_where_each_flavour_of_qmail_reads_it(
    flavour: str, descriptor: int, variables: Mapping[str, str], worded_site: Site
) -> None:
    set_flavour(worded_site, flavour)
    assert heard(worded_site, OVER, descriptor, **variables) == (82, b"D" + TEXT.encode())


def test_12_6_without_the_descriptor_the_code_alone_is_told(worded: Site) -> None:
    """Be cautious: a qmail-smtpd without the patch reads no text, and must not defer for ever."""
    assert worded.run(OVER) == 31


def test_12_7_one_of_qmails_other_codes_says_what_may_be_tried_again(
    clamd: Clamd, spamd: Spamd
) -> None:
    """Only what is refused for good ends with a code from 11 to 40."""
    away = {"spamd": {"addresses": ["unix:/nonexistent/socket"]}}
    with site(clamd, spamd, spam=SPAM, sections=away) as running:
        assert running.run(OVER) == 71
        with mailfront(running.gate.client, running.environment) as smtp:
            assert send(smtp, OVER).code == 451
        assert running.is_gone()
