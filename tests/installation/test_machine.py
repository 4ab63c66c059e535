"""Users and groups of this machine and of one below a directory."""

import grp
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.installation.machine import Machine
from support.bare_root import bare_root


@pytest.fixture
def machine() -> Iterator[Machine]:
    with bare_root() as root:
        yield Machine(root)


def test_a_path_of_the_machine_is_found_below_its_root(machine: Machine) -> None:
    assert machine.at(Path("/etc/passwd")) == machine.root / "etc/passwd"
    assert Machine().at(Path("/etc/passwd")) == Path("/etc/passwd")


def test_names_and_numbers_are_those_of_that_machine(machine: Machine) -> None:
    assert (machine.user_number("clamav"), machine.group_number("clamav")) == (102, 105)
    assert (machine.user_name(102), machine.group_name(105)) == ("clamav", "clamav")


def test_an_unknown_name_has_no_number_and_an_unknown_number_is_its_own_name(
    machine: Machine,
) -> None:
    for one in (machine, Machine()):
        assert one.user_number("no-such-user") is one.group_number("no-such-group") is None
        assert (one.user_name(54_321), one.group_name(54_321)) == ("54321", "54321")
        assert not one.is_member("root", "no-such-group")


def test_this_machine_is_asked_as_all_programs_ask_it() -> None:
    user, group = pwd.getpwuid(os.getuid()), grp.getgrgid(os.getgid())
    assert Machine().user_number(user.pw_name) == user.pw_uid
    assert Machine().user_name(user.pw_uid) == user.pw_name
    assert Machine().group_number(group.gr_name) == group.gr_gid
    assert Machine().group_name(group.gr_gid) == group.gr_name


def test_members_of_a_group_are_told_from_others(machine: Machine) -> None:
    (machine.root / "etc/group").write_text("clamav:x:105:amavis,mailwarden\nempty:x:9:\n+\n")
    assert machine.is_member("mailwarden", "clamav")
    assert not machine.is_member("warden", "clamav")
    assert not machine.is_member("mailwarden", "empty")


def test_a_machine_without_accounts_has_nobody(tmp_path: Path) -> None:
    assert Machine(tmp_path).user_number("root") is None
