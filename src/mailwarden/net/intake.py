"""Receiving a message or envelope from a descriptor that the SMTP server feeds.

A slow sender costs a descriptor and a buffer of what has arrived, nothing more.
Pipes and sockets are read when they are ready; files always are, and let the others take turns.
Nothing is read in a thread: one that reads on after its message is gone would read from whatever
got the descriptor's number next.
"""

import asyncio
import errno
import os
import socket
import stat
from pathlib import Path
from typing import BinaryIO

from mailwarden.net.descriptors import readable
from mailwarden.net.payload import HeldPayload, MemoryPayload, SpoolPayload, spool_file, write_all

_READ_BYTES = 65_536
# A fast sender may not keep the event loop from the others.
_READS_A_TURN = 16


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
        self._buffer = bytearray()
        self._file: BinaryIO | None = None
        self.size_bytes = 0

    def add(self, octets: bytes) -> None:
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
        return MemoryPayload(bytes(self._buffer))

    def close(self) -> None:
        """Drop everything that was not made a payload."""
        self._buffer.clear()
        if self._file:
            self._file.close()
            self._file = None

    def _keep(self, octets: bytes) -> None:
        if self._file:
            write_all(self._file.fileno(), octets)
            return
        self._buffer += octets
        if len(self._buffer) > self._memory_bytes:
            self._move_to_spool()

    def _move_to_spool(self) -> None:
        self._file = spool_file(self._spool)
        write_all(self._file.fileno(), bytes(self._buffer))
        self._buffer = bytearray()


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
            octets = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return False
        if not octets:
            return True
        intake.add(octets)
    return False


def _is_stream(descriptor: int) -> bool:
    with socket.socket(fileno=os.dup(descriptor)) as inspected:
        return inspected.type == socket.SOCK_STREAM


async def _wait_for_more(descriptor: int, idle_seconds: float) -> None:
    try:
        async with asyncio.timeout(idle_seconds):
            await readable(descriptor)
    except TimeoutError:
        raise SenderIdleError(f"nothing arrived for {idle_seconds:g} seconds") from None
