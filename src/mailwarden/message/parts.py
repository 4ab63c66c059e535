"""Reading a message into a tree of parts (`tree`).

One pass: a regular expression finds the lines that begin with `--`, a dict says which of them is
the boundary of an open multipart. Nothing that a message holds raises; what is odd becomes an
anomaly, a limit that is hit becomes a word in `exceeded`, and reading goes on as far as it may.
Where clients differ, a `Dialect` says which way to take; `readings` tries all that are worth it.
Source: RFC 2045, RFC 2046 section 5, RFC 2183.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailwarden.message.anomalies import Anomaly
from mailwarden.message.content import Content, ContentReader
from mailwarden.message.dialects import USUAL, Delimiters, Dialect, pick
from mailwarden.message.headers import (
    FieldNames,
    Header,
    content_values,
    oddities,
    read_header,
)
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.raw import Raw
from mailwarden.message.transfer import IDENTITY
from mailwarden.message.tree import Part, Reading, payload

__all__ = [
    "PART_HEADER", "Part", "Reading", "ReadingLimits", "Shared", "payload", "read_message",
]  # fmt: skip

# RFC 2046 allows 70 bytes; anything that fits into the pattern below with its "--" is accepted.
BOUNDARY_BYTES = 198
# A dump of a database in a text part has some 100,000 lines that begin with "--". Each costs one to
# two microseconds here. All readings of a message share them.
DELIMITER_LINES = 500_000
# Headers longer than this are looked through for boundaries line by line.
_USUAL_HEADER_BYTES = 2_000

_DELIMITER = re.compile(rb"\n--[^\r\n]{0,200}")
_HEADER_STOP = re.compile(rb"\n(?:\r?\n|--[^\r\n]{0,200})")
_BLANK_LINE = re.compile(rb"\n\r?\n")
# What follows a line that begins with "--", when it begins a part: fields, one of them of MIME.
_FIELDS = rb"(?:[!-9;-~]{1,70}[ \t]*:[^\n]{0,500}\n(?:[ \t][^\n]{0,500}\n){0,8}){0,8}?content-"
PART_HEADER = re.compile(rb"[^\n]*\n" + _FIELDS, re.IGNORECASE)
_BLANK_LINES_BEFORE_HEADER = re.compile(rb"(?:\r?\n)++" + _FIELDS, re.IGNORECASE)
# The same behind a CR that ends no line, whatever ends the lines of that header.
_PART_AFTER_CR = re.compile(rb"\r--[^\r\n]{0,200}[\r\n]{1,4}[!-9;-~]{1,70}[ \t]*:")
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")

_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
_MARKED_TYPES = {"message/partial": "partial-message", "message/external-body": "external-body"}
# After these limits nothing more is read, and what is missing says nothing about the message.
_STOPPING = frozenset({"parts", "delimiter-lines"})

_DIGEST = "multipart/digest"


@dataclass(slots=True)
class Shared:
    """What all readings of one message share: what may still be spent, and what is known."""

    delimiter_lines: int = DELIMITER_LINES
    contents: ContentReader = field(default_factory=ContentReader)

    def content_of(self, header: Header, names: FieldNames) -> Content:
        """Return what the fields of a header say about the body."""
        return self.contents.read(*content_values(header.block, names))


def read_message(
    raw: Raw,
    limits: ReadingLimits,
    dialect: Dialect = USUAL,
    shared: Shared | None = None,
) -> Reading:
    """Read a whole message."""
    return _Reader(raw, limits, dialect, shared or Shared()).read()


@dataclass(slots=True)
class _Branch:
    """A part while it is being read. `shadowed` had the same boundary before it."""

    parent: "_Branch | None"
    path: str
    depth: int
    header: Header
    content: Content
    media_type: str
    body_end: int
    children: list[Part]
    child_count: int = 0
    boundary: bytes = b""
    is_closed: bool = False
    shadowed: "_Branch | None" = None


class _Reader:
    """The state of one reading; it ends with the message."""

    def __init__(self, raw: Raw, limits: ReadingLimits, dialect: Dialect, shared: Shared) -> None:
        self._raw = raw
        self._limits = limits
        self._dialect = dialect
        self._branches: list[_Branch] = []  # parents before children
        self._path: list[_Branch] = []  # from the root to the current part
        self._by_boundary: dict[bytes, _Branch] = {}
        self._boundaries: tuple[bytes, ...] = ()  # those of open multiparts
        self._shared = shared
        self._candidates = 0
        self._anomalies: list[Anomaly] = []
        self._noted: set[str] = set()  # what is noted once for the message
        self._exceeded: dict[str, None] = {}

    def read(self) -> Reading:
        self._begin(0, "text/plain")
        self._look_around()
        self._read_multiparts()
        root = self._path[0]
        self._end_below(None, len(self._raw))
        root.body_end = len(self._raw)
        return Reading(
            self._freeze(),
            tuple(self._anomalies),
            tuple(self._exceeded),
            self._dialect.name,
            self._candidates,
            self._raw,
        )

    def _look_around(self) -> None:
        """Note what makes some readers find other lines than those that are read here."""
        raw, root = self._raw, ""
        if _BLANK_LINES_BEFORE_HEADER.match(raw):
            self._note("begins-with-blank-line", root)
        if raw.find(b"\r") >= 0 and _PART_AFTER_CR.search(raw):
            self._note("delimiter-after-cr", root)
        if raw.find(b"\0", self._branches[0].header.end) >= 0:
            self._note("nul-in-body", root)

    def _read_multiparts(self) -> None:
        body_start = self._path[-1].header.end
        first = self._raw.find(b"\n--", max(body_start - 1, 0))
        if first < 0:
            return
        for match in self._search(_DELIMITER, first):
            if match.start() + 1 < body_start:
                continue  # a line of a header that was read already
            found = self._owner(match[0])
            if found is None:
                self._look_at(match)
                continue
            owner, is_closing = found
            if owner.is_closed and not self._dialect.parts_after_closing:
                continue
            self._end_below(owner, self._before_line_end(match.start()))
            if is_closing:
                owner.is_closed = True
            elif not self._begin_child(owner, self._line_end(match.end())):
                return
            body_start = self._path[-1].header.end

    def _search(self, pattern: re.Pattern[bytes], start: int) -> Iterator[re.Match[bytes]]:
        for match in pattern.finditer(self._raw, start):
            self._shared.delimiter_lines -= 1
            if self._shared.delimiter_lines < 0:
                self._exceeded["delimiter-lines"] = None
                return
            yield match

    def _owner(self, line: bytes) -> tuple[_Branch, bool] | None:
        """Whose boundary a line is, and whether it is the closing one."""
        boundary = line[len(b"\n--") :].rstrip(b" \t")
        if boundary in self._by_boundary:
            return self._by_boundary[boundary], False
        owner = self._by_boundary.get(boundary[:-2]) if boundary.endswith(b"--") else None
        if owner is not None:
            return owner, True
        if self._dialect.delimiters is Delimiters.PREFIX:
            return self._owner_of_prefix(boundary)
        return None

    def _owner_of_prefix(self, line: bytes) -> tuple[_Branch, bool] | None:
        found = [boundary for boundary in self._boundaries if line.startswith(boundary)]
        if not found:
            return None
        longest = max(found, key=len)
        return self._by_boundary[longest], line.startswith(b"--", len(longest))

    def _look_at(self, match: re.Match[bytes]) -> None:
        """Note a line that is no boundary here, and may be one for others."""
        if self._boundaries and match[0].startswith(self._boundaries, len(b"\n--")):
            self._note_once("delimiter-with-junk")
        if "part-like-text" not in self._noted and PART_HEADER.match(self._raw, match.end()):
            self._note_once("part-like-text")

    def _before_line_end(self, line_feed: int) -> int:
        """The line end before a boundary belongs to the boundary: RFC 2046 section 5.1.1."""
        is_crlf = self._raw[max(line_feed - 1, 0) : line_feed] == b"\r"
        return line_feed - 1 if is_crlf else line_feed

    def _line_end(self, position: int) -> int:
        found = self._raw.find(b"\n", position)
        return len(self._raw) if found < 0 else found + 1

    def _begin_child(self, owner: _Branch, start: int) -> bool:
        if owner.is_closed:
            self._note("part-after-closing-boundary", owner.path)
        return self._begin(start, "message/rfc822" if owner.media_type == _DIGEST else "text/plain")

    def _begin(self, start: int, default_type: str) -> bool:
        """Begin a part under the current one, and the message in it; False when it is one too many.

        Chains of attached messages are followed here, and so need no recursion.
        """
        while True:
            if self._branches and len(self._branches) >= self._limits.parts:
                self._exceeded["parts"] = None
                return False
            branch = self._add(start, default_type)
            if not self._is_container(branch):
                return True
            if branch.depth >= self._limits.depth:
                self._exceeded["depth"] = None
                return True
            if branch.media_type not in _MESSAGES:
                self._open(branch)
                return True
            start, default_type = branch.header.end, "text/plain"

    def _add(self, start: int, default_type: str) -> _Branch:
        parent = self._path[-1] if self._path else None
        header = self._header(start)
        content = self._shared.content_of(header, self._dialect.field_names)
        branch = _Branch(
            parent,
            _child_path(parent),
            parent.depth + 1 if parent else 1,
            header,
            content,
            pick(content.media_types, self._dialect.media_type, default_type),
            header.end,
            [],
        )
        self._branches.append(branch)
        self._path.append(branch)
        if len(content.media_types) > 1 or len(content.boundaries) > 1:
            candidates = (self._candidates, len(content.media_types), len(content.boundaries))
            self._candidates = max(candidates)
        for code in oddities(header) + content.anomalies:
            self._note(code, branch.path)
        if content.is_cut:
            self._exceeded["parameters"] = None
        return branch

    def _header(self, start: int) -> Header:
        end = self._header_end(start)
        header = read_header(self._raw, start, end, self._limits, self._dialect.header_end)
        if header.exceeded:
            self._exceeded["header"] = None
        return header

    def _header_end(self, start: int) -> int:
        """Where the header at `start` must end: its blank line, or a boundary before that."""
        if not self._by_boundary or not self._dialect.boundaries_end_headers:
            return len(self._raw)
        before = max(start - 1, 0)
        blank = _BLANK_LINE.search(self._raw, before, start + _USUAL_HEADER_BYTES)
        if blank is not None and self._raw.find(b"\n--", before, blank.end()) < 0:
            return blank.end()
        for match in self._search(_HEADER_STOP, before):
            if match[0].endswith(b"\n"):
                return match.end()
            if self._owner(match[0]) is not None:
                self._note_boundary_in_header(start, match.start() + 1)
                return match.start() + 1
        return len(self._raw)

    def _note_boundary_in_header(self, start: int, end: int) -> None:
        """Returned mail is often nothing but a header: the boundary after it is in its place."""
        if start < end and self._path[-1].media_type not in _MESSAGES:
            self._note_once("boundary-in-header")

    def _is_container(self, branch: _Branch) -> bool:
        is_multipart = branch.media_type.startswith("multipart/")
        if not is_multipart and branch.media_type not in _MESSAGES:
            if branch.media_type in _MARKED_TYPES:
                self._note(_MARKED_TYPES[branch.media_type], branch.path)
            return False
        if IDENTITY.issuperset(branch.content.encodings):
            return True
        self._note("encoded-container" if is_multipart else "encoded-message", branch.path)
        return is_multipart or self._dialect.opens_encoded_messages

    def _open(self, branch: _Branch) -> None:
        boundary = pick(branch.content.boundaries, self._dialect.boundary, b"")
        if not boundary:
            self._note("multipart-without-boundary", branch.path)
            return
        if len(boundary) > BOUNDARY_BYTES:
            self._note("boundary-too-long", branch.path)
            return
        shadowed = self._by_boundary.get(boundary)
        if shadowed is not None:
            self._note("boundary-used-twice", branch.path)
            if self._dialect.outer_boundary_wins:
                return
        branch.boundary, branch.shadowed = boundary, shadowed
        self._by_boundary[boundary] = branch
        self._boundaries = tuple(self._by_boundary)

    def _end_below(self, owner: _Branch | None, end: int) -> None:
        """End every part under `owner` at the offset `end`, or where its header ends.

        The line end before a boundary may be the one that ends a header already.
        """
        while self._path and self._path[-1] is not owner:
            branch = self._path.pop()
            branch.body_end = end = max(branch.header.end, end)
            if branch.boundary:
                self._shut(branch)

    def _shut(self, branch: _Branch) -> None:
        if branch.shadowed is None:
            del self._by_boundary[branch.boundary]
        else:
            self._by_boundary[branch.boundary] = branch.shadowed
        self._boundaries = tuple(self._by_boundary)
        if not _STOPPING.isdisjoint(self._exceeded):
            return
        if not branch.child_count and _NOT_BLANK.search(
            self._raw, branch.header.end, branch.body_end
        ):
            self._note("multipart-without-parts", branch.path)
        elif branch.child_count and not branch.is_closed:
            self._note("multipart-unclosed", branch.path)

    def _note(self, code: str, path: str) -> None:
        self._anomalies.append(Anomaly(code, path))

    def _note_once(self, code: str) -> None:
        if code not in self._noted:
            self._noted.add(code)
            self._note(code, self._path[-1].path)

    def _freeze(self) -> Part:
        """Make the tree, last parts first, so that no depth of nesting needs recursion."""
        for branch in reversed(self._branches):
            if branch.parent is not None:
                branch.parent.children.append(_part(branch))
        return _part(self._branches[0])


def _child_path(parent: _Branch | None) -> str:
    if parent is None:
        return ""
    parent.child_count += 1
    return f"{parent.path}.{parent.child_count}" if parent.path else str(parent.child_count)


def _part(branch: _Branch) -> Part:
    return Part(
        branch.path,
        branch.header,
        branch.body_end,
        branch.media_type,
        branch.content,
        tuple(reversed(branch.children)),
    )
