"""What is there of a piece: nothing, the right thing, or something wrong, said in words.

Looks only. Never through a symbolic link at a piece's own place: see `making`.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from mailwarden.installation.machine import Machine
from mailwarden.installation.pieces import Account, File, Folder, Membership, Piece, Rights

# More than any file that we install; larger ones are not ours.
_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class State:
    """`wrong` is what making corrects; `kept` is what it leaves as it is, and why."""

    is_missing: bool = False
    wrong: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def needs_making(self) -> bool:
        """There is something to do."""
        return self.is_missing or bool(self.wrong)


_MISSING = State(is_missing=True)
_RIGHT = State()


def inspect(piece: Piece, machine: Machine) -> State:
    """Compare a piece with the machine; raises `OSError` where it may not be looked at."""
    match piece:
        case Account():
            return _account_state(piece, machine)
        case Membership():
            return _RIGHT if machine.is_member(piece.user, piece.group) else _MISSING
        case Folder():
            return _folder_state(piece, machine)
        case File():
            return _file_state(piece, machine)
        case _ as never:
            assert_never(never)


def _account_state(account: Account, machine: Machine) -> State:
    has_user = machine.user_number(account.name) is not None
    has_group = machine.group_number(account.name) is not None
    if has_user and not has_group:
        return State(wrong=(f"there is no group {account.name}",))
    return _RIGHT if has_user else _MISSING


def _folder_state(folder: Folder, machine: Machine) -> State:
    status = _status(machine.at(folder.path))
    if status is None:
        return _MISSING
    if not stat.S_ISDIR(status.st_mode):
        return State(kept=(f"is {_kind(status)}, not a directory",))
    return State(wrong=_wrong_rights(status, folder.rights, machine))


def _file_state(file: File, machine: Machine) -> State:
    path = machine.at(file.path)
    status = _status(path)
    if status is None:
        return _MISSING
    if not stat.S_ISREG(status.st_mode):
        return State(kept=(f"is {_kind(status)}, not a file",))
    kept = ("was changed here",) if file.is_ours and _content(path) != file.content else ()
    return State(wrong=_wrong_rights(status, file.rights, machine), kept=kept)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_FILE_BYTES)


def _kind(status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return "a symbolic link"
    return "a directory" if stat.S_ISDIR(status.st_mode) else "something else"


def _wrong_rights(status: os.stat_result, rights: Rights, machine: Machine) -> tuple[str, ...]:
    mode = stat.S_IMODE(status.st_mode)
    pairs = (
        ("owner", machine.user_name(status.st_uid), rights.owner),
        ("group", machine.group_name(status.st_gid), rights.group),
        ("mode", f"{mode:04o}", f"{rights.mode:04o}"),
    )
    return tuple(f"{what} {there}, not {right}" for what, there, right in pairs if there != right)
