"""Content transfer encodings undone: base64, quoted-printable, uuencode, yEnc, and the plain ones.

Broken input is decoded as far as it goes, and said to be unclean; `decodings` gives what every
reader makes of it. Nothing raises.
Source: RFC 2045 section 6, with the tolerance of RFC 7103 section 7.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from mailwarden.message.base64_bodies import broken_base64, clean_base64, usual_base64
from mailwarden.message.line_encodings import uudecode, yenc_decode
from mailwarden.message.quoted_printable import (
    broken_quoted_printable,
    is_clean_quoted_printable,
    usual_quoted_printable,
)

IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
# There are eleven ways to read broken base64, and seven of quoted-printable.
MOST_DECODINGS = 12


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


def decodings(octets: bytes, encoding: str) -> tuple[bytes, ...]:
    """Give every distinct octets that some reader makes of a body, the usual ones first.

    A clean body gives one; more than `MOST_DECODINGS` are never given.
    """
    decoded = decode(octets, encoding)
    broken = _BROKEN.get(encoding)
    if decoded.is_clean or broken is None:
        return (decoded.octets,)
    return tuple(dict.fromkeys(islice(broken(octets), MOST_DECODINGS)))


def is_decodable(encoding: str) -> bool:
    """Whether `decode` knows this name, be it one that changes nothing."""
    return encoding in IDENTITY or encoding in _DECODERS


def _base64(octets: bytes) -> Decoded:
    clean = clean_base64(octets)
    if clean is not None:
        return Decoded(clean, is_clean=True)
    return Decoded(usual_base64(octets), is_clean=False)


def _quoted_printable(octets: bytes) -> Decoded:
    return Decoded(usual_quoted_printable(octets), is_clean_quoted_printable(octets))


def _uuencode(octets: bytes) -> Decoded:
    return Decoded(*uudecode(octets))


def _yenc(octets: bytes) -> Decoded:
    return Decoded(*yenc_decode(octets))


_DECODERS: dict[str, Callable[[bytes], Decoded]] = {
    "base64": _base64,
    "quoted-printable": _quoted_printable,
    "uuencode": _uuencode,
    "yenc": _yenc,
}
_BROKEN: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "base64": broken_base64,
    "quoted-printable": broken_quoted_printable,
}
