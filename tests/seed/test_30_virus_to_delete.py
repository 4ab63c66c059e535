"""virus_to_delete: some viruses are deleted, and nobody at all is notified."""

from collections.abc import Iterator

import pytest

from support import samples
from support.clamd import EICAR_NAME, Clamd, running_clamd
from support.gate import Value
from support.seed import BOB, Site, infected, site
from support.spamd import Spamd
from support.waiting import wait_until

WORM = b"the harmless stand-in for " + b"a worm"
WORM_NAME = "W32.MyDoom-A.UNOFFICIAL"
# Everybody who could be told wants to be.
SECTIONS: dict[str, dict[str, Value]] = {
    "viruses": {"delete": ["mydoom"]},
    "notices": {"notify": ["all"], "outside_senders": True, "local_domains": ["example.net"]},
}


@pytest.fixture(scope="module")
def worm_clamd() -> Iterator[Clamd]:
    """A clamd of this file's own, which knows the worm."""
    with running_clamd() as clamd:
        clamd.add_signature("worm.ndb", f"W32.MyDoom-A:0:*:{WORM.hex()}\n")
        clamd.reload()
        wait_until(lambda: clamd.finds(WORM), 20, "the signature is there")
        yield clamd


@pytest.fixture(scope="module")
def shared(worm_clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(worm_clamd, spamd, sections=SECTIONS) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.clear()
    return shared


def worm() -> bytes:
    return samples.with_attachment(b"readme.dat", WORM)


def test_30_1_a_virus_of_the_list_is_deleted(running: Site) -> None:
    assert running.run(worm()) == 0
    assert running.is_gone()
    record = running.records()[-1]
    assert (record["disposition"], record["reason"]) == ("delete", f"virus:{WORM_NAME}")
    line = f'deleting: name="{WORM_NAME}" '
    wait_until(lambda: line in running.log_file("qmail-queue.log"), 20, "the log is written")


def test_30_2_without_notifying_anyone(running: Site) -> None:
    assert running.run(worm()) == 0
    assert running.mail() == []


def test_30_3_while_of_any_other_virus_all_who_want_are_notified(running: Site) -> None:
    assert running.run(infected()) == 0
    assert running.kept("viruses") == [infected()]
    assert len(running.mail()) == 3
    assert running.notices(BOB)


def test_30_4_the_list_is_empty_by_default_and_the_virus_is_quarantined(
    worm_clamd: Clamd, spamd: Spamd
) -> None:
    with site(worm_clamd, spamd) as plain:
        assert "viruses.delete = []  # default" in plain.command("config", "show").out
        assert plain.run(worm()) == 0
        assert plain.kept("viruses") == [worm()]


def test_30_5_you_can_later_edit_the_file_and_add_the_virus_you_want(running: Site) -> None:
    running.edit('delete = ["mydoom"]', 'delete = ["mydoom", "eicar"]')
    running.reload()
    assert running.run(infected()) == 0
    assert running.is_gone()
    assert running.records()[-1]["reason"] == f"virus:{EICAR_NAME}"
    running.edit('delete = ["mydoom", "eicar"]', 'delete = ["mydoom"]')
    running.reload()
