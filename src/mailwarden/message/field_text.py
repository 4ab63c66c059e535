"""Text that becomes part of a header field goes through here, whoever wrote it."""

import base64
import re

# RFC 2047 section 2: an encoded word has at most 75 characters; 12 frame it, base64 takes 4 for 3.
_ENCODED_BYTES = 45
# RFC 5322 section 2.1.1 asks for lines of at most 78; a field longer than this is cut.
_FIELD_CHARACTERS = 900
# RFC 5321 section 4.5.3.1: 64 before the @, 255 after it.
_ADDRESS_CHARACTERS = 320
# What would end an address, a comment or a token early, as SpamAssassin replaces it.
_ADDRESS_BREAKERS = str.maketrans(dict.fromkeys('#[]()<>|\\" ', "!"))
# DNS allows any byte. SpamAssassin reads `envelope-from=` and `@` in a name as if we had said it.
_NOT_IN_A_HOST = re.compile(r"[^A-Za-z0-9._:%-]")
_HOST_CHARACTERS = 255  # RFC 1035 section 2.3.4
# RFC 5322 section 3.2.2: what opens, closes or quotes inside a comment.
_COMMENT_BREAKERS = str.maketrans(dict.fromkeys("()\\", "!"))


def plain_text(text: str | bytes, most: int = _FIELD_CHARACTERS) -> str:
    """Printable ASCII on one line: what is not becomes `?`, what is too long is cut."""
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    return "".join(c if " " <= c <= "~" else "?" for c in text[:most])


def address_text(address: str | bytes) -> str:
    """An address as one token that cannot end the comment or brackets around it."""
    return plain_text(address, _ADDRESS_CHARACTERS).translate(_ADDRESS_BREAKERS)


def host_text(host: str) -> str:
    """A host's name or IP address as one token that says nothing else."""
    return _NOT_IN_A_HOST.sub("!", host[:_HOST_CHARACTERS])


def comment_text(text: str | bytes) -> str:
    """Text that cannot end the comment around it."""
    return plain_text(text).translate(_COMMENT_BREAKERS)


def unstructured_text(text: str) -> bytes:
    """Text for Subject and its like: plain where it is ASCII, else encoded words (RFC 2047)."""
    if text.isascii():
        return plain_text(text).encode("ascii")
    words = [b"=?UTF-8?B?%s?=" % base64.b64encode(piece) for piece in _pieces(text)]
    return b" ".join(words)


def _pieces(text: str) -> list[bytes]:
    """UTF-8 in pieces that fit an encoded word and cut no character."""
    pieces = [b""]
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(pieces[-1]) + len(octets) > _ENCODED_BYTES:
            pieces.append(b"")
        pieces[-1] += octets
    return pieces
