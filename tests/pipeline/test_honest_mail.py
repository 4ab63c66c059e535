"""Mail that people and their programs write today is accepted with default settings.

Each sample has a form that some check could take for a trick.
"""

import base64
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Mapping

import pytest

from mailwarden.verdict.disposition import Disposition
from support import samples
from support.archives import gzip_file, tar_archive
from support.arrivals import examine
from support.office import compound_file, relationships
from support.pdf import pdf, stream

XML = b'<?xml version="1.0"?><x/>'
PDF = pdf(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>")
INVOICE = pdf(
    b"<< /Type /Catalog /AF [2 0 R] /Names << /EmbeddedFiles << /Names [(f.xml) 2 0 R] >> >> >>",
    b"<< /Type /Filespec /F (f.xml) /UF (f.xml) /AFRelationship /Data /EF << /F 3 0 R >> >>",
    stream(XML, b"/Type /EmbeddedFile"),
)
DOCX = samples.zip_archive(
    {
        "[Content_Types].xml": b'<?xml version="1.0"?><Types/>',
        "_rels/.rels": relationships(("officeDocument", "word/document.xml", "")),
        "word/document.xml": b'<?xml version="1.0"?><document/>',
        "word/_rels/document.xml.rels": relationships(
            ("hyperlink", "https://example.com/", "External"), ("image", "media/a.png", "")
        ),
        "word/media/a.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    }
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
THUMBNAIL = b"\xff\xd8\xff\xdb" + bytes(range(200)) + b"\xff\xd9"
EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + THUMBNAIL
JPEG = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(EXIF) + 2) + EXIF + b"\xff\xda" + bytes(999)
APPLE_DOUBLE = b"\0\x05\x16\x07\0\x02\0\0Mac OS X        " + bytes(range(256))
OWNER_FILE = b"\3Ann" + bytes(158)
CALENDAR = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
SIGNATURE = b"-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----"

TOP = b"From: ann@sender.example\nTo: bob@recipient.example\nSubject: Hi\nMIME-Version: 1.0\n"
HTML = b'Content-Type: text/html; charset=utf-8\n\n<html><img src="cid:1">hello</html>'


def part(header: bytes, body: bytes = b"") -> bytes:
    """A part in base64 below this header."""
    return header + b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(body)


def multipart(kind: bytes, *parts: bytes, boundary: bytes = b"=_b") -> bytes:
    """A part with parts, closed as RFC 2046 wants it."""
    lines = b"".join(b"--" + boundary + b"\n" + one + b"\n" for one in parts)
    head = b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\n\n'
    return head + lines + b"--" + boundary + b"--\n"


def returned(original: bytes) -> bytes:
    """A report of failed delivery with the mail as it comes back."""
    status = b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n"
    original = b"Content-Type: message/rfc822\n\n" + original
    kind = b"report; report-type=delivery-status"
    return TOP + multipart(kind, samples.text_part(), status, original, boundary=b"report")


def named(name: bytes, octets: bytes) -> bytes:
    return samples.with_attachment(name, octets)


def streamed_zip(members: Mapping[str, bytes]) -> bytes:
    """A zip as programs write it that cannot go back: sizes stand behind the members."""

    class Pipe(io.RawIOBase):
        octets = b""

        def writable(self) -> bool:
            return True

        def write(self, more: object) -> int:
            assert isinstance(more, bytes | bytearray | memoryview)
            self.octets += bytes(more)
            return len(more)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in members.items():
            archive.writestr(name, octets)
    return pipe.octets


def zip_from_pipe() -> bytes:
    """What `zip - -` makes: the member is said to be a pipe."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        member = zipfile.ZipInfo("-")
        member.external_attr = 0o010600 << 16
        archive.writestr(member, b"hello")
    return file.getvalue()


def source_tree() -> bytes:
    """A compressed tar with links that stay inside, as source code has them."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, kind, target in (
            ("tree/src/main.c", tarfile.REGTYPE, ""),
            ("tree/current", tarfile.SYMTYPE, "src"),
            ("tree/src/a.c", tarfile.SYMTYPE, "../src/main.c"),
            ("tree/src/b.c", tarfile.LNKTYPE, "tree/src/main.c"),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    return file.getvalue()


ORIGINAL = samples.with_attachment(b"offer.pdf", PDF * 20)
FORWARDED = ORIGINAL.replace(samples.BOUNDARY, b"=_another")
CUT = ORIGINAL[: ORIGINAL.index(b"offer.pdf") + 400]
WINDOWS_ZIP = samples.zip_archive({"Ordner/Xe.txt": b"x"}).replace(b"Ordner/X", b"Ordner\\\x94")
MAC_ZIP = streamed_zip(
    {
        "Docs/report v1.2 final.docx": DOCX,
        "__MACOSX/Docs/._report v1.2 final.docx": APPLE_DOUBLE,
        "__MACOSX/Docs/._offer.pdf": APPLE_DOUBLE,
        "__MACOSX/Docs/._old.eml": APPLE_DOUBLE,
        "__MACOSX/Docs/._src.tar.gz": APPLE_DOUBLE,
        "Docs/~$report v1.2 final.docx": OWNER_FILE,
        "Docs/.DS_Store": b"\0\0\0\1Bud1" + bytes(100),
    }
)
PICTURES = [
    part(
        b'Content-Type: image/png; name="image%03d.png"\nContent-ID: <%d>' % (n, n), PNG + b"%d" % n
    )
    for n in range(30)
]
APPENDED = b"_______________\nlist mailing list\nlist@lists.example\nhttps://lists.example/\nA\nB\n"

HONEST = {
    "a document with several dots and blanks": named(b"report v1.2 final.docx", DOCX),
    "a date as a name": named(b"2024.01.15.pdf", PDF),
    "brackets and an encoded name": named(b"=?utf-8?B?UsOcIFsxXSAoMikucGRm?=", PDF),
    "a name in raw UTF-8": named("Größe (2).pdf".encode(), PDF),
    "a name in Latin-1": named("Größe.pdf".encode("latin-1"), PDF),
    "a path of Windows as a name": named(rb"C:\Users\Ann\offer.pdf", PDF),
    "a name after RFC 2231 beside an encoded word": samples.multipart(
        part(
            b'Content-Type: application/pdf; name="=?utf-8?Q?R=C3=9C.pdf?="\n'
            b"Content-Disposition: attachment; filename*=UTF-8''R%C3%9C.pdf",
            PDF,
        )
    ),
    "an electronic invoice": named(b"invoice.pdf", INVOICE),
    "a table exported under the name of Excel": named(b"export.xls", b"<table><tr></table>"),
    "text in an old format": named(b"letter.doc", rb"{\rtf1 hello}"),
    "an old document": named(b"letter.doc", compound_file({"WordDocument": bytes(99)})),
    "a picture with a thumbnail": named(b"DSC_0001.JPG", JPEG),
    "a newsletter with thirty pictures": TOP + multipart(b"related", HTML, *PICTURES),
    "an archive of macOS": named(b"Archive.zip", MAC_ZIP),
    "an archive of Windows": named(b"Ordner.zip", WINDOWS_ZIP),
    "an archive from a pipe": named(b"a.zip", zip_from_pipe()),
    "an empty archive": named(b"a.zip", samples.zip_archive({})),
    "archives in an archive": named(
        b"all.zip",
        samples.zip_archive(
            {"a.tar.xz": lzma.compress(tar_archive({"a.js": b"1"})), "b.gz": gzip.compress(b"b")}
        ),
    ),
    "source code with links": named(b"src.tar.gz", source_tree()),
    "a report of DMARC with a line end behind it": samples.multipart(
        part(
            b"Content-Type: application/gzip\n"
            b'Content-Disposition: attachment; filename="a.example!b.example!1!2.xml.gz"',
            gzip_file(XML, "a.xml") + b"\r\n",
        )
    ),
    "a whole mail comes back": returned(ORIGINAL),
    "a mail comes back without its end": returned(CUT),
    "a mail comes back without its last octet": returned(CUT[:-1]),
    "a mail comes back without its parts": returned(ORIGINAL[: ORIGINAL.index(b"This is")] + b"Hi"),
    "qmail returns a mail without its end": samples.clean(body=b"--- Below is a copy.\n\n" + CUT),
    "a mail is forwarded as it is": samples.multipart(
        b"Content-Type: message/rfc822\n\n" + FORWARDED
    ),
    "a mail is forwarded like any file": samples.multipart(
        part(b'Content-Type: message/rfc822; name="old mail.eml"', ORIGINAL)
    ),
    "a mail is forwarded as octets": named(b"old mail.eml", ORIGINAL),
    "a list writes below the last boundary": ORIGINAL + APPENDED,
    "a folder of mail": named(b"a.mbox", b"From a\n" + ORIGINAL + b"\nFrom b\n" + samples.clean()),
    "an invitation": TOP
    + multipart(
        b"alternative",
        HTML,
        b"Content-Type: text/calendar; method=REQUEST\n\n" + CALENDAR,
        samples.attached(b"invite.ics", CALENDAR, b"application/ics"),
    ),
    "signed with OpenPGP": TOP
    + multipart(
        b'signed; protocol="application/pgp-signature"',
        samples.text_part(),
        b"Content-Type: application/pgp-signature; name=signature.asc\n\n" + SIGNATURE,
    ),
    "line ends of Windows": samples.with_crlf(ORIGINAL),
    "boundaries that begin alike": TOP
    + multipart(b"mixed", multipart(b"alternative", HTML, boundary=b"b-alt"), boundary=b"b"),
    "text without MIME in an unknown charset": samples.clean(body="Grüße\n".encode("latin-1")),
}


@pytest.mark.parametrize("raw", HONEST.values(), ids=HONEST)
async def test_honest_mail_is_accepted(raw: bytes) -> None:
    found = await examine(raw)
    assert found.record.report.findings == ()
    assert found.record.decision.disposition is Disposition.ACCEPT


CARELESS = {
    "a script breaks the subject": TOP.replace(b"Hi", b"Hi\nthere") + HTML,
    "a byte order mark before the header": b"\xef\xbb\xbf" + TOP + HTML,
    "an encoding that is a charset": TOP + b"Content-Transfer-Encoding: utf-8\n" + HTML,
    "an encoding for the whole": TOP
    + b"Content-Transfer-Encoding: quoted-printable\n"
    + multipart(b"alternative", HTML),
    "a multipart that forgot its boundary": TOP + b"Content-Type: multipart/mixed\n\nhello\n",
    "two types": TOP + b"Content-Type: text/plain\n" + HTML,
}


@pytest.mark.parametrize("raw", CARELESS.values(), ids=CARELESS)
async def test_text_from_careless_programs_is_tagged_at_most(raw: bytes) -> None:
    assert (await examine(raw)).record.decision.disposition <= Disposition.TAG
