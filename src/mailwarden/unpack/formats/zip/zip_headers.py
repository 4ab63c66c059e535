"""The headers of a zip archive, one at a time, as they stand: what each side says of a member.

Source: PKWARE's APPNOTE.TXT 6.3.10, the sections named below. Numbers are as announced and prove
nothing. Every function gives None where there is no such header.
"""

from collections.abc import Iterator
from struct import Struct

import msgspec

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_SIGNATURE = b"PK\x05\x06"
# Before the first member of a split archive (8.5.3), and before a data descriptor (4.3.9.3).
SPLIT_SIGNATURE = b"PK\x07\x08"
_END_64_SIGNATURE = b"PK\x06\x06"
_LOCATOR_SIGNATURE = b"PK\x06\x07"

_LOCAL = Struct("<4x5H3I2H")  # 4.3.7
_CENTRAL = Struct("<4x6H3I5H2I")  # 4.3.12
_END = Struct("<4x4H2IH")  # 4.3.16
_END_64 = Struct("<4x8x4x2I4Q")  # 4.3.14
_LOCATOR = Struct("<4xIQI")  # 4.3.15

# Bit 0: encrypted, 6: strongly encrypted, 13: these values are masked (4.4.4).
_ENCRYPTED_FLAGS = 1 << 0 | 1 << 6 | 1 << 13
_MASKED_FLAG = 1 << 13
# Bit 3: the sizes follow the data.
_DESCRIPTOR_FLAG = 1 << 3
# WinZip's AES: the real method is in an extra field.
_AES_METHOD = 99

# All that were ever given a number (4.4.5), whether they can be opened here or not.
_METHODS = frozenset({*range(21), *range(92, 100)})

# "See the zip64 field" (4.4.8, 4.4.9, 4.4.13, 4.4.16).
_IN_ZIP64 = 0xFFFF_FFFF
_FIELD = Struct("<2H")  # 4.5.1
_ZIP64_FIELD = 0x0001  # 4.5.3
_UNICODE_PATH_FIELD = 0x7075  # 4.6.9
# Programs write less than ten. Headers may overlap, so that reading them must not take long.
_MOST_FIELDS = 64
_KNOWN_FIELDS = frozenset({_ZIP64_FIELD, _UNICODE_PATH_FIELD})
_UNICODE_PATH_HEAD_BYTES = 5  # a version and a checksum stand before the name

_UNIX_MODE_SHIFT = 16
_DOS_FOLDER = 0x10


class Account(msgspec.Struct, frozen=True, gc=False):
    """What one header says of a member; sizes and checksum are None when it leaves them open."""

    name: bytes
    unicode_name: bytes
    flags: int
    method: int
    checksum: int | None
    packed_bytes: int | None
    size_bytes: int | None

    @property
    def is_encrypted(self) -> bool:
        """Whether a password is needed."""
        return bool(self.flags & _ENCRYPTED_FLAGS) or self.method == _AES_METHOD

    @property
    def is_masked(self) -> bool:
        """Whether name and sizes are blanked out because the directory is encrypted."""
        return bool(self.flags & _MASKED_FLAG)


class LocalHeader(msgspec.Struct, frozen=True, gc=False):
    """The header before a member's data, which begins at `data_start`."""

    account: Account
    data_start: int


class CentralHeader(msgspec.Struct, frozen=True, gc=False):
    """An entry of the central directory; `local_offset` is where it says that the member is.

    `mode` has the bits of Unix, zero for none. `end` is where the next entry may begin.
    """

    account: Account
    local_offset: int
    disk: int
    mode: int
    is_dos_folder: bool
    end: int


class EndRecord(msgspec.Struct, frozen=True, gc=False):
    """The end of central directory record, in its short or its zip64 form, which is at `start`."""

    start: int
    disk: int
    directory_disk: int
    entries: int
    directory_bytes: int
    directory_offset: int


def is_plausible(octets: bytes, start: int) -> bool:
    """Whether a signature that nobody names may begin a local header.

    Self-extractors hold the bare signature; a header has a method that exists, and a name.
    """
    method = int.from_bytes(octets[start + 8 : start + 10], "little")
    return method in _METHODS and any(octets[start + 26 : start + 28])


def find_data_start(octets: bytes, start: int) -> int | None:
    """Find where the data of the header at `start` begins."""
    if not octets.startswith(LOCAL_SIGNATURE, start) or start + _LOCAL.size > len(octets):
        return None
    *_, name_bytes, extra_bytes = _LOCAL.unpack_from(octets, start)
    return int(start + _LOCAL.size + name_bytes + extra_bytes)


def local_header(octets: bytes, start: int) -> LocalHeader | None:
    """Read the header at `start`."""
    if not octets.startswith(LOCAL_SIGNATURE, start) or start + _LOCAL.size > len(octets):
        return None
    _, flags, method, _, _, checksum, packed, size, name_bytes, extra_bytes = _LOCAL.unpack_from(
        octets, start
    )
    name_end = start + _LOCAL.size + name_bytes
    header_end = name_end + extra_bytes
    if header_end > len(octets):
        return None
    numbers, unicode_name = _extra_fields(octets[name_end:header_end])
    size_bytes = _number(size, numbers)
    packed_bytes = _number(packed, numbers)
    follow = bool(flags & _DESCRIPTOR_FLAG)
    account = Account(
        name=octets[start + _LOCAL.size : name_end],
        unicode_name=unicode_name,
        flags=flags,
        method=method,
        checksum=None if follow and not checksum else checksum,
        packed_bytes=None if follow and not packed_bytes else packed_bytes,
        size_bytes=None if follow and not size_bytes else size_bytes,
    )
    return LocalHeader(account, header_end)


def central_header(octets: bytes, start: int) -> CentralHeader | None:
    """Read the entry at `start`."""
    if not octets.startswith(CENTRAL_SIGNATURE, start) or start + _CENTRAL.size > len(octets):
        return None
    fields = _CENTRAL.unpack_from(octets, start)
    _, _, flags, method, _, _, checksum, packed, size = fields[:9]
    name_bytes, extra_bytes, comment_bytes, disk, _, attributes, offset = fields[9:]
    name_end = start + _CENTRAL.size + name_bytes
    extra_end = name_end + extra_bytes
    if extra_end + comment_bytes > len(octets):
        return None
    numbers, unicode_name = _extra_fields(octets[name_end:extra_end])
    size_bytes = _number(size, numbers)
    packed_bytes = _number(packed, numbers)
    local_offset = _number(offset, numbers)
    account = Account(
        name=octets[start + _CENTRAL.size : name_end],
        unicode_name=unicode_name,
        flags=flags,
        method=method,
        checksum=checksum,
        packed_bytes=packed_bytes,
        size_bytes=size_bytes,
    )
    return CentralHeader(
        account=account,
        local_offset=_IN_ZIP64 if local_offset is None else local_offset,
        disk=disk,
        mode=attributes >> _UNIX_MODE_SHIFT,
        is_dos_folder=bool(attributes & _DOS_FOLDER),
        end=extra_end + comment_bytes,
    )


def end_records(octets: bytes, start: int) -> tuple[EndRecord, ...]:
    """Read the record at `start`, and those of zip64 that its locator may mean."""
    if not octets.startswith(END_SIGNATURE, start) or start + _END.size > len(octets):
        return ()
    disk, directory_disk, _, entries, size, offset, _ = _END.unpack_from(octets, start)
    short = EndRecord(start, disk, directory_disk, entries, size, offset)
    return (*_zip64_end_records(octets, start - _LOCATOR.size), short)


def _zip64_end_records(octets: bytes, locator: int) -> Iterator[EndRecord]:
    """Read the record where the locator says that it is, and one right before the locator."""
    if locator < 0 or not octets.startswith(_LOCATOR_SIGNATURE, locator):
        return
    _, announced, _ = _LOCATOR.unpack_from(octets, locator)
    for start in dict.fromkeys((announced, locator - _END_64.size)):
        is_inside = 0 <= start <= len(octets) - _END_64.size
        if is_inside and octets.startswith(_END_64_SIGNATURE, start):
            disk, directory_disk, _, entries, size, offset = _END_64.unpack_from(octets, start)
            yield EndRecord(start, disk, directory_disk, entries, size, offset)


def _extra_fields(extra: bytes) -> tuple[Iterator[int], bytes]:
    """Find the numbers of zip64 and the Unicode name among the extra fields (4.5.1)."""
    if not extra:
        return iter(()), b""
    fields: dict[int, bytes] = {}
    place = 0
    for _ in range(_MOST_FIELDS):
        if place + _FIELD.size > len(extra):
            break
        field, size_bytes = _FIELD.unpack_from(extra, place)
        place += _FIELD.size
        if field in _KNOWN_FIELDS:
            fields[field] = extra[place : place + size_bytes]
        place += size_bytes
    zip64 = fields.get(_ZIP64_FIELD, b"")
    numbers = (
        int.from_bytes(zip64[place : place + 8], "little") for place in range(0, len(zip64) - 7, 8)
    )
    return numbers, fields.get(_UNICODE_PATH_FIELD, b"")[_UNICODE_PATH_HEAD_BYTES:]


def _number(short: int, zip64: Iterator[int]) -> int | None:
    """Take a number itself, or the next of zip64 where the short one says so."""
    return next(zip64, None) if short == _IN_ZIP64 else short
