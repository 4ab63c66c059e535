"""Compound files (OLE2) as a list of streams; the border to the library `olefile`.

`olefile` believes what a header announces and searches a list for every stream. Here the header is
held against the length of the file before, and what would take more than linear time is replaced,
so that any octets give a `CompoundFile` or a named error. Source: [MS-CFB] 2.2 and 2.6.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import olefile  # type: ignore[import-untyped]  # ships no types

from mailwarden.unpack.budget import Limit, Meter, OverLimitError
from mailwarden.unpack.members import UnreadableError

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# What two libraries that read hostile structures without asking are known to raise: broken
# offsets, sizes, chains, texts, and recursion over a directory that is one long branch.
LIBRARY_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)

_HEADER = struct.Struct("<8s16sHHHHHHIIIIIIIIII")
_SECTOR_SHIFTS = (9, 12)  # [MS-CFB] 2.2: 512 bytes in version 3, 4096 in version 4
_MINI_SECTOR_SHIFT = 6
# A mail with 3,000 recipients has about 40,000 streams; each costs 1.5 KB of memory here.
_MOST_ENTRIES = 50_000
# A message in a message in a message ... costs two levels each; every path is kept whole.
_MOST_LEVELS = 32
# The allocation table may be larger than the file needs, but olefile builds it by copying.
_SPARE_TABLE_SECTORS = 109

_STREAM = 2  # [MS-CFB] 2.6.1, Object Type


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: the names of its storages and its own, what it announces, where it begins."""

    path: tuple[str, ...]
    size_bytes: int
    first_sector: int

    @property
    def name(self) -> str:
        """Its own name in lower case: compound files compare names without case."""
        return self.path[-1].lower()

    @property
    def storage(self) -> tuple[str, ...]:
        """The path of the storage that it lies in; empty for the root."""
        return self.path[:-1]


class CompoundFile:
    """The streams of one compound file; their octets are read one by one."""

    def __init__(self, octets: bytes, source: "_LinearOleFile") -> None:
        self.octets = octets
        self._source = source
        self.streams = tuple(_streams(source))

    def read(self, stream: Stream, meter: Meter) -> bytes:
        """Octets of one stream, as many as there are; raises `UnreadableError`, `OverLimitError`.

        They are counted before they are read: streams may share sectors.
        """
        if stream.size_bytes > len(self.octets):
            raise UnreadableError("a stream that is larger than its file")
        meter.count_bytes(stream.size_bytes)
        try:
            return self._source.stream_octets(stream)
        except LIBRARY_ERRORS as error:
            raise UnreadableError("a stream whose sectors cannot be followed") from error


def open_compound_file(octets: bytes) -> CompoundFile:
    """Read header, tables and directory; raises `UnreadableError`, `OverLimitError`."""
    _check_header(octets)
    try:
        return CompoundFile(octets, _LinearOleFile(io.BytesIO(octets)))
    except LIBRARY_ERRORS as error:
        raise UnreadableError("not a readable compound file") from error


def _check_header(octets: bytes) -> None:
    """Hold the announced counts against the file ([MS-CFB] 2.2)."""
    if not octets.startswith(MAGIC) or len(octets) < _HEADER.size:
        raise UnreadableError("no header of a compound file")
    fields = _HEADER.unpack_from(octets)
    shift, mini_shift, table_sectors, mini_sectors = fields[5], fields[6], fields[10], fields[15]
    if shift not in _SECTOR_SHIFTS or mini_shift != _MINI_SECTOR_SHIFT:
        raise UnreadableError("sectors of a size that compound files do not have")
    sectors = len(octets) >> shift
    entries_in_sector = (1 << shift) // 4
    if table_sectors > 2 * sectors // entries_in_sector + _SPARE_TABLE_SECTORS:
        raise UnreadableError("an allocation table that is larger than the file needs")
    if mini_sectors > sectors:
        raise UnreadableError("a table of small streams that is larger than the file")


class _LinearOleFile(olefile.OleFileIO):  # type: ignore[misc]  # olefile ships no types
    """`olefile` without its quadratic search, and with a limit on directory entries."""

    def __init__(self, file: io.BytesIO) -> None:
        self._entries_loaded = 0
        super().__init__(file)

    def _check_duplicate_stream(self, first_sect: int, minifat: bool = False) -> None:  # noqa: FBT001, FBT002  # olefile's signature
        """Nothing: two streams in the same sectors do no harm, each read is counted."""

    def _load_direntry(self, sid: int) -> object:
        self._entries_loaded += 1
        if self._entries_loaded > _MOST_ENTRIES:
            raise OverLimitError(Limit.FILES)
        return super()._load_direntry(sid)

    def stream_octets(self, stream: Stream) -> bytes:
        """All octets of a stream, found by its place: two streams may have the same name."""
        octets: bytes = self._open(stream.first_sector, stream.size_bytes).read()
        return octets


def _streams(source: _LinearOleFile) -> Iterator[Stream]:
    """Walk the directory; raises `OverLimitError` for storages nested beyond reason."""
    waiting: list[tuple[tuple[str, ...], Any]]  # entries of the untyped library
    waiting = [((), kid) for kid in reversed(source.root.kids)]
    while waiting:
        storage, entry = waiting.pop()
        path = (*storage, str(entry.name))
        if len(path) > _MOST_LEVELS:
            raise OverLimitError(Limit.DEPTH)
        if entry.entry_type == _STREAM:
            yield Stream(path, int(entry.size), int(entry.isectStart))
        waiting.extend((path, kid) for kid in reversed(entry.kids))
