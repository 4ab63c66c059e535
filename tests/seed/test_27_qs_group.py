"""qs-group: which group the program runs with is said at the installation, and never after."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bare_root import bare_root
from support.commands import command, run
from support.old_installations import UPGRADE_LINE


@pytest.fixture
def root() -> Iterator[Path]:
    with bare_root() as root:
        yield root


def test_27_1_the_installation_makes_user_and_group_and_says_so_before(root: Path) -> None:
    done = run(command("setup", "--dry-run", "--root", root, "--service", "systemd"))
    assert re.search(r"^user and group mailwarden +would be made$", done.out, re.MULTILINE)
    assert "mailwarden" not in (root / "etc/group").read_text()


def test_27_2_an_old_installation_with_the_user_qmailq_and_the_group_qmail_is_taken_over() -> None:
    done = run(command("config", "import", "--configure", UPGRADE_LINE))
    assert done.code == 0
    assert "--qs-user qmailq in the configure line: the daemon runs as the user mailwar" in done.err
    assert "--qs-group qmail in the configure line: the daemon runs with the group mail" in done.err


def test_27_3_the_security_level_is_not_decreased_for_nothing_belongs_to_another_group(
    root: Path,
) -> None:
    with (root / "etc/group").open("a") as file:
        file.write("qmail:x:2107:qmailq\n")
    assert run(command("setup", "--root", root, "--service", "none")).code == 0
    members = (root / "etc/group").read_text().splitlines()
    assert [line for line in members if line.startswith("qmail:")] == ["qmail:x:2107:qmailq"]
    (ours,) = (line.split(":") for line in members if line.startswith("mailwarden:"))
    for name in ("quarantine", "spool", "archives"):
        status = (root / "var/lib/mailwarden" / name).stat()
        assert (status.st_gid, status.st_mode & 0o077) == (int(ours[2]), 0)


def test_27_4_it_is_only_used_during_the_install_process() -> None:
    described = run(command("config", "describe", "--format", "toml")).out
    keys = re.findall(r"^#?(\w+) = ", described, re.MULTILINE)
    assert keys
    assert [key for key in keys if "group" in key] == []
