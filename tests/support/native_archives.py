"""Archives of our own making in the formats that a library or a program opens.

libarchive writes what it can; the others are put together from their headers, so that each header
can say what it likes, around members that are stored.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import starmap
from struct import pack

import libarchive  # type: ignore[import-untyped]  # it ships no types


def written(name: str, members: Mapping[str, bytes], packing: str | None = None) -> bytes:
    """An archive in the format that libarchive knows by that name."""
    blocks: list[bytes] = []

    def keep(block: bytes) -> int:
        blocks.append(bytes(block))
        return len(blocks[-1])

    with libarchive.custom_writer(keep, name, packing) as archive:
        for path, octets in members.items():
            archive.add_file_from_memory(path, len(octets), octets)
    return b"".join(blocks)


def cpio(*members: tuple[bytes, int, bytes]) -> bytes:
    """A cpio archive of names, modes and octets; those of a link are where it leads (newc)."""
    return b"".join(starmap(_cpio_member, (*members, (b"TRAILER!!!", 0, b""))))


def _cpio_member(name: bytes, mode: int, octets: bytes) -> bytes:
    fields = (1, mode, 0, 0, 1, 0, len(octets), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
    return head + b"\0" * (-len(head) % 4) + octets + b"\0" * (-len(octets) % 4)


def packed(octets: bytes, packing: str) -> bytes:
    """A stream as the filter of libarchive with that name writes it (it dies of an empty lz4)."""
    return written("raw", {"x": octets}, packing)


# 7z (7zFormat.txt of the LZMA SDK): numbers of properties and identifiers of coders.
COPY, AES, ZSTD = b"\x00", b"\x06\xf1\x07\x01", b"\x04\xf7\x11\x01"
X86 = b"\x03\x03\x01\x03"  # alone, libarchive does not take it; harmless text stays as it is
_SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c\x00\x04"


def seven_zip(members: Mapping[str, bytes], *coders: bytes) -> bytes:
    """A 7z archive with a folder for each member, said to be packed by its coder."""
    sizes = b"".join(_7z_number(len(octets)) for octets in members.values())
    checksums = b"".join(pack("<I", zlib.crc32(octets)) for octets in members.values())
    count = _7z_number(len(members))
    names = b"\x00" + b"".join(name.encode("utf-16-le") + b"\0\0" for name in members)
    streams = _7z_streams(sizes, coders or (COPY,) * len(members))
    header = (
        (b"\x01\x04" + streams + b"\x08\x0a\x01" + checksums + b"\x00\x00")
        + (b"\x05" + count + b"\x11" + _7z_number(len(names)) + names)
        + b"\x00\x00"
    )
    return _7z(b"".join(members.values()), header)


def seven_zip_with_encrypted_names() -> bytes:
    """A 7z archive whose own header is said to be packed by AES."""
    secret = bytes(range(64))
    return _7z(secret, b"\x17" + _7z_streams(_7z_number(len(secret)), (AES,)) + b"\x00")


def _7z_streams(sizes: bytes, coders: tuple[bytes, ...]) -> bytes:
    count = _7z_number(len(coders))
    folders = b"".join(map(_7z_folder, coders))
    return (
        (b"\x06\x00" + count + b"\x09" + sizes + b"\x00")
        + (b"\x07\x0b" + count + b"\x00" + folders + b"\x0c" + sizes)
        + b"\x00"
    )


def _7z_folder(coder: bytes) -> bytes:
    properties = b"\x02\x00\x00" if coder == AES else b""
    return b"\x01" + bytes((len(coder) | (0x20 if properties else 0),)) + coder + properties


def _7z_number(number: int) -> bytes:
    return bytes((number,)) if number < 0x80 else bytes((0x80 | number >> 8, number & 0xFF))


def _7z(content: bytes, header: bytes) -> bytes:
    start = pack("<QQI", len(content), len(header), zlib.crc32(header))
    return _SEVEN_ZIP + pack("<I", zlib.crc32(start)) + start + content + header


STORED, QUANTUM = 0, 0x1472
PREVIOUS, NEXT = 1, 2


def cabinet(
    members: Mapping[bytes, bytes], method: int = STORED, flags: int = 0, announced: int = -1
) -> bytes:
    """A cabinet with one folder of one block ([MS-CAB] section 2)."""
    content = b"".join(members.values())
    other = b"a\0b\0" * (flags & 1) + b"c\0d\0" * (flags >> 1 & 1)
    files = b""
    start = 0
    for name, octets in members.items():
        files += pack("<IIHHHH", len(octets), start, 0, 0, 0, 0x20) + name + b"\0"
        start += len(octets)
    files_at = 36 + len(other) + 8
    block = pack("<IHH", 0, len(content), len(content)) + content
    size = files_at + len(files) + len(block)
    count = len(members) if announced < 0 else announced
    header = pack("<4sIIIIIBBHHHHH", b"MSCF", 0, size, 0, files_at, 0, 3, 1, 1, count, flags, 7, 0)
    return header + other + pack("<IHH", files_at + len(files), 1, method) + files + block


def lha(
    name: bytes, octets: bytes, method: bytes = b"-lh0-", packed_octets: bytes | None = None
) -> bytes:
    """An LHA archive with one member and a header of level 0."""
    content = octets if packed_octets is None else packed_octets
    rest = (
        method
        + pack("<IIIBB", len(content), len(octets), 0, 0x20, 0)
        + bytes((len(name),))
        + name
        + pack("<H", _crc_16(octets))
    )
    return bytes((len(rest), sum(rest) & 0xFF)) + rest + content + b"\0"


def lz5(octets: bytes) -> bytes:
    """What LArc packs, made of nothing but single octets: a byte of flags before each eight."""
    return b"".join(b"\xff" + octets[start : start + 8] for start in range(0, len(octets), 8))


def _crc_16(octets: bytes) -> int:
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


GARBLED = 0x01


def arj(members: Mapping[bytes, bytes], flags: int = 0) -> bytes:
    """An ARJ archive with stored members (technote of ARJ 2.x)."""
    main = _arj_header(b"a.arj", b"", 0, kind=2)
    return (
        main
        + b"".join(
            _arj_header(name, octets, flags, kind=0) + octets for name, octets in members.items()
        )
        + b"\x60\xea\0\0"
    )


def _arj_header(name: bytes, octets: bytes, flags: int, kind: int) -> bytes:
    fixed = pack(
        *("<8BIIII3H", 30, 11, 1, 2, flags, 0, kind, 0),
        *(0x5A215A21, len(octets), len(octets), zlib.crc32(octets), 0, 0o100644, 0),
    )
    basic = fixed + name + b"\0\0"
    return b"\x60\xea" + pack("<H", len(basic)) + basic + pack("<I", zlib.crc32(basic)) + b"\0\0"


RAR_ENCRYPTED, RAR_BEFORE, RAR_AFTER = 0x04, 0x01, 0x02
RAR_VOLUME, RAR_NAMES_ENCRYPTED = 0x0001, 0x0080


@dataclass(frozen=True, slots=True)
class Rarred:
    """One member of a RAR archive; `checksum` is the right one where it is None.

    `block` is the name of a block of its own behind the member, packed; with `comment`, there is an
    empty one in the member's header.
    """

    name: bytes
    octets: bytes = b""
    flags: int = 0
    checksum: int | None = None
    mode: int = 0o100644
    block: bytes = b""
    comment: bool = False


def rar3(*members: Rarred, flags: int = 0, end: bool = True) -> bytes:
    """A RAR archive of version 3."""
    blocks = [b"Rar!\x1a\x07\x00", _rar3_block(0x73, flags, b"\0" * 6)]
    blocks.extend(map(_rar3_member, members))
    if end:
        blocks.append(_rar3_block(0x7B, 0x4000, b""))
    return b"".join(blocks)


def _rar3_member(member: Rarred) -> bytes:
    flags = member.flags | 0x8000 | (0x0008 if member.comment else 0)
    crc = zlib.crc32(member.octets) if member.checksum is None else member.checksum
    size = len(member.octets)
    head = pack("<IIBIIBBHI", size, size, 3, crc, 0, 29, 0x30, len(member.name), member.mode)
    header = _rar3_block(0x74, flags, head + member.name)
    if member.comment:
        note = _rar3_block(0x75, 0, pack("<HBBH", 0, 29, 0x30, 0))
        header = _rar3_block(0x74, flags, head + member.name + note, len(head + member.name))
    extra = b""
    if member.block:
        about = pack("<IIBIIBBHI", 4, 9, 3, 0, 0, 29, 0x33, len(member.block), 0)
        extra = _rar3_block(0x7A, 0x8000, about + member.block) + b"\x01\x02\x03\x04"
    return header + member.octets + extra


def _rar3_block(kind: int, flags: int, rest: bytes, checked_bytes: int = -1) -> bytes:
    """A block; of a member's header, a comment is not under the checksum."""
    fixed = pack("<BHH", kind, flags, 7 + len(rest))
    checked = fixed + (rest if checked_bytes < 0 else rest[:checked_bytes])
    return pack("<H", zlib.crc32(checked) & 0xFFFF) + fixed + rest


SYMBOLIC_LINK, FILE_COPY = 1, 5


def rar5(*blocks: bytes, end: bool = True) -> bytes:
    """A RAR archive of version 5, of blocks from the functions below."""
    start = b"Rar!\x1a\x07\x01\x00" + rar5_block(b"\x01\x00\x00")
    return start + b"".join(blocks) + (rar5_block(b"\x05\x00\x00") if end else b"")


def rar5_file(name: bytes, octets: bytes) -> bytes:
    """A stored file (RAR 5.0 technote, "File header")."""
    fields = _rar5_file_fields(name, octets)
    return rar5_block(b"\x02\x02" + _rar5_number(len(octets)) + fields) + octets


def rar5_link(name: bytes, target: bytes, kind: int = SYMBOLIC_LINK) -> bytes:
    """A link, whose target stands in the extra area of its header."""
    record = bytes((5, kind, 0, len(target))) + target
    extra = bytes((len(record),)) + record
    return rar5_block(b"\x02\x01" + bytes((len(extra),)) + _rar5_file_fields(name, b"") + extra)


def rar5_block(header: bytes) -> bytes:
    """A header of any type: what stands from its type on."""
    checked = _rar5_number(len(header)) + header
    return pack("<I", zlib.crc32(checked)) + checked


def _rar5_file_fields(name: bytes, octets: bytes) -> bytes:
    return (b"\x04" + _rar5_number(len(octets)) + _rar5_number(0o100644)) + (
        pack("<I", zlib.crc32(octets)) + b"\x00\x01" + _rar5_number(len(name)) + name
    )


def _rar5_number(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(0x80 | number & 0x7F)
        number >>= 7
    return bytes((*octets, number))
