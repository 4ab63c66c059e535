"""sa-delete: similar to sa-quarantine, but the messages are deleted; and both together."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clamd import Clamd
from support.commands import command, run
from support.seed import ADMIN, BOB, Site, fields_of, scored, site
from support.spamd import Spamd

BOTH = {"quarantine_above": 2.1, "delete_above": 4.2}
DELETES_ONLY = '[[profile]]\nmatch = ["deletes-only.example"]\nspam.quarantine_above = 0\n'


@pytest.fixture(scope="module")
def server(clamd: Clamd, spamd: Spamd) -> Iterator[Site]:
    """The author's own settings: required 6.5, sa-quarantine 2.1, sa-delete 4.2."""
    with site(clamd, spamd, spam=BOTH, more=DELETES_ONLY) as running:
        yield running


@pytest.fixture
def running(server: Site) -> Site:
    server.clear()
    return server


def outcome(running: Site, score: str, recipient: str = BOB) -> str:
    """What became of a message with this score, as the disk says."""
    assert running.run(scored(score), recipient) == 0
    queued, kept = running.queued(), running.kept("spam")
    if queued:
        assert not kept
        (status,) = fields_of(queued[0].message, "X-Spam-Status")
        return "tagged" if status.startswith("Yes, ") else "delivered"
    return "quarantined" if kept else "deleted"


def checked(tmp_path: Path, lines: str) -> tuple[int, str]:
    settings = tmp_path / "mailwarden.toml"
    settings.write_text(f"[spam]\n{lines}\n")
    done = run(command("config", "check", settings))
    return done.code, done.err


def test_09_1_it_is_relative_to_the_required_hits(lower: Site) -> None:
    assert outcome(lower, "9.2") == "quarantined"
    lower.clear()
    assert outcome(lower, "9.3") == "deleted"


def test_09_2_what_exceeds_both_together_is_deleted(running: Site) -> None:
    assert running.run(scored("10.8")) == 0
    assert running.is_gone()
    assert running.records()[-1]["disposition"] == "delete"


def test_09_3_if_sa_quarantine_is_set_sa_delete_must_be_greater(tmp_path: Path) -> None:
    for wrong in (
        "quarantine_above = 4.2\ndelete_above = 2.1",
        "quarantine_above = 2\ndelete_above = 2",
    ):
        code, told = checked(tmp_path, wrong)
        assert code == 2
        assert "so nothing would ever be quarantined as spam" in told
    assert checked(tmp_path, "quarantine_above = 2.1\ndelete_above = 2.2")[0] == 0


def test_09_4_each_can_be_used_alone(tmp_path: Path, running: Site) -> None:
    assert checked(tmp_path, "quarantine_above = 2.1")[0] == 0
    assert checked(tmp_path, "delete_above = 4.2")[0] == 0
    assert outcome(running, "10.7", "bob@deletes-only.example") == "tagged"
    running.clear()
    assert outcome(running, "10.8", "bob@deletes-only.example") == "deleted"


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("6.4", "delivered"),
        ("6.5", "tagged"),
        ("8.6", "tagged"),
        ("8.7", "quarantined"),
        ("10.7", "quarantined"),
        ("10.8", "deleted"),
    ],
)
def test_09_5_over_6_5_tagged_over_8_6_quarantined_over_10_7_deleted(
    score: str, expected: str, running: Site
) -> None:
    assert outcome(running, score) == expected


def test_09_6_no_notify_mail_is_sent_of_deleted_ones_not_even_to_the_admin(running: Site) -> None:
    assert running.run(scored("10.8", "deleted one")) == 0
    assert running.run(scored("10.7", "quarantined one")) == 0
    (notice,) = running.notices(ADMIN)
    assert "quarantined one" in notice
    assert not any(b"deleted one" in mail.message for mail in running.mail())
