"""Zip archives: every member that either of the two lists shows, each range of data once.

The directory at the end names members; each has a header of its own in front of its data. Programs
go by one or the other, so both are read and compared: what only one of them shows is a member too.
Source: APPNOTE.TXT 6.3.10.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.zip.zip_directories import Directories, Named, read_directories
from mailwarden.unpack.formats.zip.zip_headers import (
    LOCAL_SIGNATURE,
    SPLIT_SIGNATURE,
    LocalHeader,
    is_plausible,
    local_header,
)
from mailwarden.unpack.formats.zip.zip_members import (
    Description,
    Expanded,
    contradict,
    expand,
    member,
)
from mailwarden.unpack.members import Opened, Trait, UnreadableError

# Honest members share no bytes, so all are read once; two readings more are for those that lie.
# It keeps the time linear where thousands of members overlap.
_MOST_READINGS = 3

_NOT_THERE = "its data is not where the directory says"
_READ_OFTEN = "its packed bytes are those of other members too"


def open_zip(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a zip archive as every program would; traits may repeat."""
    directories = read_directories(octets, meter)
    yield from _Sweep(octets, meter, directories).found()
    if directories.over_limit is not None:
        raise directories.over_limit
    if not directories.are_all:
        raise UnreadableError("it has no central directory of a zip archive, or too many")


@dataclass(frozen=True, slots=True)
class _Place:
    """Something with a known place: a named member, or (with `named` empty) a directory."""

    start: int
    end: int
    named: tuple[Named, ...] = ()


@dataclass(slots=True)
class _Sweep:
    """One pass over an archive from its start to its end, through what is named and the gaps."""

    octets: bytes
    meter: Meter
    directories: Directories
    # Up to where things really reach, and up to where they are said to.
    covered_to: int = 0
    announced_to: int = 0
    bytes_left: int = field(init=False)

    def __post_init__(self) -> None:
        self.bytes_left = _MOST_READINGS * len(self.octets)

    def found(self) -> Iterator[Opened]:
        """Yield all members and traits."""
        if self.directories.disagree:
            yield Trait.DIRECTORIES_DISAGREE
        if self.directories.are_several:
            yield Trait.HIDDEN_DATA
        if self.directories.is_volume or self.octets.startswith(SPLIT_SIGNATURE):
            yield Trait.VOLUME
        for place in _places(self.directories):
            yield from self._unnamed(place.start)
            if place.named:
                yield from self._named(place)
            elif place.start < self.announced_to:
                yield Trait.MEMBERS_OVERLAP
            self._cover(place.end, place.end)
        yield from self._unnamed(len(self.octets))

    def _unnamed(self, end: int) -> Iterator[Opened]:
        """Yield members whose headers begin before `end`, outside of everything so far."""
        place = self.covered_to
        while (start := self._next_header(place, end)) >= 0:
            place = start + len(LOCAL_SIGNATURE)
            self.meter.count_bytes(0)  # a look at the time
            header = local_header(self.octets, start) if is_plausible(self.octets, start) else None
            if header is None:
                continue
            self.meter.count_member()
            if self.directories.are_all:
                yield Trait.DIRECTORIES_DISAGREE
            yield from self._expand(start, header, ())
            place = max(place, self.covered_to)

    def _next_header(self, start: int, end: int) -> int:
        return self.octets.find(LOCAL_SIGNATURE, start, end + len(LOCAL_SIGNATURE) - 1)

    def _named(self, place: _Place) -> Iterator[Opened]:
        """Yield the member at a place that a directory gives, perhaps under several names."""
        header = local_header(self.octets, place.start) if place.start >= 0 else None
        if header is None:
            yield from self._missing(place.named)
            return
        if len(place.named) > 1 or place.start < self.announced_to:
            yield Trait.MEMBERS_OVERLAP
        if any(contradict(named.header.account, header.account) for named in place.named):
            yield Trait.DIRECTORIES_DISAGREE
        yield from self._expand(place.start, header, place.named)

    def _missing(self, all_named: tuple[Named, ...]) -> Iterator[Opened]:
        """Yield members without data; of a split archive, it may lie in another volume."""
        for named in all_named:
            if not self.directories.is_volume:
                yield Trait.DIRECTORIES_DISAGREE
            description = _description((named,), None)
            yield member(description, Expanded(None, named.start, _NOT_THERE))

    def _expand(
        self, start: int, header: LocalHeader, named: tuple[Named, ...]
    ) -> Iterator[Opened]:
        """Yield every reading of the data behind a header, as long as bytes are left to read."""
        self.bytes_left -= header.data_start - start
        if self.bytes_left < 0:
            self._cover(header.data_start, header.data_start)
            yield member(_description(named, None), Expanded(None, start, _READ_OFTEN))
            return
        description = _description(named, header)
        ends: list[int] = []
        for expanded in expand(self.octets, self.meter, header.data_start, description):
            # Each name was counted, and is a reading as a rule.
            if len(ends) >= max(1, len(named)):
                self.meter.count_member()
            ends.append(min(expanded.end, len(self.octets)))
            yield member(description, expanded)
            if expanded.octets is not None:
                self.bytes_left -= ends[-1] - header.data_start
            if self.bytes_left < 0:
                self.meter.count_member()
                yield member(description, Expanded(None, ends[-1], _READ_OFTEN))
                break
        self._cover(min(ends), header.data_start + (description.packed_bytes or 0))

    def _cover(self, end: int, announced_end: int) -> None:
        self.covered_to = max(self.covered_to, end)
        self.announced_to = max(self.announced_to, announced_end)


def _places(directories: Directories) -> list[_Place]:
    """Everything with a known place in the order of the archive."""
    members: dict[int, list[Named]] = {}
    for named in directories.named:
        members.setdefault(named.start, []).append(named)
    places = [_Place(start, start, tuple(named)) for start, named in members.items()]
    places += [_Place(start, end) for start, end in directories.spans]
    return sorted(places, key=lambda place: place.start)


def _description(named: tuple[Named, ...], header: LocalHeader | None) -> Description:
    headers = [one.header for one in named]
    accounts = dict.fromkeys(header.account for header in headers)
    if header is not None:
        accounts[header.account] = None
    return Description(
        accounts=tuple(accounts),
        modes=frozenset(header.mode for header in headers),
        is_dos_folder=any(header.is_dos_folder for header in headers),
    )
