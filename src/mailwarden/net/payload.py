"""A message's bytes while they are ours: in memory when small, an unnamed spool file when large."""

import contextlib
import errno
import fcntl
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from mailwarden.message.edits import Span
from mailwarden.message.raw import Raw

# fcntl(2): seal a memory file so that no holder of a descriptor can change what we judged.
_F_ADD_SEALS = 1033
_SEAL_SHRINK_GROW_WRITE = 0x0002 | 0x0004 | 0x0008
_COPY_BYTES = 1_048_576


class LentFile:
    """A sealed memory file that is there only while somebody has it on loan."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._loans = 0

    @contextlib.contextmanager
    def lend(self, pieces: Iterable[bytes]) -> Iterator[int]:
        """A file of `pieces`, the same one for all who want it meanwhile; raises `OSError`."""
        if not self._loans:
            self._descriptor = sealed_file(pieces)
        self._loans += 1
        try:
            yield self._descriptor
        finally:
            self._loans -= 1
            if not self._loans:
                os.close(self._descriptor)


class MemoryPayload:
    """Bytes in memory; a sealed memory file is made when a scanner wants a descriptor."""

    raw: Raw

    def __init__(self, octets: bytes) -> None:
        self.raw = octets
        self._octets = octets
        self._file = LentFile()

    @property
    def size_bytes(self) -> int:
        """The exact length in bytes."""
        return len(self._octets)

    def lend(self) -> contextlib.AbstractContextManager[int]:
        """A sealed memory file with the message, as long as the context lasts."""
        return self._file.lend([self._octets])

    def chunk(self, start: int, size: int) -> bytes:
        """At most `size` bytes from offset `start`."""
        return self._octets[start : start + size]

    def close(self) -> None:
        """Do nothing: the memory goes with the object, and a memory file with its loan."""


class SpoolPayload:
    """An unnamed file in the spool folder, mapped; it is gone when closed, or when we die."""

    raw: Raw

    def __init__(self, file: BinaryIO, size_bytes: int) -> None:
        self._file = file
        self._map = mmap.mmap(file.fileno(), size_bytes, access=mmap.ACCESS_READ)
        self.raw = self._map

    @property
    def size_bytes(self) -> int:
        """The exact length in bytes."""
        return len(self._map)

    @contextlib.contextmanager
    def lend(self) -> Iterator[int]:
        """The spool file itself."""
        yield self._file.fileno()

    def chunk(self, start: int, size: int) -> bytes:
        """At most `size` bytes from offset `start`."""
        return self._map[start : start + size]

    def close(self) -> None:
        """Unmap and remove the file.

        A thread that still looks at the bytes, after the message's deadline, keeps the map until
        it has ended; the file goes with the map.
        """
        with contextlib.suppress(BufferError):
            self._map.close()
        self._file.close()


HeldPayload = MemoryPayload | SpoolPayload


def spool_file(directory: Path) -> BinaryIO:
    """Open an unnamed, unbuffered file in the spool folder; raises `OSError`."""
    return tempfile.TemporaryFile(dir=directory, buffering=0)


def sealed_file(pieces: Iterable[bytes | memoryview]) -> int:
    """Make a sealed memory file of `pieces`, its offset at the beginning; returns a descriptor."""
    descriptor = os.memfd_create("mailwarden", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        for piece in pieces:
            write_all(descriptor, piece)
        os.lseek(descriptor, 0, os.SEEK_SET)
        fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEAL_SHRINK_GROW_WRITE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def edited_file(payload: HeldPayload, pieces: Iterable[Span | bytes], spool: Path) -> int:
    """Make a file of an edited message, its offset at the beginning; returns a descriptor.

    In memory where the payload is, in the spool where the payload is; raises `OSError`.
    The file is whole before anyone else sees it: a reader can never take a cut message for all.
    """
    if isinstance(payload, MemoryPayload):
        original = memoryview(payload.raw)
        return sealed_file(
            original[piece.start : piece.end] if isinstance(piece, Span) else piece
            for piece in pieces
        )
    with payload.lend() as source, spool_file(spool) as file:
        for piece in pieces:
            if isinstance(piece, Span):
                _copy_span(source, file.fileno(), piece)
            else:
                write_all(file.fileno(), piece)
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return os.dup(file.fileno())


def write_all(descriptor: int, octets: bytes | bytearray | memoryview) -> None:
    """Write all of `octets`; raises `OSError`, also when the disk is full half-way."""
    view = memoryview(octets)
    while view:
        view = view[os.write(descriptor, view) :]


def _copy_span(source: int, target: int, span: Span) -> None:
    """Copy inside the kernel; the source's own offset is neither used nor moved."""
    position = span.start
    while position < span.end:
        wanted = min(_COPY_BYTES, span.end - position)
        position += os.sendfile(target, source, position, wanted) or _cut_short()


def _cut_short() -> int:
    raise OSError(errno.EIO, "the spool file is shorter than the message")
