"""The table of what is to exist: users, groups, directories, files, with owners and modes.

Pure. SECURITY.md has the same table for people; `tests/installation/test_layout.py` compares them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from mailwarden.installation.packaged import SAMPLE, Packaged
from mailwarden.installation.pieces import Account, File, Folder, Membership, Piece, Rights

USER = "mailwarden"
SETTINGS = Path("/etc/mailwarden/mailwarden.toml")
SERVICE_FOLDERS = Path("/etc/mailwarden/service")
_STATE = Path("/var/lib/mailwarden")
_ROTATION = Path("/etc/logrotate.d/mailwarden")
# What the packaged files call our program; here it may live elsewhere.
_PACKAGED_PROGRAM = b"/usr/local/bin/mailwarden"

_ROOT_FOLDER = Rights("root", "root", 0o755)
_ROOT_FILE = Rights("root", "root", 0o644)
_ROOT_PROGRAM = Rights("root", "root", 0o755)
_PRIVATE = Rights(USER, USER, 0o700)

FOLDERS = (
    Folder(Path("/etc/mailwarden"), _ROOT_FOLDER),
    Folder(Path("/run/mailwarden"), Rights(USER, USER, 0o755)),
    Folder(_STATE, _PRIVATE),
    # Below a directory of the daemon's own, nothing may be deeper than one level: see `making`.
    Folder(_STATE / "quarantine", _PRIVATE),
    Folder(_STATE / "spool", _PRIVATE),
    Folder(_STATE / "archives", _PRIVATE),
    Folder(Path("/var/log/mailwarden"), Rights(USER, USER, 0o750)),
)
SETTINGS_RIGHTS = Rights("root", USER, 0o640)


class Service(StrEnum):
    """Who is to run the daemon."""

    SYSTEMD = "systemd"
    DAEMONTOOLS = "daemontools"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What differs from machine to machine.

    `program` is the installed mailwarden, `settings` the first settings file, `units` where
    systemd's units are, `groups` what the daemon's user has to be a member of.
    """

    service: Service
    program: Path
    settings: bytes
    units: Path = Path("/etc/systemd/system")
    groups: tuple[str, ...] = ()


def layout(packaged: Packaged, wishes: Wishes) -> tuple[Piece, ...]:
    """Everything, in the order of making."""
    return (
        Account(USER, _STATE),
        *(Membership(USER, group) for group in wishes.groups),
        *FOLDERS,
        File(SETTINGS, SETTINGS_RIGHTS, wishes.settings, is_ours=False),
        *_rotation(packaged),
        *_service_pieces(packaged, wishes),
    )


def first_settings_sample(packaged: Packaged) -> str:
    """The commented settings that a new settings file is made from."""
    return packaged[SAMPLE].decode()


def _rotation(packaged: Packaged) -> Iterator[File]:
    for name, content in packaged.items():
        if "logrotate" in PurePosixPath(name).parts[0]:
            yield File(_ROTATION, _ROOT_FILE, content)


def _service_pieces(packaged: Packaged, wishes: Wishes) -> Iterator[Piece]:
    match wishes.service:
        case Service.SYSTEMD:
            yield from _units(packaged, wishes)
        case Service.DAEMONTOOLS:
            yield from _run_scripts(packaged, wishes.program)
        case Service.NONE:
            return


def _units(packaged: Packaged, wishes: Wishes) -> Iterator[Piece]:
    for name, content in packaged.items():
        place = PurePosixPath(name)
        if place.parts[0] == "systemd":
            path = wishes.units / place.name
            yield File(path, _ROOT_FILE, _naming(wishes.program, content))


def _run_scripts(packaged: Packaged, program: Path) -> Iterator[Piece]:
    yield Folder(SERVICE_FOLDERS, _ROOT_FOLDER)
    scripts = {
        SERVICE_FOLDERS / "mailwarden" / PurePosixPath(name).relative_to("daemontools"): content
        for name, content in packaged.items()
        if name.startswith("daemontools/")
    }
    # The shorter path first: the service's folder comes before its logger's.
    for path, content in sorted(scripts.items(), key=lambda item: len(item[0].parts)):
        yield Folder(path.parent, _ROOT_FOLDER)
        yield File(path, _ROOT_PROGRAM, _naming(program, content))


def _naming(program: Path, content: bytes) -> bytes:
    return content.replace(_PACKAGED_PROGRAM, bytes(program))
