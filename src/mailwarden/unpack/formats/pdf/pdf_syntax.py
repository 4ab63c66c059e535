r"""The values of PDF: ISO 32000-1 section 7.3, read as leniently as programs read them.

    << /S /J#61vaScript /JS (app.alert\(1\)) /Next [12 0 R null] >>

Names are `str` with their `#xx` undone, strings are `bytes`, references are `Reference`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailwarden.unpack.budget import Limit, Meter, OverLimitError
from mailwarden.unpack.members import UnreadableError

# Of all objects of a file that are read: a manual with 20,000 links has half of these. Each costs
# about a microsecond, and some sixty octets for as long as the file is looked at.
TOKENS = 1_000_000
# Honest values nest less than 20 deep; readers have limits of their own from 100 on.
_DEPTH = 256
# The clock is looked at once for so many tokens, or pieces of a string.
_TOKENS_UNTIMED = 4_096

# Blanks, then a token if there is one: it matches anywhere, so it never tries again. A comment is
# one, because a repeated group for comments would keep something of each until the match ends.
_TOKEN = re.compile(
    rb"[\0\t\n\f\r ]*"
    rb"(<<|>>|[\[\]{}()]|/[^\0\t\n\f\r ()<>\[\]{}/%]*|%[^\r\n]*"
    rb"|<[^<>]*>|[^\0\t\n\f\r ()<>\[\]{}/%]+|[<>])?"
)
_STRING_PIECE = re.compile(rb"[^()\\]+|\\(?:[0-7]{1,3}|\r\n|[^\0-\x1f]|[\0-\x1f])|[()\\]")
_NAME_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_NOT_HEX = re.compile(rb"[^0-9A-Fa-f]+")
_ENDS = frozenset({b"endobj", b"stream", b"endstream", b"xref", b"startxref", b"trailer", b"obj"})

_STRING_ESCAPES = {
    b"\\n": b"\n",
    b"\\r": b"\r",
    b"\\t": b"\t",
    b"\\b": b"\b",
    b"\\f": b"\f",
    b"\\\n": b"",
    b"\\\r": b"",
    b"\\\r\n": b"",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to the object of that number, of any generation."""

    number: int


Value = None | bool | int | str | bytes | Reference | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A value, where it ends in the octets, and how many tokens it was."""

    value: Value
    end: int
    tokens: int = 0


@dataclass(slots=True)
class _Open:
    """An array or dictionary that is not closed yet, with what is in it so far."""

    is_dictionary: bool
    values: list[Value]


def parse_value(octets: bytes, start: int, meter: Meter, most_tokens: int = TOKENS) -> Parsed:
    """Read the first value from `start` on; what is not closed ends where the octets do.

    Raises `UnreadableError` for what is nested too deep, `OverLimitError` for what is too long.
    """
    outermost = _Open(is_dictionary=False, values=[])
    stack = [outermost]
    position = start
    for count in range(most_tokens):
        if count % _TOKENS_UNTIMED == 0:
            meter.check_time()
        match = _TOKEN.match(octets, position)
        if match is None or not match[1]:
            return _closed(stack, len(octets), count)
        token, position = match[1], match.end()
        if token in _ENDS:
            return _closed(stack, match.start(1), count)
        if token == b"(":
            string, position = _string(octets, position, meter)
            stack[-1].values.append(string)
        else:
            _take(token, stack)
        if len(stack) == 1 and _is_whole(outermost.values):
            return Parsed(outermost.values[0], position, count + 1)
    raise OverLimitError(Limit.BYTES)


def _is_whole(values: list[Value]) -> bool:
    """Whether there is a value for sure: after a number, another one and `R` may follow."""
    *numbers, last = values[:3] or [0]
    return not isinstance(last, int) or len(numbers) > 1


def _closed(stack: list[_Open], end: int, tokens: int) -> Parsed:
    """Close everything that is open; the value is the first, None where there is none."""
    while len(stack) > 1:
        _close(stack)
    values = stack[0].values
    return Parsed(values[0] if values else None, end, tokens)


def _take(token: bytes, stack: list[_Open]) -> None:
    values = stack[-1].values
    match token[:1]:
        case b"/":
            values.append(_name(token))
        case b"[" | b"{":
            _begin(stack, is_dictionary=False)
        case b"<" if token == b"<<":
            _begin(stack, is_dictionary=True)
        case b"]" | b"}" | b">" | b")":
            _close(stack)
        case b"%":
            pass
        case b"<":
            digits = _NOT_HEX.sub(b"", token).decode("ascii")
            values.append(bytes.fromhex(digits + "0" * (len(digits) % 2)))
        case _:
            _take_word(token, values)


def _take_word(token: bytes, values: list[Value]) -> None:
    """Take a number or a word; `R` makes the two numbers before it a reference."""
    if token == b"R" and len(values) > 1 and isinstance(values[-2], int):
        number = values[-2]
        del values[-2:]
        values.append(Reference(number))
        return
    values.append(_number(token) if token[0] in b"0123456789+-." else _WORDS.get(token))


_WORDS: dict[bytes, bool] = {b"true": True, b"false": False}
# Numbers with more digits than these are none that a reader could use.
_DIGITS = 18


def _number(token: bytes) -> int | None:
    digits = token.partition(b".")[0]
    return (
        int(digits)
        if len(digits) <= _DIGITS
        and digits.lstrip(b"+-").isdigit()
        and (digits[1:].isdigit() or digits.isdigit())
        else None
    )


def _begin(stack: list[_Open], *, is_dictionary: bool) -> None:
    if len(stack) >= _DEPTH:
        raise UnreadableError(f"values are nested more than {_DEPTH} deep")
    stack.append(_Open(is_dictionary, []))


def _close(stack: list[_Open]) -> None:
    """Close the innermost, whichever bracket came; one too many is ignored."""
    if len(stack) == 1:
        return
    closed = stack.pop()
    stack[-1].values.append(_dictionary(closed.values) if closed.is_dictionary else closed.values)


def _dictionary(values: list[Value]) -> dict[str, Value]:
    """Pair keys with values; what stands where a key should is skipped."""
    pairs: dict[str, Value] = {}
    each = iter(values)
    for key in each:
        if isinstance(key, str):
            pairs[key] = next(each, None)
    return pairs


def _name(token: bytes) -> str:
    unescaped = _NAME_ESCAPE.sub(lambda escape: bytes((int(escape[1], 16),)), token[1:])
    return unescaped.decode("latin-1")


def _string(octets: bytes, position: int, meter: Meter) -> tuple[bytes, int]:
    """Read a literal string behind its first parenthesis; also gives where it ends."""
    string = bytearray()
    depth = 1
    for count, piece in enumerate(_STRING_PIECE.finditer(octets, position)):
        if count % _TOKENS_UNTIMED == 0:
            meter.check_time()
        position = piece.end()
        depth += (piece[0] == b"(") - (piece[0] == b")")
        if depth == 0:
            break
        string += _unescaped(piece[0])
    return bytes(string), position


def _unescaped(piece: bytes) -> bytes:
    if piece[:1] != b"\\" or len(piece) == 1:
        return piece
    if piece[1:].isdigit() and piece[1:2] in b"01234567":
        return bytes((int(piece[1:], 8) & 0xFF,))
    return _STRING_ESCAPES.get(piece, piece[1:])


def dictionaries(value: Value) -> Iterator[dict[str, Value]]:
    """Every dictionary in a value, itself first."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as found:
                yield found
                waiting.extend(found.values())
            case list() as found_values:
                waiting.extend(found_values)
            case _:
                pass
