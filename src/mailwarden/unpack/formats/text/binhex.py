"""BinHex 4.0 in a text: RFC 1741 appendix A.

    (This file must be converted with BinHex 4.0)
    :$f*TEQKPH#jdH...:

Six bits a character; a run is the octet, 0x90 and its length; then a header and two forks:

    length, name, 0, type (4), creator (4), flags (2), data length (4), resource length (4), CRC (2)
    data fork, CRC (2)
    resource fork, CRC (2)
"""

import binascii
import re
from collections.abc import Iterator

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import Member, Opened, UnreadableError

_MARK = re.compile(rb"\(This file must be converted with BinHex")
_CHARACTERS = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64 = bytes.maketrans(_CHARACTERS, _BASE64)
_BLANKS = b"\r\n\t "
# The characters between two colons; the second one may be missing.
_PACKED = re.compile(rb"[\r\n]:([" + re.escape(_CHARACTERS + _BLANKS) + rb"]+)")
# The line with the mark may go on; there is little before the first colon.
_MARK_LINE_BYTES = 1_024

_RUN = 0x90
_CRC_BYTES = 2
_NAME_END_BYTES = 1
_HEADER_BYTES = 20
# Pieces this long are counted at once.
_PIECE_BYTES = 65_536


def open_binhex(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield data and resource fork of every BinHex file; raises `UnreadableError` without any."""
    found_any = False
    position = 0
    while mark := _MARK.search(octets, position):
        position = mark.end()
        packed = _PACKED.search(octets, position, position + _MARK_LINE_BYTES)
        if packed is None or not _is_line_start(octets, mark.start()):
            continue
        packed = _PACKED.match(octets, packed.start())
        if packed is not None:
            position = packed.end()
            found_any = True
            yield from _members(meter.collect(_unpacked(packed[1])), meter)
    if not found_any:
        raise UnreadableError("no BinHex file")


def _is_line_start(octets: bytes, start: int) -> bool:
    return start == 0 or octets[start - 1] in b"\r\n"


def _unpacked(packed: bytes) -> Iterator[bytes]:
    """Undo the six bits and the runs, in pieces of bounded length."""
    base64 = packed.translate(_TO_BASE64, _BLANKS)
    # Six bits left over are no octet.
    base64 = base64[:-1] if len(base64) % 4 == 1 else base64
    return _pieces(_without_runs(binascii.a2b_base64(base64 + b"=" * (-len(base64) % 4))))


def _pieces(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Join short parts, for each piece is counted on its own."""
    kept = bytearray()
    for part in parts:
        kept += part
        if len(kept) >= _PIECE_BYTES:
            yield bytes(kept)
            kept.clear()
    yield bytes(kept)


def _without_runs(octets: bytes) -> Iterator[bytes]:
    position = 0
    repeated = b""
    while (run := octets.find(_RUN, position)) >= 0:
        yield octets[position:run]
        repeated = octets[run - 1 : run] if run > position else repeated
        count = octets[run + 1] if run + 1 < len(octets) else 0
        if count == 0:
            repeated = bytes((_RUN,))
            yield repeated
        else:
            yield repeated * (count - 1)
        position = run + 2
    yield octets[position:]


def _members(unpacked: bytes, meter: Meter) -> Iterator[Member]:
    """The two forks behind the header; an empty resource fork is none."""
    name_end = 1 + (unpacked[0] if unpacked else 0)
    start = name_end + _NAME_END_BYTES + _HEADER_BYTES
    header = unpacked[name_end + _NAME_END_BYTES : start]
    if len(header) < _HEADER_BYTES:
        raise UnreadableError("a BinHex file ends within its header")
    data_bytes = int.from_bytes(header[10:14], "big")
    resource_bytes = int.from_bytes(header[14:18], "big")
    name = unpacked[1:name_end]
    yield _fork(unpacked, start, data_bytes, name, meter)
    if resource_bytes:
        resource_start = start + data_bytes + _CRC_BYTES
        yield _fork(unpacked, resource_start, resource_bytes, name + b".rsrc", meter)


def _fork(unpacked: bytes, start: int, size: int, name: bytes, meter: Meter) -> Member:
    meter.count_member()
    octets = unpacked[start : start + size]
    checksum = unpacked[start + size : start + size + _CRC_BYTES]
    unopened = ""
    if len(octets) < size or len(checksum) < _CRC_BYTES:
        unopened = "the BinHex file ends too early"
    elif binascii.crc_hqx(octets, 0) != int.from_bytes(checksum, "big"):
        unopened = "the checksum of the BinHex file is not what it says"
    # Names are in the Macintosh's own character set.
    return Member(name_readings(name, "mac-roman"), octets, size, unopened=unopened)
