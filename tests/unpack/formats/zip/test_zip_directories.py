import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Budget, UnpackLimits
from mailwarden.unpack.formats.zip.zip_directories import Directories, read_directories
from support.archives import many_members_zip, stored, zip_end, zip_of
from support.opening import LIMITS

ONE = zip_of(stored(b"a", b"1"))
TWO = zip_of(stored(b"b", b"2"), stored(b"c", b"3"))


def directories(octets: bytes, limits: UnpackLimits = LIMITS) -> Directories:
    return read_directories(octets, Budget(limits, time.monotonic).meter(len(octets)))


def named(found: Directories) -> list[tuple[bytes, int]]:
    return [(one.header.account.name, one.start) for one in found.named]


def test_members_are_named_with_the_places_of_their_headers() -> None:
    found = directories(TWO)
    assert named(found) == [(b"b", 0), (b"c", 32)]
    assert (found.are_all, found.are_several, found.disagree) == (True, False, False)


@pytest.mark.parametrize("shift", [0, 7])
def test_octets_in_front_move_the_places_unless_offsets_count_them(shift: int) -> None:
    found = directories(b"1234567" + zip_of(stored(b"a", b"1"), shift=shift))
    assert named(found) == [(b"a", 7)]
    assert found.disagree is False


def test_an_end_record_in_the_data_of_a_member_is_that_members() -> None:
    found = directories(zip_of(stored(b"inner.zip", TWO)))
    assert [name for name, _ in named(found)] == [b"inner.zip"]
    assert found.are_several is False


def test_end_records_that_mean_the_same_directory_are_one() -> None:
    found = directories(ONE + zip_end(1, 47, 32) * 50)
    assert named(found) == [(b"a", 0)]
    assert found.are_several is False


def test_an_end_record_that_is_right_twice_names_both_directories() -> None:
    # The offset counts from the front, where another directory lies; the size counts back.
    found = directories(ONE + ONE.replace(b"a", b"z"))
    assert sorted(named(found)) == [(b"a", 0), (b"z", 101)]
    assert (found.are_several, found.disagree) == (True, True)


def test_the_limit_of_files_ends_the_reading_and_keeps_what_was_read() -> None:
    found = directories(many_members_zip(5_000))
    assert len(found.named) == 1_000
    assert found.over_limit is not None


def test_no_end_record_is_no_directory() -> None:
    assert directories(b"PK\x03\x04").are_all is False


@given(st.binary(max_size=100), st.integers(0, 0xFFFF), st.integers(0, 300), st.integers(0, 300))
def test_any_end_record_is_survived(octets: bytes, count: int, size: int, offset: int) -> None:
    directories(octets + TWO + octets + zip_end(count, size, offset))
