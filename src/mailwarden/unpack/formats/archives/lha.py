"""LHA archives: libarchive for most, unar for the methods and headers that it does not know."""

from collections.abc import Iterator

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.archives.first_whole import open_with_first
from mailwarden.unpack.formats.archives.libarchive_archive import open_with_libarchive
from mailwarden.unpack.formats.archives.unar import open_unar
from mailwarden.unpack.libarchive_border import Way
from mailwarden.unpack.members import Opened

_LHA = Way(("lha",))


def open_lha(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open an LHA archive."""
    return open_with_first((_open_with_libarchive, open_unar), octets, meter)


def _open_with_libarchive(octets: bytes, meter: Meter) -> Iterator[Opened]:
    return open_with_libarchive(octets, meter, _LHA)
