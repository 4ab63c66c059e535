import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.file_types import file_type, formats_of, is_certain, reads_as_text
from support import samples

_ZIP = samples.zip_archive({"a.txt": b"hello"})
_OOXML = samples.zip_archive({"[Content_Types].xml": b""})
_ODF = samples.zip_archive({"mimetype": b"application/vnd.oasis.opendocument.text"})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(600, b"\0")
_PE = b"MZ".ljust(60, b"\0") + b"\x40\0\0\0PE\0\0"
_JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF"
_PDF = b"%PDF-1.4\n1 0 obj"
_TEXT = b"Hello, here is a text.\n"


@pytest.mark.parametrize(
    ("octets", "word"),
    [
        (_ZIP, "zip"),
        (_PDF, "pdf"),
        (b"\0junk" + _PDF, "pdf"),
        (b"The signature is %PDF-1.4", "text"),
        (b"MZ is how programs begin", "text"),
        (b"{\\rtf1 a}", "rtf"),
        (b"#!/bin/sh\n", "script"),
        (b"\x7fELF\x02\x01\x01\0", "elf"),
        (b"\x80\x81\x02", ""),
    ],
    ids=str,
)
def test_the_real_type_is_told_by_content(octets: bytes, word: str) -> None:
    assert file_type(octets) == word


@pytest.mark.parametrize(
    ("octets", "names", "media_type", "formats"),
    [
        (_TEXT, (), "text/plain", ()),
        (_TEXT, ("a.txt",), "application/octet-stream", ()),
        (_ZIP, ("a.jpg",), "image/jpeg", ("zip",)),
        (_ZIP, ("a.docx",), "", ("zip",)),
        (_OOXML, ("a.zip",), "application/zip", ("ooxml",)),
        (_OLE, ("a.docx",), "", ("ole", "ooxml")),
        (b"\0\5\x16\7\0\2\0\0", ("._a.eml",), "", ()),
        (_ODF, ("a.odt",), "", ("ooxml",)),
        (_TEXT, ("a.zip", "b.TGZ. "), "", ("zip", "gzip")),
        (_TEXT, ("WINMAIL.DAT",), "application/ms-tnef", ("tnef",)),
        (_TEXT, ("a",), "message/rfc822", ("mail",)),
        (_TEXT, ("zip",), "", ()),
        (b"\x04\x22\x4d\x18", (), "", ("lz4",)),
        (_JPEG, ("a.jpg",), "image/jpeg", ()),
        (_JPEG + _ZIP, ("a.jpg",), "image/jpeg", ("zip",)),
        (_PE + _ZIP, ("a.exe",), "", ("zip",)),
        (_PE + b"7z\xbc\xaf\x27\x1c", ("a.exe",), "", ("7z",)),
        (b"GIF89a\0\0" + _PDF, ("a.gif",), "", ("pdf",)),
        (_PDF + _ZIP, (), "", ("pdf", "zip")),
        (bytes(257) + b"ustar" + _ZIP, (), "", ("tar",)),
        (bytes(257) + b"ustar" + _ZIP, ("a.zip",), "", ("tar", "zip")),
        (_TEXT + b"begin 644 a\n", (), "", ("uuencode",)),
        (b"begin-base64 644 a\n", (), "", ("uuencode",)),
        (_TEXT + b"\r\nbegin 644 a", (), "", ("uuencode",)),
        (b"To begin with", (), "", ()),
        (_TEXT + b"=ybegin line=1 size=1 name=a\n\0", (), "", ("yenc",)),
        (_TEXT + b"(This file must be converted with BinHex 4.0)", (), "", ("binhex",)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_format_that_it_may_be_is_named(
    octets: bytes, names: tuple[str, ...], media_type: str, formats: tuple[str, ...]
) -> None:
    assert formats_of(octets, names, media_type) == formats


@pytest.mark.parametrize(
    ("name", "octets", "names", "is_finding"),
    [
        ("zip", b"PK\x03\x04\xff", ("a.txt",), True),
        ("zip", b"\x01\x02\x03", ("a.zip",), True),
        ("zip", b"\x01\x02\x03", ("a.bin",), False),
        ("zip", _TEXT, ("a.zip",), False),
        ("zip", _JPEG, ("a.zip",), False),
        ("zip", b"", ("a.zip",), False),
        ("zip", _JPEG + _ZIP, ("a.jpg",), True),
        ("ooxml", _OLE, ("a.docx",), False),
        ("ooxml", b"\3Ann" + bytes(158), ("docs/~$a.docx",), False),
        ("ooxml", b"\3Ann" + bytes(158), ("docs/a.docx",), True),
        ("ooxml", b"\3Ann" + bytes(1_000), ("~$a.docx",), True),
        ("pdf", b"\0\5\x16\7\0\2\0\0" + bytes(100), ("__MACOSX/._a.pdf",), False),
        ("pdf", b"see %PDF-1.4", ("a.txt",), False),
        ("pdf", _PDF, (), True),
        ("uuencode", _TEXT, ("a.uue",), False),
        ("cab", _PE + b"MSCF\0\0\0\0", ("a.exe",), False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_only_what_was_not_a_mistaken_name_is_a_finding(
    name: str, octets: bytes, names: tuple[str, ...], is_finding: bool
) -> None:
    assert is_certain(name, octets, names) is is_finding


def test_text_is_what_clients_show_as_text_and_its_octets_are() -> None:
    for media_type in ("text/plain", "multipart/mixed", "message/delivery-status"):
        assert reads_as_text(_TEXT, media_type)
        assert not reads_as_text(_ZIP, media_type)
    assert not reads_as_text(_TEXT, "application/zip")


def test_ordinary_text_costs_microseconds() -> None:
    text = _TEXT * 200
    before = time.process_time()
    for _ in range(1_000):
        formats_of(text, ("a.txt",), "text/plain")
    assert time.process_time() - before < 2


@given(st.binary(), st.text(), st.text())
def test_any_bytes_under_any_name_are_looked_at(octets: bytes, name: str, media_type: str) -> None:
    for format_ in formats_of(octets, (name,), media_type):
        assert isinstance(is_certain(format_, octets, (name,)), bool)


@pytest.mark.parametrize("start", [b"%!PS", b"GIF89a\1", b"<svg>", b"{\\rtf", b"ID3\1"])
def test_lines_of_uuencode_are_looked_for_in_whatever_is_shown_as_text(start: bytes) -> None:
    octets = start + b"\nbegin 644 a\n"
    assert "uuencode" in formats_of(octets, (), "text/plain")
    assert "uuencode" not in formats_of(octets, (), "application/octet-stream")


@pytest.mark.parametrize(
    ("octets", "format_"),
    [
        (b"MSWIM\0\0\0", "wim"),
        (b"EGGA\0\1", "egg"),
        (b"vhdxfile\0\0", "vhdx"),
        (bytes(1_000) + b"koly".ljust(512, b"\0"), "dmg"),
        (bytes(1_000) + b"conectix".ljust(512, b"\0"), "vhd"),
    ],
)
def test_what_nothing_here_opens_is_named_whatever_it_is_called(
    octets: bytes, format_: str
) -> None:
    assert formats_of(octets, ("a.txt",), "") == (format_,)


def test_a_name_is_enough_to_look_for_what_was_signed() -> None:
    assert formats_of(_TEXT, ("a.pdf.p7m",), "") == ("pkcs7",)
    assert formats_of(_TEXT, (), "application/pkcs7-mime") == ("pkcs7",)
