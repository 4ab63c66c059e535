"""Fields that readers take differently: every candidate, and what makes a difference.

A habit of readers (`structured`, `continuations`) becomes an anomaly only where it changes what the
part is: a container or not, its boundary, its encoding, the extension of its name.
Source: RFC 2045, RFC 2047, RFC 2183, RFC 2231, with what clients do beyond them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Generic, TypeVar

from mailwarden.message.continuations import ACROSS, Joined, Piece, join_pieces, undo_escapes
from mailwarden.message.encoded_words import codec_name
from mailwarden.message.encodings import encoding_names, is_private
from mailwarden.message.file_names import (
    decode_name,
    extension,
    has_direction_override,
    name_spellings,
)
from mailwarden.message.structured import (
    BLANK,
    MOST_PARAMETERS,
    ODD_VALUE_BYTES,
    QUOTE,
    Parameter,
    Split,
    Structured,
    read_structured,
    read_usually,
    spellings,
    views,
)
from mailwarden.message.transfer import IDENTITY, is_decodable

# How many candidates of one kind are kept. Every trick of a test collection at once gives a dozen.
MOST_CANDIDATES = 64
# How many readings of one parameter are looked at; each costs some ten microseconds.
MOST_VALUES = 200
MOST_BRIEF_VALUES = 5
# How many fields of one name are taken apart; two are odd already.
MOST_FIELDS = 10
_FIELD_TWICE = {
    "type": "content-type-twice",
    "disposition": "content-disposition-twice",
    "encoding": "content-transfer-encoding-twice",
}
_ENCODING_UNKNOWN = "encoding-unknown"
_ENCODING_PRIVATE = "encoding-private"
_ENCODING_UNCLEAN = "encoding-unclean"
_BOUNDARY_ELSEWHERE = "boundary-outside-content-type"
_BOUNDARY_BLANKS = "boundary-with-blanks"
_NAMES_DIFFER = "names-differ"
_NUL_IN_NAME = "nul-in-name"
_DIRECTION_OVERRIDE = "direction-override-in-name"

_BLANKS = b" \t\r\n"
_CONTAINER = re.compile(r"multipart|message/(?:rfc822|global|news|delivery)")

T = TypeVar("T")


class Candidates(Generic[T]):
    """Values of one kind, each with the fewest habits that lead to it; bounded."""

    def __init__(self) -> None:
        self._codes: dict[T, tuple[str, ...]] = {}
        self.is_full = False

    def add(self, value: T, codes: tuple[str, ...]) -> None:
        """Keep a value that these habits lead to, if there is room."""
        known = self._codes.get(value)
        if known is None and len(self._codes) >= MOST_CANDIDATES:
            self.is_full = True
        elif known is None or len(codes) < len(known):
            self._codes[value] = codes

    def __bool__(self) -> bool:
        return bool(self._codes)

    def discard(self, value: T) -> None:
        """Forget a value that means nothing."""
        self._codes.pop(value, None)

    def in_order(self) -> tuple[T, ...]:
        """The likeliest first: those that need fewer habits."""
        return tuple(sorted(self._codes, key=lambda value: len(self._codes[value])))

    def differing(self, effect: Callable[[T], str | bytes]) -> Iterator[str]:
        """Yield the codes of habits that lead to another effect than the RFC; "" is no effect."""
        usual = {effect(value) for value, codes in self._codes.items() if not codes} | {"", b""}
        for value, codes in self._codes.items():
            if codes and effect(value) not in usual:
                yield from codes


@dataclass(frozen=True, slots=True)
class _Field:
    """One field taken apart; `codes` say that one of the same name came before it."""

    kind: str
    splits: tuple[Split, ...]
    codes: tuple[str, ...]


# The kind of the field, the value, and the habits that lead to it.
_Value = tuple[str, Joined, tuple[str, ...]]


@dataclass(slots=True)
class Gathering:
    """Everything that is found in the fields of one part."""

    media_types: Candidates[str] = field(default_factory=Candidates)
    charsets: Candidates[str] = field(default_factory=Candidates)
    encodings: Candidates[str] = field(default_factory=Candidates)
    boundaries: Candidates[bytes] = field(default_factory=Candidates)
    names: Candidates[str] = field(default_factory=Candidates)
    dispositions: Candidates[str] = field(default_factory=Candidates)
    anomalies: dict[str, None] = field(default_factory=dict)
    is_brief: bool = False
    is_cut: bool = False

    def values(self, fields: Sequence[_Field], key: str, twice: str) -> Iterator[_Value]:
        """Yield every value of a parameter, as many as are looked at."""
        most = MOST_BRIEF_VALUES if self.is_brief else MOST_VALUES
        for count, value in enumerate(_values(fields, key, twice)):
            if count >= most:
                self.is_cut = True
                return
            yield value

    def fields(self, kind: str, values: tuple[bytes, ...]) -> list[_Field]:
        """Take fields of one name apart, in every way or in the usual one."""
        self.is_cut |= len(values) > MOST_FIELDS
        fields: list[_Field] = []
        for value in dict.fromkeys(values[:MOST_FIELDS]):
            structured = (
                Structured((read_usually(value),), is_cut=True)
                if self.is_brief
                else read_structured(value)
            )
            self.is_cut |= structured.is_cut
            codes = (_FIELD_TWICE[kind],) if fields else ()
            fields.append(_Field(kind, structured.splits, codes))
        return fields

    @property
    def is_incomplete(self) -> bool:
        """Whether a limit was hit and something was not read or is not kept."""
        kinds = (
            self.media_types,
            self.charsets,
            self.encodings,
            self.boundaries,
            self.names,
            self.dispositions,
        )
        return self.is_cut or any(candidates.is_full for candidates in kinds)

    def codes(self) -> tuple[str, ...]:
        """Give the codes of what makes a difference, each once."""
        return tuple(dict.fromkeys(chain(self.anomalies, _differences(self))))


def gather(
    types: tuple[bytes, ...],
    dispositions: tuple[bytes, ...],
    encodings: tuple[bytes, ...],
    *,
    is_brief: bool,
) -> Gathering:
    """Read the raw values of all fields of the three names; `is_brief`: in the usual way only."""
    found = Gathering(is_brief=is_brief, is_cut=is_brief)
    type_fields = found.fields("type", types)
    disposition_fields = found.fields("disposition", dispositions)
    _gather_words(found.media_types, type_fields)
    _gather_words(found.dispositions, disposition_fields)
    _gather_encodings(found, encodings)
    others = (*disposition_fields, *found.fields("encoding", encodings))
    _gather_boundaries(found, (*type_fields, *others))
    _gather_charsets(found, type_fields)
    _gather_names(found, (*disposition_fields, *type_fields))
    return found


def _differences(found: Gathering) -> Iterator[str]:
    yield from found.media_types.differing(_container)
    yield from found.encodings.differing(_decoder)
    if any("multipart" in media_type for media_type in found.media_types.in_order()):
        yield from found.boundaries.differing(bytes)
    yield from found.charsets.differing(codec_name)
    yield from found.names.differing(extension)


def _container(media_type: str) -> str:
    """Multiparts and messages are read on, all else is not."""
    match = _CONTAINER.match(media_type)
    return match[0] if match else "leaf"


def _decoder(encoding: str) -> str:
    return "binary" if encoding in IDENTITY or not is_decodable(encoding) else encoding


def _gather_words(candidates: Candidates[str], fields: Sequence[_Field]) -> None:
    for one in fields:
        for split in one.splits:
            for code, octets in _word_spellings(split.word):
                word = octets.strip(_BLANKS).decode("ascii", "replace").lower()
                if word:
                    candidates.add(word, _codes(one.codes, split.codes, code))


def _word_spellings(word: bytes) -> Iterator[tuple[str, bytes]]:
    yield from spellings(word)
    if word.startswith(b'"'):
        yield QUOTE, word


def _codes(*groups: tuple[str, ...] | str) -> tuple[str, ...]:
    words = chain.from_iterable((group,) if isinstance(group, str) else group for group in groups)
    return tuple(dict.fromkeys(word for word in words if word))


def _gather_encodings(found: Gathering, values: tuple[bytes, ...]) -> None:
    """Take every word of the field for an encoding, not only the first."""
    found.is_cut |= any(len(value) > ODD_VALUE_BYTES for value in values)
    for place, value in enumerate(dict.fromkeys(values[:MOST_FIELDS])):
        twice = _FIELD_TWICE["encoding"] if place else ""
        for view_code, view in islice(views(value), 1 if found.is_brief else None):
            word = view.decode("ascii", "replace").lower().strip()
            if is_private(word):
                found.anomalies[_ENCODING_PRIVATE] = None
            for rank, name in enumerate(encoding_names(word)):
                codes = _codes(twice, view_code, _ENCODING_UNCLEAN if rank else "")
                found.encodings.add(name or "binary", codes)
    if found.encodings and not is_decodable(found.encodings.in_order()[0]):
        found.anomalies[_ENCODING_UNKNOWN] = None


def _gather_boundaries(found: Gathering, fields: Sequence[_Field]) -> None:
    for kind, joined, codes in found.values(fields, "boundary", "boundary-parameter-twice"):
        here = _codes(codes, "" if kind == "type" else _BOUNDARY_ELSEWHERE)
        for octets in _boundary_octets(joined):
            found.boundaries.add(octets.rstrip(_BLANKS), here)
            for odd in (octets.strip(_BLANKS), b"".join(octets.split())):
                found.boundaries.add(odd, _codes(here, _BOUNDARY_BLANKS))
    found.boundaries.discard(b"")


def _boundary_octets(joined: Joined) -> Iterator[bytes]:
    if "16" in joined.charset:
        for text in decode_name(joined.octets, joined.charset):
            yield text.encode()
    yield joined.octets


def _gather_charsets(found: Gathering, fields: Sequence[_Field]) -> None:
    for _, joined, codes in found.values(fields, "charset", "charset-parameter-twice"):
        charset = joined.octets.strip(_BLANKS).decode("ascii", "replace").lower()
        if charset:
            found.charsets.add(charset, codes)


def _gather_names(found: Gathering, fields: Sequence[_Field]) -> None:
    for key in ("filename", "name"):
        differ = _NAMES_DIFFER if key == "name" and found.names else ""
        for _, joined, codes in found.values(fields, key, "name-parameter-twice"):
            here = tuple(code for code in codes if code != BLANK)
            for text in decode_name(joined.octets, joined.charset):
                for name in name_spellings(text):
                    found.names.add(name, _codes(here, differ))
    for name in found.names.in_order():
        if "\0" in name:
            found.anomalies[_NUL_IN_NAME] = None
        if has_direction_override(name):
            found.anomalies[_DIRECTION_OVERRIDE] = None


def _values(fields: Sequence[_Field], key: str, twice: str) -> Iterator[_Value]:
    seen: set[object] = set()
    for one in fields:
        for split in one.splits:
            found = [parameter for parameter in split.parameters if parameter.key == key]
            whole = tuple(parameter for parameter in found if parameter.section is None)
            pieces = tuple(parameter for parameter in found if parameter.section is not None)
            codes = _codes(one.codes, split.codes)
            for place, parameter in enumerate(whole):
                if parameter not in seen:
                    seen.add(parameter)
                    yield from _whole(one.kind, parameter, _codes(codes, twice if place else ""))
            if pieces and pieces not in seen:
                seen.add(pieces)
                yield from _continued(one.kind, pieces, _codes(codes, twice if whole else ""))
    yield from _across(fields, key)


def _whole(kind: str, parameter: Parameter, codes: tuple[str, ...]) -> Iterator[_Value]:
    for code, octets in spellings(parameter.text):
        here = _codes(codes, code)
        if parameter.is_extended:
            text, charset = undo_escapes(octets)
            yield kind, Joined("", text, charset), here
        else:
            yield kind, Joined("", octets, ""), here


def _continued(
    kind: str, parameters: tuple[Parameter, ...], codes: tuple[str, ...]
) -> Iterator[_Value]:
    spelt = [spellings(parameter.text) for parameter in parameters]
    for rank in range(max(map(len, spelt))):
        chosen = [one[min(rank, len(one) - 1)] for one in spelt]
        pieces = [
            Piece(parameter.section or 0, parameter.is_extended, octets)
            for parameter, (_, octets) in zip(parameters, chosen, strict=True)
        ]
        for joined in join_pieces(pieces):
            yield kind, joined, _codes(codes, tuple(code for code, _ in chosen), joined.code)


def _across(fields: Sequence[_Field], key: str) -> Iterator[_Value]:
    """Join pieces that stand in several fields."""
    found = [
        tuple(
            parameter
            for parameter in one.splits[0].parameters
            if parameter.key == key and parameter.section is not None
        )
        for one in fields
    ]
    if sum(map(bool, found)) > 1:
        pieces = tuple(chain.from_iterable(found))[:MOST_PARAMETERS]
        yield from _continued("type", pieces, (ACROSS,))
