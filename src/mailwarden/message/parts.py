"""A message as a tree of parts, each by its offsets into the raw bytes.

One pass: a regular expression finds the lines that begin with `--`, a dict says which of them is
the boundary of an open multipart. Nothing that a message holds raises; what is odd becomes an
anomaly, a limit that is hit becomes a word in `exceeded`, and reading goes on as far as it may.
Which of several readings mail programs take is not decided here: a part keeps every candidate
name, and lines with a boundary count also after its closing line.
Source: RFC 2045, RFC 2046 section 5, RFC 2183.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from mailwarden.message.anomalies import Anomaly
from mailwarden.message.headers import Header, oddities, read_header, value_of
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.parameters import Parameters, candidate_names, parse_parameters
from mailwarden.message.raw import Raw
from mailwarden.message.transfer import IDENTITY, Decoded, decode

__all__ = ["Part", "Reading", "ReadingLimits", "payload", "read_message"]

# RFC 2046 allows 70 bytes; anything that fits into the pattern below with its "--" is accepted.
BOUNDARY_BYTES = 198
# A dump of a database in a text part has some 100,000 lines that begin with "--". Each costs less
# than a microsecond here.
DELIMITER_LINES = 1_000_000
# More fields than this many of the fullest headers are not kept: memory is 200 bytes a field.
_FULL_HEADERS = 10
# How many fields of one name are taken apart; two are odd already.
_REPEATED_FIELDS = 10

_DELIMITER = re.compile(rb"\n--[^\r\n]{0,200}")
_HEADER_STOP = re.compile(rb"\n(?:\r?\n|--[^\r\n]{0,200})")

_NOT_BLANK = re.compile(rb"[^ \t\r\n]")

_MESSAGES = frozenset({"message/rfc822", "message/global"})
# After these limits nothing more is read, and what is missing says nothing about the message.
_STOPPING = frozenset({"parts", "delimiter-lines"})

_DIGEST = "multipart/digest"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the message.

    `path` is empty for the root, else `1`, `1.2`; an attached message is the one child of its
    part. `body_start` and `body_end` are offsets into the raw message, without the line end that
    belongs to the next boundary. `media_type`, `charset` and `encoding` are in lower case and
    empty when absent, except that `media_type` has its default. `names` are all candidates.
    """

    path: str
    header: Header
    body_start: int
    body_end: int
    media_type: str
    charset: str
    encoding: str
    names: tuple[str, ...]
    children: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message looks like; `exceeded` names the limits that were hit, each once."""

    root: Part
    anomalies: tuple[Anomaly, ...]
    exceeded: tuple[str, ...]
    _decoded: dict[int, Decoded] = field(default_factory=dict, compare=False, repr=False)

    def payload(self, raw: Raw, part: Part) -> Decoded:
        """A part's octets with the transfer encoding undone; done once, however many ask."""
        if part.body_start not in self._decoded:
            self._decoded[part.body_start] = payload(raw, part)
        return self._decoded[part.body_start]

    def walk(self) -> Iterator[Part]:
        """Yield every part, parents before children, in the order of the message."""
        waiting = [self.root]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


def read_message(raw: Raw, limits: ReadingLimits) -> Reading:
    """Read a whole message."""
    return _Reader(raw, limits).read()


def payload(raw: Raw, part: Part) -> Decoded:
    """Return a part's octets with the transfer encoding undone."""
    return decode(raw[part.body_start : part.body_end], part.encoding)


@dataclass(frozen=True, slots=True)
class _Content:
    """What a part's header says about its body."""

    media_type: str
    charset: str
    encoding: str
    boundary: bytes
    names: tuple[str, ...]
    anomalies: tuple[str, ...]
    is_cut: bool


@dataclass(slots=True)
class _Branch:
    """A part while it is being read. `shadowed` had the same boundary before it."""

    parent: "_Branch | None"
    path: str
    depth: int
    header: Header
    content: _Content
    body_end: int
    children: list[Part]
    child_count: int = 0
    is_open: bool = False
    is_closed: bool = False
    shadowed: "_Branch | None" = None


class _Reader:
    """The state of one reading; it ends with the message."""

    def __init__(self, raw: Raw, limits: ReadingLimits) -> None:
        self._raw = raw
        self._limits = limits
        self._branches: list[_Branch] = []  # parents before children
        self._path: list[_Branch] = []  # from the root to the current part
        self._by_boundary: dict[bytes, _Branch] = {}
        self._fields_left = limits.header_fields * _FULL_HEADERS
        self._lines_left = DELIMITER_LINES
        self._anomalies: list[Anomaly] = []
        self._exceeded: dict[str, None] = {}

    def read(self) -> Reading:
        self._begin(0, "text/plain")
        if self._by_boundary:
            self._read_multiparts()
        root = self._path[0]
        self._end_below(None, len(self._raw))
        root.body_end = len(self._raw)
        return Reading(self._freeze(), tuple(self._anomalies), tuple(self._exceeded))

    def _read_multiparts(self) -> None:
        for match in self._search(_DELIMITER, max(self._path[-1].header.end - 1, 0)):
            if match.start() + 1 < self._path[-1].header.end:
                continue  # a line of a header that was read already
            found = self._owner(match[0])
            if found is None:
                continue
            owner, is_closing = found
            self._end_below(owner, self._before_line_end(match.start()))
            if is_closing:
                owner.is_closed = True
            elif not self._begin_child(owner, self._line_end(match.end())):
                return

    def _search(self, pattern: re.Pattern[bytes], start: int) -> Iterator[re.Match[bytes]]:
        for match in pattern.finditer(self._raw, start):
            self._lines_left -= 1
            if self._lines_left < 0:
                self._exceeded["delimiter-lines"] = None
                return
            yield match

    def _owner(self, line: bytes) -> tuple[_Branch, bool] | None:
        """Whose boundary a line is, and whether it is the closing one."""
        boundary = line[len(b"\n--") :].rstrip(b" \t")
        if boundary in self._by_boundary:
            return self._by_boundary[boundary], False
        owner = self._by_boundary.get(boundary[:-2]) if boundary.endswith(b"--") else None
        return (owner, True) if owner is not None else None

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
        is_digest = owner.content.media_type == _DIGEST
        return self._begin(start, "message/rfc822" if is_digest else "text/plain")

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
            if branch.content.media_type not in _MESSAGES:
                self._open(branch)
                return True
            start, default_type = branch.header.end, "text/plain"

    def _add(self, start: int, default_type: str) -> _Branch:
        parent = self._path[-1] if self._path else None
        header = self._header(start)
        branch = _Branch(
            parent,
            _child_path(parent),
            parent.depth + 1 if parent else 1,
            header,
            _content(self._raw, header, default_type),
            header.end,
            [],
        )
        self._branches.append(branch)
        self._path.append(branch)
        for code in chain(oddities(self._raw, header), branch.content.anomalies):
            self._note(code, branch.path)
        if branch.content.is_cut:
            self._exceeded["parameters"] = None
        return branch

    def _header(self, start: int) -> Header:
        fields = min(self._limits.header_fields, self._fields_left)
        limits = replace(self._limits, header_fields=fields)
        header = read_header(self._raw, start, self._header_end(start), limits)
        self._fields_left -= len(header.fields)
        if header.exceeded:
            self._exceeded["header"] = None
        return header

    def _header_end(self, start: int) -> int:
        """Where the header at `start` must end: its blank line, or a boundary before that."""
        if not self._by_boundary:
            return len(self._raw)
        for match in self._search(_HEADER_STOP, start - 1):
            if match[0].endswith(b"\n"):
                return match.end()
            if self._owner(match[0]) is not None:
                return match.start() + 1
        return len(self._raw)

    def _is_container(self, branch: _Branch) -> bool:
        media_type, encoding = branch.content.media_type, branch.content.encoding
        is_multipart = media_type.startswith("multipart/")
        if not is_multipart and media_type not in _MESSAGES:
            return False
        if encoding not in IDENTITY:
            self._note("encoded-container", branch.path)
            return is_multipart
        return True

    def _open(self, branch: _Branch) -> None:
        boundary = branch.content.boundary
        if not boundary:
            self._note("multipart-without-boundary", branch.path)
            return
        if len(boundary) > BOUNDARY_BYTES:
            self._note("boundary-too-long", branch.path)
            return
        branch.shadowed = self._by_boundary.get(boundary)
        if branch.shadowed is not None:
            self._note("boundary-used-twice", branch.path)
        self._by_boundary[boundary] = branch
        branch.is_open = True

    def _end_below(self, owner: _Branch | None, end: int) -> None:
        """End every part under `owner` at the offset `end`."""
        while self._path and self._path[-1] is not owner:
            branch = self._path.pop()
            branch.body_end = max(branch.header.end, end)
            if branch.is_open:
                self._shut(branch)

    def _shut(self, branch: _Branch) -> None:
        if branch.shadowed is None:
            del self._by_boundary[branch.content.boundary]
        else:
            self._by_boundary[branch.content.boundary] = branch.shadowed
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
        branch.header.end,
        branch.body_end,
        branch.content.media_type,
        branch.content.charset,
        branch.content.encoding,
        branch.content.names,
        tuple(reversed(branch.children)),
    )


def _content(raw: Raw, header: Header, default_type: str) -> _Content:
    types = _values(raw, header, b"content-type")
    dispositions = _values(raw, header, b"content-disposition")
    encodings = _values(raw, header, b"content-transfer-encoding")
    boundaries = [octets for value in types for octets in value.octets("boundary")]
    values = (*types, *dispositions, *encodings)
    return _Content(
        media_type=next((value.word for value in types if value.word), default_type),
        charset=next((text.lower() for value in types for text in value.texts("charset")), ""),
        encoding=next((value.word for value in encodings), ""),
        boundary=next((octets.rstrip(b" \t") for octets in boundaries), b""),
        names=candidate_names((*dispositions, *types)),
        anomalies=tuple(_conflicts(types, dispositions, encodings, boundaries)),
        is_cut=any(value.is_cut for value in values),
    )


def _values(raw: Raw, header: Header, name: bytes) -> tuple[Parameters, ...]:
    fields = header.all(name)[:_REPEATED_FIELDS]
    return tuple(parse_parameters(value_of(raw, field)) for field in fields)


def _conflicts(
    types: tuple[Parameters, ...],
    dispositions: tuple[Parameters, ...],
    encodings: tuple[Parameters, ...],
    boundaries: list[bytes],
) -> Iterator[str]:
    """Yield a code for everything that is said more than once, and not alike."""
    if len(set(types)) > 1:
        yield "content-type-twice"
    if len(set(dispositions)) > 1:
        yield "content-disposition-twice"
    if len(set(encodings)) > 1:
        yield "content-transfer-encoding-twice"
    if len(set(boundaries)) > 1:
        yield "boundary-parameter-twice"
