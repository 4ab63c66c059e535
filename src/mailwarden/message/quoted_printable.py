"""Quoted-printable, clean and broken, as every reader decodes it.

Readers of an illegal escape (`=ZZ`, `==41`) keep it, drop one, two or three octets of it, or take
two equals signs for one.
Source: RFC 2045 section 6.7, with the tolerance of RFC 7103 section 7.
"""

import binascii
import re
from collections.abc import Iterator

# As for base64: what lies behind is decoded in the usual way only.
ODD_BYTES = 1_000_000
_PIECE_BYTES = 500_000

_SOFT_BREAK_WITH_BLANKS = re.compile(rb"=[ \t]+(?=\r?\n)")
_ILLEGAL = rb"=(?![0-9A-Fa-f]{2}|[ \t]*(?:\r?\n|\Z))"
_ILLEGAL_ESCAPE = re.compile(_ILLEGAL)
_DROPPED = (
    _ILLEGAL_ESCAPE,
    re.compile(_ILLEGAL + rb"[^=\r\n]?"),
    re.compile(_ILLEGAL + rb"[^=\r\n]{0,2}"),
    # One digit is none: `=0=41` is `=41`.
    re.compile(rb"=[0-9A-Fa-f](?![0-9A-Fa-f])"),
    # Small letters are no digits: `==a41` is `=41`.
    re.compile(rb"=[a-f](?=[0-9A-F])"),
)
_TWO_FOR_ONE = re.compile(rb"==")


def is_clean_quoted_printable(octets: bytes) -> bool:
    """Whether every reader decodes the same."""
    return _ILLEGAL_ESCAPE.search(octets) is None


def usual_quoted_printable(octets: bytes) -> bytes:
    """Decode; an illegal escape stays as it is."""
    plain = b"".join(_SOFT_BREAK_WITH_BLANKS.sub(b"=", piece) for piece in _pieces(octets))
    # binascii takes "=\r" for a line break and skips all the rest of the line, and "==" for "=".
    # What replaces two equals signs may end beside another one, once.
    plain = plain.replace(b"=\r\n", b"=\n").replace(b"=\r", b"=3D\r")
    return binascii.a2b_qp(plain.replace(b"==", b"=3D=").replace(b"==", b"=3D="))


def _pieces(octets: bytes) -> Iterator[bytes]:
    """Cut between lines: a pattern keeps some 200 octets for each place that it replaces."""
    start = 0
    while start < len(octets):
        end = octets.find(b"\n", start + _PIECE_BYTES) + 1 or len(octets)
        yield octets[start:end]
        start = end


def broken_quoted_printable(octets: bytes) -> Iterator[bytes]:
    """Yield what each reader makes of a body with illegal escapes, the usual first."""
    yield usual_quoted_printable(octets)
    octets = octets[:ODD_BYTES]
    for dropped in _DROPPED:
        yield usual_quoted_printable(dropped.sub(b"", octets))
    yield usual_quoted_printable(_TWO_FOR_ONE.sub(b"=3D", octets))
