"""The blocks of a tar archive: headers, their numbers, and the records of pax.

Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"; the manual of
GNU tar, "Basic Tar Format" (base-256 numbers, long names). The standard library's `tarfile` is not
used: it takes quadratic time for some extended headers (CVE-2024-6232), and calls itself for each
extended header before a member.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mailwarden.unpack.members import UnreadableError

BLOCK_BYTES = 512

_NAME = slice(0, 100)
_SIZE = slice(124, 136)
_CHECKSUM = slice(148, 156)
_KIND = slice(156, 157)
_LINK = slice(157, 257)
_MAGIC = slice(257, 263)
_PREFIX = slice(345, 500)
_ANY_MAGIC = b"ustar"
_POSIX_MAGIC = b"ustar\0"

# A first octet with this bit: the rest is a number in base 256, negative with the next bit.
_BASE_256 = 0x80
_NEGATIVE = 0x40
_ASCII = bytes(range(0x80))
_OCTAL_DIGITS = b"01234567"
# 2**64 has 20 digits.
_DECIMAL_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Header:
    """One header block; `kind` is its type flag, `block` the whole of it."""

    name: bytes
    link_target: bytes
    kind: bytes
    size_bytes: int
    block: bytes


def header_at(octets: bytes, start: int) -> Header | None:
    """Read a header; None when the checksum is not that of a header."""
    block = octets[start : start + BLOCK_BYTES]
    if len(block) < BLOCK_BYTES or not _has_checksum(block):
        return None
    size_bytes = number(block[_SIZE])
    if size_bytes is None:
        return None
    name = _text(block[_NAME])
    prefix = _text(block[_PREFIX]) if block[_MAGIC] == _POSIX_MAGIC else b""
    return Header(
        name=b"/".join((prefix, name)) if prefix else name,
        link_target=_text(block[_LINK]),
        kind=block[_KIND],
        size_bytes=size_bytes,
        block=block,
    )


def next_header(octets: bytes, start: int) -> int:
    """Find the next header of at least ustar's age at a block's start; the end for none."""
    magic = octets.find(_ANY_MAGIC, start)
    while magic >= 0:
        place = magic - _MAGIC.start
        if place >= start and not place % BLOCK_BYTES and header_at(octets, place):
            return place
        magic = octets.find(_ANY_MAGIC, magic + 1)
    return len(octets)


def number(field: bytes) -> int | None:
    """Read a number, octal or base 256; None when it is neither, or negative."""
    if field[0] & _BASE_256:
        negative = field[0] & _NEGATIVE
        return (
            None if negative else int.from_bytes(field, "big") - (_BASE_256 << 8 * len(field) - 8)
        )
    digits = _text(field).strip(b" ")
    if digits.strip(_OCTAL_DIGITS):
        return None
    return int(digits or b"0", 8)


def decimal(digits: bytes) -> int | None:
    """Read a decimal number of pax; None when it is none, or far too large."""
    return int(digits) if digits.isdigit() and len(digits) <= _DECIMAL_DIGITS else None


def pax_records(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Read keywords and values in order; raises `UnreadableError` where a record is broken."""
    place = 0
    while place < len(octets) and octets[place]:
        blank = octets.find(b" ", place, place + _DECIMAL_DIGITS + 1)
        length = decimal(octets[place:blank]) if blank > 0 else None
        if length is None:
            raise UnreadableError("an extended header is broken")
        end = place + length
        if end <= blank or octets[end - 1 : end] != b"\n":
            raise UnreadableError("an extended header is broken")
        key, _, value = octets[blank + 1 : end - 1].partition(b"=")
        yield key, value
        place = end


def _has_checksum(block: bytes) -> bool:
    """Whether the block's octets add up; old programs added signed ones."""
    announced = number(block[_CHECKSUM])
    summed = block[: _CHECKSUM.start] + b" " * 8 + block[_CHECKSUM.stop :]
    unsigned = sum(summed)
    if announced == unsigned:
        return True
    return announced == unsigned - 256 * len(summed.translate(None, _ASCII))


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]
