"""Compressed streams that the standard library does not know: zstd, compress (.Z), lz4, lzip.

libarchive takes each for a filter around a "raw" archive with one member without a name. A stream
inside a stream of the same kind is unpacked in one go.
"""

from collections.abc import Iterator

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.archives.libarchive_archive import reason
from mailwarden.unpack.libarchive_border import LibarchiveError, Reading, Way, reading
from mailwarden.unpack.members import Member, Opened, UnreadableError


def open_zstd(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Unpack a zstd stream (RFC 8878)."""
    return _open(octets, meter, "zstd")


def open_compress(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Unpack what compress(1) made, mostly named `.Z`."""
    return _open(octets, meter, "compress")


def open_lz4(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Unpack an lz4 stream."""
    return _open(octets, meter, "lz4")


def open_lzip(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Unpack an lzip stream."""
    return _open(octets, meter, "lzip")


def _open(octets: bytes, meter: Meter, name: str) -> Iterator[Opened]:
    meter.count_member()
    # "empty" is how libarchive calls what a stream of nothing holds.
    way = Way(("raw", "empty"), (name,))
    kept = bytearray()
    problem = ""
    try:
        with reading(octets, way) as archive:
            if not archive.has_filters:
                raise UnreadableError(f"it is not a stream of {name}")
            for _ in archive.entries():
                _take(archive, meter, kept)
    except LibarchiveError as error:
        problem = reason(error)
    if problem and not kept:
        raise UnreadableError(problem)
    yield Member((), bytes(kept), unopened=problem)


def _take(archive: Reading, meter: Meter, kept: bytearray) -> None:
    for _offset, block in archive.blocks():
        meter.count_bytes(len(block))
        kept += block
