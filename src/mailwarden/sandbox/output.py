"""What came out of one payload, once its child is dead: checked, sealed, given to scanners."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager

from mailwarden.net.descriptors import close_all
from mailwarden.net.payload import LentFile
from mailwarden.sandbox.kernel import seal
from mailwarden.sandbox.messages import MOST_OUTCOME_BYTES, OUTCOME_SIZE, Outcome, decode_outcome
from mailwarden.unpack.contents import Span
from mailwarden.wire.errors import PeerError

_COPY_BYTES = 1_048_576


def read_outcome(output: int) -> Outcome:
    """Seal a child's memory file and read what it says; raises `PeerError` for nonsense.

    After this the octets that were kept are what they are: a process that should be dead and still
    has the file cannot change them under the scanners.
    """
    try:
        seal(output)
    except OSError as error:
        raise PeerError("somebody still has the helper's output mapped to write") from error
    end = os.fstat(output).st_size - OUTCOME_SIZE.size
    if end < 0:
        raise PeerError("the helper process told nothing")
    (size,) = OUTCOME_SIZE.unpack(os.pread(output, OUTCOME_SIZE.size, end))
    if size > min(end, MOST_OUTCOME_BYTES):
        raise PeerError("the helper process told more than it may")
    return decode_outcome(os.pread(output, size, end - size), end - size)


class OutputStore:
    """The octets that came out of one payload (`ports.unpacker.Store`); owns the memory file."""

    def __init__(self, output: int) -> None:
        self._output = output

    def payload(self, span: Span) -> "ExtractedPayload":
        """The octets of one item; they end with the store."""
        return ExtractedPayload(self._output, span)

    def close(self) -> None:
        """Give the memory back; safe to call twice."""
        close_all([self._output] if self._output >= 0 else [])
        self._output = -1


class ExtractedPayload:
    """One item's octets (`ports.scanner.Payload`), inside the file of all."""

    def __init__(self, output: int, span: Span) -> None:
        self._output = output
        self._span = span
        self._file = LentFile()

    @property
    def size_bytes(self) -> int:
        """The exact length in bytes."""
        return self._span.end - self._span.start

    def lend(self) -> AbstractContextManager[int]:
        """A sealed memory file of its own, as long as the context lasts."""
        return self._file.lend(self._pieces())

    def chunk(self, start: int, size: int) -> bytes:
        """At most `size` bytes from offset `start`."""
        size = max(0, min(size, self.size_bytes - start))
        return os.pread(self._output, size, self._span.start + start)

    def _pieces(self) -> Iterator[bytes]:
        for start in range(0, self.size_bytes, _COPY_BYTES):
            yield self.chunk(start, _COPY_BYTES)
