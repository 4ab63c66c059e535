"""Messages and files that are signed or packed as a whole: PKCS #7, CMS, S/MIME's `smime.p7m`.

Mail clients show what was signed as if it were the mail; `invoice.pdf.p7m` is a PDF to whoever
opens it. What is enveloped (encrypted) is for the holder of a key and is not looked into; rules
know such mail by its media type.

    ContentInfo ::= SEQUENCE { OID, [0] SEQUENCE { version, algorithms, SEQUENCE { OID,
        [0] OCTET STRING } ... } }

Source: RFC 5652 section 5 and 5.2.1, RFC 3274 (compressed), RFC 8551 section 3.5; X.690 for lengths
that are not given and strings that come in pieces, which OpenSSL and Outlook write.
"""

import binascii
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.decompression import Inflate, Unpacking
from mailwarden.unpack.members import Member, Opened, UnreadableError

_SEQUENCE = 0x30
_OBJECT_IDENTIFIER = 0x06
_EXPLICIT = 0xA0
_STRING = 0x04
_STRING_IN_PIECES = 0x24
_END_OF_CONTENTS = 0x00
_LONG_TAG = 0x1F
_UNKNOWN_LENGTH = 0x80
# Four octets of length are 4 GB.
_MOST_LENGTH_OCTETS = 4
# Certificates nest a dozen elements, strings in pieces two.
_MOST_LEVELS = 100

_SIGNED = bytes.fromhex("2a864886f70d010702")
_DIGESTED = bytes.fromhex("2a864886f70d010705")
_COMPRESSED = bytes.fromhex("2a864886f70d0109100109")
_SHOWN = frozenset({_SIGNED, _DIGESTED, _COMPRESSED})

_PEM_LINE = re.compile(rb"(?m)^-----(?:BEGIN|END)[^\n]*$")
# What begins with a field is a mail's part; other things that are signed are files.
_FIELD = re.compile(rb"\s{0,100}[!-9;-~]{1,70}[ \t]{0,10}:[ \t]")


def open_pkcs7(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield what was signed, digested or compressed; nothing for signatures that stand alone."""
    octets = _binary(octets)
    content_info = _element(octets, 0, _SEQUENCE)
    kind = _element(octets, content_info.start, _OBJECT_IDENTIFIER)
    oid = octets[kind.start : kind.end]
    if oid not in _SHOWN:
        return
    explicit = _element(octets, kind.end, _EXPLICIT)
    position = _element(octets, explicit.start, _SEQUENCE).start
    for _ in ("version", "algorithms"):
        position = _behind(octets, position)
    encapsulated = _element(octets, position, _SEQUENCE)
    position = _element(octets, encapsulated.start, _OBJECT_IDENTIFIER).end
    if position >= encapsulated.end or octets[position] != _EXPLICIT:
        return
    meter.count_member()
    string = _element(octets, position, _EXPLICIT)
    content = meter.collect(_pieces(octets, string.start, string.end))
    if oid == _COMPRESSED:
        content = _inflated(content, meter)
    media_type = "message/rfc822" if _FIELD.match(content) else ""
    yield Member((), content, media_type=media_type)


def _binary(octets: bytes) -> bytes:
    """Undo base64, with the lines of PEM or without, which mail programs accept as well."""
    if octets[:1] == bytes((_SEQUENCE,)) and octets[1:2] >= b"\x80":
        return octets
    try:
        return binascii.a2b_base64(_PEM_LINE.sub(b"", octets))
    except binascii.Error as error:
        raise UnreadableError("it is not PKCS #7") from error


@dataclass(frozen=True, slots=True)
class _Element:
    """A tag and where its content lies; with `is_open`, as far as an end mark within `end`."""

    tag: int
    start: int
    end: int
    is_open: bool


def _element(octets: bytes, position: int, expected: int) -> _Element:
    element = _any_element(octets, position)
    if element.tag != expected:
        raise UnreadableError("it is not PKCS #7")
    return element


def _any_element(octets: bytes, position: int) -> _Element:
    head = octets[position : position + 2]
    if len(head) < 2 or head[0] & _LONG_TAG == _LONG_TAG:
        raise UnreadableError("it is not PKCS #7, or ends early")
    tag, length = head
    start = position + 2
    if length == _UNKNOWN_LENGTH:
        return _Element(tag, start, len(octets), is_open=True)
    if length > _UNKNOWN_LENGTH:
        count = length - _UNKNOWN_LENGTH
        if count > _MOST_LENGTH_OCTETS:
            raise UnreadableError("an element that is longer than the file")
        length = int.from_bytes(octets[start : start + count], "big")
        start += count
    if start + length > len(octets):
        raise UnreadableError("an element that is longer than the file")
    return _Element(tag, start, start + length, is_open=False)


def _behind(octets: bytes, position: int) -> int:
    """Where the next element begins; one of unknown length ends at the end mark that is its own."""
    depth = 0
    while True:
        element = _any_element(octets, position)
        position = element.start if element.is_open else element.end
        if element.is_open:
            depth += 1
            if depth > _MOST_LEVELS:
                raise UnreadableError("elements that are nested too deeply")
        elif element.tag == _END_OF_CONTENTS:
            depth -= 1
        if depth <= 0:
            return position


def _pieces(octets: bytes, start: int, end: int) -> Iterator[bytes]:
    """The octets of a string, be it whole or in pieces; other content as it stands there."""
    if octets[start : start + 1] not in (bytes((_STRING,)), bytes((_STRING_IN_PIECES,))):
        yield octets[start:end]
        return
    position, levels = start, 0
    while position < end:
        element = _any_element(octets, position)
        position = element.end
        if element.tag == _STRING:
            yield octets[element.start : element.end]
        elif element.tag == _STRING_IN_PIECES:
            position, levels = element.start, levels + element.is_open
        elif element.tag == _END_OF_CONTENTS:
            levels -= 1
        else:
            raise UnreadableError("something else stands among the pieces of a string")
        if levels > _MOST_LEVELS:
            raise UnreadableError("elements that are nested too deeply")
        if levels < 0 or (element.tag == _END_OF_CONTENTS and not levels):
            return


def _inflated(content: bytes, meter: Meter) -> bytes:
    unpacking = Unpacking(content, 0, len(content), Inflate(zlib.MAX_WBITS))
    inflated = meter.collect(unpacking.pieces())
    if unpacking.problem:
        raise UnreadableError(unpacking.problem)
    return inflated
