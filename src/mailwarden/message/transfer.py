"""Content transfer encodings undone: base64, quoted-printable, and those that change nothing.

Broken input is decoded as far as it goes, and said to be unclean; nothing raises.
Source: RFC 2045 section 6, with the tolerance of RFC 7103 section 7.
"""

import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

import pybase64

IDENTITY = frozenset({"", "7bit", "8bit", "binary"})

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_PADDING = re.compile(rb"=+")
_BLANKS = b" \t\r\n"
_QUANTUM = 4
# Honest software glues a handful of encodings together. What follows after so many is noise; it is
# decoded as one, because each costs more than a microsecond.
_STREAMS = 1_000

_SOFT_BREAK_WITH_BLANKS = re.compile(rb"=[ \t]+(?=\r?\n)")
_EQUALS_BEFORE_BARE_CR = re.compile(rb"=(?=\r(?!\n))")
_ILLEGAL_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*(?:\r?\n|\Z))")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The octets of a part; `is_clean` says that every reader gets the same ones."""

    octets: bytes
    is_clean: bool


def decode(octets: bytes, encoding: str) -> Decoded:
    """Undo a transfer encoding (its name in lower case); an unknown one is kept, uncleanly."""
    decoder = _DECODERS.get(encoding)
    if decoder is not None:
        return decoder(octets)
    return Decoded(octets, is_clean=encoding in IDENTITY)


def _base64(octets: bytes) -> Decoded:
    """Decode what honest software writes first: a fifth of the time that all blanks take."""
    lines = octets.replace(b"\r\n", b"").replace(b"\n", b"")
    try:
        return Decoded(pybase64.b64decode(lines, validate=True), is_clean=True)
    except binascii.Error:
        return _odd_base64(octets)


def _odd_base64(octets: bytes) -> Decoded:
    packed = octets.translate(None, _BLANKS)
    if not packed.endswith(b"="):
        packed += _missing_padding(packed)
    try:
        return Decoded(pybase64.b64decode(packed, validate=True), is_clean=True)
    except binascii.Error:
        return Decoded(_broken_base64(packed), is_clean=False)


def _broken_base64(packed: bytes) -> bytes:
    """Skip what is no base64, and begin anew after each padding: readers that stop see less."""
    *streams, rest = _PADDING.split(_NOT_BASE64.sub(b"", packed), maxsplit=_STREAMS)
    streams.append(rest.replace(b"=", b""))
    return b"".join(map(_unpadded_base64, streams))


def _unpadded_base64(stream: bytes) -> bytes:
    if len(stream) % _QUANTUM == 1:  # six bits are no octet
        stream = stream[:-1]
    return pybase64.b64decode(stream + _missing_padding(stream), validate=True)


def _missing_padding(packed: bytes) -> bytes:
    """Some programs leave the padding out; nothing can hide in that."""
    return {2: b"==", 3: b"="}.get(len(packed) % _QUANTUM, b"")


def _quoted_printable(octets: bytes) -> Decoded:
    is_clean = _ILLEGAL_ESCAPE.search(octets) is None
    plain = _SOFT_BREAK_WITH_BLANKS.sub(b"=", octets)
    # binascii takes "=\r" for a line break and skips all the rest of the line.
    plain = _EQUALS_BEFORE_BARE_CR.sub(b"=3D", plain)
    return Decoded(binascii.a2b_qp(plain), is_clean)


_DECODERS: dict[str, Callable[[bytes], Decoded]] = {
    "base64": _base64,
    "quoted-printable": _quoted_printable,
}
