"""Tar archives: ustar, pax, GNU and the oldest kind, also several behind each other.

Programs stop at the first empty block; headers behind it are read too. Source: see `tar_headers`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.decompression import ENDS_EARLY
from mailwarden.unpack.entry_traits import entry_traits
from mailwarden.unpack.formats.tar.tar_extended import KINDS, Extended
from mailwarden.unpack.formats.tar.tar_headers import BLOCK_BYTES, Header, header_at, next_header
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import Entry, Member, Opened, Trait, UnreadableError

_CODE_PAGE = "latin-1"

_HARD_LINK = b"1"
_CONTINUED = b"M"  # the rest of a file that began in the volume before
# Whatever is not here is a file to every program (POSIX, "ustar Interchange Format", typeflag).
_ENTRIES = {
    _HARD_LINK: Entry.LINK,
    b"2": Entry.LINK,
    b"3": Entry.DEVICE,
    b"4": Entry.DEVICE,
    b"5": Entry.FOLDER,
    b"6": Entry.DEVICE,
    b"D": Entry.FOLDER,
}

_NOT_ZERO = re.compile(rb"[^\0]")
_BROKEN_MAP = "its map of holes is broken"


def open_tar(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a tar archive; traits may repeat."""
    reader = _Reader(octets, meter)
    yield from reader.found()
    if reader.problem:
        raise UnreadableError(reader.problem)


@dataclass(slots=True)
class _Reader:
    """One pass over the blocks; `problem` says what was wrong, empty for nothing."""

    octets: bytes
    meter: Meter
    place: int = 0
    has_begun: bool = False
    has_ended: bool = False
    problem: str = ""
    extended: Extended = field(default_factory=lambda: Extended({}))

    def found(self) -> Iterator[Opened]:
        """Yield all members and traits."""
        while self._skip_empty_blocks():
            header = header_at(self.octets, self.place)
            if header is None:
                self._skip_broken()
                continue
            if self.has_ended:
                yield Trait.HIDDEN_DATA
            self.has_begun, self.has_ended = True, False
            if header.kind in KINDS:
                self._extend(header)
            else:
                self.meter.count_member()
                yield from self._member(header)
                self.extended = Extended(self.extended.everywhere)
        if not self.has_begun:
            self.problem = "it has no header of a tar archive"

    def _skip_empty_blocks(self) -> bool:
        """Go to the next block that is not empty; False for none."""
        follows = _NOT_ZERO.search(self.octets, self.place)
        if follows is None:
            return False
        skipped = (follows.start() - self.place) // BLOCK_BYTES
        self.has_ended = self.has_ended or (self.has_begun and skipped > 0)
        self.place += skipped * BLOCK_BYTES
        return True

    def _skip_broken(self) -> None:
        """Go to the next header that can be found; behind the end, anything may stand."""
        if not self.has_ended:
            self.problem = "a header is broken"
        self.place = next_header(self.octets, self.place + BLOCK_BYTES)

    def _extend(self, header: Header) -> None:
        """Take a header that belongs to the member behind it."""
        start = self.place + BLOCK_BYTES
        end = self._go_behind(start + header.size_bytes)
        if end < start + header.size_bytes:
            self.problem = ENDS_EARLY
        try:
            self.extended.take(header.kind, self.octets[start:end])
        except UnreadableError as error:
            self.problem = str(error)

    def _member(self, header: Header) -> Iterator[Opened]:
        """Yield one member, and traits of the archive that show in its headers."""
        size_bytes = self.extended.size_bytes(header)
        # Only sizes above 8 GB do not fit into a header of its own.
        if size_bytes != header.size_bytes:
            yield Trait.DIRECTORIES_DISAGREE
        if header.kind == _CONTINUED:
            yield Trait.VOLUME
        start = self.place + BLOCK_BYTES
        entry = _ENTRIES.get(header.kind, Entry.FILE)
        has_no_data = entry is not Entry.FILE or header.name.endswith(b"/")
        if has_no_data and self._is_followed(start):
            size_bytes = 0  # some programs write one all the same
        content, unopened = self._content(header, start, size_bytes)
        yield self._described(header, entry, content, unopened)

    def _content(self, header: Header, start: int, size_bytes: int) -> tuple[bytes, str]:
        """Have the content of a member, holes and all, and what is wrong with it."""
        is_sparse = self.extended.is_sparse(header)
        holes = self.extended.sparse_map(self.octets, header, start, size_bytes)
        if is_sparse and holes is not None:
            end = self._go_behind(holes.data_end)
            content = self.meter.collect(holes.pieces(self.octets, end))
            return content, ENDS_EARLY if holes.needs_until > end else ""
        end = self._go_behind(start + size_bytes)
        self.meter.count_bytes(end - start)
        if is_sparse:
            return self.octets[start:end], _BROKEN_MAP
        return self.octets[start:end], ENDS_EARLY if end < start + size_bytes else ""

    def _described(self, header: Header, entry: Entry, content: bytes, unopened: str) -> Member:
        names, targets = (
            tuple(dict.fromkeys(name for one in stored for name in name_readings(one, _CODE_PAGE)))
            for stored in (self.extended.names(header), self.extended.link_targets(header))
        )
        if not content and any(name.endswith("/") for name in names):
            entry = Entry.FOLDER  # all that the oldest kind has for it
        if header.kind == _HARD_LINK:
            # The target is a name in the archive, not seen from the link's own folder.
            traits = entry_traits(entry, names + targets)
        else:
            traits = entry_traits(entry, names, targets)
        has_octets = entry is Entry.FILE or bool(content)
        return Member(
            names=names + targets,
            octets=content if has_octets else None,
            entry=entry,
            traits=traits,
            unopened=unopened,
        )

    def _is_followed(self, start: int) -> bool:
        """Whether the archive goes on there: with a header, with empty blocks, or not at all."""
        block = self.octets[start : start + BLOCK_BYTES]
        return not block.strip(b"\0") or header_at(self.octets, start) is not None

    def _go_behind(self, end: int) -> int:
        """Go to the block behind data that should end there; gives where it really ends."""
        self.place = -(-end // BLOCK_BYTES) * BLOCK_BYTES
        return min(end, len(self.octets))
