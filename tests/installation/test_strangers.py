"""What the daemon's user does not own below its own directories; needs root."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.installation.machine import Machine
from mailwarden.installation.strangers import strangers
from support.bare_root import bare_root

NUMBER = 4711
STATE = Path("/var/lib/mailwarden")


@pytest.fixture
def root() -> Iterator[Path]:
    with bare_root() as root:
        with (root / "etc/passwd").open("a") as accounts:
            accounts.write(f"mailwarden:x:{NUMBER}:{NUMBER}::/:/bin/sh\n")
        for name in ("quarantine/viruses/new", "spool"):
            (root / "var/lib/mailwarden" / name).mkdir(parents=True)
        for place, folders, _files in os.walk(root / "var/lib/mailwarden"):
            for name in folders:
                os.chown(Path(place, name), NUMBER, NUMBER)
        yield root


def test_where_everything_is_the_daemons_own_there_are_none(root: Path) -> None:
    assert strangers(Machine(root)) == ()


def test_one_file_of_somebody_else_is_found_however_deep_it_is(root: Path) -> None:
    (root / "var/lib/mailwarden/quarantine/viruses/new/one").write_text("x")
    found = STATE / "quarantine/viruses/new/one"
    assert strangers(Machine(root)) == ((STATE, found),)


def test_a_link_is_looked_at_itself_and_not_followed(root: Path) -> None:
    link = root / "var/lib/mailwarden/spool/etc"
    link.symlink_to("/etc")
    os.chown(link, NUMBER, NUMBER, follow_symlinks=False)
    assert strangers(Machine(root)) == ()


def test_without_the_user_and_the_directories_there_are_none(tmp_path: Path) -> None:
    assert strangers(Machine(tmp_path)) == ()
