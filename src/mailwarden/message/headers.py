"""Header fields as offsets into the raw message, in order, repeated ones kept.

Lines end with LF or CRLF; a CR anywhere else is a byte of its line, and is reported.
Nothing that a header holds raises: a line without a colon is a field without a name.
Where a header ends and what is a field's name is a choice of the reading (`HeaderEnd`,
`FieldNames`); a `Header` by itself is the usual reading, which edits rely on.
Fields are taken apart when somebody asks: most mail is read without.
Source: RFC 5322 sections 2.2 and 3.6.8, with the tolerance of RFC 7103.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice, pairwise

from mailwarden.message.limits import ReadingLimits
from mailwarden.message.raw import Raw

_BLANK_LINE = re.compile(rb"\n\r?\n")
_EMPTY_LINE = re.compile(rb"\r?\n")
_LINE_OF_BLANKS = re.compile(rb"\n[ \t]*\r?\n")
# What the standard library of Python takes for a header, and others that end it at other lines.
_FIELDS = re.compile(rb"(?:>?From [^\n]*\n)?(?:(?:[!-9;-~]+:|[ \t])[^\n]*+(?:\n|\Z))*+")
_FIELD_END = re.compile(rb"\n(?![ \t])")
_COLON = re.compile(rb"[ \t\r]*+:")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_BARE_CR = re.compile(rb"\r(?!\n)")
# Every line is a field or goes on with one, says something, and is named plainly.
_CLEAN = re.compile(rb"(?:[!-'*-9;-~]++:[^\n]*+\n?(?:[ \t]++[^ \t\r\n][^\n]*+\n?)*+)*+")
_BLANK_FOLD = re.compile(rb"\n[ \t]+\r?(?:\n|\Z)")
_NAMELESS = re.compile(rb"^(?::|[^:\n \t][^:\n]*+$)", re.MULTILINE)
_NAMES = re.compile(rb"^([^:\n \t][^:\n]*+):", re.MULTILINE)
# Anything but printable ASCII without the colon: RFC 5322 section 3.6.8.
_NOT_IN_A_NAME = re.compile(rb"[^!-9;-~]")
_COMMENT = re.compile(rb"\([^()]*\)?")
_MIME_NAME = re.compile(rb"content-|mime-version", re.IGNORECASE)
_BLANKS = b" \t\r\n"

CONTENT_FIELDS = (b"content-type", b"content-disposition", b"content-transfer-encoding")
_PLACES = {name: place for place, name in enumerate(CONTENT_FIELDS)}
_CONTENT_FIELD = re.compile(
    rb"\n(content-(?:type|disposition|transfer-encoding))([ \t\r]*):"
    rb"([^\n]*+(?:\n[ \t][^\n]*+)*+)",
    re.IGNORECASE,
)
_FIRST_BLANKS = (b" ", b"\t")

ContentValues = tuple[list[bytes], list[bytes], list[bytes]]


class HeaderEnd(Enum):
    """Where readers see the end of a header."""

    EMPTY_LINE = "empty line"
    LINE_OF_BLANKS = "line of blanks"  # which is a continuation line to the others
    NOT_A_FIELD = "not a field"  # the first line that is no field begins the body


class FieldNames(Enum):
    """What readers take for the name of a field."""

    TRIMMED = "trimmed"  # blanks between name and colon do not count
    EXACT = "exact"  # a name with a blank after it is another name
    REPAIRED = "repaired"  # comments and bytes that no name may have do not count


@dataclass(frozen=True, slots=True)
class Field:
    r"""One header field, `Subject \t: hello\r\n world\r\n`, by offsets into the raw message.

    `name` is as written, without trailing blanks; it is empty for a line without a colon, which is
    all value (`value_start` is its start). `value_start` is the offset after the colon, `end` the
    one after the last line end, folded lines included.
    """

    name: bytes
    start: int
    name_end: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """All fields of a message or part.

    `block` is their octets, from the offset `start` on; `end` is the offset where the body starts,
    after the blank line. With `exceeded`, a limit was hit and the fields after it are missing;
    `end` is right all the same. `is_clean` says that every line is an ordinary field or a part of
    one.
    """

    block: bytes
    start: int
    end: int
    exceeded: bool
    is_clean: bool

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every field, in order."""
        bounds = pairwise([0, *_field_ends(self.block)])
        return tuple(_field(self.block, at, until, self.start) for at, until in bounds)

    def all(self, name: bytes) -> tuple[Field, ...]:
        """Every field of that name, in order; case does not count."""
        return tuple(map(self._field_at, self._starts_of(name)))

    def first(self, name: bytes) -> Field | None:
        """The topmost field of that name, or None."""
        start = next(self._starts_of(name), None)
        return None if start is None else self._field_at(start)

    def _starts_of(self, name: bytes) -> Iterator[int]:
        """Yield where in the block each field of that name begins; six times a regex's speed."""
        lines = b"\n" + self.block.lower()
        mark = b"\n" + name.lower()
        start = lines.find(mark)
        while start >= 0:
            if _COLON.match(lines, start + len(mark)):
                yield start  # the first LF is not in the block
            start = lines.find(mark, start + 1)

    def _field_at(self, start: int) -> Field:
        match = _FIELD_END.search(self.block, start)
        return _field(self.block, start, match.end() if match else len(self.block), self.start)


def read_header(
    raw: Raw,
    start: int,
    end: int,
    limits: ReadingLimits,
    ending: HeaderEnd = HeaderEnd.EMPTY_LINE,
) -> Header:
    """Read the header that begins at `start` and lies before `end`."""
    most = min(end, start + limits.header_bytes)
    clean = _CLEAN.match(raw, start, most)
    clean_end = clean.end() if clean else start
    # Nearly every header is clean up to its empty line, where all readers end it.
    empty = _EMPTY_LINE.match(raw, clean_end, end) if clean_end < most else None
    fields_end, body_start = (
        (clean_end, empty.end()) if empty else _bounds(raw, clean_end, end, ending)
    )
    block = _cut(raw[start : min(fields_end, most)], limits.header_fields)
    return Header(
        block,
        start,
        body_start,
        exceeded=start + len(block) < fields_end,
        is_clean=clean_end >= start + len(block),
    )


def _bounds(raw: Raw, clean_end: int, end: int, ending: HeaderEnd) -> tuple[int, int]:
    """Where the fields end and where the body starts; all lines before `clean_end` are fields."""
    if ending is HeaderEnd.NOT_A_FIELD:
        return _bounds_of_fields(raw, clean_end, end)
    blank = _LINE_OF_BLANKS if ending is HeaderEnd.LINE_OF_BLANKS else _BLANK_LINE
    found = blank.search(raw, max(clean_end - 1, 0), end)
    return (found.start() + 1, found.end()) if found else (end, end)


def _bounds_of_fields(raw: Raw, clean_end: int, end: int) -> tuple[int, int]:
    fields = _FIELDS.match(raw, clean_end, end)
    fields_end = fields.end() if fields else clean_end
    blank = _EMPTY_LINE.match(raw, fields_end, end)
    return fields_end, blank.end() if blank else fields_end


def _cut(block: bytes, most_fields: int) -> bytes:
    """As much of a block as has no more fields than that."""
    if len(block) <= most_fields or block.count(b"\n") < most_fields:
        return block
    ends = list(islice(_field_ends(block), most_fields + 1))
    return block if len(ends) <= most_fields else block[: ends[most_fields - 1]]


def _field_ends(block: bytes) -> Iterator[int]:
    end = 0
    for match in _FIELD_END.finditer(block):
        end = match.end()
        yield end
    if end < len(block):
        yield len(block)


def _field(block: bytes, start: int, end: int, offset: int) -> Field:
    line_end = block.find(b"\n", start, end)
    colon = block.find(b":", start, end if line_end < 0 else line_end)
    if colon < 0:
        return Field(b"", offset + start, offset + start, offset + start, offset + end)
    name = block[start:colon].rstrip(_BLANKS)
    name_end = offset + start + len(name)
    return Field(name, offset + start, name_end, offset + colon + 1, offset + end)


def value_of(raw: Raw, field: Field) -> bytes:
    """A field's value with folds undone and blanks around it removed."""
    return _FOLD.sub(b"", raw[field.value_start : field.end]).strip(_BLANKS)


def content_values(block: bytes, names: FieldNames) -> ContentValues:
    """Return the raw values of all fields of each of `CONTENT_FIELDS`, in their order."""
    values: ContentValues = ([], [], [])
    if names is FieldNames.REPAIRED:
        _add_repaired_values(block, values)
        return values
    for name, blanks, value in _CONTENT_FIELD.findall(b"\n" + block):
        if not blanks or names is not FieldNames.EXACT:
            values[_PLACES[name.lower()]].append(value)
    return values


def _add_repaired_values(block: bytes, values: ContentValues) -> None:
    for start, end in pairwise([0, *_field_ends(block)]):
        name, colon, value = block[start:end].partition(b":")
        place = _PLACES.get(_NOT_IN_A_NAME.sub(b"", _COMMENT.sub(b"", name)).lower())
        if colon and place is not None:
            values[place].append(value)


def oddities(header: Header) -> tuple[str, ...]:
    """Return the code of everything in a header's form that readers could take differently."""
    block = header.block
    if header.is_clean and b"\r" not in block and b"\0" not in block:
        return ()
    return tuple(_odd_bytes(block)) + (() if header.is_clean else tuple(_odd_lines(block)))


def _odd_bytes(block: bytes) -> Iterator[str]:
    if b"\0" in block:
        yield "nul-in-header"
    if _BARE_CR.search(block):
        yield "cr-in-header"


def _odd_lines(block: bytes) -> Iterator[str]:
    if _BLANK_FOLD.search(block):
        yield "line-of-blanks-in-header"
    if block.startswith(_FIRST_BLANKS):
        yield "begins-with-continuation"
    fields = block[block.find(b"\n") + 1 :] if _is_mbox_line(block) else block
    if _NAMELESS.search(fields):
        yield "field-without-name"
    names = set(_NAMES.findall(fields))
    if any(_NOT_IN_A_NAME.search(name.rstrip(_BLANKS)) for name in names):
        yield "broken-field-name"
    mime_names = [name for name in names if _MIME_NAME.match(name)]
    if any(name != name.rstrip(_BLANKS) for name in mime_names):
        yield "blank-before-colon"
    if any(b"(" in name for name in mime_names):
        yield "comment-in-field-name"


def _is_mbox_line(block: bytes) -> bool:
    """Some programs deliver the separator line of a mailbox file as the first line."""
    return block.startswith((b"From ", b">From "))
