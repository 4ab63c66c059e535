"""ISO 9660 images: read as Windows does (Joliet names) and as Unix does (Rock Ridge names).

An image may carry several directories of its files, which need not agree; of the second reading,
what is new is given as well. UDF, which Windows prefers to both and nothing here can read, is
looked for by its mark.
Source: ECMA-119 section 8 (volume descriptors), ECMA-167 section 2/9.1 (NSR descriptors), SUSP 1.12
section 5.3 (SP).
"""

from collections.abc import Iterator
from hashlib import blake2b

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.archives.libarchive_archive import open_with_libarchive
from mailwarden.unpack.libarchive_border import Way
from mailwarden.unpack.members import Member, Opened, UnreadableError, UnsupportedError

_WINDOWS = Way(("iso9660",), options=b"iso9660:!rockridge")
_UNIX = Way(("iso9660",), options=b"iso9660:!joliet")

_SECTOR_BYTES = 2048
_FIRST_DESCRIPTOR = 16
# Descriptors come in a row, one a sector; no maker of images writes more than a handful.
_MOST_DESCRIPTORS = 64
_IDENTIFIERS = (b"CD001", b"BEA01", b"NSR02", b"NSR03", b"TEA01", b"BOOT2", b"CDW02")
_UDF = (b"NSR02", b"NSR03")
_SUPPLEMENTARY = b"\x02CD001"
_ROCK_RIDGE = b"SP\x07\x01\xbe\xef"

_DIGEST_BYTES = 16


def open_iso(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open an image; raises `UnsupportedError` after its members when it is UDF as well."""
    descriptors = list(_descriptors(octets))
    is_udf = any(descriptor[1:] in _UDF for descriptor in descriptors)
    ways = (_WINDOWS, _UNIX) if _has_two_readings(octets, descriptors) else (_WINDOWS,)
    try:
        yield from _open(octets, meter, ways)
    except UnreadableError:
        if not is_udf:
            raise
    if is_udf:
        raise UnsupportedError("it has a file system of the kind UDF, which cannot be opened here")


def _descriptors(octets: bytes) -> Iterator[bytes]:
    """Type and identifier of each volume descriptor."""
    for number in range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + _MOST_DESCRIPTORS):
        start = number * _SECTOR_BYTES
        descriptor = octets[start : start + len(_SUPPLEMENTARY)]
        if descriptor[1:] not in _IDENTIFIERS:
            return
        yield descriptor


def _has_two_readings(octets: bytes, descriptors: list[bytes]) -> bool:
    return _SUPPLEMENTARY in descriptors or _ROCK_RIDGE in octets


def _open(octets: bytes, meter: Meter, ways: tuple[Way, ...]) -> Iterator[Opened]:
    seen: set[tuple[str, bytes]] = set()
    for place, way in enumerate(ways):
        for found in open_with_libarchive(octets, meter, way):
            mark = _mark(found)
            if not place or mark not in seen:
                yield found
            seen.add(mark)


def _mark(found: Opened) -> tuple[str, bytes]:
    """What makes two things alike: for files the ending and the octets, else all of the name."""
    if not isinstance(found, Member):
        return found, b""
    name = next(iter(found.names), "").casefold()
    if found.octets is None:
        return name, b""
    return name.rpartition(".")[2], blake2b(found.octets, digest_size=_DIGEST_BYTES).digest()
