"""Messages whose own form costs more to read than to send."""

import base64
from collections.abc import Callable, Mapping

from mailwarden.scanners.test_patterns import EICAR
from support import samples

_TOP = b"From: a@example.org\nTo: b@example.net\nSubject: x\nMIME-Version: 1.0\n"


def _with_type(value: bytes, body: bytes = b"x\n") -> bytes:
    return _TOP + b"Content-Type: " + value + b"\n\n" + body


def nested_messages(levels: int) -> bytes:
    """Attached messages in attached messages."""
    return b"Content-Type: message/rfc822\n\n" * levels + samples.eicar()


def long_header_line() -> bytes:
    """A header line of 10 MB."""
    return _TOP + b"X-Long: " + b"a" * 10_000_000 + b"\n\nx\n"


def long_header_of_folds() -> bytes:
    """A header field of two million folded lines."""
    return _TOP + b"X-Long: " + b"a\n " * 3_000_000 + b"a\n\nx\n"


def header_fields(count: int) -> bytes:
    """That many fields."""
    return b"".join(b"X-%d: x\n" % number for number in range(count)) + _TOP + b"\nx\n"


def subjects() -> bytes:
    """100,000 subjects."""
    return b"Subject: =?utf-8?q?a?=\n" * 100_000 + b"\nx\n"


def header_of_types() -> bytes:
    """9,000 fields of type, each with another boundary."""
    fields = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n" % n for n in range(9_000))
    return _TOP + fields + b"\n" + b"".join(b"--b%d\n\nx\n" % n for n in range(9_000))


def sections() -> bytes:
    """A name in 10,000 sections (RFC 2231), in the wrong order."""
    pieces = b"".join(b";\n filename*%d*=%%61" % number for number in reversed(range(10_000)))
    return samples.multipart(b"Content-Disposition: attachment" + pieces + b"\n\nx")


def many_parts_of_sections() -> bytes:
    """1,900 parts, each with a name in 100 sections."""
    pieces = b"".join(b";\n filename*%d*=%%61" % number for number in reversed(range(100)))
    parts = [b"Content-Disposition: attachment; x=%d" % n + pieces + b"\n\nx" for n in range(1_900)]
    return samples.multipart(*parts)


def parameters() -> bytes:
    """50,000 parameters."""
    return _with_type(b"text/plain" + b"".join(b";\n a%d=b" % n for n in range(50_000)))


def encoded_words() -> bytes:
    """100,000 encoded words in a subject and in a name."""
    words = b"=?utf-8?B?YQ==?=\n " * 20_000
    part = b'Content-Disposition: attachment; filename="' + words + b'"\n\nx'
    return b"Subject: " + words + b"a\n" + samples.multipart(part)


def encoded_words_that_do_not_end() -> bytes:
    """Beginnings of encoded words."""
    words = b"=?utf-8?q?" * 90_000
    part = b'Content-Disposition: attachment; filename="' + words + b'"\n\nx'
    return b"Subject: " + words + b"a\n" + samples.multipart(part)


def comments() -> bytes:
    """Comments in comments, half a million deep."""
    return _with_type(b"(" * 490_000 + b"multipart/mixed" + b")" * 490_000 + b"; boundary=a")


def quoted_pairs() -> bytes:
    """A value of nothing but quoted pairs, not closed."""
    return _with_type(b'text/plain; name="' + b"\\a" * 490_000)


def addresses() -> bytes:
    """A hundred thousand senders, comments and groups among them."""
    return b"From: " + b"(a)g:<b@c.example>," * 50_000 + b"\n" + _TOP + b"\nx\n"


def boundary_prefixes() -> bytes:
    """Fifty open boundaries, each a prefix of the next, and many lines that are nearly one."""
    heads = b"".join(
        b"Content-Type: multipart/mixed; boundary=%s\n\n--%s\n" % (b"a" * n, b"a" * n)
        for n in range(1, 50)
    )
    return _TOP + heads + b"\n" + (b"--" + b"a" * 100 + b"b\n") * 100_000


def delimiter_lines() -> bytes:
    """Five million lines that begin with two hyphens."""
    return samples.multipart(b"\n" + b"--\n" * 5_000_000)


def unclosed_headers() -> bytes:
    """2,000 parts whose headers have no end before the next boundary."""
    return _with_type(b"multipart/mixed; boundary=a", b"--a\nX: y\n" * 500_000)


def every_anomaly() -> bytes:
    """Whatever asks for another reading, over 20 MB."""
    header = (
        b"\nFrom : a@example.org\nbroken line\nX\r-Y: z\nContent-Type : multipart/mixed;\n"
        b" boundary=a; boundary=b; boundary*0=c\nContent-Type: multipart/alternative; boundary=aa\n"
        b"Content-Type: text/plain\n \t\nContent-Transfer-Encoding: base64\n"
        b"Content-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\n"
    )
    part = (
        b"--a\nContent-Type : text/plain; name=a.txt; name=b.exe\nContent-Transfer-Encoding:"
        b" base64\nContent-Transfer-Encoding: quoted-printable\n\0\n\nYWJj=YWJj*YWJj\r--aa\n"
        b"Content-Type: x/y\r\n\r\n--aa\n\nbegin 644 a\n#86)C\n`\nend\n--a--\n--b\n\n=41=4\n--b--\n"
    )
    return b"\n" + header + part * 400 + b"YWJj" * 5_000_000 + b"\n--a--\n" + part * 200


def nul_and_cr() -> bytes:
    """20 MB of NUL and CR in a base64 part."""
    return samples.multipart(
        b"Content-Transfer-Encoding: base64\nX: \r\0\n\n" + b"YQ\0\r=" * 4_000_000
    )


def base64_padding() -> bytes:
    """Base64 of nothing but padding."""
    return samples.multipart(
        b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n" + b"=" * 10_000_000
    )


def base64_streams() -> bytes:
    """Three million streams of base64, one behind the other."""
    return samples.multipart(
        b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n" + b"YQ==" * 3_000_000
    )


def base64_junk() -> bytes:
    """Base64 with junk in every second place."""
    return samples.multipart(
        b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n" + b"Y*Q-" * 3_000_000
    )


def quoted_printable() -> bytes:
    """Quoted-printable of nothing but broken escapes."""
    return samples.multipart(
        b"Content-Type: a/b\nContent-Transfer-Encoding: quoted-printable\n\n" + b"=X" * 5_000_000
    )


def quoted_printable_blanks() -> bytes:
    """Quoted-printable of nothing but blanks."""
    return samples.multipart(
        b"Content-Type: a/b\nContent-Transfer-Encoding: quoted-printable\n\n"
        + b" \t" * 5_000_000
        + b"a"
    )


def quoted_printable_ends() -> bytes:
    """Quoted-printable of soft line ends with blanks before them."""
    return samples.multipart(
        b"Content-Type: a/b\nContent-Transfer-Encoding: quoted-printable\n\n"
        + (b"= " * 200 + b"\n") * 25_000
    )


def uuencoded_part() -> bytes:
    """A part said to be uuencoded, of beginnings only."""
    return samples.multipart(
        b"Content-Type: a/b\nContent-Transfer-Encoding: x-uuencode\n\n" + b"begin 644 a\n" * 900_000
    )


def many_zips() -> bytes:
    """1,900 attachments, each of them a small zip of its own: each costs a process."""
    return samples.multipart(
        *(
            samples.attached(b"%d.zip" % n, samples.zip_archive({"a.txt": b"%d" % n}))
            for n in range(1_900)
        )
    )


def one_zip_many_times() -> bytes:
    """1,900 times the same zip under other names."""
    packed = samples.zip_archive({"a.txt": b"x"})
    return samples.multipart(*(samples.attached(b"%d.zip" % n, packed) for n in range(1_900)))


def mail_in_zip_in_mail() -> bytes:
    """A message in a zip in a message, eight times."""
    message = samples.eicar()
    for _ in range(8):
        message = samples.zipped({"a.eml": message})
    return message


def mail_of_parts_in_zip() -> bytes:
    """Ten messages with 1,900 parts each in a zip."""
    mail = samples.many_parts(1_900)
    return samples.zipped({f"{n}.eml": mail + b"%d" % n for n in range(10)})


def many_names() -> bytes:
    """1,900 parts, each with names in as many places as there are, for every rule."""
    fields = (
        b"Content-Type: a/b; name=%d.txt; name*=utf-8''%%61%d.pdf; name=\"=?utf-8?q?a%d.doc?=\"\n"
        b"Content-Disposition: attachment; filename=b%d.jpg; filename*0=c%d.; filename*1=txt;\n"
        b' filename="d .txt"; filename=e.txt.\n\n%d'
    )
    return samples.multipart(*(fields % ((n,) * 6) for n in range(1_900)))


def long_names() -> bytes:
    """20 parts, each with a name that rules could try at every place."""
    names = (b"a. " * 15_000, b"." * 50_000, b"a.txt " * 8_000, b" " * 50_000, b"..." * 15_000)
    parts = (
        b'Content-Disposition: attachment; filename="%sx%d"\n\nx%d' % (name, n, n)
        for n, name in enumerate(names * 4)
    )
    return samples.multipart(*parts)


def attached_message_of_base64() -> bytes:
    """Messages in base64 in messages in base64."""
    message = samples.eicar()
    for _ in range(30):
        message = (
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
            + base64.encodebytes(message)
        )
    return message


def text_of_signatures() -> bytes:
    """Lines that look like the first of some format, and are not."""
    line = (
        b"begin 644\n=ybegin \n(This file must be converted with BinHex\nPK\3\4 PK\5\6 %PDF- Rar!\n"
    )
    return samples.multipart(b"Content-Type: text/plain\n\n" + line * 150_000)


def program_of_signatures() -> bytes:
    """A program behind which every format may begin, a thousand times."""
    marks = b"PK\3\4PK\5\6Rar!\x1a\7\0Rar!\x1a\7\1\0MSCF\0\0\0\0007z\xbc\xaf\x27\x1c\0\4-lh5-ISc("
    return samples.with_attachment(b"a.txt", b"MZ" + bytes(62) + marks * 100_000 + EICAR)


MAIL_BOMBS: Mapping[str, Callable[[], bytes]] = {
    "10,000 parts": lambda: samples.many_parts(10_000),
    "1,000 levels": lambda: samples.nested(1_000),
    "20,000 levels": lambda: samples.nested(20_000),
    "20,000 messages": lambda: nested_messages(20_000),
    "header line": long_header_line,
    "header folds": long_header_of_folds,
    "100,000 fields": lambda: header_fields(100_000),
    "9,999 fields": lambda: header_fields(9_990),
    "subjects": subjects,
    "types": header_of_types,
    "sections": sections,
    "parts of sections": many_parts_of_sections,
    "parameters": parameters,
    "encoded words": encoded_words,
    "encoded words without end": encoded_words_that_do_not_end,
    "comments": comments,
    "quoted pairs": quoted_pairs,
    "addresses": addresses,
    "boundary prefixes": boundary_prefixes,
    "delimiter lines": delimiter_lines,
    "unclosed headers": unclosed_headers,
    "every anomaly": every_anomaly,
    "NUL and CR": nul_and_cr,
    "base64 padding": base64_padding,
    "base64 streams": base64_streams,
    "base64 junk": base64_junk,
    "quoted-printable": quoted_printable,
    "quoted-printable blanks": quoted_printable_blanks,
    "quoted-printable ends": quoted_printable_ends,
    "uuencoded part": uuencoded_part,
    "1,900 zips": many_zips,
    "one zip 1,900 times": one_zip_many_times,
    "mail in zip in mail": mail_in_zip_in_mail,
    "mail of parts in zip": mail_of_parts_in_zip,
    "many names": many_names,
    "long names": long_names,
    "messages in base64": attached_message_of_base64,
    "text of signatures": text_of_signatures,
    "program of signatures": program_of_signatures,
}
