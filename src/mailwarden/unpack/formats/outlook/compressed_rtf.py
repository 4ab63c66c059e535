"""RTF as Outlook keeps it, packed against a dictionary of 4096 bytes ([MS-OXRTFCP])."""

import struct
from collections.abc import Iterator

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import UnreadableError

_HEADER = struct.Struct("<II4sI")  # COMPSIZE, RAWSIZE, COMPTYPE, CRC: 2.1.3.1
_COMPRESSED = b"LZFu"
_UNCOMPRESSED = b"MELA"
# What the dictionary holds before the first byte (2.1.2.1).
_FIRST_WORDS = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern "
    rb"\fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_DICTIONARY_BYTES = 4096
_PIECE_BYTES = 65_536


def decompress_rtf(packed: bytes, meter: Meter) -> bytes:
    """Unpack a body; raises `UnreadableError`, `OverLimitError`."""
    if len(packed) < _HEADER.size:
        raise UnreadableError("no compressed RTF")
    _, size, kind, _ = _HEADER.unpack_from(packed)
    content = packed[_HEADER.size :]
    if kind == _UNCOMPRESSED:
        return meter.collect([content[:size]])
    if kind != _COMPRESSED:
        raise UnreadableError("RTF compressed in an unknown way")
    return meter.collect(_pieces(content))


def _pieces(content: bytes) -> Iterator[bytes]:
    """Unpack in pieces: of eight tokens, a byte of flags says which are references (2.2.1.2)."""
    window = bytearray(_FIRST_WORDS.ljust(_DICTIONARY_BYTES, b"\0"))
    place = len(_FIRST_WORDS)
    unpacked = bytearray()
    position = 0
    while position < len(content):
        flags = content[position]
        position += 1
        for bit in range(8):
            token = content[position : position + 1 + (flags >> bit & 1)]
            position += len(token)
            literal = token
            if flags >> bit & 1:
                offset, length = _reference(token)
                if offset == place:
                    yield bytes(unpacked)
                    return
                literal = _copied(window, offset, length, place)
            for byte in literal:
                window[place] = byte
                place = (place + 1) % _DICTIONARY_BYTES
            unpacked += literal
        if len(unpacked) > _PIECE_BYTES:
            yield bytes(unpacked)
            unpacked.clear()
    yield bytes(unpacked)


def _reference(token: bytes) -> tuple[int, int]:
    """Offset into the dictionary and length (2.1.3.1.5)."""
    number = int.from_bytes(token.ljust(2, b"\0"), "big")
    return number >> 4, (number & 0x0F) + 2


def _copied(window: bytearray, offset: int, length: int, place: int) -> bytes:
    """What a reference names; it may run into what it writes itself."""
    distance = (place - offset) % _DICTIONARY_BYTES
    pattern = bytes(window[(offset + index) % _DICTIONARY_BYTES] for index in range(length))
    if distance >= length:
        return pattern
    repeated = pattern[:distance]
    return (repeated * (length // distance + 1))[:length]
