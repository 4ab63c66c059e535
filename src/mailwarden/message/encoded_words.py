"""Text out of header values: encoded words (RFC 2047) and charsets that lie or are unknown.

Decoding here never fails and never yields a lone surrogate, so every result can be written as
UTF-8. It is for rules and people; nothing decoded is ever written back into a message.
"""

import binascii
import re
from encodings import aliases, normalize_encoding
from itertools import groupby

from mailwarden.message.transfer import decode

# RFC 2047 section 2, with room for charset names and blanks inside that some senders write.
# `=?utf-8*en?Q?...?=` names a language as well: RFC 2231 section 5.
_BEGINNING = rb"=\?(?P<charset>[^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?(?P<encoding>[bBqQ])\?"
_BLANKS_BEFORE_NEXT = rb"(?:[ \t\r\n]+(?==\?))?"
_ENCODED_WORD = re.compile(_BEGINNING + rb"(?P<text>[^?]*)\?=" + _BLANKS_BEFORE_NEXT)
# Blanks in the frame, question marks in the text, the end missing.
_ODD_ENCODED_WORD = re.compile(
    rb"=\?\s{0,9}(?P<charset>[^?*\s]{1,60})(?:\*[^?\s]{0,60})?\s{0,9}\?"
    rb"\s{0,9}(?P<encoding>[bBqQ])\s{0,9}\?(?P<text>.*?)(?:\?=|\Z)" + _BLANKS_BEFORE_NEXT,
    re.DOTALL,
)
# Python's codecs that are no charsets of text. What is not in its list of aliases is not looked
# up at all: each unknown name would stay in Python's codec cache for ever.
_NO_CHARSETS = {
    "base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec",
    "zlib_codec",
}  # fmt: skip
_CODECS = {
    name: codec
    for alias, codec in aliases.aliases.items()
    for name in (alias, codec)
    if codec not in _NO_CHARSETS
}


def decode_words(value: bytes) -> str:
    """Decode a header value with its encoded words; what is none stays as it is."""
    return _decode(value, _ENCODED_WORD, underscore=b"=20")


def decode_odd_words(value: bytes) -> str:
    """Decode also what only some clients take for encoded words, an underscore as one."""
    return _decode(value, _ODD_ENCODED_WORD, underscore=b"=5F")


def _decode(value: bytes, pattern: re.Pattern[bytes], *, underscore: bytes) -> str:
    pieces: list[tuple[str, bytes]] = []
    position = 0
    for match in pattern.finditer(value):
        if match.start() > position:
            pieces.append(("", value[position : match.start()]))
        charset = match["charset"].decode("ascii", "replace").lower()
        pieces.append((charset, _octets(match["encoding"], match["text"], underscore)))
        position = match.end()
    pieces.append(("", value[position:]))
    return "".join(
        decode_text(b"".join(octets for _, octets in run), charset)
        for charset, run in groupby(pieces, key=lambda piece: piece[0])
    )


def _octets(encoding: bytes, text: bytes, underscore: bytes) -> bytes:
    if encoding in b"bB":
        return decode(text, "base64").octets
    return binascii.a2b_qp(text.replace(b"_", underscore))


def decode_text(octets: bytes, charset: str) -> str:
    """Decode octets by a charset's name; an empty or unknown one means UTF-8, else Latin-1."""
    codec = codec_name(charset)
    if codec:
        return _without_surrogates(octets.decode(codec, "replace"))
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def codec_name(charset: str) -> str:
    """Return what Python calls a charset; empty when it is unknown."""
    return _CODECS.get(normalize_encoding(charset).lower(), "") if charset else ""


def _without_surrogates(text: str) -> str:
    """UTF-7 can spell lone surrogates, which no output accepts."""
    return text.encode("utf-8", "replace").decode("utf-8")
