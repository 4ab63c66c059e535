import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.zip.zip_headers import (
    central_header,
    end_records,
    find_data_start,
    is_plausible,
    local_header,
)
from support.archives import DESCRIPTOR_FLAG, Zipped, stored, zip_end

MEMBER = stored(b"a.txt", b"hello")


def test_a_local_header_says_where_its_data_begins() -> None:
    header = local_header(b"-" + MEMBER.local + b"hello", 1)
    assert header is not None
    assert header.data_start == find_data_start(b"-" + MEMBER.local, 1) == 36
    assert (header.account.name, header.account.size_bytes) == (b"a.txt", 5)


def test_sizes_that_follow_the_data_are_open() -> None:
    header = local_header(Zipped(b"a", b"", flags=DESCRIPTOR_FLAG).local, 0)
    assert header is not None
    account = header.account
    assert (account.checksum, account.packed_bytes, account.size_bytes) == (None, None, None)


@pytest.mark.parametrize("missing", range(1, 40))
def test_a_header_that_is_cut_is_none(missing: int) -> None:
    assert local_header(MEMBER.local[:-missing], 0) is None
    assert central_header(MEMBER.central(0)[:-missing], 0) is None
    assert end_records(zip_end(1, 2, 3)[: -min(missing, 22)], 0) == ()


def test_an_entry_of_the_directory_says_where_the_next_one_begins() -> None:
    header = central_header(MEMBER.central(7), 0)
    assert header is not None
    assert (header.local_offset, header.end) == (7, len(MEMBER.central(7)))


def test_zip64_fields_that_are_missing_leave_the_number_open() -> None:
    header = central_header(Zipped(b"a", b"", size_bytes=0xFFFF_FFFF).central(0xFFFF_FFFF), 0)
    assert header is not None
    assert (header.account.size_bytes, header.local_offset) == (None, 0xFFFF_FFFF)


def test_end_records_of_zip64_are_read_where_the_locator_says_and_before_it() -> None:
    def end_64(entries: int) -> bytes:
        numbers = (0, entries, entries, 10, 20)
        head = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(4)
        return head + b"".join(number.to_bytes(8, "little") for number in numbers)

    locator = b"PK\x06\x07" + bytes(4) + bytes(8) + bytes(4)
    archive = end_64(1) + end_64(2) + locator + zip_end(3, 30, 40)
    found = end_records(archive, len(archive) - 22)
    assert [(record.entries, record.directory_bytes) for record in found] == [
        (1, 10),
        (2, 10),
        (3, 30),
    ]


def test_a_bare_signature_is_not_plausible() -> None:
    assert is_plausible(MEMBER.local, 0)
    assert not is_plausible(b"PK\x03\x04PK\x05\x06PK\x01\x02" + bytes(40), 0)
    assert not is_plausible(b"PK\x03\x04" + bytes(40), 0)


@given(st.sampled_from([b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"]), st.binary(max_size=200))
def test_any_bytes_give_a_header_or_none(signature: bytes, octets: bytes) -> None:
    local_header(signature + octets, 0)
    central_header(signature + octets, 0)
    end_records(signature + octets, 0)
    find_data_start(signature + octets, 0)
    is_plausible(signature + octets, 0)
