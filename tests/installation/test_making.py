"""Pieces made and corrected below a directory that stands for a machine; needs root."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.installation import making
from mailwarden.installation.inspection import State, inspect
from mailwarden.installation.machine import Machine
from mailwarden.installation.making import MakingError, make
from mailwarden.installation.pieces import Account, File, Folder, Membership, Piece, Rights
from support.bare_root import bare_root

ACCOUNT = Account("mailwarden", Path("/var/lib/mailwarden"))
FOLDER = Folder(Path("/var/lib/mailwarden"), Rights("clamav", "clamav", 0o750))
FILE = File(Path("/etc/mailwarden/a.toml"), Rights("root", "clamav", 0o640), b"content\n")
PIECES: list[Piece] = [ACCOUNT, Membership("clamav", "root"), FOLDER, FILE]


@pytest.fixture
def machine() -> Iterator[Machine]:
    umask = os.umask(0o022)
    with bare_root() as root:
        yield Machine(root)
    os.umask(umask)


def made(piece: Piece, machine: Machine) -> Path:
    make(piece, inspect(piece, machine), machine)
    assert inspect(piece, machine) == State()
    return machine.at(piece.path) if isinstance(piece, Folder | File) else machine.root


@pytest.mark.parametrize("piece", PIECES, ids=str)
def test_what_is_missing_is_missed_made_and_then_right(piece: Piece, machine: Machine) -> None:
    assert inspect(piece, machine) == State(is_missing=True)
    made(piece, machine)


def test_the_account_cannot_log_in_and_has_a_group_of_its_own(machine: Machine) -> None:
    made(ACCOUNT, machine)
    line = (machine.root / "etc/passwd").read_text().splitlines()[-1].split(":")
    assert (line[0], line[5], line[6]) == ("mailwarden", "/var/lib/mailwarden", "/usr/sbin/nologin")
    assert int(line[3]) == machine.group_number("mailwarden")
    assert int(line[2]) < 1000


def test_an_account_whose_group_is_missing_gets_the_group(machine: Machine) -> None:
    with (machine.root / "etc/passwd").open("a") as file:
        file.write("mailwarden:x:900:900::/:/bin/false\n")
    assert inspect(ACCOUNT, machine).wrong == ("there is no group mailwarden",)
    made(ACCOUNT, machine)


def test_a_group_that_is_there_is_used(machine: Machine) -> None:
    with (machine.root / "etc/group").open("a") as file:
        file.write("mailwarden:x:901:\n")
    made(ACCOUNT, machine)
    assert ":901::/var/lib/mailwarden:" in (machine.root / "etc/passwd").read_text()


def test_owner_group_and_mode_are_set(machine: Machine) -> None:
    for piece, numbers in ((FOLDER, (102, 105, 0o750)), (FILE, (0, 105, 0o640))):
        status = made(piece, machine).stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == numbers
    assert machine.at(FILE.path).read_bytes() == b"content\n"


def test_parents_that_are_missing_can_be_entered_by_everybody(machine: Machine) -> None:
    assert stat.S_IMODE(made(FOLDER, machine).parent.stat().st_mode) == 0o755


@pytest.mark.parametrize("piece", [FOLDER, FILE], ids=str)
def test_wrong_owners_and_modes_are_said_and_corrected(
    piece: Folder | File, machine: Machine
) -> None:
    path = made(piece, machine)
    os.chown(path, 4321, 0)
    path.chmod(0o777)
    wrong = inspect(piece, machine).wrong
    assert wrong == (
        f"owner 4321, not {piece.rights.owner}",
        "group root, not clamav",
        f"mode 0777, not {piece.rights.mode:04o}",
    )
    made(piece, machine)


def test_a_file_that_was_changed_is_told_and_stays_as_it_is(machine: Machine) -> None:
    path = made(FILE, machine)
    path.write_bytes(b"mine\n")
    path.chmod(0o600)
    state = inspect(FILE, machine)
    assert state.kept == ("was changed here",)
    make(FILE, state, machine)
    assert path.read_bytes() == b"mine\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_settings_that_were_changed_are_worth_no_word(machine: Machine) -> None:
    settings = File(FILE.path, FILE.rights, b"sample\n", is_ours=False)
    made(settings, machine).write_bytes(b"mine\n")
    assert inspect(settings, machine) == State()


@pytest.mark.parametrize("piece", [FOLDER, FILE], ids=str)
def test_a_link_in_the_place_of_a_piece_is_told_and_never_followed(
    piece: Folder | File, machine: Machine
) -> None:
    victim = machine.root / "victim"
    victim.mkdir() if isinstance(piece, Folder) else victim.write_bytes(b"")
    victim.chmod(0o700)
    path = machine.at(piece.path)
    path.parent.mkdir(parents=True)
    path.symlink_to(victim)
    (kept,) = inspect(piece, machine).kept
    assert kept.startswith("is a symbolic link, not a ")
    # The link came after we looked.
    with pytest.raises(MakingError):
        make(piece, State(wrong=("mode",)), machine)
    assert stat.S_IMODE(victim.stat().st_mode) == 0o700
    assert victim.stat().st_uid == 0


def test_a_file_in_the_place_of_a_directory_stays(machine: Machine) -> None:
    path = machine.at(FOLDER.path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert inspect(FOLDER, machine).kept == ("is something else, not a directory",)
    path.unlink()
    path.mkdir()
    assert inspect(File(FOLDER.path, FOLDER.rights, b""), machine).kept == (
        "is a directory, not a file",
    )


def test_half_a_file_of_an_earlier_try_is_in_nobodys_way(machine: Machine) -> None:
    half = machine.at(FILE.path).with_name(".a.toml.new")
    half.parent.mkdir()
    half.write_bytes(b"half")
    made(FILE, machine)
    assert not half.exists()


def test_what_cannot_be_made_says_why(machine: Machine) -> None:
    unknown = Folder(FOLDER.path, Rights("nobody-here", "root", 0o700))
    with pytest.raises(MakingError, match="there is no user nobody-here"):
        make(unknown, inspect(unknown, machine), machine)
    with pytest.raises(MakingError, match="group 'no-such-group' does not exist"):
        make(Membership("clamav", "no-such-group"), State(is_missing=True), machine)
    with pytest.raises(MakingError, match="File exists"):
        make(Folder(Path("/etc/passwd/x"), FOLDER.rights), State(is_missing=True), machine)


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ({}, "the program groupadd is missing; make the user and group yourself"),
        ({"groupadd": "exec sleep 60"}, "no end after 0 seconds"),
        ({"groupadd": "exit 3"}, "groupadd ended with 3"),
    ],
)
def test_programs_for_accounts_that_are_missing_hang_or_say_nothing_are_named(
    machine: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    programs: dict[str, str],
    reason: str,
) -> None:
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(making, "_PROGRAM_PATH", str(tmp_path))
    if reason.startswith("no end"):
        monkeypatch.setattr(making, "_PROGRAM_SECONDS", 0.1)
    with pytest.raises(MakingError, match=reason):
        make(ACCOUNT, inspect(ACCOUNT, machine), machine)
