"""Structured values, `attachment; filename="a.exe"`: the word and every parameter in order.

Readers differ about repeated and split parameters, so all of them are kept and `texts` gives every
reading. Comments (RFC 5322) are taken out first, whatever is left of a broken value is read as it
stands, and nothing raises.
Source: RFC 2045 section 5.1, RFC 2231 sections 3 and 4.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from urllib.parse import unquote_to_bytes

from mailwarden.message.encoded_words import decode_text, decode_words

# The longest honest value is a name of 255 characters, written twice at nine bytes a character.
VALUE_BYTES = 8_192
# A name of 255 characters in pieces of 20 octets, twice.
MOST_PARAMETERS = 200
# Deeper comments than (a (b (c))) are only found where someone wants to hide something.
_COMMENT_DEPTH = 4

_QUOTED_OR_COMMENT = re.compile(rb'"(?:[^"\\]|\\.)*+"?|\([^()"]*+\)', re.DOTALL)
_PARAMETER = re.compile(
    rb'[;\s]*(?P<name>[^;=]*+)(?:=\s*+(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"?[^;]*+|(?P<plain>[^;]*+)))?',
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
# filename*, filename*0, filename*0*: RFC 2231 sections 3 and 4.1. Four digits are 9,999 pieces.
_SECTIONED = re.compile(r"(?P<base>[^*]+)\*(?:(?P<section>[0-9]{1,4})(?P<extended>\*)?)?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as written.

    `name` is in lower case without RFC 2231's marks, `section` the number of a continued one (None
    when it is whole), `is_extended` says that `value` holds %-escapes.
    """

    name: str
    value: bytes
    section: int | None = None
    is_extended: bool = False


@dataclass(frozen=True, slots=True)
class Parameters:
    """A structured value: `word` (`text/plain`, `attachment`) in lower case, then parameters.

    `is_cut` says that the value was longer than `VALUE_BYTES`, or had more than
    `MOST_PARAMETERS`, and its rest was not read;
    `has_comments` says that comments were taken out.
    """

    word: str
    items: tuple[Parameter, ...]
    is_cut: bool
    has_comments: bool

    def octets(self, name: str) -> tuple[bytes, ...]:
        """Every value of that parameter, undecoded: whole ones in order, then the joined pieces."""
        return tuple(octets for octets, _ in self._values(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Every reading of that parameter, each once."""
        readings = (
            text for octets, charset in self._values(name) for text in _spellings(octets, charset)
        )
        return tuple(dict.fromkeys(readings))

    def _values(self, name: str) -> Iterator[tuple[bytes, str]]:
        found = [parameter for parameter in self.items if parameter.name == name]
        for parameter in found:
            if parameter.section is None:
                yield _extended(parameter.value) if parameter.is_extended else (parameter.value, "")
        pieces = [parameter for parameter in found if parameter.section is not None]
        if pieces:
            yield _joined(sorted(pieces, key=lambda piece: piece.section or 0))


def parse_parameters(value: bytes) -> Parameters:
    """Read an unfolded value."""
    kept = _without_comments(value[:VALUE_BYTES])
    word, _, rest = kept.partition(b";")
    items = tuple(islice(_parameters(rest), MOST_PARAMETERS + 1))
    return Parameters(
        word.strip().decode("ascii", "replace").lower(),
        items[:MOST_PARAMETERS],
        is_cut=len(value) > VALUE_BYTES or len(items) > MOST_PARAMETERS,
        has_comments=kept != value[:VALUE_BYTES],
    )


def candidate_names(values: Iterable[Parameters]) -> tuple[str, ...]:
    """Every name that a mail program could show for a part, each once: `filename`, then `name`."""
    values = tuple(values)
    names = (text for key in ("filename", "name") for value in values for text in value.texts(key))
    return tuple(dict.fromkeys(name for name in names if name))


def _without_comments(value: bytes) -> bytes:
    for _ in range(_COMMENT_DEPTH):
        if b"(" not in value:
            return value
        shorter = _QUOTED_OR_COMMENT.sub(_quoted_or_blank, value)
        if shorter == value:
            return value
        value = shorter
    return value


def _quoted_or_blank(match: re.Match[bytes]) -> bytes:
    return match[0] if match[0].startswith(b'"') else b""


def _spellings(octets: bytes, charset: str) -> tuple[str, ...]:
    """What programs show that know encoded words in parameters, and what the others show."""
    text = decode_text(octets, charset)
    return (text,) if charset else (decode_words(octets), text)


def _parameters(rest: bytes) -> Iterator[Parameter]:
    for match in _PARAMETER.finditer(rest):
        name = match["name"].strip().decode("ascii", "replace").lower()
        if not name:
            continue
        quoted = match["quoted"]
        value = (match["plain"] or b"").strip() if quoted is None else _ESCAPE.sub(rb"\1", quoted)
        sectioned = _SECTIONED.fullmatch(name)
        if sectioned is None:
            yield Parameter(name, value)
        elif sectioned["section"] is None:
            yield Parameter(sectioned["base"], value, is_extended=True)
        else:
            section, is_extended = int(sectioned["section"]), sectioned["extended"] is not None
            yield Parameter(sectioned["base"], value, section, is_extended)


def _extended(value: bytes) -> tuple[bytes, str]:
    """Take `utf-8'en'%e2%82%ac` apart; without its two quotes it is a value without charset."""
    charset, quote, rest = value.partition(b"'")
    _, second, text = rest.partition(b"'")
    if not quote or not second:
        return unquote_to_bytes(value), ""
    return unquote_to_bytes(text), charset.decode("ascii", "replace")


def _joined(pieces: list[Parameter]) -> tuple[bytes, str]:
    """Join the pieces of a continued parameter; the first of several with one number counts."""
    chosen = [next(same) for _, same in groupby(pieces, key=lambda piece: piece.section)]
    octets, charset = _extended(chosen[0].value) if chosen[0].is_extended else (chosen[0].value, "")
    rest = (unquote_to_bytes(one.value) if one.is_extended else one.value for one in chosen[1:])
    return octets + b"".join(rest), charset
