"""'A pseudo per user configuration (never tested)': the user's own required_hits; here tested."""

from collections.abc import Iterator

import pytest

from support.clamd import Clamd
from support.seed import BOB, Site, fields_of, scored, site
from support.spamd import Spamd

# Her own preferences in spamd say required_score 3.0; the site's is 6.5.
ALICE = "alice@example.com"
SPAM = {"quarantine_above": 2.1, "delete_above": 4.2, "user_is_recipient": True}
PROFILE = '[[profile]]\nmatch = ["example.com"]\nspam.subject = "SPAM *** "\n'
QUIET = {"notices": {"notify": ["none"]}}


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    with site(clamd, spamd, spam=SPAM, sections=QUIET, more=PROFILE) as running:
        yield running


@pytest.fixture
def running(server: Site) -> Site:
    server.clear()
    return server


def test_10_1_the_user_can_set_a_required_score_of_their_own(running: Site) -> None:
    assert running.run(scored("3"), ALICE) == 0
    assert running.run(scored("3"), BOB) == 0
    hers, his = (fields_of(one.message, "X-Spam-Status")[0] for one in running.queued())
    assert hers.startswith("Yes, score=3.0 required=3.0 ")
    assert his.startswith("No, score=3.0 required=6.5 ")


@pytest.mark.parametrize(
    ("score", "queued", "kept"), [("5.1", 1, 0), ("5.2", 0, 1), ("7.2", 0, 1), ("7.3", 0, 0)]
)
def test_10_2_which_moves_the_limits_that_the_admin_sets(
    score: str, queued: int, kept: int, running: Site
) -> None:
    """3.0 + 2.1 and 3.0 + 4.2: so the user knows at what score mail is quarantined or deleted."""
    assert running.run(scored(score), ALICE) == 0
    assert (len(running.queued()), len(running.kept("spam"))) == (queued, kept)
    running.gate.clear()
    assert running.run(scored(score), BOB) == 0
    assert len(running.queued()) == 1, "another user's limits are where they were"


def test_10_3_also_in_one_message_to_several_users(running: Site) -> None:
    """Each group of recipients with settings of its own is scored and decided for itself."""
    assert running.run(scored("7"), ALICE, BOB) == 0
    (his,) = running.queued()
    assert his.envelope == f"Fann@sender.example\0T{BOB}\0\0".encode()
    assert fields_of(his.message, "X-Spam-Status")[0].startswith("Yes, score=7.0 required=6.5 ")
    assert running.kept("spam") == [scored("7")]


def test_10_4_users_of_one_group_are_scored_once_with_the_sites_settings(running: Site) -> None:
    """As spamc's -u, which was given for a single recipient only."""
    assert running.run(scored("7"), ALICE, "amy@example.com") == 0
    (queued,) = running.queued()
    assert fields_of(queued.message, "X-Spam-Status")[0].startswith("Yes, score=7.0 required=6.5 ")
