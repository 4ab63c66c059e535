r"""Blocks of uuencode in a text: POSIX uuencode, with its base64 variant.

    begin 644 name            begin-base64 644 name
    #8V%T                     Y2F0
    `                         ====
    end

Mail clients are more lenient than POSIX, and so is this: the mode may be missing, blanks stand for
backticks and may be lost at the end of a line, a line may have a checksum or other junk behind it,
lines in between may be empty, and the end may be missing. A `begin` in prose opens nothing: the
line below it must be uuencoded, which no line with small letters in the wrong place is.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailwarden.message.transfer import decode
from mailwarden.unpack.budget import Meter
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import Member, Opened, UnreadableError

_BEGIN = re.compile(rb"begin(-base64)?[ \t]([^\r\n]*)")
_LINE = re.compile(rb"[^\r\n]+")
_MODE_AND_NAME = re.compile(rb"[0-7]{3,4}(?:[ \t]+(.*))?", re.DOTALL)
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_BASE64_END = b"===="

# Every character of a line, the first of which says how many octets are in it.
_UUENCODED = bytes(range(0x20, 0x61))
_OCTETS_MASK = 0x3F
# File names end at 255 octets (NAME_MAX); a line as long as this has its use as a name lost.
_NAME_BYTES = 1_024


@dataclass(frozen=True, slots=True)
class _Block:
    """What came out of one block, where it ended, and whether junk stood among its lines."""

    octets: bytes
    end: int
    has_junk: bool = False


def open_uuencode(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield every uuencoded block of a text; raises `UnreadableError` when there is none."""
    position = 0
    found_any = False
    while begin := _BEGIN.search(octets, position):
        position = begin.end()
        if not _is_line_start(octets, begin.start()) or not _has_block(octets, begin):
            continue
        found_any = True
        meter.count_member()
        block = (
            _base64_block(octets, position, meter) if begin[1] else _block(octets, position, meter)
        )
        position = block.end
        junk = "lines that are not uuencoded stand among others" if block.has_junk else ""
        yield Member(_names(begin[2]), block.octets, unopened=junk)
    if not found_any:
        raise UnreadableError("no uuencoded block")


def _is_line_start(octets: bytes, start: int) -> bool:
    return start == 0 or octets[start - 1] in b"\r\n"


def _has_block(octets: bytes, begin: re.Match[bytes]) -> bool:
    """Whether the next line goes on as the block would."""
    line = _LINE.search(octets, begin.end())
    if line is None:
        return False
    if begin[1]:
        return _BASE64_LINE.fullmatch(line[0].rstrip()) is not None
    if _MODE_AND_NAME.fullmatch(begin[2].strip()):
        return _decoded_line(line[0]) is not None
    # Without a mode it is prose as a rule: only a line of exactly the right length will do.
    return _is_uuencoded(line[0]) and len(line[0]) == 1 + _characters(line[0]) > 1


def _is_uuencoded(line: bytes) -> bool:
    return not line.translate(None, _UUENCODED)


def _length(line: bytes) -> int:
    """How many octets a line says that it holds."""
    return line[0] - 0x20 & _OCTETS_MASK


def _characters(line: bytes) -> int:
    """How many characters a line should have behind the first: four for each three octets."""
    return (_length(line) + 2) // 3 * 4


def _block(octets: bytes, position: int, meter: Meter) -> _Block:
    """Decode up to the end line, the next block or the end of the text."""
    pieces: list[bytes] = []
    end = len(octets)
    has_strange = has_junk = False
    for line in _LINE.finditer(octets, position):
        if line[0].rstrip() == b"end" or _BEGIN.match(line[0]):
            end = line.end() if line[0].startswith(b"end") else line.start()
            break
        piece = _decoded_line(line[0])
        if piece is None or (has_strange and len(line[0]) <= _characters(line[0])):
            # What follows is prose perhaps; only a whole line shows that the block goes on.
            has_strange = True
        elif piece:
            has_junk = has_junk or has_strange
            meter.count_bytes(len(piece))
            pieces.append(piece)
    return _Block(b"".join(pieces), end, has_junk)


def _decoded_line(line: bytes) -> bytes | None:
    """The octets of a line, None for what is none; lost blanks are put back, junk is cut off."""
    characters = line[1 : 1 + _characters(line)] if line[0] in _UUENCODED else b""
    if line[0] not in _UUENCODED or not _is_uuencoded(characters):
        return None
    # Whole groups of three are decoded, since binascii looks at what fills the last one.
    whole = bytes((0x20 + _characters(line) // 4 * 3,)) + characters.ljust(_characters(line))
    return binascii.a2b_uu(whole)[: _length(line)]


def _base64_block(octets: bytes, position: int, meter: Meter) -> _Block:
    lines: list[bytes] = []
    end = len(octets)
    for line in _LINE.finditer(octets, position):
        if line[0].startswith(_BASE64_END):
            end = line.end()
            break
        if not _BASE64_LINE.fullmatch(line[0].rstrip()):
            end = line.start()
            break
        lines.append(line[0])
    decoded = decode(b"".join(lines), "base64").octets
    meter.count_bytes(len(decoded))
    return _Block(decoded, end)


def _names(header: bytes) -> tuple[str, ...]:
    """What follows the mode, as it is and without quotes; all of it where there is no mode."""
    shown = header.strip()[:_NAME_BYTES]
    mode_and_name = _MODE_AND_NAME.fullmatch(shown)
    name = shown if mode_and_name is None else mode_and_name[1] or b""
    readings = (name, name.strip(b"\"'")) if name[:1] in {b'"', b"'"} else (name,)
    return tuple(
        dict.fromkeys(
            text for reading in readings if reading for text in name_readings(reading, "latin-1")
        )
    )
