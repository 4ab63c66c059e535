"""Header fields as offsets into the raw message, in order, repeated ones kept.

Lines end with LF or CRLF; a CR anywhere else is a byte of its line, and is reported.
Nothing that a header holds raises: a line without a colon is a field without a name.
What a value means (parameters, encoded words) is read by `parameters` and `encoded_words`.
Source: RFC 5322 sections 2.2 and 3.6.8, with the tolerance of RFC 7103.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from mailwarden.message.limits import ReadingLimits
from mailwarden.message.raw import Raw

_BLANK_LINE = re.compile(rb"\n\r?\n")
_FIELD_END = re.compile(rb"\n(?![ \t])")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_BARE_CR = re.compile(rb"\r(?!\n)")
# Anything but printable ASCII without the colon: RFC 5322 section 3.6.8.
_NOT_IN_A_NAME = re.compile(rb"[^!-9;-~]")
_MIME_NAME = re.compile(rb"content-|mime-version", re.IGNORECASE)
_BLANKS = b" \t\r\n"


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

    `end` is the offset where the body starts, after the blank line. With `exceeded`, a limit was
    hit and the fields after it are missing; `end` is right all the same.
    """

    fields: tuple[Field, ...]
    start: int
    end: int
    exceeded: bool

    def all(self, name: bytes) -> tuple[Field, ...]:
        """Every field of that name, in order; case does not count."""
        wanted = name.lower()
        return tuple(field for field in self.fields if field.name.lower() == wanted)

    def first(self, name: bytes) -> Field | None:
        """The topmost field of that name, or None."""
        return next(iter(self.all(name)), None)


def read_header(raw: Raw, start: int, end: int, limits: ReadingLimits) -> Header:
    """Read the header that begins at `start` and lies before `end`."""
    fields_end, body_start = _bounds(raw, start, end)
    block = raw[start : min(fields_end, start + limits.header_bytes)]
    ends = [match.end() for match in islice(_FIELD_END.finditer(block), limits.header_fields + 1)]
    if not block.endswith(b"\n") and len(ends) <= limits.header_fields:
        ends.append(len(block))
    kept = ends[: limits.header_fields]
    return Header(
        tuple(_field(block, at, until, start) for at, until in pairwise([0, *kept]) if at < until),
        start,
        body_start,
        exceeded=len(kept) < len(ends) or start + len(block) < fields_end,
    )


def _bounds(raw: Raw, start: int, end: int) -> tuple[int, int]:
    """Where the fields end and where the body starts."""
    for blank in (b"\n", b"\r\n"):
        if raw[start : min(start + len(blank), end)] == blank:
            return start, start + len(blank)
    match = _BLANK_LINE.search(raw, start, end)
    return (match.start() + 1, match.end()) if match else (end, end)


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


def oddities(raw: Raw, header: Header) -> Iterator[str]:
    """Yield the code of everything in a header's form that readers could take differently."""
    block = raw[header.start : header.fields[-1].end] if header.fields else b""
    if b"\0" in block:
        yield "nul-in-header"
    if _BARE_CR.search(block):
        yield "cr-in-header"
    fields = header.fields[1:] if _is_mbox_line(block) else header.fields
    if not all(field.name for field in fields):
        yield "field-without-name"
    if any(_NOT_IN_A_NAME.search(field.name) for field in fields):
        yield "broken-field-name"
    mime_fields = [field for field in fields if _MIME_NAME.match(field.name)]
    if any(field.name_end + 1 < field.value_start for field in mime_fields):
        yield "blank-before-colon"
    if any(b"(" in field.name for field in mime_fields):
        yield "comment-in-field-name"


def _is_mbox_line(block: bytes) -> bool:
    """Some programs deliver the separator line of a mailbox file as the first line."""
    return block.startswith((b"From ", b">From "))
