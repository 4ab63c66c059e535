"""AppleSingle and MacBinary: a file of a Macintosh with both of its forks in one.

Apple's Mail and unpackers give the data fork under its own name.
Sources: RFC 1740 appendix A and B (AppleSingle), MacBinary II and III.
"""

from collections.abc import Iterator
from struct import Struct

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import Member, Opened, UnreadableError

_SINGLE_SIGNATURE = b"\0\x05\x16\0"
_SINGLE_HEAD_BYTES = 24
_ENTRY_COUNT = Struct(">H")
_ENTRY = Struct(">III")
_DATA_FORK, _RESOURCE_FORK, _REAL_NAME = 1, 2, 3
# Fifteen kinds of entries exist.
_MOST_ENTRIES = 100

_BINARY_HEAD_BYTES = 128
_BINARY_LENGTHS = Struct(">II")
_LENGTHS_OFFSET = 83
_CODE_PAGE = "mac-roman"


def open_apple_single(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield data and resource fork of an AppleSingle file."""
    if not octets.startswith(_SINGLE_SIGNATURE) or len(octets) < _SINGLE_HEAD_BYTES + 2:
        raise UnreadableError("it is not AppleSingle")
    (count,) = _ENTRY_COUNT.unpack_from(octets, _SINGLE_HEAD_BYTES)
    entries = dict(_entries(octets, min(count, _MOST_ENTRIES)))
    start, size = entries.get(_REAL_NAME, (0, 0))
    names = name_readings(octets[start : start + size], _CODE_PAGE) if size else ()
    for kind in (_DATA_FORK, _RESOURCE_FORK):
        if kind in entries:
            yield _fork(octets, names if kind == _DATA_FORK else (), *entries[kind], meter)


def open_mac_binary(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield data and resource fork of a MacBinary file."""
    if len(octets) < _BINARY_HEAD_BYTES:
        raise UnreadableError("it is not MacBinary")
    names = name_readings(octets[2 : 2 + octets[1]], _CODE_PAGE)
    data_bytes, resource_bytes = _BINARY_LENGTHS.unpack_from(octets, _LENGTHS_OFFSET)
    yield _fork(octets, names, _BINARY_HEAD_BYTES, data_bytes, meter)
    if resource_bytes:
        padded_bytes = -(-data_bytes // _BINARY_HEAD_BYTES) * _BINARY_HEAD_BYTES
        yield _fork(octets, (), _BINARY_HEAD_BYTES + padded_bytes, resource_bytes, meter)


def _entries(octets: bytes, count: int) -> Iterator[tuple[int, tuple[int, int]]]:
    first = _SINGLE_HEAD_BYTES + _ENTRY_COUNT.size
    for place in range(first, first + count * _ENTRY.size, _ENTRY.size):
        if place + _ENTRY.size > len(octets):
            raise UnreadableError("it ends within its list of entries")
        kind, start, size = _ENTRY.unpack_from(octets, place)
        yield kind, (start, size)


def _fork(octets: bytes, names: tuple[str, ...], start: int, size: int, meter: Meter) -> Member:
    meter.count_member()
    content = octets[start : start + size]
    meter.count_bytes(len(content))
    unopened = "the file ends within a fork" if len(content) < size else ""
    return Member(names, content, size, unopened=unopened)
