import io
import tarfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.signatures import behind_stub, ends_as_zip, signed_word
from support import samples

_ZIP = samples.zip_archive({"a.txt": b"hello"})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PE = b"MZ".ljust(60, b"\0") + b"\x40\0\0\0PE\0\0"


def _compound_file(root: bytes = b"", names: str = "") -> bytes:
    """A header, and a directory with the class of its root and with names."""
    header = _OLE.ljust(48, b"\0") + b"\0\0\0\0"
    directory = b"R\0".ljust(80, b"\0") + root.ljust(48, b"\0") + names.encode("utf-16-le")
    return header.ljust(512, b"\0") + directory


def _old_tar() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("a.txt"))
    header = bytearray(archive.getvalue()[:512])
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize(
    ("octets", "word"),
    [
        (_ZIP, "zip"),
        (samples.zip_archive({}), "zip"),
        (samples.zip_archive({"[Content_Types].xml": b"", "a": b""}), "ooxml"),
        (samples.zip_archive({"a": b"", "[content_types].xml": b""}), "ooxml"),
        (samples.zip_archive({"META-INF/MANIFEST.MF": b""}), "jar"),
        (samples.zip_archive({"AndroidManifest.xml": b"", "META-INF/MANIFEST.MF": b""}), "apk"),
        (samples.zip_archive({"a.txt": b"[Content_Types].xml"}), "zip"),
        (
            samples.zip_archive({"mimetype": b"application/vnd.oasis.opendocument.text"}),
            "odf",
        ),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\x1f\x8b\x09\0", ""),
        (b"BZh91AY&SY", "bzip2"),
        (b"BZh9 is a text", ""),
        (b"\x5d\0\0\x80\0" + b"\xff" * 8 + b"\0", "lzma"),
        (b"\x5d\0\0\x80\0" + b"\xfe" * 8 + b"\0", ""),
        (b"\x50\x2a\x4d\x18", "zstd"),
        (b"\x60\xea\x29\0\x22\x0b\x01\x02\x10\0\x02", "arj"),
        (b"\x60\xea\x29\0\x22\x0b\x01\x02\x10\0\x09", ""),
        (b"\x1f\x9d\x90", "compress"),
        (b"\x19\x2d-lh5-", "lha"),
        (b"\x19\x2d-lh5 ", ""),
        (b"!<arch>\ndebian-binary", "deb"),
        (b"!<arch>\na.o", "ar"),
        (bytes(257) + b"ustar", "tar"),
        (_old_tar(), "tar"),
        (bytes(512), ""),
        (bytes(32_769) + b"CD001", "iso"),
        (_compound_file(), "ole"),
        (_compound_file(bytes.fromhex("0b0d020000000000c000000000000046")), "msg"),
        (_compound_file(names="__substg1.0_0037001F"), "msg"),
        (_compound_file(bytes.fromhex("84100c0000000000c000000000000046")), "msi"),
        (_OLE, "ole"),
        (_PE, "pe"),
        (b"MZ" + bytes(99), "dos"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "macho"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "java-class"),
        (b"RIFF\0\0\0\0WEBP", "webp"),
        (b"RIFF\0\0\0\0rmid", "riff"),
        (b"\0\0\x01\0\x01\0", "ico"),
        (b"\0\0\x01\0\0\0", ""),
        (b"BM" + bytes(12), "bmp"),
        (b"", ""),
        (b"hello", ""),
    ],
    ids=str,
)
def test_signatures_are_known_and_chance_is_not(octets: bytes, word: str) -> None:
    assert signed_word(octets) == word


@pytest.mark.parametrize(
    ("octets", "is_zip"),
    [
        (_ZIP, True),
        (b"GIF89a" + _ZIP, True),
        (_ZIP + b"PK\x05\x06 again", True),
        (_ZIP + bytes(66_000), False),
        (b"PK\x05\x06 in a text, and much behind it", False),
        (b"PK\x06\x07" + bytes(16) + b"PK\x05\x06" + b"\xff" * 18, True),
        (b"PK\x05\x06" * 100, True),  # so many only to hide the right one
        (b"", False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_zip_is_known_by_its_end(octets: bytes, is_zip: bool) -> None:
    assert ends_as_zip(octets) is is_zip


def test_an_archive_behind_a_program_is_found() -> None:
    assert behind_stub(_PE + bytes(9_000) + b"Rar!\x1a\x07\x01\0") == ("rar",)
    assert behind_stub(_PE + _ZIP) == ("zip",)
    assert behind_stub(_PE + bytes(1_048_576) + _ZIP) == ()


def test_a_zip_that_is_all_ends_takes_no_time() -> None:
    octets = b"PK\x03\x04" + b"PK\x05\x06" * 1_000_000
    before = time.process_time()
    signed_word(octets)
    ends_as_zip(octets)
    assert time.process_time() - before < 4


_STARTS = st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", _OLE, b"MZ", b"\x5d\0\0", b"\x60\xea"])


@given(st.lists(_STARTS | st.binary(max_size=30), max_size=8).map(b"".join))
def test_any_bytes_have_a_word_or_none(octets: bytes) -> None:
    assert isinstance(signed_word(octets), str)
    assert isinstance(ends_as_zip(octets), bool)


@pytest.mark.parametrize(
    ("octets", "word"),
    [
        (bytes.fromhex("308006092a864886f70d010702"), "pkcs7"),
        (bytes.fromhex("3082100006092a864886f70d010702"), "pkcs7"),
        (bytes.fromhex("30821000060b2a864886f70d0109100109"), "pkcs7"),
        (bytes.fromhex("3082100006092a864886f70d010703"), ""),  # enveloped
        (bytes.fromhex("30820100020103"), ""),
        (b"ActiveMime\0\0", "active-mime"),
        (b"\0\5\x16\0\0\2\0\0", "apple-single"),
        (b"\0\1a".ljust(122, b"\0") + b"\x81\x81".ljust(6, b"\0"), "mac-binary"),
        (b"\0\1a".ljust(128, b"\0"), ""),
        (b"ZOO 2.10 Archive.\x1a\0\0\xdc\xa7\xc4\xfd", "zoo"),
    ],
)
def test_what_mail_programs_and_old_machines_pack_is_known(octets: bytes, word: str) -> None:
    assert signed_word(octets) == word
