"""7z archives: libarchive for most, unar for some filters and for those partly encrypted."""

from collections.abc import Iterator

from mailwarden.unpack.budget import Meter, OverLimitError
from mailwarden.unpack.formats.archives.first_whole import attempt, furthest
from mailwarden.unpack.formats.archives.libarchive_archive import open_with_libarchive
from mailwarden.unpack.formats.archives.unar import open_unar
from mailwarden.unpack.libarchive_border import Way
from mailwarden.unpack.members import Opened

_SEVEN_ZIP = Way(("7zip",), may_be_nameless=True)


def open_7z(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a 7z archive; where no list can be read, unar is not asked: it would take long."""
    first = attempt(_open_with_libarchive, octets, meter)
    is_final = first.is_whole or not first.found or isinstance(first.error, OverLimitError)
    attempts = (first,) if is_final else (first, attempt(open_unar, octets, meter))
    yield from furthest(attempts).tell()


def _open_with_libarchive(octets: bytes, meter: Meter) -> Iterator[Opened]:
    return open_with_libarchive(octets, meter, _SEVEN_ZIP)
