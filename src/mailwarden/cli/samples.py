"""The sample messages that `demo` and `selftest` send: harmless, of our own making.

The test strings of EICAR and GTUBE stand here in two pieces, so that no scanner trips over us.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
# The original's installation test attached so many zero bytes under this name.
_EMPTY_EICAR_BYTES = 69
# APPNOTE 4.4.4 and 4.4.5: bit 0 says encrypted; 97 is WavPack, which packs sound only.
_ENCRYPTED_FLAG = 1
_SOUND_METHOD = 97
_LINE = b"This message is large because it says the same again and again.\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """One message: what it is called, and how it is written for a sender and a recipient."""

    name: str
    write: Callable[[str, str], bytes]


def clean(sender: str, recipient: str) -> bytes:
    """A plain message that everybody should get."""
    return _plain(sender, recipient, "A clean message", b"Nothing is wrong with this message.\n")


def eicar_attached(sender: str, recipient: str) -> bytes:
    """The EICAR test string in a text attachment: only a virus scanner finds it."""
    return _with_attachment(sender, recipient, "EICAR in an attachment", "sneaky.txt", EICAR)


def gtube(sender: str, recipient: str) -> bytes:
    """The GTUBE test string: spam beyond doubt."""
    return _plain(sender, recipient, "GTUBE, the spam test", GTUBE + b"\n")


def forbidden_attachment(sender: str, recipient: str) -> bytes:
    """An attachment of zero bytes whose name alone is not allowed."""
    zeros = bytes(_EMPTY_EICAR_BYTES)
    return _with_attachment(sender, recipient, "A forbidden attachment", "Eicar.com", zeros)


def encrypted_zip(sender: str, recipient: str) -> bytes:
    """A zip whose one member needs a password."""
    archive = _zip(b"secret.txt", b"nobody can read this", flags=_ENCRYPTED_FLAG)
    return _with_attachment(sender, recipient, "An encrypted zip", "invoice.zip", archive)


def broken_mime(sender: str, recipient: str) -> bytes:
    """A NUL inside the MIME headers, where two readers may see two different messages."""
    message = _with_attachment(sender, recipient, "Broken MIME", "notes.txt", b"hello")
    return message.replace(b"boundary=", b"x=\0; boundary=", 1)


def forged_spam_status(sender: str, recipient: str) -> bytes:
    """A message that claims to have been found clean already."""
    forged = b"X-Spam-Status: No, score=-100.0 required=5.0\n"
    return forged + _plain(sender, recipient, "A forged X-Spam-Status", b"Trust me.\n")


def blank_before_colon(sender: str, recipient: str) -> bytes:
    """A MIME field with a blank before its colon, which no honest program writes."""
    message = _plain(sender, recipient, "A malformed header", b"Is this a header?\n")
    return message.replace(b"Content-Type:", b"Content-Type :", 1)


def lost_boundary(sender: str, recipient: str) -> bytes:
    """A file in a multipart whose boundary comes nowhere: some programs show it all the same."""
    message = _with_attachment(sender, recipient, "An ambiguous message", "notes.txt", b"hello")
    return message.replace(b'boundary="sample"', b'boundary="other"', 1)


def lost_boundary_of_text(sender: str, recipient: str) -> bytes:
    """The same with nothing but text in it."""
    message = _plain(sender, recipient, "An ambiguous text", b"Only text.\n")
    return message.replace(b"text/plain", b'multipart/mixed; boundary="other"', 1)


def unopened_zip(sender: str, recipient: str) -> bytes:
    """A zip packed by a method of which nobody here knows more than its number."""
    archive = _zip(b"secret.txt", b"nobody can read this", method=_SOUND_METHOD)
    return _with_attachment(sender, recipient, "An unknown packing", "invoice.zip", archive)


def too_deep(sender: str, recipient: str, levels: int) -> bytes:
    """Multiparts in multiparts, so many `levels` of them, with a line of text in the innermost."""
    heads = (
        b'Content-Type: multipart/mixed; boundary="level-%06d"\n\n--level-%06d\n' % (level, level)
        for level in range(levels)
    )
    tails = (b"--level-%06d--\n" % level for level in reversed(range(levels)))
    text = b"Content-Type: text/plain\n\nThis is deep.\n"
    return b"".join((_head(sender, recipient, "Deep nesting"), *heads, text, *tails))


def oversized(sender: str, recipient: str, size_bytes: int) -> bytes:
    """Plain text of at least `size_bytes`."""
    lines = _LINE * -(-size_bytes // len(_LINE))
    return _plain(sender, recipient, "An oversized message", lines)


def _plain(sender: str, recipient: str, subject: str, body: bytes) -> bytes:
    return _head(sender, recipient, subject) + b"Content-Type: text/plain\n\n" + body


def _with_attachment(
    sender: str, recipient: str, subject: str, filename: str, octets: bytes
) -> bytes:
    name = filename.encode("ascii")
    encoded = base64.encodebytes(octets)
    return (
        _head(sender, recipient, subject)
        + b'Content-Type: multipart/mixed; boundary="sample"\n\n'
        + b"--sample\nContent-Type: text/plain\n\nSee the attachment.\n\n"
        + b'--sample\nContent-Type: application/octet-stream; name="%s"\n' % name
        + b'Content-Disposition: attachment; filename="%s"\n' % name
        + b"Content-Transfer-Encoding: base64\n\n%s\n--sample--\n" % encoded
    )


def _head(sender: str, recipient: str, subject: str) -> bytes:
    return (
        f"From: Sample <{sender}>\nTo: <{recipient}>\nSubject: {subject}\n"
        "Date: Thu, 01 Jan 2026 12:00:00 +0000\n"
        f"Message-ID: <{subject.lower().replace(' ', '-')}@mailwarden.invalid>\n"
        "MIME-Version: 1.0\n"
    ).encode("ascii")


def _zip(name: bytes, octets: bytes, *, flags: int = 0, method: int = 0) -> bytes:
    """One member whose headers say so (APPNOTE 4.3.7, 4.3.12), whatever its bytes are."""
    how = flags.to_bytes(2, "little") + method.to_bytes(2, "little")
    size = len(octets).to_bytes(4, "little")
    facts = b"\x14\0" + how + bytes(8) + size + size + len(name).to_bytes(2, "little") + b"\0\0"
    local = b"PK\x03\x04" + facts + name + octets
    entry = b"PK\x01\x02\x14\0" + facts + bytes(14) + name
    places = len(entry).to_bytes(4, "little") + len(local).to_bytes(4, "little")
    return local + entry + b"PK\x05\x06\0\0\0\0\1\0\1\0" + places + b"\0\0"


SAMPLES = (
    Sample("clean", clean),
    Sample("EICAR in an attachment", eicar_attached),
    Sample("GTUBE", gtube),
    Sample("forbidden attachment", forbidden_attachment),
    Sample("encrypted zip", encrypted_zip),
    Sample("broken MIME", broken_mime),
)
