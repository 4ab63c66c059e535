"""sa-fwd-verbose: the X-Spam fields on what is forwarded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clamd import Clamd
from support.commands import command, run
from support.seed import BOB, Site, Table, fields_of, scored, site
from support.spamd import Spamd

FORWARD: Table = {"quarantine_above": 2.1, "forward": "antispam@mydomain.example", "report": True}
VERBOSE = '[[profile]]\nmatch = ["verbose.example"]\nspam.forward_verbose = true\n'
QUIET = {"notices": {"notify": ["none"]}}


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(clamd, spamd, spam=FORWARD, sections=QUIET, more=VERBOSE) as running:
        yield running


@pytest.fixture
def running(server: Site) -> Site:
    server.clear()
    return server


def forwarded(running: Site, recipient: str) -> bytes:
    assert running.run(scored("8.7"), recipient) == 0
    (one,) = running.mail()
    return one.message


def test_07_1_by_default_the_forwarded_message_has_no_x_spam_fields(running: Site) -> None:
    assert forwarded(running, BOB) == scored("8.7")


def test_07_2_with_it_they_are_on_top_of_the_exact_message(running: Site) -> None:
    message = forwarded(running, "bob@verbose.example")
    assert message.endswith(scored("8.7"))
    top = message.removesuffix(scored("8.7"))
    names = [line.split(b":")[0] for line in top.splitlines() if line[:1] not in b" \t"]
    assert names == [b"X-Spam-Status", b"X-Spam-Level", b"X-Spam-Report"]
    assert fields_of(top, "X-Spam-Status") == ["Yes, score=8.7 required=6.5 tests=TEST_POINTS"]
    assert fields_of(top, "X-Spam-Level") == ["*" * 8]


def test_07_3_sa_forward_must_be_defined(tmp_path: Path) -> None:
    settings = tmp_path / "mailwarden.toml"
    settings.write_text("[spam]\nquarantine_above = 2.1\nforward_verbose = true\n")
    checked = run(command("config", "check", settings))
    assert checked.code == 2
    assert f"{settings}:3: spam.forward_verbose:" in checked.err
    assert "spam.forward is empty" in checked.err
