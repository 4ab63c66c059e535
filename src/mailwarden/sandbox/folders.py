"""The folders of nurseries and children: holding, sweeping, and removing what is in them.

What a child left in its own an enemy may have arranged.
"""

import fcntl
import itertools
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

# Before it the name of each nursery's folder; nothing else in a spool begins like this.
PREFIX = "unpack-"
# A nursery that is just starting does not hold its folder yet.
_LEFT_SECONDS = 3_600.0


def hold(folder: Path) -> int:
    """Keep a folder from being swept while the descriptor is open; raises `OSError`.

    The lock goes with the process, however that ends. `BlockingIOError`: somebody else holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def sweep(directory: Path) -> None:
    """Remove what nurseries left that died together with their daemon; raises `OSError`."""
    before = time.time() - _LEFT_SECONDS
    for folder in directory.glob(f"{PREFIX}*"):
        # It lives, or another daemon has just swept it, or it is nobody's folder.
        with suppress(BlockingIOError, FileNotFoundError, NotADirectoryError):
            if folder.stat(follow_symlinks=False).st_mtime < before:
                _sweep(folder)


def _sweep(folder: Path) -> None:
    held = hold(folder)
    try:
        remove_tree(folder)
    finally:
        os.close(held)


def remove_tree(folder: Path) -> bool:
    """Remove a folder with all that is in it; False when something is still there.

    Every folder is moved to the top before it is looked into: however deep they lie, that takes
    neither recursion nor long paths. Links are removed, not followed.
    """
    try:
        folder.rmdir()  # nearly always it is empty
    except FileNotFoundError:
        return True
    except OSError:
        return _is_removed(folder)
    return True


def _is_removed(top: Path) -> bool:
    moved = (top / f"{secrets.token_hex()}.{number}" for number in itertools.count())
    try:
        waiting = [top]
        for folder in waiting:
            folder.chmod(0o700)
            waiting += [_moved(place, next(moved)) for place in _emptied(folder)]
        for folder in reversed(waiting):
            folder.rmdir()
    except OSError:
        return False
    return True


def _emptied(folder: Path) -> list[str]:
    """Remove all files, and say where the folders are."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            else:
                os.unlink(entry.path)  # noqa: PTH108 - there may be a hundred thousand
    return folders


def _moved(place: str, target: Path) -> Path:
    """Move a folder, under a name that nobody could foresee and take."""
    return Path(place).rename(target)
