"""The streams of old PowerPoint presentations: encryption, macros, embedded objects.

Source: [MS-PPT] 2.3.
"""

import struct
import zlib
from collections.abc import Iterator

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.office.vba_project import project_traits
from mailwarden.unpack.members import Member, Opened, Trait, UnreadableError

# Version and instance, type, length ([MS-PPT] 2.3.1).
_RECORD = struct.Struct("<HHI")
_CONTAINER_VERSION = 0x0F
_EXTERNAL_STORAGE = 0x1011  # [MS-PPT] 2.10.34: a compound file, or one packed by zlib
_PACKED_INSTANCE = 1
_PACKED_SIZE_BYTES = 4
_VISUAL_BASIC = 0x0400  # VbaInfoAtom, [MS-PPT] 2.4.11
_HAS_MACROS = slice(4, 8)

# headerToken ([MS-PPT] 2.3.2)
_TOKEN_OFFSET = 12
_ENCRYPTED_TOKEN = b"\xdf\xc4\xd1\xf3"

_PIECE_BYTES = 65_536


def user_traits(user: bytes) -> tuple[Trait, ...]:
    """What the stream `Current User` says: whether the presentation is encrypted."""
    token = user[_TOKEN_OFFSET : _TOKEN_OFFSET + len(_ENCRYPTED_TOKEN)]
    return (Trait.ENCRYPTED,) if token == _ENCRYPTED_TOKEN else ()


def open_presentation(presentation: bytes, meter: Meter) -> Iterator[Opened]:
    """Open the stream `PowerPoint Document`."""
    for kind, instance, content in _records(presentation):
        if kind == _VISUAL_BASIC and any(content[_HAS_MACROS]):
            yield Trait.MACROS
        elif kind == _EXTERNAL_STORAGE:
            meter.count_member()
            is_packed = instance == _PACKED_INSTANCE
            pieces = _inflated(content[_PACKED_SIZE_BYTES:]) if is_packed else [content]
            yield from _storage(meter.collect(pieces), meter)


def _records(presentation: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, instance and content of each record; what is in a container follows it."""
    position = 0
    while position + _RECORD.size <= len(presentation):
        version_instance, kind, size = _RECORD.unpack_from(presentation, position)
        position += _RECORD.size
        if version_instance & 0x0F == _CONTAINER_VERSION:
            size = 0
        yield kind, version_instance >> 4, presentation[position : position + size]
        position += size


def _storage(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Pass on a compound file, and say of a project what it means for the presentation."""
    try:
        traits = project_traits(octets, meter)
    except UnreadableError:
        # As a member it is opened once more, and what is wrong with it told.
        traits = ()
    yield from traits or (Trait.EMBEDDED_OBJECT,)
    yield Member(("oleObject.bin",), octets)


def _inflated(packed: bytes) -> Iterator[bytes]:
    """Unpack zlib, as far as it goes; raises `UnreadableError`."""
    inflater = zlib.decompressobj()
    while packed and not inflater.eof:
        try:
            yield inflater.decompress(packed, _PIECE_BYTES)
        except zlib.error as error:
            raise UnreadableError("an embedded object that cannot be unpacked") from error
        packed = inflater.unconsumed_tail
