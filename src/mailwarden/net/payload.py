"""A message's bytes while they are ours: in memory when small, an unnamed spool file when large."""

import contextlib
import errno
import fcntl
import mmap
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from mailwarden.message.edits import Span
from mailwarden.message.raw import Raw

# fcntl(2): seal a memory file so that no holder of a descriptor can change what we judged.
_F_ADD_SEALS = 1033
_SEAL_SHRINK_GROW_WRITE = 0x0002 | 0x0004 | 0x0008
_COPY_BYTES = 1_048_576


class MemoryPayload:
    """Bytes in memory; a sealed memory file is made when a scanner wants a descriptor."""

    raw: Raw

    def __init__(self, octets: bytes) -> None:
        self.raw = octets
        self._octets = octets
        self._descriptor = -1

    @property
    def size_bytes(self) -> int:
        """The exact length in bytes."""
        return len(self._octets)

    def descriptor(self) -> int:
        """A sealed memory file with the message; belongs to the payload."""
        if self._descriptor < 0:
            self._descriptor = sealed_file([self._octets])
        return self._descriptor

    def chunk(self, start: int, size: int) -> bytes:
        """At most `size` bytes from offset `start`."""
        return self._octets[start : start + size]

    def close(self) -> None:
        """Give the memory file back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


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

    def descriptor(self) -> int:
        """The spool file itself; belongs to the payload."""
        return self._file.fileno()

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
    with spool_file(spool) as file:
        for piece in pieces:
            if isinstance(piece, Span):
                _copy_span(payload.descriptor(), file.fileno(), piece)
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
