"""A log file that several processes append to, and that logrotate may take away at any time.

Whole lines go into it with one call, at the end (open(2), O_APPEND), one process after the other
(flock(2)). A file that was renamed or removed is left and made anew; one that was cut back
(copytruncate) is gone on with at its new end. No signal is needed.
"""

import contextlib
import fcntl
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

# Its folder decides who can come near; the group is for those who read logs.
_MODE = 0o640
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC


class LogFile:
    """Appends lines to one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    @property
    def name(self) -> str:
        """What people know it by."""
        return str(self._path)

    def write(self, lines: list[bytes]) -> int:
        """Append lines, each with its end; how many are there whole. Raises `OSError`."""
        if not self._is_current():
            self.close()
            self._descriptor = _opened(self._path)
        with _locked(self._descriptor):
            return self._append(lines)

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, lines: list[bytes]) -> int:
        torn = b"\n" if self._is_torn() else b""
        written = os.write(self._descriptor, torn + b"".join(lines)) - len(torn)
        ends = itertools.accumulate(map(len, lines))
        return sum(end <= written for end in ends)

    def _is_current(self) -> bool:
        """What we hold open is what stands under the name."""
        if self._descriptor < 0:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _is_torn(self) -> bool:
        """A full disk let somebody write only the beginning of a line."""
        size = os.fstat(self._descriptor).st_size
        return size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Alone among our workers: a line that another is writing looks torn."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _opened(path: Path) -> int:
    """Open the file, or make it; who comes second to make it opens it."""
    try:
        return os.open(path, _FLAGS)
    except FileNotFoundError:
        pass
    try:
        made = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        return os.open(path, _FLAGS)
    os.fchmod(made, _MODE)  # whatever the umask says
    return made
