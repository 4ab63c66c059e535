"""Makes a piece of the installation, or corrects its owner, group and mode. Runs as root.

Some directories lie inside one that belongs to the daemon's user. Taken over, it could put a
symbolic link in their place and wait for root to give it what the link points at; so a piece is
opened without following a link at its own place, and changed by its descriptor.
The places above are root's, which is why nothing in `layout` is deeper than one level there.
Programs: useradd(8), groupadd(8) and usermod(8) of shadow, which every Linux system has.
"""

import os
import subprocess
from pathlib import Path
from typing import assert_never

from mailwarden.installation.inspection import State
from mailwarden.installation.machine import Machine
from mailwarden.installation.pieces import Account, File, Folder, Membership, Piece, Rights

_PROGRAM_SECONDS = 60.0
_PROGRAM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_NO_LOGIN = "/usr/sbin/nologin"


class MakingError(Exception):
    """A piece that could not be made; the text says why."""


def make(piece: Piece, state: State, machine: Machine) -> None:
    """Make the piece what it should be; raises `MakingError`."""
    try:
        _make(piece, state, machine)
    except (OSError, subprocess.SubprocessError) as error:
        raise MakingError(_reason(error)) from error


def _make(piece: Piece, state: State, machine: Machine) -> None:
    match piece:
        case Account():
            _make_account(piece, state, machine)
        case Membership():
            _run(machine, "usermod", "--append", "--groups", piece.group, piece.user)
        case Folder():
            _make_folder(piece, machine)
        case File():
            _make_file(piece, state, machine)
        case _ as never:
            assert_never(never)


def _make_account(account: Account, state: State, machine: Machine) -> None:
    if machine.group_number(account.name) is None:
        _run(machine, "groupadd", "--system", account.name)
    if state.is_missing:
        words = ("--system", "--no-create-home", "--home-dir", str(account.home))
        group = ("--gid", account.name, "--shell", _NO_LOGIN)
        _run(machine, "useradd", *words, *group, account.name)


def _run(machine: Machine, program: str, *words: str) -> None:
    """--prefix leaves the machine's own accounts alone; useradd needs no library below it."""
    below = () if machine.is_running_one else ("--prefix", str(machine.root))
    subprocess.run(
        [program, *below, *words],
        env={"PATH": _PROGRAM_PATH, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PROGRAM_SECONDS,
        check=True,
    )


def _make_folder(folder: Folder, machine: Machine) -> None:
    path = machine.at(folder.path)
    path.parent.mkdir(0o755, parents=True, exist_ok=True)
    path.mkdir(0o700, exist_ok=True)
    _give(path, os.O_DIRECTORY, folder.rights, machine)


def _make_file(file: File, state: State, machine: Machine) -> None:
    path = machine.at(file.path)
    if not state.is_missing:
        _give(path, 0, file.rights, machine)
        return
    path.parent.mkdir(0o755, parents=True, exist_ok=True)
    # Whole or not at all, and nobody's but root's until it is.
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    try:
        _write(half, file.content)
        _give(half, 0, file.rights, machine)
        half.rename(path)
    finally:
        half.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _give(path: Path, flags: int, rights: Rights, machine: Machine) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | flags)
    try:
        owner, group = machine.user_number(rights.owner), machine.group_number(rights.group)
        if owner is None or group is None:
            raise MakingError(f"there is no user {rights.owner} or no group {rights.group}")
        # The owner first: chown(2) takes set-id bits away, and the mode is for the new owner.
        os.fchown(descriptor, owner, group)
        os.fchmod(descriptor, rights.mode)
    finally:
        os.close(descriptor)


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    match error:
        case FileNotFoundError() if "/" not in str(error.filename):
            return f"the program {error.filename} is missing; make the user and group yourself"
        case OSError():
            return error.strerror or type(error).__name__
        case subprocess.CalledProcessError():
            lines = error.stderr.decode(errors="replace").split("\n")
            return lines[0] or f"{error.cmd[0]} ended with {error.returncode}"
        case _:
            return f"no end after {_PROGRAM_SECONDS:.0f} seconds"
