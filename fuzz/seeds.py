"""What fuzzing begins with: samples of every kind, made here and in `tests/support`."""

import base64
import binascii
import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping

from mailwarden.sandbox.messages import Outcome, encode
from mailwarden.unpack.contents import Contents, Item, Reason, Span, Unopened
from mailwarden.unpack.members import Trait
from support import archives, native_archives, office, pdf, samples

_TEXT = b"hello, world\n" * 20
_MEMBERS = {"a.txt": _TEXT, "folder/b.exe": b"MZ" * 100}
_OCTET_MEMBERS = {name.encode(): octets for name, octets in _MEMBERS.items()}
_ODD = (
    b"Content-Type: multipart/mixed; boundary=b; boundary*0=c\nX : y\nContent-Type : a/b\njunk\n"
    b" \n\n--b\nContent-Type: message/rfc822\n\nSubject: x\nContent-Transfer-Encoding: base64 \n\n"
    b"aGVs=bG8-\n--b--\n--c\nContent-Disposition: a; filename*0*=utf-8''a%2E;\n filename*1=exe\n"
    b"Content-Transfer-Encoding: x-uue\n\nbegin 644 a\n#86)C\n`\nend\n--c--\nafter\n"
)


def messages() -> tuple[bytes, ...]:
    """Whole messages, honest and odd."""
    made = (
        samples.clean(),
        samples.eicar(),
        samples.encoded_name(),
        samples.split_name(),
        samples.zipped({"a.exe": b"MZ"}),
        samples.broken_mime(),
        samples.cr_in_header(),
        samples.nested(4),
        samples.many_parts(5),
        _ODD,
    )
    return (*made, *map(samples.with_crlf, made[-3:]))


def content_values() -> tuple[bytes, ...]:
    """Values of Content-Type, -Disposition and -Transfer-Encoding in turn, a NUL between two."""
    return (
        b' multipart/mixed; boundary="b"\n\0 attachment; filename=a.exe\n\0 base64\n',
        b" text/plain; charset*=utf-8''x; name*0*=utf-8'en'a%20; name*1=\"b\\\"c\"\n\0",
        b" a/b (c; name=d); name==?utf-8?B?YS5leGU=?=; name=e\n\0 x\0 x-uue, 7bit\0 c/d\n",
    )


def encoded_words() -> tuple[bytes, ...]:
    """Values of header fields."""
    return (
        b"=?utf-8?B?aGVsbG8=?= =?iso-8859-1*en?q?w=F6rld_?= !",
        b"utf-7\n+AGE-b+2AA-",
        b"=? utf-16 ? B ?aABl= ?= =?x?Q?a?b?=",
    )


def bodies() -> tuple[bytes, ...]:
    """Bodies in each transfer encoding, clean and broken."""
    return (
        base64.encodebytes(_TEXT),
        b"aGVs=bG8=\n--junk--\n\nbG8-_!\nYQ==YQ==",
        b"caf=E9 =\nsoft =\t\r\n=ZZ =4 ==41=",
        uuencoded(),
        yenc(),
    )


def edits() -> tuple[bytes, ...]:
    """Offsets, a count and a letter for each edit."""
    return (bytes((0, 0, 3, 65, 10, 20, 0, 0, 20, 20, 1, 66)), bytes((9, 30, 1, 1, 8, 10, 2, 2)))


def rule_files() -> tuple[bytes, ...]:
    """Qmail-Scanner's two rule files."""
    return (
        b"# names\neicar.com\t69\tEICAR test\n.pif\tSIZE=-1\tPIF files\nbad line\n",
        b"I.*you\tVirus-Subject:\tlove\n[[:alpha:]]+\\d{2,}$\tPolicy-MAILFROM:\tnumbers\n",
        b"(?i)a|\\Qb.c\\E\tVirus-FILECLSID:\tclass\n(?<!x)\\x41\\z\tPolicy-X-Y:\tz\n",
    )


def old_installations() -> tuple[bytes, ...]:
    """Options, an edited program, tcpserver's rules, simscan's settings."""
    return (
        b'./configure --sa-quarantine 2.1 --sa-subject "SPAM *** " \\\n --sa-delete=4.2\n',
        b"#!/usr/bin/perl\nmy $sa_delete='4.2';\n@silent_viruses_array=('klez', qw(a b));\n",
        b'127.:allow,RELAYCLIENT="",QMAILQUEUE="/q/qmail-scanner-queue.pl"\n:deny\n',
        b"user@example.org:clam=yes,spam=no,attach=.exe:.scr,spam_hits=12.5\n:clam=yes\n",
        b"example.org\n.exe\n",
    )


def per_domain_files() -> tuple[bytes, ...]:
    """Rows of scanners_per_domain.txt and settings_per_domain.txt."""
    return (
        b"# rows\na@example.org:none\nexample.net:sa,ps\n",
        b"example.org:sophie,sa,ps'[SPAM]'1.9'0.4'3'0'learn@example.org'1'1'spamdir\n",
        b"bad row\nx:y:z'''''''''''\n",
    )


def logs() -> tuple[bytes, ...]:
    """Lines of the original's logs and of ours."""
    return (
        b"Fri, 12 Feb 2004 10:34:16 -0500\ta@b.example\tc@d.example\tRe: x\tWorm.I\tx: 1.\n",
        (
            b"Feb 12 10:34:16 mx qmail-scanner[123]: Clear:RC:0(192.0.2.7):SA:0(-2.6/5.0): 1 4 "
            b"a@b.example c@d.example Re:_x <i@d> x.doc:12345\n"
        ),
        b'Sun, 22 Nov 2026 21:30:00 +0000:12: deleting: name="Eicar" from="a@b" to="c@d"\n',
        b"timestamp=2026-11-22T21:30:00Z event=message id=1 disposition=tag reason=spam\n",
        b"X-Qmail-Scanner: 1.20 (Clear:RC:1(192.0.2.10):SA:0(-4.4/5.0):. Processed in 3 secs)\n",
    )


def outcomes() -> tuple[bytes, ...]:
    """Replies of helper processes."""
    item = Item("1", ("a.zip",), ("message",), 3, "zip", "application/zip")
    inside = Item(
        "1/a", ("a",), ("message", "zip"), 3, traits=(Trait.MACROS,), extracted=Span(0, 3)
    )
    shut = Unopened(Reason.UNREADABLE, "zip", "1", "a.zip", "it is broken")
    return (encode(Outcome(Contents((item, inside), (shut,)))), encode(Outcome(failure="x")))


def lists_of_lsar() -> tuple[bytes, ...]:
    """What lsar prints."""
    file = b'{"XADFileName":"a","XADFileSize":3,"XADIndex":0,"lsarTestResult":"ok"}'
    link = b'{"XADFileName":"l|t","XADIsLink":1,"XADIsEncrypted":1}'
    end = b'"lsarProperties":{"XADIsCorrupted":1},"lsarError":2'
    return (b'{"lsarContents":[%s,%s],%s}' % (file, link, end),)


def envelopes() -> tuple[bytes, ...]:
    """Envelopes of qmail-queue."""
    return (b"Fa@b.example\0Tc@d.example\0Te@f.example\0\0", b"F\0Ta\0\0")


def gate_packets() -> tuple[bytes, ...]:
    """Packets of both sides."""
    return (
        b"MWQ1\0TCPREMOTEIP=192.0.2.1\0RELAYCLIENT=\0",
        b"A",
        b"X\x47\x1f\x04\x01Zsorry",
    )


def clamd_replies() -> tuple[bytes, ...]:
    """Answers of clamd to the first question of a session."""
    replies = (
        b"1: stream: OK",
        b"1: fd[12]: Win.Test.EICAR_HDB-1 FOUND",
        b"1: INSTREAM size limit exceeded. ERROR",
        b"1: UNKNOWN COMMAND",
        b"1: ClamAV 1.4.6/27000/Tue Jan  2 08:29:37 2024",
    )
    whole = tuple(reply + b"\0" for reply in replies)
    return (*whole, *(reply.removeprefix(b"1: ") for reply in replies))


def spamd_answers() -> tuple[bytes, ...]:
    """Whole answers of spamd."""
    return (
        b"SPAMD/1.1 0 EX_OK\r\nContent-length: 5\r\nSpam: True ; 8.7 / 6.5\r\n\r\nGTUBE",
        b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; -1 / 5.0\r\n\r\n",
        b"SPAMD/1.5 0 PONG\r\n",
        b"SPAMD/1.0 76 Bad header line\r\n",
        b"SPAMD/1.1 0 EX_OK\r\nDidSet: local\r\nContent-length: 2\r\n\r\n\r\n",
    )


def spamd_bodies() -> tuple[bytes, ...]:
    """Bodies for SYMBOLS, REPORT and HEADERS, the last with the message behind a NUL."""
    table = b" 1000 GTUBE  BODY: Generic Test\n 0.1 X_Y  more\n"
    report = b"Content preview: x\n\n pts rule name  description\n---- ------ -----\n" + table
    status = b"X-Spam-Status: Yes, score=8 tests=A_B,\n\tC autolearn=no version=4.0.1\n"
    header = status + b"X-Spam-Level: ****\nSubject: *** x\nFrom: a\n\n"
    return (b"BAYES_99,GTUBE\n", report, header + b"\0Subject: x\nFrom: a\n\nbody")


def uuencoded() -> bytes:
    """A text with a uuencoded file."""
    lines = (binascii.b2a_uu(_TEXT[at : at + 45]) for at in range(0, len(_TEXT), 45))
    return b"See this:\nbegin 644 a b.txt\n" + b"".join(lines) + b"`\nend\n"


def yenc() -> bytes:
    """A text with a yEnc file; none of its octets needs an escape."""
    shifted = bytes((octet + 42) % 256 for octet in _TEXT)
    frame = b"=ybegin line=128 size=%d name=a b.txt\r\n%s\r\n=yend size=%d crc32=%08x\r\n"
    return frame % (len(_TEXT), shifted, len(_TEXT), zlib.crc32(_TEXT))


def _binhex() -> bytes:
    header = b"\x05a.txt\0TEXTttxt\0\0" + struct.pack(">II", len(_TEXT), 0)
    plain = b"".join(
        piece + binascii.crc_hqx(piece, 0).to_bytes(2, "big") for piece in (header, _TEXT, b"")
    )
    base64_letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    letters = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
    packed = base64.b64encode(plain).rstrip(b"=")
    text = packed.translate(bytes.maketrans(base64_letters, letters))
    return b"(This file must be converted with BinHex 4.0)\n\n:" + text + b":\n"


def _tnef() -> bytes:
    title, contents, rendering = 0x00018010, 0x0006800F, 0x00069002
    message_properties, long_name = 0x00069003, 0x3704001F
    name = "a.exe\0".encode("utf-16-le")
    listed = struct.pack("<IIII", 1, long_name, 1, len(name)) + name
    attributes = (
        (1, message_properties, listed),
        (2, rendering, bytes(14)),
        (2, title, b"a.txt\0"),
        (2, contents, _TEXT),
    )
    return b"\x78\x9f\x3e\x22\x01\x00" + b"".join(
        struct.pack("<BII", level, number, len(octets))
        + octets
        + struct.pack("<H", sum(octets) & 0xFFFF)
        for level, number, octets in attributes
    )


def _compound() -> bytes:
    return office.compound_file(
        {
            "WordDocument": b"\xec\xa5" + bytes(600),
            "0Table": bytes(100),
            "Workbook": office.biff((0x0085, b"\0\0\0\0\0\x01\x01\0a")),
            "PowerPoint Document": bytes(100),
            "Current User": bytes(20),
            "ObjectPool/_1/\x01Ole10Native": office.native("a.exe", b"MZ"),
            "__attach_version1.0_#00000000/__substg1.0_37010102": b"MZ",
            **office.vba_project({"Module1": b"Sub AutoOpen()\r\nEnd Sub"}, "Macros/"),
        }
    )


def _ole() -> tuple[bytes, ...]:
    locked = {"EncryptedPackage": b"x" * 20, "EncryptionInfo": b"\x04\0\x04\0@\0\0\0<encryption/>"}
    return (_compound(), office.compound_file(locked))


def _ooxml() -> tuple[bytes, ...]:
    parts = {
        "[Content_Types].xml": b'<Types><Default ContentType="application/xml"/></Types>',
        "word/document.xml": b"<w:document><w:instrText>DDEAUTO c</w:instrText></w:document>",
        "word/_rels/document.xml.rels": office.relationships(
            ("attachedTemplate", "http://a.example/x.dotm", "External")
        ),
    }
    project = office.compound_file(office.vba_project({"M": b"Sub AutoOpen()"}))
    macros = {**parts, "word/vbaProject.bin": project}
    # Stored as well, so that what the fuzzer changes is seen behind the packing.
    loose = (archives.stored(name.encode(), octets) for name, octets in macros.items())
    return (office.zipped(macros), archives.zip_of(*loose))


def _pdf() -> tuple[bytes, ...]:
    file = pdf.stream(b"MZ", b"/Type /EmbeddedFile")
    names = b"<< /Type /Filespec /F (a.exe) /UF <FEFF0061> /EF << /F 2 0 R >> >>"
    script = b"<< /Type /Catalog /OpenAction << /S /JavaScript /JS (x) >> >>"
    return (
        pdf.pdf(names, file, script),
        pdf.pdf(pdf.object_stream({5: names, 6: b"<< /S /Launch /F (c) >>"}), file),
        pdf.pdf(pdf.stream(b"", b"/Filter [/ASCIIHexDecode /LZWDecode]", b"800B6050>"), names),
        pdf.encrypted(""),
    )


def _rtf() -> tuple[bytes, ...]:
    digits = office.ole1_object("Package", office.package("a.exe", b"MZ")).hex().encode()
    return (
        b"{\\rtf1\\ansi text {\\object\\objemb{\\*\\objdata " + digits + b"}}}",
        b"{\\rtf1{\\*\\template http://a}{\\field{\\*\\fldinst DDE x}}{\\object\\bin3 abc\\'ff}}",
    )


def _rar() -> tuple[bytes, ...]:
    return (
        native_archives.rar3(
            native_archives.Rarred(b"a.txt", b"hello"),
            native_archives.Rarred(b"d\\b", b"MZ" * 20, comment=True, block=b"CMT"),
            native_archives.Rarred(b"l", b"/etc/passwd", mode=0o120777),
        ),
        native_archives.rar5(
            native_archives.rar5_file(b"a", b"hello"), native_archives.rar5_link(b"l", b"../x")
        ),
    )


def _tar() -> tuple[bytes, ...]:
    return (
        archives.tar_archive({"a.txt": b"hello", "d/" + "x" * 120: b"MZ"}),
        archives.traversing_tar(),
        archives.sparse_tar(2_000),
        archives.sparse_tar(2_000, is_old=True),
    )


def _zip() -> tuple[bytes, ...]:
    return (
        archives.zip_archive({"a.txt": _TEXT, "d/b.exe": b"MZ"}),
        archives.zip_with_two_names(b"a.txt", b"a.exe"),
        archives.overlapping_zip(3, b"x" * 50),
        archives.traversing_zip(),
        samples.encrypted_zip_archive(),
        archives.zip_of(archives.stored(b"b.zip", archives.zip_archive({"c": b"d"})), comment=b"e"),
    )


def _apple_single() -> bytes:
    name = b"a.exe"
    entries = ((1, 62, 2), (3, 64, len(name)), (2, 64, 1))
    listed = b"".join(struct.pack(">III", *entry) for entry in entries)
    head = b"\0\x05\x16\0\0\x02\0\0" + bytes(16) + struct.pack(">H", len(entries))
    return head + listed + b"MZ" + name


def _mac_binary() -> bytes:
    head = bytearray(128)
    head[1:7] = b"\x05a.exe"
    head[83:91] = struct.pack(">II", 2, 1)
    head[122:124] = b"\x81\x81"
    return bytes(head) + b"MZ".ljust(128, b"\0") + b"r"


def _onenote() -> bytes:
    file = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac") + struct.pack("<Q", 2) + bytes(12)
    start = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
    return start + "a.exe\0".encode("utf-16-le") + file + b"MZ"


def _pkcs7() -> bytes:
    def element(tag: int, *contents: bytes) -> bytes:
        content = b"".join(contents)
        return bytes((tag, 0x82)) + struct.pack(">H", len(content)) + content

    text = element(0x24, element(0x04, b"Subject: x\n\n"), element(0x04, b"signed"))
    plain = element(0x06, bytes.fromhex("2a864886f70d010701"))
    signed = element(
        0x30,
        *(element(0x02, b"\x01"), element(0x31)),
        element(0x30, plain, element(0xA0, text)),
    )
    oid = element(0x06, bytes.fromhex("2a864886f70d010702"))
    return element(0x30, oid, element(0xA0, signed))


def _calendar() -> bytes:
    line = b"ATTACH;FMTTYPE=a/b;ENCODING=BASE64;VALUE=BINARY;FILENAME=a.exe:TVo\r\n A\r\n"
    return b"BEGIN:VCALENDAR\r\n" + line + b"X:data:a/b;base64,TVoA\r\nEND:VCALENDAR\r\n"


def _flat_office() -> bytes:
    part = b'<p:part p:name="/w/vba.bin"><p:binaryData>TVoA</p:binaryData></p:part>'
    more = b'<w:binData w:name="a.mso">TVoA</w:binData><w:instrText>DDEAUTO c</w:instrText>'
    return b'<?xml version="1.0"?><p:package xmlns:p="p" xmlns:w="w">%s%s</p:package>' % (
        part,
        more,
    )


def _markup() -> bytes:
    url = b'<a download="a.zip" href="data:application/zip;base64,UEsDBA==">x</a>'
    script = b"<script>var a = atob('%s' + \"VHVu\"); b = '\\x4d\\x5a'</script>"
    return b"<html>" + url + script % base64.b64encode(b"MZ" * 40) + b"</html>"


def _sylk() -> bytes:
    return b"ID;P\nO;E\nNN;NAuto_open;ER101C1\nC;X1;Y1;E=cmd|'/c calc'!A0\nE\n"


def _written(name: str) -> Callable[[], tuple[bytes, ...]]:
    return lambda: (native_archives.written(name, _MEMBERS),)


def _packed(name: str) -> Callable[[], tuple[bytes, ...]]:
    return lambda: (native_archives.packed(_TEXT, name),)


OF_FORMATS: Mapping[str, Callable[[], tuple[bytes, ...]]] = {
    "7z": lambda: (
        native_archives.written("7zip", _MEMBERS),
        native_archives.seven_zip(_MEMBERS),
        native_archives.seven_zip_with_encrypted_names(),
    ),
    "active-mime": lambda: (b"ActiveMime\0\0\x01" + bytes(37) + zlib.compress(_compound()),),
    "apple-single": lambda: (_apple_single(),),
    "ar": _written("ar_bsd"),
    "arj": lambda: (native_archives.arj(_OCTET_MEMBERS),),
    "binhex": lambda: (_binhex(),),
    "bzip2": lambda: (bz2.compress(_TEXT),),
    "cab": lambda: (
        native_archives.cabinet(_OCTET_MEMBERS),
        native_archives.cabinet(_OCTET_MEMBERS, flags=native_archives.NEXT),
    ),
    "calendar": lambda: (_calendar(),),
    "compress": _packed("compress"),
    "cpio": lambda: (
        native_archives.cpio((b"a", 0o100644, b"MZ"), (b"l", 0o120777, b"/etc")),
        native_archives.written("cpio", _MEMBERS),
    ),
    "flat-office": lambda: (_flat_office(),),
    "gzip": lambda: (archives.gzip_file(_TEXT, "a.txt"), archives.gzip_file(b"x") * 2),
    "iso": _written("iso9660"),
    "lha": lambda: (native_archives.lha(b"a.txt", b"hello"),),
    "lz4": _packed("lz4"),
    "lzip": _packed("lzip"),
    "lzma": lambda: (lzma.compress(_TEXT, lzma.FORMAT_ALONE),),
    "mac-binary": lambda: (_mac_binary(),),
    "mail": messages,
    "markup": lambda: (_markup(),),
    "mbox": lambda: (b"From a\n" + samples.clean() + b"\nFrom b\n" + samples.eicar(),),
    "multipart": lambda: (b"--b\nContent-Type: a/b\n\nx\n--b--\n",),
    "ole": _ole,
    "onenote": lambda: (_onenote(),),
    "ooxml": _ooxml,
    "page-archive": lambda: (b"%PDF-1.7\n" + samples.with_attachment(b"a.mso", b"MZ"),),
    "pdf": _pdf,
    "pkcs7": lambda: (_pkcs7(),),
    "rar": _rar,
    "rtf": _rtf,
    "sylk": lambda: (_sylk(),),
    "tar": _tar,
    "tnef": lambda: (_tnef(),),
    "uuencode": lambda: (uuencoded(),),
    "xar": _written("xar"),
    "xz": lambda: (lzma.compress(_TEXT), lzma.compress(b"x") * 2),
    "yenc": lambda: (yenc(),),
    "zip": _zip,
    "zstd": _packed("zstd"),
}


def every_format() -> tuple[bytes, ...]:
    """One sample of each format that is small, and mail that holds some."""
    first = {name: make()[0] for name, make in OF_FORMATS.items() if name != "iso"}
    mails = (samples.with_attachment(b"a." + name.encode(), first[name]) for name in ("zip", "7z"))
    return (*first.values(), *mails, archives.zip_of_zips(3, 2, b"x"))
