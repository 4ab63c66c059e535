"""Sparse files in tar: the map of what is not a hole, in the five ways that it is written.

Source: the manual of GNU tar, "Storing Sparse Files" (old GNU, pax 0.0, 0.1 and 1.0).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailwarden.unpack.formats.tar.tar_headers import BLOCK_BYTES, decimal, number

# In an old GNU header (oldgnu_header) and in the blocks that continue it (sparse_header).
_OLD_MAP = slice(386, 482)
_OLD_IS_CONTINUED = 482
_OLD_SIZE = slice(483, 495)
_NEXT_MAP = slice(0, 504)
_NEXT_IS_CONTINUED = 504
_NUMBER_BYTES = 12

_HOLE_PIECE = bytes(262_144)
_MOST_LINE_BYTES = 21  # 2**64 and a line end


@dataclass(frozen=True, slots=True)
class SparseMap:
    """Where data lies in a file of `size_bytes`: offsets and lengths, in order.

    The packed data reaches from `data_start` to `data_end` of the archive.
    """

    size_bytes: int
    segments: tuple[tuple[int, int], ...]
    data_start: int
    data_end: int

    def pieces(self, octets: bytes, end: int) -> Iterator[bytes]:
        """Give the whole file, holes and all; data ends at `end` of `octets`, if not before."""
        place, written = self.data_start, 0
        for offset, length in self.segments:
            yield from _hole(offset - written)
            yield octets[place : min(place + length, end)]
            place, written = place + length, offset + length
        yield from _hole(self.size_bytes - written)

    @property
    def needs_until(self) -> int:
        """Where the last segment's data ends, if the map is right."""
        return self.data_start + sum(length for _, length in self.segments)


def old_map(octets: bytes, block: bytes, data_start: int, data_bytes: int) -> SparseMap | None:
    """Read the map of an old GNU header and of blocks behind it; None when it is broken."""
    fields = [block[_OLD_MAP]]
    is_continued = block[_OLD_IS_CONTINUED]
    while is_continued:
        more = octets[data_start : data_start + BLOCK_BYTES]
        if len(more) < BLOCK_BYTES:
            return None
        fields.append(more[_NEXT_MAP])
        is_continued = more[_NEXT_IS_CONTINUED]
        data_start += BLOCK_BYTES
    joined = b"".join(fields)
    numbers = [
        number(joined[place : place + _NUMBER_BYTES])
        for place in range(0, len(joined), _NUMBER_BYTES)
    ]
    return _checked(number(block[_OLD_SIZE]), numbers, data_start, data_start + data_bytes)


def pax_map(
    octets: bytes, pax: Mapping[bytes, bytes], pairs: list[bytes], start: int, end: int
) -> SparseMap | None:
    """Read the map that pax records describe; None when it is broken.

    `pairs` are the values of version 0.0, whose keywords repeat.
    """
    size_bytes = decimal(pax.get(b"GNU.sparse.realsize") or pax.get(b"GNU.sparse.size", b""))
    if pax.get(b"GNU.sparse.major") == b"1":
        return _map_in_data(octets, size_bytes, start, end)
    written = pax[b"GNU.sparse.map"].split(b",") if b"GNU.sparse.map" in pax else pairs
    return _checked(size_bytes, [decimal(digits) for digits in written], start, end)


def _map_in_data(octets: bytes, size_bytes: int | None, start: int, end: int) -> SparseMap | None:
    """Read version 1.0: the number of segments and their numbers as lines, filled to a block."""
    lines = _lines(octets, start, end)
    count, place = next(lines, (None, start))
    if count is None:
        return None
    numbers: list[int | None] = []
    while len(numbers) < 2 * count:
        value, place = next(lines, (None, place))
        if value is None:
            return None
        numbers.append(value)
    blocks = -(-(place - start) // BLOCK_BYTES)
    return _checked(size_bytes, numbers, start + blocks * BLOCK_BYTES, end)


def _lines(octets: bytes, place: int, end: int) -> Iterator[tuple[int | None, int]]:
    """Read one number a line, with where the next line begins."""
    while (line_end := octets.find(b"\n", place, min(place + _MOST_LINE_BYTES, end))) >= 0:
        yield decimal(octets[place:line_end]), line_end + 1
        place = line_end + 1


def _checked(
    size_bytes: int | None, numbers: list[int | None], data_start: int, data_end: int
) -> SparseMap | None:
    """Make a map of numbers in pairs; None when one is missing or they do not ascend."""
    known = [value for value in numbers if value is not None]
    if size_bytes is None or len(known) < len(numbers) or len(known) % 2:
        return None
    segments = tuple(zip(known[::2], known[1::2], strict=True))
    written = 0
    for offset, length in segments:
        # Old GNU headers fill their table with empty segments at offset 0.
        if length and offset < written:
            return None
        written = max(written, offset + length)
    if written > size_bytes:
        return None
    return SparseMap(size_bytes, tuple(one for one in segments if one[1]), data_start, data_end)


def _hole(length: int) -> Iterator[bytes]:
    """Give that many zeros in pieces."""
    for _ in range(length // len(_HOLE_PIECE)):
        yield _HOLE_PIECE
    yield _HOLE_PIECE[: length % len(_HOLE_PIECE)]
