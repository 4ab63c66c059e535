"""'spam' in the silent list, because the sender of spam is a faked one."""

from collections.abc import Iterator

import pytest

from support.clamd import Clamd
from support.seed import ADMIN, ANN, Site, Tables, infected, scored, site
from support.spamd import Spamd

# Outside senders are told, but for one profile; another has taken spam out of the list.
SECTIONS: Tables = {"notices": {"notify": ["sender", "admin"], "outside_senders": True}}
PROFILES = """
[[profile]]
match = ["taken-out.example"]
viruses.silent = ["netsky"]

[[profile]]
match = ["by-default.example"]
viruses.silent = ["netsky"]
notices.outside_senders = false
"""


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    spam = {"quarantine_above": 2.1}
    with site(clamd, spamd, spam=spam, sections=SECTIONS, more=PROFILES) as running:
        yield running


@pytest.fixture
def running(server: Site) -> Site:
    server.clear()
    return server


def test_05_1_spam_is_in_the_list_as_it_is_shipped(running: Site) -> None:
    shown = running.command("config", "show")
    (silent,) = (line for line in shown.out.splitlines() if line.startswith("viruses.silent"))
    assert '"spam"' in silent


def test_05_2_so_the_sender_of_spam_is_not_notified(running: Site) -> None:
    assert running.run(scored("8.7", "quiet")) == 0
    assert running.run(infected("loud")) == 0
    (told,) = running.notices(ANN)
    assert "loud" in told
    assert "quiet" not in told
    assert len(running.notices(ADMIN)) == 2


def test_05_3_who_removes_it_from_the_list_has_the_sender_notified(running: Site) -> None:
    assert running.run(scored("8.7", "to be told"), "eve@taken-out.example") == 0
    (told,) = running.notices(ANN)
    assert "to be told" in told


def test_05_4_by_default_no_sender_from_outside_is_told_of_anything(running: Site) -> None:
    """Ours: 'as usually is a faked sender' is true of viruses, too."""
    described = running.command("config", "describe", "notices.outside_senders")
    assert "Default: false" in described.out
    assert running.run(scored("8.7"), "eve@by-default.example") == 0
    assert running.run(infected(), "eve@by-default.example") == 0
    assert running.notices(ANN) == []
    assert len(running.notices(ADMIN)) == 2
