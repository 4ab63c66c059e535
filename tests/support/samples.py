"""Sample messages of our own making; every one is whole, as qmail hands it over, with LF line ends.

Only the harmless test strings EICAR and GTUBE stand for viruses and spam.
"""

import base64
import io
import zipfile
from collections.abc import Mapping

from mailwarden.scanners.test_patterns import EICAR, GTUBE

BOUNDARY = b"=_sample_1"

_TOP = (
    b"From: Ann Sender <ann@sender.example>\n"
    b"To: bob@recipient.example\n"
    b"Date: Mon, 3 Mar 2025 10:00:00 +0000\n"
    b"Message-ID: <1@sender.example>\n"
)


def clean(subject: bytes = b"Lunch", body: bytes = b"See you at noon.\n") -> bytes:
    """A plain text message that nothing is wrong with."""
    return _TOP + b"Subject: " + subject + b"\n\n" + body


def multipart(*parts: bytes, subject: bytes = b"Files") -> bytes:
    """A multipart/mixed message; each part is its header, a blank line and its body."""
    top = (
        _TOP
        + b"Subject: "
        + subject
        + b'\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="'
        + BOUNDARY
        + b'"\n\nThis is a message in MIME format.\n'
    )
    pieces = (b"--" + BOUNDARY + b"\n" + part + b"\n" for part in parts)
    return top + b"".join(pieces) + b"--" + BOUNDARY + b"--\n"


def text_part(text: bytes = b"The file is attached.") -> bytes:
    """A part of plain text."""
    return b"Content-Type: text/plain; charset=us-ascii\n\n" + text


def attached(name: bytes, octets: bytes, media_type: bytes = b"application/octet-stream") -> bytes:
    """A part with a file in base64; `name` stands in quotes as it is, encoded or not."""
    return (
        b"Content-Type: "
        + media_type
        + b'; name="'
        + name
        + b'"\nContent-Disposition: attachment; filename="'
        + name
        + b'"\nContent-Transfer-Encoding: base64\n\n'
        + base64.encodebytes(octets).rstrip(b"\n")
    )


def with_attachment(
    name: bytes, octets: bytes, media_type: bytes = b"application/octet-stream"
) -> bytes:
    """A message with a line of text and one file."""
    return multipart(text_part(), attached(name, octets, media_type))


def eicar() -> bytes:
    """EICAR as an attachment whose name no rule forbids."""
    return with_attachment(b"invoice.txt", EICAR + b"\n")


def gtube() -> bytes:
    """GTUBE in the text."""
    return clean(subject=b"Test spam mail", body=b"This is the GTUBE.\n" + GTUBE + b"\n")


def forbidden_attachment() -> bytes:
    """A file that ends in .exe and holds plain text."""
    return with_attachment(b"invoice.pdf.exe", b"no program at all\n")


def encoded_name() -> bytes:
    """The same, with its name as an encoded word: `invoice.exe`."""
    return with_attachment(b"=?utf-8?B?" + base64.b64encode(b"invoice.exe") + b"?=", b"harmless\n")


def split_name() -> bytes:
    """The same, with its name in two pieces after RFC 2231: `invoice.exe`."""
    part = (
        b"Content-Type: application/octet-stream\n"
        b"Content-Disposition: attachment; filename*0*=utf-8''invoice%2E;\n filename*1=exe\n\n"
        b"harmless"
    )
    return multipart(text_part(), part)


def zip_archive(members: Mapping[str, bytes]) -> bytes:
    """An ordinary zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in members.items():
            archive.writestr(zipfile.ZipInfo(name), octets)
    return file.getvalue()


def encrypted_zip_archive(name: str = "letter.txt") -> bytes:
    """A zip archive with one member marked as encrypted, in both of its headers.

    The flags stand at offset 6 of a member's own header and at 8 of its entry in the directory
    (APPNOTE 4.3.7 and 4.3.12); the octets themselves need not be encrypted for a listing.
    """
    archive = bytearray(zip_archive({name: b"secret\n"}))
    archive[archive.index(b"PK\x03\x04") + 6] |= 1
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(archive)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A message with an ordinary zip archive."""
    return with_attachment(b"files.zip", zip_archive(members), b"application/zip")


def encrypted_zip() -> bytes:
    """A message with a zip archive that wants a password."""
    return with_attachment(b"letter.zip", encrypted_zip_archive(), b"application/zip")


def broken_zip() -> bytes:
    """A message with the first half of a zip archive."""
    archive = zip_archive({"letter.txt": b"hello\n" * 100})
    return with_attachment(b"letter.zip", archive[: len(archive) // 2], b"application/zip")


def broken_mime() -> bytes:
    """A multipart whose boundary comes nowhere in it: some programs show the file all the same."""
    return multipart(text_part(), attached(b"a.txt", b"hello\n")).replace(
        b'boundary="' + BOUNDARY + b'"', b'boundary="another"'
    )


def cr_in_header() -> bytes:
    """A MIME message with a CR inside a header line."""
    return with_attachment(b"a.txt", b"hello\n").replace(
        b"MIME-Version", b"X-Two: a\rb\nMIME-Version"
    )


def nested(levels: int) -> bytes:
    """Multiparts in multiparts, none of them closed."""
    return _TOP + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(levels)
    )


def many_parts(count: int) -> bytes:
    """A multipart with that many small parts."""
    return multipart(*[text_part(b"x")] * count)


def with_crlf(message: bytes) -> bytes:
    """The same message with CRLF line ends."""
    return message.replace(b"\n", b"\r\n")
