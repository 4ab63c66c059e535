"""What must hold for any message, header or body: one function of bytes for each invariant."""

from collections.abc import Iterator
from itertools import chain, pairwise

from mailwarden.message.anomalies import sentence_of
from mailwarden.message.content import Content, read_content
from mailwarden.message.edits import Edit, apply_edits
from mailwarden.message.encoded_words import decode_odd_words, decode_text, decode_words
from mailwarden.message.headers import (
    FieldNames,
    Header,
    HeaderEnd,
    content_values,
    oddities,
    read_header,
    value_of,
)
from mailwarden.message.leaves import Leaf, leaves
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.parts import Part, Reading
from mailwarden.message.readings import Readings, read_every_way
from mailwarden.message.transfer import IDENTITY, MOST_DECODINGS, decode, decodings
from mailwarden.verdict.structure import check_structure

# Small, so that a fuzzer reaches each of them.
LIMITS = ReadingLimits(header_bytes=2_000, header_fields=40, parts=40, depth=8)
ENCODINGS = (*sorted(IDENTITY), "base64", "quoted-printable", "uuencode", "yenc", "x-unknown")
# A line of uuencode may leave out half of its letters, which count as blanks.
_MOST_GROWTH = 2
# Where edits are applied to: each offset is one byte.
_EDITED = bytes(range(255))
_EDIT_BYTES = 4


def reader(raw: bytes) -> None:
    """Every reading lies inside its octets, part in part, and leaves are distinct and bounded."""
    readings = read_every_way(raw, LIMITS)
    for reading in (readings.primary, *readings.others):
        _check_reading(reading)
    paths = {part.path for part in readings.primary.walk()}
    for anomaly in readings.anomalies:
        assert sentence_of(anomaly.code)
        assert anomaly.part in paths
    found = leaves(readings)
    _check_leaves(readings, found)
    check_structure(readings, found, frozenset())


def _check_reading(reading: Reading) -> None:
    assert reading.root.body_end == len(reading.raw)
    parts = list(reading.walk())
    # The root is no part of those that are counted.
    assert len(parts) <= LIMITS.parts + 1
    for part in parts:
        assert 0 <= part.header.start <= part.body_start <= part.body_end <= len(reading.raw)
        assert part.path.count(".") <= LIMITS.depth
        _check_content(part.content)
        for child in part.children:
            assert part.body_start <= child.header.start
            assert child.body_end <= part.body_end


def _check_leaves(readings: Readings, found: tuple[Leaf, ...]) -> None:
    parts = [part for reading in (readings.primary, *readings.others) for part in reading.walk()]
    assert len(found) <= sum(map(_most_leaves, parts))
    assert len({leaf.octets for leaf in found}) == len(found)
    for leaf in found:
        assert len(leaf.octets) <= _MOST_GROWTH * len(readings.primary.raw)
        assert leaf.is_clean or not leaf.is_plain


def _most_leaves(part: Part) -> int:
    """In every decoding of every encoding, and the text before and after its parts."""
    return 2 + MOST_DECODINGS * max(1, len(part.content.encodings))


def header(raw: bytes) -> None:
    """Fields stand one behind the other without a gap, and the body begins after them."""
    for ending in HeaderEnd:
        found = read_header(raw, 0, len(raw), LIMITS, ending)
        assert found.block == raw[: len(found.block)]
        assert len(found.block) <= min(LIMITS.header_bytes, found.end)
        assert found.end <= len(raw)
        _check_fields(raw, found)
        oddities(found)
        for names in FieldNames:
            values = chain.from_iterable(content_values(found.block, names))
            assert all(value in raw for value in values)


def _check_fields(raw: bytes, found: Header) -> None:
    fields = found.fields
    assert len(fields) <= LIMITS.header_fields
    assert sum(field.end - field.start for field in fields) == len(found.block)
    assert all(field.end == after.start for field, after in pairwise(fields))
    for field in fields:
        assert field.start <= field.name_end <= field.value_start <= field.end
        assert raw[field.start : field.name_end] == field.name
        value_of(raw, field)


def content(octets: bytes) -> None:
    """Any values of the fields of a part give candidates, each once and fit to be written."""
    values = octets.split(b"\0")
    found = read_content(values[::3], values[1::3], values[2::3])
    _check_content(found)
    assert all(map(sentence_of, found.anomalies))


def _check_content(found: Content) -> None:
    for texts in (found.media_types, found.charsets, found.encodings, found.dispositions):
        _check_texts(texts)
    _check_texts(found.names)
    assert len(set(found.boundaries)) == len(found.boundaries)


def _check_texts(texts: tuple[str, ...]) -> None:
    assert len(set(texts)) == len(texts)
    for text in texts:
        text.encode("utf-8")


def encoded_words(value: bytes) -> None:
    """Any value and any charset give a text that can be written as UTF-8."""
    charset, _, octets = value.partition(b"\n")
    for text in (
        decode_words(value),
        decode_odd_words(value),
        decode_text(octets, charset.decode("latin-1")),
    ):
        text.encode("utf-8")


def transfer(octets: bytes) -> None:
    """Every encoding gives bounded octets; a clean body has one reading, a broken one a few."""
    for encoding in ENCODINGS:
        decoded, every = decode(octets, encoding), decodings(octets, encoding)
        assert every[0] == decoded.octets
        assert 1 <= len(every) <= MOST_DECODINGS
        assert len(set(every)) == len(every)
        assert len(every) == 1 or not decoded.is_clean
        assert all(len(one) <= _MOST_GROWTH * len(octets) for one in every)


def edits(octets: bytes) -> None:
    """Edits change what they name and no other byte, or are refused as a whole."""
    wanted = tuple(_edits(octets))
    ordered = sorted(wanted, key=lambda edit: (edit.start, edit.end))
    try:
        edited = apply_edits(_EDITED, wanted)
    except ValueError:
        overlap = any(edit.end > after.start for edit, after in pairwise(ordered))
        assert overlap or any(edit.start > edit.end for edit in wanted)
        return
    expected = _EDITED
    for edit in reversed(ordered):
        expected = expected[: edit.start] + edit.octets + expected[edit.end :]
    assert edited == expected


def _edits(octets: bytes) -> Iterator[Edit]:
    for at in range(0, len(octets) - _EDIT_BYTES + 1, _EDIT_BYTES):
        start, end, count, letter = octets[at : at + _EDIT_BYTES]
        yield Edit(start, end, bytes((letter,)) * count)
