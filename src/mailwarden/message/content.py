"""What the fields of one part say, in every way that a client may read them.

This is a union of readings (DESIGN section 4): nobody is asked which reading is right; every
candidate is given, the likeliest first. Nearly all fields are plain, and read here; `odd_content`
reads the others.
Source: RFC 2045, RFC 2047, RFC 2183, RFC 2231, with what clients do beyond them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from mailwarden.message.continuations import undo_escapes
from mailwarden.message.encodings import is_known
from mailwarden.message.file_names import decode_name, extension, name_spellings
from mailwarden.message.odd_content import Gathering, gather
from mailwarden.message.structured import KNOWN_KEY, VALUE_BYTES

# Each byte costs some six microseconds at worst. Honest fields that are odd have 200 bytes, and a
# message has a few.
ODD_BYTES_A_MESSAGE = 100_000
# Behind these, so many are read in the usual way only, three microseconds each at worst; then none.
BRIEF_BYTES_A_MESSAGE = 100_000
# Fields of this length come again and again; what is longer holds a boundary or a name.
_CACHED_BYTES = 512
_CACHED_VALUES = 2_048

_BLANKS = b" \t\r\n"
# No possessive group here: Python 3.11.2 keeps what the failed last round of one has read.
_FOLDED_BLANKS = rb"[ \t]*(?:\r?\n[ \t]+)*"
_VALUE = rb"""(?:[A-Za-z0-9!#$&^_.+/:='*?~%@-]++|"[^"\\;\x00-\x1f\x7f]*+")"""
_PLAIN = re.compile(
    _FOLDED_BLANKS
    + rb"(?P<word>[A-Za-z0-9!#$&^_.+/-]++)"
    + rb"(?P<parameters>(?:%s;%s[A-Za-z0-9_-]++\*?=%s)*)" % (_FOLDED_BLANKS, _FOLDED_BLANKS, _VALUE)
    + rb"[ \t]*+;?[ \t\r\n]*+"
)
_PLAIN_PARAMETER = re.compile(rb';\s*+([A-Za-z0-9_-]++\*?)=("[^"]*+"|[^;\s]++)')
_NAME_KEYS = (b"filename", b"filename*", b"name", b"name*")
_ODD_KEYS = (b"boundary*", b"charset*")


@dataclass(frozen=True, slots=True)
class Content:
    """What the fields of one part say: every candidate, the likeliest first.

    A tuple is empty when nobody says anything about it.
    `media_types`, `dispositions`, `charsets` and `encodings` are in lower case; a media type need
    not have the form `type/subtype`. `encodings` are names that `transfer.decode` knows, and
    unknown words as they are. `boundaries` may be there without a multipart type.
    `anomalies` are codes; `is_cut` says that a limit was hit and something was not read.
    """

    media_types: tuple[str, ...]
    charsets: tuple[str, ...]
    encodings: tuple[str, ...]
    boundaries: tuple[bytes, ...]
    names: tuple[str, ...]
    dispositions: tuple[str, ...]
    anomalies: tuple[str, ...]
    is_cut: bool


_UNREAD = Content((), (), (), (), (), (), (), is_cut=True)


class ContentReader:
    """Reads the fields of all parts of one message, in all readings of it; it ends with them.

    What cannot be read plainly is read once, and in every way only until `ODD_BYTES_A_MESSAGE` of
    such fields have been; after that only in the usual way, until `BRIEF_BYTES_A_MESSAGE` have
    been; `is_cut` says so.
    """

    def __init__(self) -> None:
        self._known: dict[_Fields, Content] = {}
        self._odd_bytes_left = ODD_BYTES_A_MESSAGE

    def read(
        self, types: Sequence[bytes], dispositions: Sequence[bytes], encodings: Sequence[bytes]
    ) -> Content:
        """Read all Content-Type, -Disposition and -Transfer-Encoding fields of one part.

        Each value is what stands behind the colon, its folds and line end still in it.
        """
        fields = tuple(types), tuple(dispositions), tuple(encodings)
        size = sum(map(len, chain.from_iterable(fields)))
        plain = _cached_plain(*fields) if size <= _CACHED_BYTES else _plain_content(*fields)
        return plain or self._odd(fields, size)

    def _odd(self, fields: "_Fields", size: int) -> Content:
        known = self._known.get(fields)
        if known is None:
            self._odd_bytes_left -= size
            if self._odd_bytes_left < -BRIEF_BYTES_A_MESSAGE:
                return _UNREAD
            known = _content(gather(*fields, is_brief=self._odd_bytes_left < 0))
            self._known[fields] = known
        return known


def read_content(
    types: Sequence[bytes], dispositions: Sequence[bytes], encodings: Sequence[bytes]
) -> Content:
    """Read the fields of one part, as `ContentReader` does."""
    return ContentReader().read(types, dispositions, encodings)


_Fields = tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]


def _content(found: Gathering) -> Content:
    return Content(
        found.media_types.in_order(),
        found.charsets.in_order(),
        found.encodings.in_order(),
        found.boundaries.in_order(),
        found.names.in_order(),
        found.dispositions.in_order(),
        found.codes(),
        found.is_incomplete,
    )


def _plain_content(
    types: tuple[bytes, ...], dispositions: tuple[bytes, ...], encodings: tuple[bytes, ...]
) -> Content | None:
    """Read fields that everybody reads alike; None when one of them is not so."""
    media = _plain_field(types)
    disposition = _plain_field(dispositions)
    encoding = _plain_field(encodings)
    if media is None or disposition is None or encoding is None:
        return None
    encoding_word = encoding[0]
    if encoding_word and (b";" in encodings[0] or not is_known(encoding_word)):
        return None
    names = _plain_names(media[1], disposition[1])
    if names is None or b"boundary" in disposition[1]:
        return None
    boundary = media[1].get(b"boundary", b"")
    charset = media[1].get(b"charset", b"")
    return Content(
        (media[0],) if media[0] else (),
        (charset.decode("ascii", "replace").lower(),) if charset else (),
        (encoding_word,) if encoding_word else (),
        (boundary,) if boundary else (),
        names,
        (disposition[0],) if disposition[0] else (),
        (),
        is_cut=False,
    )


_cached_plain = lru_cache(maxsize=_CACHED_VALUES)(_plain_content)


def _plain_field(values: tuple[bytes, ...]) -> "_Plain | None":
    """Give the word and the parameters of at most one plain field, else None."""
    if not values:
        return "", {}
    value = values[0]
    if len(values) > 1 or len(value) > VALUE_BYTES:
        return None
    return _cached_value(value) if len(value) <= _CACHED_BYTES else _plain_value(value)


def _plain_value(value: bytes) -> "_Plain | None":
    match = _PLAIN.fullmatch(value)
    if match is None:
        return None
    parameters: dict[bytes, bytes] = {}
    for key, quoted in _PLAIN_PARAMETER.findall(match["parameters"]):
        text = quoted[1:-1] if quoted.startswith(b'"') else quoted
        name = key.lower()
        is_odd = b"=" in text and (
            KNOWN_KEY.search(text) or (b"=?" in text and name not in _NAME_KEYS)
        )
        if is_odd or name in parameters or name in _ODD_KEYS or text != text.strip(_BLANKS):
            return None
        parameters[name] = text
    return match["word"].decode("ascii").lower(), parameters


# A word and its parameters, which nobody may change: they are shared.
_Plain = tuple[str, Mapping[bytes, bytes]]
_cached_value = lru_cache(maxsize=_CACHED_VALUES)(_plain_value)


def _plain_names(
    types: Mapping[bytes, bytes], dispositions: Mapping[bytes, bytes]
) -> tuple[str, ...] | None:
    """Give every name; None when two of them say different things about the file."""
    names: dict[str, None] = {}
    for key in _NAME_KEYS:
        for values in (dispositions, types):
            if key in values:
                names.update(dict.fromkeys(_plain_name(key, values[key])))
    if len(names) > 1 and len({extension(name) for name in names} - {""}) > 1:
        return None
    return tuple(names)


def _plain_name(key: bytes, value: bytes) -> Iterator[str]:
    octets, charset = undo_escapes(value) if key.endswith(b"*") else (value, "")
    for text in decode_name(octets, charset):
        yield from name_spellings(text)
