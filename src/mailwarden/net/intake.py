"""Receiving a message or envelope from a descriptor that the SMTP server feeds.

A slow sender costs a descriptor and a buffer of what has arrived, nothing more.
Pipes and sockets are read when they are ready; files always are, and let the others take turns.
Nothing is read in a thread: one that reads on after its message is gone would read from whatever
got the descriptor's number next.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import BinaryIO

from mailwarden.net.descriptors import readable
from mailwarden.net.payload import HeldPayload, MemoryPayload, SpoolPayload, spool_file, write_all

_READ_BYTES = 262_144
# All reads of a process go here first: there is one loop, and what arrived is taken at once.
_ARRIVED = memoryview(bytearray(_READ_BYTES))
# A fast sender may not keep the event loop from the others.
_READS_A_TURN = 4
# A pipe holds 65,536 bytes (pipe(7)); who filled it has more to say, and is woken less often by
# a larger one. The kernel counts these against a limit for each user and may refuse.
_PIPE_BYTES = 65_536
_LARGE_PIPE_BYTES = 262_144
_PIECE_BYTES = 16_384


class SenderIdleError(Exception):
    """Nothing arrived for too long."""


class SpoolError(Exception):
    """The spool cannot take more; the text names it and says why."""


class EndlessError(Exception):
    """More arrived than any message has; the rest was not read."""


class Intake:
    """What has arrived so far: in memory up to `memory_bytes`, then in the spool.

    At most `keep_bytes` are kept; what comes after is read and counted, because the sender must
    be heard to its end before it can be answered. More than `most_bytes` is not even read.
    """

    def __init__(self, spool: Path, memory_bytes: int, keep_bytes: int, most_bytes: int) -> None:
        self._spool = spool
        self._memory_bytes = memory_bytes
        self._keep_bytes = keep_bytes
        self._most_bytes = most_bytes
        self._pieces: list[bytearray] = []
        self._file: BinaryIO | None = None
        self.size_bytes = 0

    def add(self, octets: bytes | memoryview) -> None:
        """Take what arrived; raises `SpoolError` and `EndlessError`."""
        room = max(0, self._keep_bytes - self.size_bytes)
        self.size_bytes += len(octets)
        if self.size_bytes > self._most_bytes:
            raise EndlessError(f"more than {self._most_bytes} bytes arrived")
        try:
            self._keep(octets[:room] if room < len(octets) else octets)
        except OSError as error:
            raise SpoolError(f"spool {self._spool}: {error.strerror}") from error

    def payload(self) -> HeldPayload:
        """What was kept; the intake is spent afterwards."""
        if self._file:
            file, self._file = self._file, None
            return SpoolPayload(file, min(self.size_bytes, self._keep_bytes))
        return MemoryPayload(b"".join(self._pieces))

    def close(self) -> None:
        """Drop everything that was not made a payload."""
        self._pieces.clear()
        if self._file:
            self._file.close()
            self._file = None

    def _keep(self, octets: bytes | memoryview) -> None:
        if self._file:
            write_all(self._file.fileno(), octets)
            return
        self._remember(octets)
        if self.size_bytes > self._memory_bytes:
            self._move_to_spool()

    def _remember(self, octets: bytes | memoryview) -> None:
        """Large pieces stay as they came; small ones are put together, each costs an object."""
        if self._pieces and len(self._pieces[-1]) < _PIECE_BYTES:
            self._pieces[-1] += octets
        else:
            self._pieces.append(bytearray(octets))

    def _move_to_spool(self) -> None:
        self._file = spool_file(self._spool)
        for piece in self._pieces:
            write_all(self._file.fileno(), piece)
        self._pieces = []


async def receive_all(descriptor: int, intake: Intake, idle_seconds: float) -> None:
    """Read `descriptor` to its end into `intake`.

    Raises `OSError` (it cannot be read), `SpoolError`, `SenderIdleError`, `EndlessError`.
    The descriptor stays the caller's to close.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode) and not _is_stream(descriptor):
        # Its packets have no end: a client could even pass the socket that it talks to us on.
        raise OSError(errno.EPROTOTYPE, "expected a pipe, a file or a stream")
    os.set_blocking(descriptor, False)
    is_file = stat.S_ISREG(mode)
    # Most messages are there already: no turn of the loop is spent on them.
    while not _read_some(descriptor, intake):
        if is_file:
            await asyncio.sleep(0)
        else:
            await _wait_for_more(descriptor, idle_seconds)


def _read_some(descriptor: int, intake: Intake) -> bool:
    """Read what is there, within a turn; true at the end."""
    for _ in range(_READS_A_TURN):
        try:
            size = os.readv(descriptor, [_ARRIVED])
        except BlockingIOError:
            return False
        if not size:
            return True
        intake.add(_ARRIVED[:size])
        if size == _PIPE_BYTES:
            _enlarge_pipe(descriptor)
    return False


def _enlarge_pipe(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # no pipe, or too many large ones: it works as it is
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _LARGE_PIPE_BYTES)


def _is_stream(descriptor: int) -> bool:
    with socket.socket(fileno=os.dup(descriptor)) as inspected:
        return inspected.type == socket.SOCK_STREAM


async def _wait_for_more(descriptor: int, idle_seconds: float) -> None:
    try:
        async with asyncio.timeout(idle_seconds):
            await readable(descriptor)
    except TimeoutError:
        raise SenderIdleError(f"nothing arrived for {idle_seconds:g} seconds") from None
