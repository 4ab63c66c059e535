"""What the daemon's user does not own below its own directories, as after a day as root.

Looks only. Root must not give away what it finds there: whoever may write to a directory chooses
what its names mean, and `making` goes no deeper than one level for the same reason.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from mailwarden.installation.layout import FOLDERS, USER
from mailwarden.installation.machine import Machine


def strangers(machine: Machine) -> tuple[tuple[Path, Path], ...]:
    """Each directory of the daemon's with the first thing below it that somebody else owns."""
    number = machine.user_number(USER)
    if number is None:
        return ()
    return tuple(
        (folder, Path("/") / found.relative_to(machine.root))
        for folder in _own_folders()
        if (found := _first_stranger(machine.at(folder), number))
    )


def _own_folders() -> Iterator[Path]:
    own = [folder.path for folder in FOLDERS if folder.rights.owner == USER]
    return (path for path in own if path.parent not in own)


def _first_stranger(folder: Path, number: int) -> Path | None:
    """Links are not followed, and what vanishes meanwhile or may not be read is passed over."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            try:
                owner = path.lstat().st_uid
            except OSError:
                continue
            if owner != number:
                return path
    return None
