"""The loosest reading: whatever looks like the beginning of a part is one.

A line that begins with `--` and is followed by a header with a field of MIME begins a part, up to
the next line that looks so or begins alike, whatever boundaries were declared. No client reads
like this; it finds what most clients find in messages whose structure was bent.
Parts have no parts here: an attached message is a part that ends where the next one begins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mailwarden.message.dialects import pick
from mailwarden.message.headers import FieldNames, Header, read_header
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.parts import PART_HEADER, Part, Reading, Shared
from mailwarden.message.raw import Raw

DIALECT = "loose"

# The closing line, or one with junk behind it, begins with this much of the part's own line.
_SAME_BYTES = 8

_NOT_BLANK = re.compile(rb"[^ \t\r\n]")
_DELIMITER = re.compile(rb"\n--(?P<text>[^\r\n]{0,200})")


def read_loosely(reading: Reading, limits: ReadingLimits, shared: Shared) -> Reading:
    """Read what another reading of the same octets has below its first header."""
    return _LooseReader(reading, limits, shared).read()


@dataclass(slots=True)
class _LooseReader:
    """The state of one reading; it ends with the message."""

    usual: Reading
    limits: ReadingLimits
    shared: Shared
    exceeded: list[str] = field(default_factory=list)

    def read(self) -> Reading:
        raw = self.usual.raw
        parts = tuple(part for part in self._parts(raw) if not _is_empty_multipart(raw, part))
        root = replace(self.usual.root, children=parts)
        return Reading(root, (), tuple(self.exceeded), DIALECT, raw=raw)

    def _parts(self, raw: Raw) -> Iterator[Part]:
        count, header, text = 0, None, b""
        for match in self._lines(raw):
            if header is not None and match["text"].startswith(text):
                yield self._part(raw, count, header, match.start())
                header = None
            begun = self._header(raw, match)
            if begun is None:
                continue
            if header is not None:
                yield self._part(raw, count, header, match.start())
            if count == self.limits.parts:
                self.exceeded.append("parts")
                return
            count, header, text = count + 1, begun, match["text"][:_SAME_BYTES]
        if header is not None:
            yield self._part(raw, count, header, len(raw))

    def _lines(self, raw: Raw) -> Iterator[re.Match[bytes]]:
        for match in _DELIMITER.finditer(raw, max(self.usual.root.body_start - 1, 0)):
            self.shared.delimiter_lines -= 1
            if self.shared.delimiter_lines < 0:
                self.exceeded.append("delimiter-lines")
                return
            yield match

    def _header(self, raw: Raw, match: re.Match[bytes]) -> Header | None:
        """Return the header after a line, None when there is none or it says nothing of MIME."""
        if not PART_HEADER.match(raw, match.end()):
            return None
        start = raw.find(b"\n", match.end()) + 1
        next_line = raw.find(b"\n--", start)
        return read_header(raw, start, next_line + 1 if next_line >= 0 else len(raw), self.limits)

    def _part(self, raw: Raw, number: int, header: Header, end: int) -> Part:
        content = self.shared.content_of(header, FieldNames.REPAIRED)
        media_type = pick(content.media_types, 0, "text/plain")
        body_end = end - 1 if raw[max(end - 1, 0) : end] == b"\r" else end
        return Part(str(number), header, max(header.end, body_end), media_type, content, ())


def _is_empty_multipart(raw: Raw, part: Part) -> bool:
    """The parts of a multipart stand beside it here: mostly it has nothing of its own."""
    is_multipart = part.media_type.startswith("multipart/")
    return is_multipart and not _NOT_BLANK.search(raw, part.body_start, part.body_end)
