"""Fields in text documents that start programs or fetch text from elsewhere.

Word's own characters say where a field begins, where its result begins and where it ends; RTF and
OOXML are brought into this form by their openers. A field inside a field gives what it shows to
the outer one, which is how an instruction is hidden. Source: [MS-DOC] 2.8.25, ECMA-376 17.16.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Trait

BEGIN = "\x13"
SEPARATE = "\x14"
END = "\x15"

_PIECE = re.compile(f"[{BEGIN}{SEPARATE}{END}]|[^{BEGIN}{SEPARATE}{END}]+")
# The clock is looked at once for so many of these.
_PIECES_UNTIMED = 10_000
_WORD = re.compile(r"([A-Za-z]{1,20})")
# What may stand before an instruction and means nothing.
_LEADING = ' \t\r\n\f\v\xa0"'
_QUOTE = "QUOTE"
# `QUOTE 68 68 69` shows "DDE"; 0x44 is 68 too.
_QUOTED = re.compile(r"\"([^\"]{0,200})\"|\b(0[xX][0-9A-Fa-f]{1,6}|\d{1,7})\b")
_MOST_CHARACTER = 0x10FFFF

# An instruction's first word says what it does; the rest is for nobody here.
_MOST_LENGTH = 500
# Word takes no more than 20 fields in each other.
_MOST_NESTED = 64

_TRAITS = {
    "DDE": Trait.DDE,
    "DDEAUTO": Trait.DDE,
    "LINK": Trait.EXTERNAL_LINK,
    "INCLUDE": Trait.EXTERNAL_LINK,
    "INCLUDETEXT": Trait.EXTERNAL_LINK,
}


@dataclass(slots=True)
class _Field:
    """A field that has begun: its instruction, and what it shows once that has begun."""

    instruction: str = ""
    shown: str = ""
    has_result: bool = False

    def add(self, text: str) -> None:
        if self.has_result:
            self.shown = (self.shown + text[:_MOST_LENGTH])[:_MOST_LENGTH]
        else:
            text = text if self.instruction else text.lstrip(_LEADING)
            self.instruction = (self.instruction + text[:_MOST_LENGTH])[:_MOST_LENGTH]


@dataclass(slots=True)
class _Fields:
    """The fields that have begun and not ended, outermost first."""

    open: list[_Field] = field(default_factory=list)

    def end(self) -> Iterator[Trait]:
        """End the innermost field: what it is, and what it gives to the one around it."""
        ended = self.open.pop()
        yield from _traits(ended.instruction)
        if self.open:
            self.open[-1].add(_given(ended))


def field_traits(text: str, meter: Meter) -> tuple[Trait, ...]:
    """The traits of all fields in a text, each once; what is not closed counts as well.

    Raises `OverLimitError`.
    """
    return tuple(dict.fromkeys(_all_traits(text, meter)))


def _all_traits(text: str, meter: Meter) -> Iterator[Trait]:
    fields = _Fields()
    for piece in _pieces(text, meter):
        if piece == BEGIN:
            if len(fields.open) == _MOST_NESTED:
                yield from fields.end()
            fields.open.append(_Field())
        elif not fields.open:
            continue
        elif piece == SEPARATE:
            fields.open[-1].has_result = True
        elif piece == END:
            yield from fields.end()
        else:
            fields.open[-1].add(piece)
    while fields.open:
        yield from fields.end()


def _pieces(text: str, meter: Meter) -> Iterator[str]:
    for count, piece in enumerate(_PIECE.finditer(text)):
        if count % _PIECES_UNTIMED == 0:
            meter.check_time()
        yield piece[0]


def _traits(instruction: str) -> Iterator[Trait]:
    word = _WORD.match(instruction)
    if word and word[1].upper() in _TRAITS:
        yield _TRAITS[word[1].upper()]


def _given(ended: _Field) -> str:
    word = _WORD.match(ended.instruction)
    if not word or word[1].upper() != _QUOTE:
        return ended.shown
    quoted = _QUOTED.finditer(ended.instruction, word.end())
    return "".join(_character(found[2]) if found[2] else found[1] for found in quoted)


def _character(number: str) -> str:
    code = int(number, 16 if number[:2].lower() == "0x" else 10)
    return chr(code) if code <= _MOST_CHARACTER else ""
