"""Single compressed files: gzip, bzip2, xz and the older lzma, each with one member.

Streams behind each other are one content to the programs of that format, so they are one here.
What follows the last one is ignored by them, and may be an archive for others.
Source: RFC 1952, the bzip2 manual, the .xz file format 1.2.1 (section 2.2 allows zeros).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.decompression import (
    MakeDecoder,
    Unpacking,
    bzip2_decoder,
    gzip_decoder,
    lzma_decoder,
    xz_decoder,
)
from mailwarden.unpack.entry_traits import entry_traits
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import Entry, Member, Opened, Trait, UnreadableError

# The head of a gzip stream, where its flags stand in it, and two of these (RFC 1952 section 2.3).
_GZIP_HEAD_BYTES = 10
_GZIP_FLAGS_OFFSET = 3
_GZIP_EXTRA_FLAG = 1 << 2
_GZIP_NAME_FLAG = 1 << 3
_CODE_PAGE = "latin-1"  # RFC 1952 section 2.3.1
# No system has longer names.
_NAME_BYTES = 4_096
# Programs take the first stream's name; this many are looked at.
_MOST_NAMES = 16

_NOT_ZERO = re.compile(rb"[^\0]")
# A large filter of mail ends its DMARC reports with CRLF.
_NOT_PADDING = re.compile(rb"[^\0\r\n]")


def open_gzip(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a gzip file; the member has the names that its streams store."""
    return _open(octets, meter, _GZIP)


def open_bzip2(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a bzip2 file."""
    return _open(octets, meter, _BZIP2)


def open_xz(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open an xz file."""
    return _open(octets, meter, _XZ)


def open_lzma(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a file of the older kind of LZMA, which has no signature and no checksum."""
    return _open(octets, meter, _LZMA)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of stream; another one follows only where its signature does."""

    signature: bytes
    make_decoder: MakeDecoder


_GZIP = _Kind(b"\x1f\x8b", gzip_decoder)
_BZIP2 = _Kind(b"BZh", bzip2_decoder)
_XZ = _Kind(b"\xfd7zXZ\0", xz_decoder)
_LZMA = _Kind(b"", lzma_decoder)


def _open(octets: bytes, meter: Meter, kind: _Kind) -> Iterator[Opened]:
    if not octets.startswith(kind.signature):
        raise UnreadableError("its first octets are not those of the format")
    meter.count_member()
    streams = _Streams(octets, kind)
    content = meter.collect(streams.pieces())
    if streams.problem and not content:
        raise UnreadableError(streams.problem)
    stored_names = _gzip_names(octets, streams.starts) if kind is _GZIP else []
    names = tuple(name for stored in stored_names for name in name_readings(stored, _CODE_PAGE))
    yield Member(
        names=tuple(dict.fromkeys(names)),
        octets=content,
        traits=entry_traits(Entry.FILE, names),
        unopened=streams.problem,
    )
    if not streams.problem and _NOT_PADDING.search(octets, streams.end):
        yield Trait.HIDDEN_DATA


class _Streams:
    """All streams behind each other, `end` is where the last one ends.

    `problem` says what is wrong with the last one. `starts` are those of the first few.
    """

    def __init__(self, octets: bytes, kind: _Kind) -> None:
        self._octets = octets
        self._kind = kind
        self.starts: list[int] = []
        self.end = 0
        self.problem = ""

    def pieces(self) -> Iterator[bytes]:
        """Unpack them all."""
        start: int | None = 0
        while start is not None and not self.problem:
            if len(self.starts) < _MOST_NAMES:
                self.starts.append(start)
            stream = Unpacking(self._octets, start, len(self._octets), self._kind.make_decoder())
            yield from stream.pieces()
            self.end, self.problem = stream.consumed_to, stream.problem
            start = self._next_start()

    def _next_start(self) -> int | None:
        """Where another stream follows, zeros in between allowed."""
        follows = _NOT_ZERO.search(self._octets, self.end)
        signature = self._kind.signature
        if not signature or not follows or not self._octets.startswith(signature, follows.start()):
            return None
        return follows.start()


def _gzip_names(octets: bytes, starts: list[int]) -> list[bytes]:
    """Find the file names in the heads of gzip streams (RFC 1952 section 2.3)."""
    names = []
    for start in starts:
        if start + _GZIP_HEAD_BYTES > len(octets):
            break
        flags = octets[start + _GZIP_FLAGS_OFFSET]
        place = start + _GZIP_HEAD_BYTES
        if flags & _GZIP_EXTRA_FLAG:
            place += 2 + int.from_bytes(octets[place : place + 2], "little")
        if flags & _GZIP_NAME_FLAG:
            name, end, _ = octets[place : place + _NAME_BYTES].partition(b"\0")
            names += [name] if name and end else []
    return names
