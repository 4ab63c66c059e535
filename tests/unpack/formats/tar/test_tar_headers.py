import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.tar.tar_headers import (
    decimal,
    header_at,
    next_header,
    number,
    pax_records,
)
from mailwarden.unpack.members import UnreadableError
from support.archives import pax_header, tar_header, with_tar_checksum


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"00000000012\0", 10),
        (b"         12 ", 10),
        (b"12\0garbage\0\0", 10),
        (b"\0\0\0\0\x00000012\0", 0),
        (bytes(12), 0),
        (b"\x80" + bytes(10) + b"\x0a", 10),
        (b"\x81" + bytes(11), 1 << 88),
        (b"\xff" * 12, None),
        (b"00000000018\0", None),
        (b"-1\0", None),
    ],
)
def test_numbers_are_octal_or_base_256(field: bytes, value: int | None) -> None:
    assert number(field) == value


@pytest.mark.parametrize(
    ("digits", "value"),
    [(b"10", 10), (b"", None), (b"-1", None), (b"1_0", None), (b"9" * 21, None)],
)
def test_decimal_numbers_are_digits_and_not_too_many(digits: bytes, value: int | None) -> None:
    assert decimal(digits) == value


def test_a_header_has_the_checksum_of_either_kind() -> None:
    block = bytearray(tar_header(b"\xff\xfe"))
    assert header_at(bytes(block), 0) is not None
    unsigned = int(block[148:154], 8)
    block[148:154] = b"%06o" % (unsigned - 2 * 256)
    assert header_at(bytes(block), 0) is not None
    block[148:154] = b"%06o" % (unsigned - 1)
    assert header_at(bytes(block), 0) is None


def test_a_header_with_a_negative_size_is_none() -> None:
    block = bytearray(tar_header(b"a"))
    block[124:136] = b"\xff" * 12
    assert header_at(with_tar_checksum(bytes(block)), 0) is None


def test_the_next_header_stands_at_the_start_of_a_block() -> None:
    header = tar_header(b"a")
    assert next_header(b"ustar" + bytes(507) + header, 0) == 512
    assert next_header(b"-" + header + bytes(511), 0) == 1024


def test_records_have_lengths_and_may_hold_line_ends() -> None:
    content = pax_header((b"path", b"a\nb=c"), (b"size", b"1"))[512:]
    assert list(pax_records(content)) == [(b"path", b"a\nb=c"), (b"size", b"1")]


@given(st.binary(max_size=300))
def test_any_bytes_are_records_or_unreadable(octets: bytes) -> None:
    try:
        list(pax_records(octets))
    except UnreadableError:
        return


@given(st.binary(min_size=1, max_size=12))
def test_any_bytes_are_a_number_or_none(field: bytes) -> None:
    value = number(field)
    assert value is None or value >= 0
