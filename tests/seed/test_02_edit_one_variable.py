"""The tip: once installed, edit a variable; no need to configure again."""

import os
import signal
from collections.abc import Iterator

import pytest

from support.clamd import Clamd
from support.seed import Site, infected, scored, site
from support.spamd import Spamd
from support.waiting import wait_until


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    quiet = {"notices": {"notify": ["none"]}}
    with site(clamd, spamd, spam={"quarantine_above": 2.1}, sections=quiet) as running:
        yield running


@pytest.fixture
def running(server: Site) -> Iterator[Site]:
    """A server whose settings the test may change."""
    server.clear()
    settings = server.folder / "mailwarden.toml"
    before = settings.read_text()
    yield server
    settings.write_text(before)
    server.reload()


def test_02_1_to_change_a_parameter_edit_the_file_and_no_more(running: Site) -> None:
    assert running.run(scored("8.7")) == 0
    assert running.kept("spam") == [scored("8.7")]
    running.gate.clear()

    running.edit("quarantine_above = 2.1", 'quarantine_above = 5\nsubject = "SPAM *** "')
    assert running.command("config", "check").code == 0
    running.reload()

    assert running.run(scored("8.7")) == 0
    assert running.gate.is_quarantine_empty()
    (tagged,) = running.queued()
    assert b"\nSubject: SPAM *** offer\n" in tagged.message


def test_02_2_even_a_new_scanner_is_no_more_than_an_edit(running: Site) -> None:
    """'Reconfigure only if you add a new scanner': here not even then."""
    running.edit('scanners = ["clamd", "spamd"]', 'scanners = ["spamd"]')
    running.reload()
    assert running.run(infected()) == 0
    assert len(running.queued()) == 1
    running.gate.clear()

    running.edit('scanners = ["spamd"]', 'scanners = ["spamd", "clamd"]')
    running.reload()
    assert running.run(infected()) == 0
    assert running.kept("viruses") == [infected()]


def test_02_3_a_mistake_is_told_before_and_refused_after_and_the_old_values_hold(
    running: Site,
) -> None:
    running.edit("quarantine_above = 2.1", "quarantine_abve = 5")
    checked = running.command("config", "check")
    assert checked.code == 2
    assert "did you mean spam.quarantine_above?" in checked.err

    os.kill(running.gate.pid, signal.SIGHUP)
    refused = "event=reload-refused"
    wait_until(lambda: refused in running.gate.log(), 20, "the reload is refused")
    assert running.run(scored("8.7")) == 0
    assert running.kept("spam") == [scored("8.7")]
