"""Packed bytes unpacked piece by piece, in bounded memory, with the standard library's decoders.

Packed bytes go in by pieces and come out by pieces, so that whoever counts can stop in time. A
stream that is broken or ends early is a `problem`, not an error: what came out before counts.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

# Packed bytes that a decoder is given at once. Few at first: most streams of a bomb are tiny, and
# what is left of a piece is copied.
_FIRST_PIECE_BYTES = 512
_PIECE_BYTES = 65_536
# The most that comes out at once: what a bomb may cost beyond the limit that stops it.
_OUT_BYTES = 262_144
# xz's strongest preset needs 65 MiB; more memory than this is never needed to read a message.
_LZMA_MEMORY_BYTES = 128 * 1024 * 1024
# The least window of LZMA (LZMA specification 1.0, "Dictionary Size").
_LZMA_LEAST_WINDOW_BYTES = 4_096
# A byte of lc, lp and pb; four of the window's size (LZMA specification 1.0).
_LZMA_PROPERTIES_BYTES = 5
_LZMA_LEAST_BAD_PROPERTIES = 9 * 5 * 5

ENDS_EARLY = "it ends too early"
BROKEN = "its packed bytes are broken"
NEEDS_MEMORY = "it needs more memory than it may have"

_DECODER_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class Decoder(Protocol):
    """What decoders of `bz2` and `lzma` have in common."""

    @property
    def eof(self) -> bool:
        """Whether the stream's own end was reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out of what went in."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What went in after the stream's end."""
        ...

    def decompress(self, data: memoryview, max_length: int) -> bytes:
        """Take packed bytes, give at most that many unpacked."""
        ...


class Inflate:
    """Deflate as a `Decoder`; `window_bits` as in `zlib`: negative for raw, 31 for gzip.

    zlib gives nothing of a piece that is broken somewhere. So such a piece is taken again in
    halves, until everything before the fault came out.
    """

    def __init__(self, window_bits: int) -> None:
        self._decoder = zlib.decompressobj(window_bits)
        self._left = memoryview(b"")  # what went in and was not taken yet
        self._most_taken = _PIECE_BYTES
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the stream's own end was reached."""
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        """What went in after the stream's end."""
        return self._decoder.unused_data + self._left if self.eof else b""

    def decompress(self, data: memoryview, max_length: int) -> bytes:
        """Take packed bytes, give at most that many unpacked; raises `zlib.error`."""
        left = self._left or data
        taken = left[: self._most_taken]
        before = self._decoder.copy()
        try:
            piece = self._decoder.decompress(taken, max_length)
        except zlib.error:
            if len(taken) <= 1:
                raise
            self._decoder, self._left, self._most_taken = before, taken, len(taken) // 2
            self.needs_input = False
            return b""
        self._left = left[len(taken) - len(self._decoder.unconsumed_tail) :]
        # A full piece may have left something in zlib's window, although all input was taken.
        self.needs_input = not self._left and len(piece) < max_length
        return piece


def deflate_decoder() -> Decoder:
    """A decoder of raw deflate (RFC 1951)."""
    return Inflate(-zlib.MAX_WBITS)


def gzip_decoder() -> Decoder:
    """A decoder of one gzip member, checksum and length included (RFC 1952)."""
    return Inflate(16 + zlib.MAX_WBITS)


def bzip2_decoder() -> Decoder:
    """A decoder of one bzip2 stream."""
    return bz2.BZ2Decompressor()


def xz_decoder() -> Decoder:
    """A decoder of one xz stream."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY_BYTES)


def lzma_decoder() -> Decoder:
    """A decoder of the old format of LZMA."""
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY_BYTES)


def raw_lzma_decoder(properties: bytes) -> Decoder | None:
    """A decoder of bare LZMA as its five octets of properties say, None when they are wrong."""
    if len(properties) < _LZMA_PROPERTIES_BYTES or properties[0] >= _LZMA_LEAST_BAD_PROPERTIES:
        return None
    positions, lc = divmod(properties[0], 9)
    pb, lp = divmod(positions, 5)
    window_bytes = int.from_bytes(properties[1:_LZMA_PROPERTIES_BYTES], "little")
    # An announced window would be allocated at once, and nobody needs 4 GB of it.
    window_bytes = min(max(window_bytes, _LZMA_LEAST_WINDOW_BYTES), _LZMA_MEMORY_BYTES)
    coder = {"id": lzma.FILTER_LZMA1, "dict_size": window_bytes, "lc": lc, "lp": lp, "pb": pb}
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[coder])
    except (lzma.LZMAError, MemoryError):  # liblzma takes less for lc and lp together
        return None


@dataclass(slots=True)
class Unpacking:
    """One stream of packed bytes, from `start` up to `end` of `octets` at most.

    After `pieces` is through, `consumed_to` is where the stream ended, and `problem` says what was
    wrong, empty for nothing.
    """

    octets: bytes
    start: int
    end: int
    decoder: Decoder
    consumed_to: int = field(init=False)
    problem: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.consumed_to = self.start

    def pieces(self) -> Iterator[bytes]:
        """Unpack; pieces may be empty, so that whoever counts them sees the time pass."""
        view = memoryview(self.octets)
        try:
            yield from self._pieces(view)
        except (lzma.LZMAError, MemoryError) as error:
            # Its text is all that Python leaves of LZMA_MEMLIMIT_ERROR.
            is_memory = isinstance(error, MemoryError) or "Memory usage limit" in str(error)
            self.problem = NEEDS_MEMORY if is_memory else BROKEN
        except _DECODER_ERRORS:
            self.problem = BROKEN
        else:
            if not self.decoder.eof:
                self.problem = ENDS_EARLY
        self.consumed_to -= len(self.decoder.unused_data)

    def _pieces(self, view: memoryview) -> Iterator[bytes]:
        decoder = self.decoder
        size_bytes = _FIRST_PIECE_BYTES
        while not decoder.eof:
            packed = view[:0]
            if decoder.needs_input:
                packed = view[self.consumed_to : min(self.consumed_to + size_bytes, self.end)]
                if not packed:
                    return
                self.consumed_to += len(packed)
                size_bytes = min(size_bytes * 2, _PIECE_BYTES)
            yield decoder.decompress(packed, _OUT_BYTES)


MakeDecoder = Callable[[], Decoder]
