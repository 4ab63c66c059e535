"""Structured values, `attachment; filename="a.exe"`, cut into pieces as every reader cuts them.

Readers differ in three habits, each with a code of its own: what they do before they look for
semicolons (`views`: comments, encoded words, control characters), where they see a semicolon
(`_SPLITS`: quotes, backslashes), and what they take for the value of a parameter (`spellings`).
A habit is tried only where it can matter; the first reading is always the one of the RFC.
Source: RFC 2045 section 5.1, RFC 5322 section 3.2.2 (comments), RFC 7103 section 7.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mailwarden.message.encoded_words import decode_odd_words, decode_words

# The longest honest value is a name of 255 characters, written twice at nine bytes a character.
VALUE_BYTES = 8_192
# A name of 255 characters in pieces of 20 octets, twice.
MOST_PARAMETERS = 200
# Values that readers cut differently are cut in every way up to that length; honest ones have some
# hundred bytes.
ODD_VALUE_BYTES = 2_000
# Keys in unexpected places; one is odd.
_MOST_HIDDEN = 20
# Where a key stands in an unexpected place, its value is no longer than that.
_HIDDEN_VALUE_BYTES = 1_000

COMMENT = "comment-in-value"
CONTROL = "control-in-value"
ENCODED_WORD = "encoded-word-in-parameter"
ESCAPE = "escape-in-value"
QUOTE = "quote-in-value"
BLANK = "blank-in-value"
HIDDEN = "hidden-parameter"
SEMICOLON = "semicolon-in-value"

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
# What the reader of header fields leaves in a value and RFC 5322 does not allow there.
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]+")
_BLANKS = b" \t\r\n"
_COMMENT_MARK = re.compile(rb'\\.|["()]', re.DOTALL)
_COMMENT_TO_SEPARATOR = re.compile(rb"\([^;]*+")

_KEY = rb"[;\s]*+(?P<key>[^;=]*+)(?:=\s*+(?P<text>%s))?+"
_QUOTE_MARK = re.compile(rb'"')
_BACKSLASH = re.compile(rb"\\")
_SEMICOLON_WITHOUT_KEY = re.compile(rb";[^;=]*+(?:;|\Z)")
# A code, where the habit can matter, and how it takes a parameter's text.
_SPLITS: tuple[tuple[str, re.Pattern[bytes] | None, re.Pattern[bytes]], ...] = tuple(
    (code, trigger, re.compile(_KEY % text, re.DOTALL))
    for code, trigger, text in (
        # A value in quotes, and whatever is written behind it: RFC 2045.
        ("", None, rb'(?:"(?:[^"\\]|\\.)*+"?)?+[^;]*+'),
        # Semicolons in quotes separate.
        (QUOTE, _QUOTE_MARK, rb"[^;]*+"),
        # A backslash means nothing.
        (ESCAPE, _BACKSLASH, rb'(?:"[^"]*+"?)?+[^;]*+'),
        # Backslashes and quotes protect anywhere.
        (ESCAPE, _BACKSLASH, rb'(?:[^;"\\]|\\.|"(?:[^"\\]|\\.)*+"?)*+'),
        (QUOTE, _QUOTE_MARK, rb'(?:[^;"]|"[^"]*+"?)*+'),
        # A semicolon separates only where a key follows.
        (SEMICOLON, _SEMICOLON_WITHOUT_KEY, rb"(?:[^;]|;(?!\s*[\w*-]+\s*=))*"),
    )
)
KNOWN_KEY = re.compile(
    rb"(?<![\w-])(?P<key>boundary|charset|filename|name)\s*+(?P<marks>\*[0-9]*+\*?+)?+\s*+=\s*+",
    re.IGNORECASE,
)
_HIDDEN_TEXT = re.compile(rb'"[^"]{0,%d}"?|[^;]{0,%d}' % (_HIDDEN_VALUE_BYTES, _HIDDEN_VALUE_BYTES))
# filename*, filename*0, filename*0*: RFC 2231 sections 3 and 4.1. Four digits are 9,999 pieces.
_MARKED_KEY = re.compile(
    rb"(?P<base>boundary|charset|filename|name)"
    rb"(?P<star>\*(?:(?P<section>[0-9]{1,4})(?P<extended>\*)?)?)?"
)
_ODD = re.compile(rb"[\\\x00-\x08\x0a-\x1f\x7f]|=\?")

_TOKEN = re.compile(rb'[^\s"\\()\x00-\x1f,;]+')
_QUOTED = re.compile(rb'"(?P<inside>[^"\\]*)"')
_OPENING_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*+)', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_END_OF_WORD = re.compile(rb"[\s,;()]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as one reader sees it.

    `key` is one of `boundary`, `charset`, `filename`, `name`, without the marks of RFC 2231,
    `section` the number of a continued one (None when it is whole), `is_extended` says that the
    value has %-escapes. `text` is everything between the equals sign and the separator, quotes and
    all.
    """

    key: str
    text: bytes
    section: int | None = None
    is_extended: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """A value as one reader cuts it: the word before the first semicolon, then parameters.

    `codes` are the habits by which this reader differs from the RFC.
    """

    codes: tuple[str, ...]
    word: bytes
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Structured:
    """All ways to cut a value, the RFC's first; `is_cut` says that a part of it was not read."""

    splits: tuple[Split, ...]
    is_cut: bool


def read_structured(value: bytes) -> Structured:
    """Cut a raw field value, its folds and line end still in it."""
    splits: dict[tuple[bytes, tuple[Parameter, ...]], Split] = {}
    for view_code, view in views(value):
        for split in _splits(view_code, view):
            splits.setdefault((split.word, split.parameters), split)
    usual, *odd = splits.values()
    is_cut = any(len(split.parameters) > MOST_PARAMETERS for split in splits.values())
    if len(value) > ODD_VALUE_BYTES:
        usual = read_usually(value)
        is_cut = is_cut or len(value) > VALUE_BYTES or _is_odd(value[:VALUE_BYTES], usual)
    return Structured((usual, *odd), is_cut)


def read_usually(value: bytes) -> Split:
    """Cut a raw field value as the RFC says, and in no other way."""
    return _split(_usual_view(value[:VALUE_BYTES]), _SPLITS[0][2])


def _is_odd(value: bytes, usual: Split) -> bool:
    """Whether a long value may have been cut in other ways, had it been short."""
    view = _usual_view(value)
    return _ODD.search(view) is not None or len(KNOWN_KEY.findall(view)) != len(usual.parameters)


def _usual_view(value: bytes) -> bytes:
    return _without_comments(_FOLD.sub(b"", value).strip(_BLANKS))


def views(value: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a raw value as readers see it before they look for semicolons, the RFC's view first."""
    value = _FOLD.sub(b"", value[:ODD_VALUE_BYTES]).strip(_BLANKS)
    plain = _without_comments(value)
    yield "", plain
    if plain != value:
        yield COMMENT, value
        yield COMMENT, _COMMENT_TO_SEPARATOR.sub(b"", value)
    if b"=?" in value:
        yield ENCODED_WORD, decode_words(plain).encode()
        yield ENCODED_WORD, decode_odd_words(plain).encode()
    control = _CONTROLS.search(plain)
    if control is not None:
        yield CONTROL, _CONTROLS.sub(b" ", plain).strip(_BLANKS)
        yield CONTROL, _CONTROLS.sub(b"", plain)
        yield CONTROL, plain[: control.start()]


def _without_comments(value: bytes) -> bytes:
    """Take comments out, however deep; an unclosed one is none."""
    if b"(" not in value:
        return value
    kept: list[bytes] = []
    position, opened_at, depth, is_quoted = 0, 0, 0, False
    for mark in _COMMENT_MARK.finditer(value):
        match mark[0]:
            case b'"' if not depth:
                is_quoted = not is_quoted
            case b"(" if not is_quoted:
                opened_at = opened_at if depth else mark.start()
                depth += 1
            case b")" if depth:
                depth -= 1
                if not depth:
                    kept.append(value[position:opened_at])
                    position = mark.end()
            case _:
                pass
    kept.append(value[position:])
    return b"".join(kept)


def _splits(view_code: str, view: bytes) -> Iterator[Split]:
    for code, trigger, pattern in _SPLITS:
        if trigger is None or trigger.search(view):
            split = _split(view, pattern)
            yield Split(_codes(view_code, code), split.word, split.parameters)
    hidden = _hidden_parameters(view)
    if hidden:
        yield Split(_codes(view_code, HIDDEN), b"", hidden)


def _codes(*codes: str) -> tuple[str, ...]:
    return tuple(code for code in codes if code)


def _split(view: bytes, pattern: re.Pattern[bytes]) -> Split:
    word, first = b"", True
    parameters: list[Parameter] = []
    for match in islice(pattern.finditer(view), MOST_PARAMETERS + 2):
        if match["text"] is not None:
            parameters.extend(_parameter(match["key"], match["text"].strip()))
        if first:
            word = _word(match["key"].strip(), is_key=match["text"] is not None)
        first = False
    return Split((), word, tuple(parameters))


def _word(text: bytes, *, is_key: bool) -> bytes:
    """What stands before the parameters; `text/plain charset=x` lacks its semicolon."""
    if not is_key:
        return text
    pieces = _END_OF_WORD.split(text, maxsplit=1)
    return pieces[0] if len(pieces) > 1 else b""


def _hidden_parameters(view: bytes) -> tuple[Parameter, ...]:
    """Find known keys wherever they stand: in quotes, in another value, after a comma."""
    found: list[Parameter] = []
    for match in islice(KNOWN_KEY.finditer(view), _MOST_HIDDEN):
        text = _HIDDEN_TEXT.match(view, match.end())
        if text is not None:
            found.extend(_parameter(match["key"] + (match["marks"] or b""), text[0].strip()))
    return tuple(found)


def _parameter(key: bytes, text: bytes) -> Iterator[Parameter]:
    """Yield the parameter if its key is one that anybody asks for."""
    marked = _MARKED_KEY.fullmatch(b"".join(key.split()).lower())
    if marked is None:
        return
    name, section = marked["base"].decode("ascii"), marked["section"]
    is_extended = marked["extended"] is not None or (marked["star"] is not None and section is None)
    yield Parameter(name, text, None if section is None else int(section), is_extended)


def spellings(text: bytes) -> tuple[tuple[str, bytes], ...]:
    """Yield what readers take for the value of `"a".zip`, with the code of the habit; RFC first."""
    if _TOKEN.fullmatch(text):
        return (("", text),)
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        return (("", quoted["inside"]),)
    found: dict[bytes, str] = {}
    for code, octets in _odd_spellings(text):
        found.setdefault(octets, code)
    return tuple((code, octets) for octets, code in found.items())


def _odd_spellings(text: bytes) -> Iterator[tuple[str, bytes]]:
    opening = _OPENING_QUOTED.match(text)
    yield "", _ESCAPED.sub(rb"\1", opening[1]) if opening else text
    if opening is None:
        yield BLANK, _END_OF_WORD.split(text, maxsplit=1)[0]
    if b"\\" in text:
        yield ESCAPE, opening[1] if opening else text
        yield ESCAPE, _ESCAPED.sub(rb"\1", text)
        yield ESCAPE, text.translate(None, b'\\"')
        yield ESCAPE, text.strip(b'"').partition(b"\\")[0]
    if b'"' in text:
        yield QUOTE, text.replace(b'"', b"")
        yield QUOTE, text
        pieces = text.split(b'"')
        yield QUOTE, pieces[0]
        yield QUOTE, pieces[1]
        yield QUOTE, b'"'.join(pieces[1:-1] if len(pieces) > 2 else pieces[1:])
        yield QUOTE, b'"'.join(pieces[1:])
