"""RTF documents: embedded objects, remote templates, fields that start programs.

Objects are stored as hexadecimal, and programs differ in what they take for a digit, so each way of
reading is tried where they differ. Nothing else of RTF is understood. Source: Rich Text Format
Specification 1.9.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import product

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.office.fields import BEGIN, END, SEPARATE, field_traits
from mailwarden.unpack.formats.office.ole_objects import open_object
from mailwarden.unpack.formats.office.remote import is_remote
from mailwarden.unpack.members import Opened, Trait

_OBJECT_DATA = re.compile(rb"\\objdata(?![a-z])-?\d{0,10} ?")
_PLAIN_DATA = re.compile(rb"([0-9A-Fa-f \t\r\n]*)\}")
_LINK = re.compile(rb"\\obj(?:aut)?link(?![a-z])")
_TEMPLATE = re.compile(rb"\\template(?![a-z])")
_FIELD = re.compile(rb"\\field(?![a-z])")

# Everything is one of these; a control word takes the blank behind it ("RTF Syntax").
_TOKEN = re.compile(
    rb"\\bin(?![A-Za-z])(?P<length>-?[0-9]{1,10})? ?"
    rb"|\\'(?P<quoted>[0-9A-Fa-f]{2})"
    rb"|\\(?P<word>[A-Za-z]+)(?P<number>-?[0-9]{1,10})? ?"
    rb"|(?P<ignorable>\\\*)"
    rb"|\\(?P<symbol>[^A-Za-z])"
    rb"|(?P<brace>[{}])"
    rb"|(?P<text>[^\\{}]+)"
    rb"|\\",
    re.DOTALL,
)

_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789ABCDEFabcdef"))
_QUOTED = re.compile(rb"\\'")
_UNICODE = re.compile(rb"\\u-?[0-9]")

# How often the clock is asked while nothing is produced.
_TOKENS_A_CHECK = 10_000


class _Nested(Enum):
    """Which groups inside an object's data hold digits of it."""

    NONE = auto()
    NOT_IGNORABLE = auto()  # all but `{\\* ...}`
    ALL = auto()
    LAST = auto()  # all, but each `\\objdata` in it begins anew


_Ways = tuple[tuple[_Nested, bool], ...]


@dataclass(slots=True)
class _Reading:
    r"""One way to read an object's data.

    With `quoted_drops`, `\'hh` also drops a digit that stands before it without its pair.
    """

    nested: _Nested
    quoted_drops: bool
    octets: bytearray = field(default_factory=bytearray)
    digits: bytearray = field(default_factory=bytearray)

    def take(self, digits: bytes, depth: int, ignorable_from: int) -> None:
        """Take digits in a group at a depth below the data's own, 0."""
        is_taken = (
            depth == 0
            or self.nested in (_Nested.ALL, _Nested.LAST)
            or (self.nested is _Nested.NOT_IGNORABLE and depth < ignorable_from)
        )
        if is_taken:
            self.digits += digits

    def quoted(self) -> None:
        if self.quoted_drops and len(self.digits) % 2:
            del self.digits[-1]

    def binary(self, octets: bytes) -> None:
        self._turn()
        self.octets += octets

    def begin_anew(self) -> None:
        if self.nested is _Nested.LAST:
            self.octets.clear()
            self.digits.clear()

    def result(self) -> bytes:
        self._turn()
        return bytes(self.octets)

    def _turn(self) -> None:
        if len(self.digits) % 2:
            del self.digits[-1]
        self.octets += bytes.fromhex(self.digits.decode("ascii"))
        self.digits.clear()


def open_rtf(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open an RTF document; raises as `members` says."""
    yield from _traits(octets, meter)
    # The second way of reading differs from the first only where there are quoted characters.
    ways = tuple(product(_Nested, (False, True) if _QUOTED.search(octets) else (False,)))
    position = 0
    while begin := _OBJECT_DATA.search(octets, position):
        readings, position = _object_data(octets, begin.end(), ways, meter)
        for reading in readings:
            yield from open_object(reading, meter)


def _traits(octets: bytes, meter: Meter) -> Iterator[Trait]:
    if _LINK.search(octets):
        yield Trait.EXTERNAL_LINK
    if any(map(is_remote, _texts(_TEMPLATE, octets, meter))):
        yield Trait.REMOTE_TEMPLATE
    for text in _texts(_FIELD, octets, meter):
        yield from field_traits(BEGIN + text, meter)


def _texts(start: re.Pattern[bytes], octets: bytes, meter: Meter) -> Iterator[str]:
    """The text of each group from a control word on, in both ways if there are two."""
    ways = (True, False) if _UNICODE.search(octets) else (True,)
    position = 0
    while begin := start.search(octets, position):
        meter.check_time()
        for has_fallback in ways:
            text, position = _text(octets, begin.end(), meter, has_fallback=has_fallback)
            yield text


def _object_data(
    octets: bytes, start: int, ways: _Ways, meter: Meter
) -> tuple[tuple[bytes, ...], int]:
    """Every distinct reading of an object's data from `start` on, and where its group ends."""
    if plain := _PLAIN_DATA.match(octets, start):
        digits = plain[1].translate(None, b" \t\r\n")
        return (bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii")),), plain.end()
    readings = [_Reading(*way) for way in ways]
    end = _read_object_data(octets, start, readings, meter)
    return tuple(dict.fromkeys(reading.result() for reading in readings)), end


def _read_object_data(octets: bytes, start: int, readings: list[_Reading], meter: Meter) -> int:
    """Give all readings what they can differ about; says where the data's group ends."""
    depth = 0
    never = len(octets)  # deeper than anything
    ignorable_from = never
    position = start
    tokens = 0
    while token := _TOKEN.match(octets, position):
        position = token.end()
        tokens += 1
        if tokens % _TOKENS_A_CHECK == 0:
            meter.check_time()
        if token["brace"] == b"{":
            depth += 1
        elif token["brace"] == b"}":
            depth -= 1
            if depth < 0:
                break
            if depth < ignorable_from:
                ignorable_from = never
        elif token["ignorable"] and depth:
            ignorable_from = min(ignorable_from, depth)
        else:
            position = _give(octets, token, readings, (depth, ignorable_from))
    return position


def _give(
    octets: bytes, token: re.Match[bytes], readings: list[_Reading], place: tuple[int, int]
) -> int:
    """Give one token that is no brace to all readings; says where the next one begins."""
    length = max(int(token["length"] or 0), 0)
    if token["text"]:
        digits = token["text"].translate(None, _NO_DIGITS)
        for reading in readings:
            reading.take(digits, *place)
        return token.end()
    for reading in readings:
        if token["quoted"]:
            reading.quoted()
        elif length:
            reading.binary(octets[token.end() : token.end() + length])
        elif token["word"] == b"objdata":
            reading.begin_anew()
    return token.end() + length


def _text(octets: bytes, start: int, meter: Meter, *, has_fallback: bool) -> tuple[str, int]:
    r"""The text from `start` to the end of its group, fields in it marked; and where that is.

    With `has_fallback`, one character after `\u` is for readers that know no Unicode.
    """
    pieces: list[str] = []
    fields: list[int] = []  # the depths of fields that have begun
    depth = 0
    position = start
    skips = False
    tokens = 0
    while token := _TOKEN.match(octets, position):
        position = token.end()
        tokens += 1
        if tokens % _TOKENS_A_CHECK == 0:
            meter.check_time()
        if token["brace"] == b"{":
            depth += 1
        elif token["brace"] == b"}":
            depth -= 1
            if fields and depth < fields[-1]:
                pieces.append(END)
                fields.pop()
            if depth < 0:
                break
        elif token["word"] == b"field":
            pieces.append(BEGIN)
            fields.append(depth)
        else:
            pieces.append(_shown(token)[skips:])
            skips = has_fallback and token["word"] == b"u"
    return "".join(pieces), position


def _shown(token: re.Match[bytes]) -> str:
    """What one token shows as text; most control words show nothing."""
    if token["word"]:
        return _shown_word(token)
    if token["quoted"]:
        return bytes.fromhex(token["quoted"].decode("ascii")).decode("cp1252", "replace")
    shown = token["symbol"] or token["text"] or b""
    return shown.translate(None, b"\r\n").decode("cp1252", "replace")


def _shown_word(token: re.Match[bytes]) -> str:
    if token["word"] == b"fldrslt":
        return SEPARATE
    if token["word"] == b"u" and token["number"]:
        # Numbers are signed and of 16 bits ("Unicode RTF").
        return chr(int(token["number"]) & 0xFFFF)
    return " " if token["word"] in (b"tab", b"line", b"par") else ""
