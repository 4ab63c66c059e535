"""Lists of MAPI properties as TNEF stores them ([MS-OXTNEF] section 2.1.3.4).

Only the properties asked for are kept; others are stepped over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from mailwarden.unpack.members import UnreadableError

# Every value takes a multiple of this.
_ALIGNMENT_BYTES = 4
_FIRST_NAMED = 0x8000
_GUID_BYTES = 16
_NAMED_BY_TEXT = 1
_MULTIPLE = 0x1000


class Kind(IntEnum):
    """Types of values whose length is stored ([MS-OXCDATA] section 2.11.1)."""

    OBJECT = 0x000D
    TEXT = 0x001E
    WIDE_TEXT = 0x001F
    BINARY = 0x0102


_STORED_LENGTH = frozenset(Kind)

# The length of all other types, with their padding.
_FIXED_BYTES = {
    0x0000: 0,  # unspecified
    0x0001: 0,  # null
    0x0002: 4,  # 16 bits, padded
    0x0003: 4,
    0x0004: 4,
    0x0005: 8,
    0x0006: 8,
    0x0007: 8,
    0x000A: 4,
    0x000B: 4,  # true or false, padded
    0x0014: 8,
    0x0040: 8,
    0x0048: 16,
}


@dataclass(frozen=True, slots=True)
class Property:
    """One value of one property; of a property with several values, each is one of these."""

    number: int
    kind: Kind
    content: memoryview


class Cursor:
    """A place in octets that only goes forward; raises `UnreadableError` at their end."""

    def __init__(self, octets: memoryview) -> None:
        self._octets = octets
        self._place = 0

    @property
    def left_bytes(self) -> int:
        """How many octets are left."""
        return len(self._octets) - self._place

    def take(self, count: int) -> memoryview:
        """Take that many octets, without copying them."""
        if count > self.left_bytes:
            raise UnreadableError("it ends early")
        self._place += count
        return self._octets[self._place - count : self._place]

    def number(self, size_bytes: int) -> int:
        """Take an unsigned number, low octet first."""
        return int.from_bytes(self.take(size_bytes), "little")


def properties(octets: memoryview) -> Iterator[Property]:
    """Go through the properties with values of variable length; raises `UnreadableError`."""
    cursor = Cursor(octets)
    for _ in range(cursor.number(4)):
        kind, number = cursor.number(2), cursor.number(2)
        if number >= _FIRST_NAMED:
            _skip_name(cursor)
        yield from _values(cursor, kind, number)


def _skip_name(cursor: Cursor) -> None:
    cursor.take(_GUID_BYTES)
    if cursor.number(4) == _NAMED_BY_TEXT:
        _padded(cursor)
    else:
        cursor.take(4)


def _values(cursor: Cursor, kind: int, number: int) -> Iterator[Property]:
    single = kind & ~_MULTIPLE
    if single in _FIXED_BYTES:
        count = cursor.number(4) if kind & _MULTIPLE else 1
        cursor.take(count * _FIXED_BYTES[single])
        return
    if single not in _STORED_LENGTH:
        raise UnreadableError("a property of an unknown type")
    for _ in range(cursor.number(4)):
        yield Property(number, Kind(single), _padded(cursor))


def _padded(cursor: Cursor) -> memoryview:
    """Take a length and as many octets, and what fills them up; the last may lack its filling."""
    content = cursor.take(cursor.number(4))
    cursor.take(min(-len(content) % _ALIGNMENT_BYTES, cursor.left_bytes))
    return content
