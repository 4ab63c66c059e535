"""sa-quarantine: a value relative to SpamAssassin's required_hits."""

from collections.abc import Iterator

import pytest

from support.clamd import EICAR_NAME, Clamd
from support.seed import ADMIN, ANN, BOB, Site, fields_of, infected, scored, site
from support.spamd import Spamd

SPAM = {"quarantine_above": 2.1}
UNASKED = '[[profile]]\nmatch = ["unasked.example"]\nscanners = ["clamd"]\n'


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(clamd, spamd, spam=SPAM, more=UNASKED) as running:
        yield running


@pytest.fixture
def running(server: Site) -> Site:
    server.clear()
    return server


def test_03_1_it_is_relative_to_the_required_hits(lower: Site) -> None:
    assert lower.run(scored("7.1")) == 0
    (tagged,) = lower.queued()
    assert "required=5.0" in fields_of(tagged.message, "X-Spam-Status")[0]
    assert lower.run(scored("7.2")) == 0
    assert lower.kept("spam") == [scored("7.2")]


@pytest.mark.parametrize(("score", "answer"), [("6.4", "No"), ("6.5", "Yes"), ("8", "Yes")])
def test_03_2_spamassassin_tags_what_reaches_the_score_of_its_local_cf(
    score: str, answer: str, running: Site
) -> None:
    assert running.run(scored(score)) == 0
    (queued,) = running.queued()
    (status,) = fields_of(queued.message, "X-Spam-Status")
    assert status.startswith(f"{answer}, ")
    assert "required=6.5" in status


def test_03_3_what_exceeds_both_together_is_quarantined(running: Site) -> None:
    assert running.run(scored("8.6", "at the border")) == 0
    assert running.run(scored("8.7", "beyond")) == 0
    assert running.kept("spam") == [scored("8.7", "beyond")]
    assert len(running.queued()) == 1


def test_03_4_it_is_quarantined_as_though_it_had_a_virus(running: Site) -> None:
    """A file of a Maildir, envelope beside it, a line in quarantine.log, the administrator told."""
    assert running.run(infected("alike")) == 0
    assert running.run(scored("8.7", "alike")) == 0
    assert running.queued() == []
    assert [running.kept("viruses"), running.kept("spam")] == [
        [infected("alike")],
        [scored("8.7", "alike")],
    ]
    slips = list((running.folder / "quarantine" / "envelopes").iterdir())
    assert len(slips) == 2

    notices = running.notices(ADMIN)
    assert len(notices) == 2
    assert all("alike" in notice for notice in notices)
    lines = [line.split("\t") for line in running.log_file("quarantine.log").splitlines()]
    virus, spam = (line for line in lines if line[3] == "alike")
    assert virus[1:4] == spam[1:4] == [ANN, BOB, "alike"]
    assert (virus[4], spam[4]) == (EICAR_NAME, "spam")


def test_03_5_it_means_something_only_where_spamassassin_is_asked(
    running: Site,
) -> None:
    """Not for relay clients, nor for recipients whose scanners do not include it."""
    assert running.run(scored("50"), RELAYCLIENT="") == 0
    assert running.run(scored("50"), "eve@unasked.example") == 0
    assert running.gate.is_quarantine_empty()
    for queued in running.queued():
        assert fields_of(queued.message, "X-Spam-Status") == []
