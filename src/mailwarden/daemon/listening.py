"""The listening socket of the queue's door: made, taken over when stale, or passed to us."""

import contextlib
import errno
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

# Every local program may connect; whom we serve is decided by the kernel's word on the peer
# (queue.users), which no file mode can say as well.
_SOCKET_MODE = 0o666
# What the kernel lets wait while all workers are busy; more hear "temporary failure" at once.
_BACKLOG = 512


class ListeningError(Exception):
    """The socket cannot be had; the text says where, why, and what to do."""


def listen_at(path: Path) -> socket.socket:
    """A listening socket at `path`, in place of a stale one; raises `ListeningError`."""
    _make_room(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listener.bind(str(path))
        path.chmod(_SOCKET_MODE)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ListeningError(f"{path}: {error.strerror}; {_advice(error)}") from error
    listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return listener


def leave(path: Path) -> None:
    """Remove our socket after the end, where no other daemon has taken the place meanwhile."""
    with contextlib.suppress(OSError):
        if not _is_served(path):
            path.unlink()


def adopt(passed: Sequence[socket.socket]) -> list[socket.socket]:
    """Make listeners of sockets that the service manager opened; raises `ListeningError`."""
    for listener in passed:
        if (listener.family, listener.type) != (socket.AF_UNIX, socket.SOCK_SEQPACKET):
            raise ListeningError(
                "the service manager passed a socket of another type: use ListenSequentialPacket="
            )
        listener.setblocking(False)  # noqa: FBT003 - workers race to accept, nobody may wait
    return list(passed)


def _make_room(path: Path) -> None:
    """Remove a socket that nobody listens on; leave everything else alone."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise ListeningError(f"{path}: {error.strerror}; {_advice(error)}") from error
    if not stat.S_ISSOCK(mode):
        raise ListeningError(f"{path} is there and is not a socket; remove it, or set queue.socket")
    if _is_served(path):
        raise ListeningError(f"{path}: another program is listening there; stop it first")
    with contextlib.suppress(FileNotFoundError):
        try:
            path.unlink()
        except PermissionError as error:
            raise ListeningError(
                f"{path} is stale and belongs to another user; remove it"
            ) from error


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError as error:
            # Anything but "nobody listens" means that somebody may.
            # EPROTOTYPE too: a socket of another type lives there, another program's.
            return error.errno not in (errno.ECONNREFUSED, errno.ENOENT)
    return True


def _advice(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "its directory is missing: make it, owned by the daemon's user"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "the daemon's user may not write there: check the directory's owner"
    return "set queue.socket to a place that the daemon's user can write"
