import lzma
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.zip.zip_archive import open_zip
from mailwarden.unpack.members import Trait
from support.archives import Zipped, zip_of
from support.opening import opened

CONTENT = b"the same again and again, " * 8
LZMA, XZ, ZSTD, PPMD = 14, 95, 93, 98
WINDOW_BYTES = 65_536


def packed_member(method: int, packed: bytes) -> Zipped:
    return Zipped(b"a", packed, zlib.crc32(CONTENT), len(CONTENT), len(packed), method)


def zip_lzma(window_bytes: int = WINDOW_BYTES) -> bytes:
    """LZMA as in APPNOTE 5.8, with lc=3, lp=0, pb=2 and an end mark."""
    coder = {"id": lzma.FILTER_LZMA1, "dict_size": WINDOW_BYTES, "lc": 3, "lp": 0, "pb": 2}
    properties = b"\x5d" + window_bytes.to_bytes(4, "little")
    stream = lzma.compress(CONTENT, lzma.FORMAT_RAW, filters=[coder])
    return b"\x09\x14" + len(properties).to_bytes(2, "little") + properties + stream


def zstd_frame() -> bytes:
    """A frame of one block that is not compressed (RFC 8878 sections 3.1.1.1 and 3.1.1.2)."""
    block_head = (len(CONTENT) << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(CONTENT)]) + block_head + CONTENT


@pytest.mark.parametrize(
    ("method", "packed"),
    [
        (LZMA, zip_lzma()),
        (LZMA, zip_lzma(window_bytes=0)),
        (LZMA, zip_lzma(window_bytes=0xFFFF_FFFF)),
        (XZ, lzma.compress(CONTENT)),
        (ZSTD, zstd_frame()),
    ],
)
def test_a_method_of_later_years_is_opened(method: int, packed: bytes) -> None:
    outcome = opened(open_zip, zip_of(packed_member(method, packed)))
    assert outcome.octets == {"a": CONTENT}
    assert outcome.is_clean


def test_lzma_without_its_end_mark_ends_at_the_announced_size() -> None:
    outcome = opened(open_zip, zip_of(packed_member(LZMA, zip_lzma()[:-5])))
    assert outcome.octets == {"a": CONTENT}
    assert outcome.is_clean


def test_lzma_that_ends_before_the_announced_size_is_not_all() -> None:
    outcome = opened(open_zip, zip_of(packed_member(LZMA, zip_lzma()[:-12])))
    assert not outcome.is_clean


@pytest.mark.parametrize("method", [1, 9, LZMA, XZ, ZSTD, PPMD, 97])
def test_what_cannot_be_unpacked_is_said(method: int) -> None:
    packed = b"\xff" * 100
    outcome = opened(open_zip, zip_of(packed_member(method, packed)))
    assert len(outcome.members) == 1
    assert outcome.members[0].unopened


def test_lzma_properties_that_do_not_exist_are_no_known_method() -> None:
    packed = bytearray(zip_lzma())
    packed[4] = 0xE1
    outcome = opened(open_zip, zip_of(packed_member(LZMA, bytes(packed))))
    assert outcome.members[0].unopened == "method 14 is not known"


def test_numbers_that_need_zip64_reach_libarchive_as_the_most_it_takes() -> None:
    member = replace(packed_member(ZSTD, zstd_frame()), size_bytes=0xFFFF_FFFE)
    assert not opened(open_zip, zip_of(member)).is_clean


@given(st.integers(0, 99), st.binary(max_size=100), st.integers(0, 2**32 - 1))
def test_any_bytes_of_any_method_are_unpacked_or_it_is_said_why_not(
    method: int, packed: bytes, size_bytes: int
) -> None:
    member = replace(packed_member(method, packed), size_bytes=size_bytes)
    for one in opened(open_zip, zip_of(member)).members:
        assert one.unopened or one.octets is not None or Trait.ENCRYPTED in one.traits
