"""Every central directory of a zip archive that some program would find, nothing expanded.

Programs look for the directory from the end of the file backwards, but not alike: some take the
last end record, some the last whose comment fits, some trust its offset, some count back from it,
and some move all offsets by what stands in front of the archive (self-extractors). All of these
are read here. Source: APPNOTE.TXT 6.3.10, sections 4.3.12 to 4.3.16.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

import msgspec

from mailwarden.unpack.budget import Meter, OverLimitError
from mailwarden.unpack.formats.zip.zip_headers import (
    CENTRAL_SIGNATURE,
    END_SIGNATURE,
    LOCAL_SIGNATURE,
    CentralHeader,
    EndRecord,
    central_header,
    end_records,
    find_data_start,
)

# Archives behind each other in one file; each costs a look at all members found so far.
_MOST_DIRECTORIES = 16

# "See zip64" (APPNOTE 4.4.19 to 4.4.22), and the numbers of volumes that say "not split".
_COUNT_IN_ZIP64 = 0xFFFF
_WHOLE = frozenset({0, 0xFFFF, 0xFFFF_FFFF})


class Named(msgspec.Struct, frozen=True, gc=False):
    """A member as a directory names it; its local header should be at `start`."""

    header: CentralHeader
    start: int


@dataclass(slots=True)
class Directories:
    """What all directories say together.

    `spans` are where directories lie, as start and end. `are_all` is False when a directory was
    announced and not found, or there are none. `over_limit` ended the reading early.
    """

    named: list[Named] = field(default_factory=list)
    spans: set[tuple[int, int]] = field(default_factory=set)
    are_all: bool = False
    disagree: bool = False
    are_several: bool = False
    is_volume: bool = False
    over_limit: OverLimitError | None = None


def read_directories(octets: bytes, meter: Meter) -> Directories:
    """Find and read all directories; each entry counts as a member. Raises nothing."""
    search = _Search(octets, meter)
    try:
        search.run()
    except OverLimitError as error:
        search.found.over_limit = error
    return search.found


@dataclass(slots=True)
class _Search:
    octets: bytes
    meter: Meter
    found: Directories = field(default_factory=Directories)
    # Where directories begin, and how far their offsets are moved.
    read: set[tuple[int, int]] = field(default_factory=set)
    # The whole archive was looked through for a lost directory, which is done once.
    has_searched: bool = False
    # Data of members found so far, as starts and ends of ranges that do not touch: an end record
    # in there is that of an archive in the archive.
    data_starts: list[int] = field(default_factory=list)
    data_ends: list[int] = field(default_factory=list)

    def run(self) -> None:
        """Take end records from the last to the first."""
        place = self.octets.rfind(END_SIGNATURE)
        while place >= 0 and len(self.read) <= _MOST_DIRECTORIES:
            self.meter.count_bytes(0)  # a look at the time
            data_around = self._data_around(place)
            if data_around is None:
                self._read_before(place)
            before = place if data_around is None else data_around
            place = self.octets.rfind(END_SIGNATURE, 0, before)
        self.found.are_all &= len(self.read) <= _MOST_DIRECTORIES

    def _data_around(self, place: int) -> int | None:
        """Where the data of members begins that the place lies in, None for outside."""
        index = bisect_right(self.data_starts, place) - 1
        if index >= 0 and place < self.data_ends[index]:
            return self.data_starts[index]
        return None

    def _read_before(self, place: int) -> None:
        """Read every directory that the end record at `place` may mean."""
        records = end_records(self.octets, place)
        if not records:
            return
        starts = {
            (start, start - record.directory_offset): record
            for record in records
            for start in _possible_starts(self.octets, record)
        }
        if not starts:
            self._without_directory(records)
            return
        self.found.spans.add((place, place + len(END_SIGNATURE)))
        if self.read.issuperset(starts):
            return
        are_two = len({start for start, _ in starts}) > 1
        self.found.are_several |= self.found.are_all or are_two
        self.found.disagree |= are_two
        self.found.are_all = True
        for (start, shift), record in starts.items():
            self._note_volume(record)
            self._read_directory(start, shift, record)
        self._note_data()

    def _without_directory(self, records: tuple[EndRecord, ...]) -> None:
        """Take an end record whose directory is not where it says; it may end an empty archive."""
        is_empty = all(not record.entries and not record.directory_bytes for record in records)
        if is_empty:
            self.found.disagree |= bool(self.found.named)
            self.found.are_all = True
        elif not self.found.are_all and not self.has_searched:
            self.has_searched = True
            self._note_volume(records[0])
            self._read_lost_directory(records)

    def _read_lost_directory(self, records: tuple[EndRecord, ...]) -> None:
        """Look for entries that follow each other right up to the end record."""
        ends = {record.start for record in records}
        start = self.octets.find(CENTRAL_SIGNATURE)
        while start >= 0:
            end = start
            while header := central_header(self.octets, end):
                end = header.end
                self.meter.count_bytes(0)
            if end in ends:
                self.found.are_all = self.found.disagree = True
                for record in records:
                    self._read_directory(start, start - record.directory_offset, record)
                self._note_data()
                return
            start = self.octets.find(CENTRAL_SIGNATURE, max(end, start + 1))

    def _read_directory(self, start: int, shift: int, record: EndRecord) -> None:
        """Read entries as long as they follow each other, whatever their number was said to be."""
        if (start, shift) in self.read:
            return
        self.read.add((start, shift))
        count, end = 0, start
        while header := central_header(self.octets, end):
            self.meter.count_member()
            self.found.named.append(Named(header, self._local_start(header, shift)))
            count, end = count + 1, header.end
        self.found.spans.add((start, end))
        # Programs end at the announced number, at the announced size, or where nothing follows.
        # The number has 16 bits; archives with more members are written without zip64 too.
        self.found.disagree |= start + record.directory_bytes < end or (
            record.entries != _COUNT_IN_ZIP64
            and record.entries & _COUNT_IN_ZIP64 != count & _COUNT_IN_ZIP64
        )

    def _local_start(self, header: CentralHeader, shift: int) -> int:
        """Where the member is: moved by `shift`, unless it is there without."""
        moved = header.local_offset + shift
        for start in (moved, header.local_offset):
            if start >= 0 and self.octets.startswith(LOCAL_SIGNATURE, start):
                return start
        return moved

    def _note_volume(self, record: EndRecord) -> None:
        self.found.is_volume |= not {record.disk, record.directory_disk} <= _WHOLE

    def _note_data(self) -> None:
        """Join the ranges of data that all members found so far are said to have."""
        self.data_starts, self.data_ends = [], []
        for start, end in sorted(self._announced_data()):
            if self.data_ends and start <= self.data_ends[-1]:
                self.data_ends[-1] = max(self.data_ends[-1], end)
            else:
                self.data_starts.append(start)
                self.data_ends.append(end)

    def _announced_data(self) -> set[tuple[int, int]]:
        ranges = set()
        for member in self.found.named:
            start = find_data_start(self.octets, member.start) if member.start >= 0 else None
            if start is not None:
                ranges.add((start, start + (member.header.account.packed_bytes or 0)))
        return ranges


def _possible_starts(octets: bytes, record: EndRecord) -> set[int]:
    """Where the record says that its directory is, and where it must be to end at the record."""
    starts = {record.directory_offset, record.start - record.directory_bytes}
    return {start for start in starts if start >= 0 and octets.startswith(CENTRAL_SIGNATURE, start)}
