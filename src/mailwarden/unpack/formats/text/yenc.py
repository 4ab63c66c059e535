"""Blocks of yEnc in a text: the yEncode draft 1.3 (yenc.org).

=ybegin part=1 total=2 line=128 size=123456 name=photo.jpg
=ypart begin=1 end=61728
octets plus 42, some escaped
=yend size=61728 part=1 pcrc32=abcdef12
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import Member, Opened, Trait, UnreadableError

_CONTROL_LINE = re.compile(rb"=y(begin|part|end) ([^\r\n]*)")
_VALUE = re.compile(rb"([a-z0-9]+)=([^ ]*)")
# `name` is the last, and everything behind it, blanks and all.
_NAME = b" name="
_NAME_BYTES = 1_024
# No value but the name is longer than a number or a checksum.
_VALUE_BYTES = 16

_ESCAPED = re.compile(rb"=(.)", re.DOTALL)
_SHIFTED = bytes((octet - 42) % 256 for octet in range(256))
_UNESCAPED = tuple(bytes(((octet - 64) % 256,)) for octet in range(256))


@dataclass(frozen=True, slots=True)
class _Line:
    """A control line: its values by their keys, its name, and where it ends in the text."""

    kind: bytes
    values: dict[bytes, bytes]
    name: bytes
    start: int
    end: int


def open_yenc(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield every yEnc block; raises `UnreadableError` when there is none.

    A part of several is a volume; what does not agree with its size or checksum is said.
    """
    begin: _Line | None = None
    body_start = 0
    found_any = False
    for line in _control_lines(octets):
        if begin is not None and line.kind != b"part":
            found_any = True
            yield _member(begin, line, octets[body_start : line.start], meter)
            begin = None
        if line.kind == b"begin" and b"line" in line.values:
            begin = line
        body_start = line.end
    if begin is not None:
        found_any = True
        yield _member(begin, None, octets[body_start:], meter)
    if not found_any:
        raise UnreadableError("no yEnc block")


def _control_lines(octets: bytes) -> Iterator[_Line]:
    for match in _CONTROL_LINE.finditer(octets):
        start = match.start()
        if start == 0 or octets[start - 1] in b"\r\n":
            before, _, name = (b" " + match[2]).partition(_NAME)
            yield _Line(match[1], _values(before), name.strip(), start, match.end())


def _values(text: bytes) -> dict[bytes, bytes]:
    return {match[1]: match[2] for match in _VALUE.finditer(text) if len(match[2]) <= _VALUE_BYTES}


def _member(begin: _Line, end: _Line | None, packed: bytes, meter: Meter) -> Member:
    meter.count_member()
    octets = _decoded(packed, meter)
    return Member(
        names=_names(begin.name),
        octets=octets,
        size_bytes=_number(begin.values, b"size"),
        traits=(Trait.VOLUME,) if _is_volume(begin) else (),
        unopened=_disagreement(begin, end, octets),
    )


def _decoded(packed: bytes, meter: Meter) -> bytes:
    lines = packed.translate(None, b"\r\n")
    meter.count_bytes(len(lines))
    return _ESCAPED.sub(lambda escaped: _UNESCAPED[escaped[1][0]], lines).translate(_SHIFTED)


def _is_volume(begin: _Line) -> bool:
    part = _number(begin.values, b"part")
    return part is not None and (part > 1 or _number(begin.values, b"total") != 1)


def _disagreement(begin: _Line, end: _Line | None, octets: bytes) -> str:
    """What the last line says against the octets, as part of a sentence; empty for nothing."""
    if end is None or end.kind != b"end":
        return "the end of the yEnc block is missing"
    size = _number(end.values, b"size")
    if size is not None and size != len(octets):
        return "the size of the yEnc block is not what it says"
    checksum = _checksum(begin, end)
    if checksum is not None and checksum != zlib.crc32(octets):
        return "the checksum of the yEnc block is not what it says"
    return ""


def _checksum(begin: _Line, end: _Line) -> int | None:
    """The checksum of what is here: `crc32` is that of the whole file, `pcrc32` of a part."""
    if b"pcrc32" in end.values:
        return _number(end.values, b"pcrc32", base=16)
    return None if b"part" in begin.values else _number(end.values, b"crc32", base=16)


def _number(values: dict[bytes, bytes], key: bytes, base: int = 10) -> int | None:
    digits = values.get(key, b"")
    if not digits.isalnum():  # int() would take a sign as well
        return None
    try:
        return int(digits, base)
    except ValueError:
        return None


def _names(name: bytes) -> tuple[str, ...]:
    shown = name[:_NAME_BYTES]
    readings = (shown, shown.strip(b'"')) if shown.startswith(b'"') else (shown,)
    return tuple(
        dict.fromkeys(
            text for reading in readings if reading for text in name_readings(reading, "latin-1")
        )
    )
