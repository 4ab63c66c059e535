"""Cabinets: libarchive for most, unar for the method Quantum.

What libarchive finds broken is broken even where unar gives something: it fills up with zeros and
does not tell.
Source: [MS-CAB] section 2.1 (CFHEADER).
"""

from collections.abc import Iterator

from mailwarden.unpack.budget import Meter, OverLimitError
from mailwarden.unpack.formats.archives.first_whole import BROKEN, attempt, furthest
from mailwarden.unpack.formats.archives.libarchive_archive import open_with_libarchive
from mailwarden.unpack.formats.archives.unar import open_unar
from mailwarden.unpack.libarchive_border import Way
from mailwarden.unpack.members import Opened, Trait, UnreadableError

_CAB = Way(("cab",))

_SIGNATURE = b"MSCF"
_HEADER_BYTES = 36
_FLAGS = slice(30, 32)
_PREVIOUS_OR_NEXT = 0x0001 | 0x0002


def open_cab(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a cabinet; one of a set is broken as far as its files begin or end in another."""
    if not octets.startswith(_SIGNATURE) or len(octets) < _HEADER_BYTES:
        raise UnreadableError("it is not a cabinet")
    if int.from_bytes(octets[_FLAGS], "little") & _PREVIOUS_OR_NEXT:
        yield Trait.VOLUME
    first = attempt(_open_with_libarchive, octets, meter)
    if first.is_whole or isinstance(first.error, OverLimitError):
        yield from first.tell()
        return
    yield from furthest((first, attempt(open_unar, octets, meter))).tell()
    if first.is_broken:
        raise UnreadableError(BROKEN)


def _open_with_libarchive(octets: bytes, meter: Meter) -> Iterator[Opened]:
    return open_with_libarchive(octets, meter, _CAB)
