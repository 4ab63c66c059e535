import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.zip_listing import (
    SIGNATURES,
    Member,
    TooManyMembersError,
    UnreadableError,
    list_zip,
)
from support import samples


def test_members_are_listed_with_names_and_sizes() -> None:
    archive = samples.zip_archive({"a.txt": b"hello", "folder/b.exe": b""})
    assert archive.startswith(SIGNATURES)
    assert list_zip(archive, 2) == (
        Member(("a.txt",), 5, is_encrypted=False),
        Member(("folder/b.exe",), 0, is_encrypted=False),
    )


def test_an_empty_archive_is_readable() -> None:
    archive = samples.zip_archive({})
    assert archive.startswith(SIGNATURES)
    assert list_zip(archive, 0) == ()


def test_encryption_is_seen_in_the_flags() -> None:
    assert list_zip(samples.encrypted_zip_archive(), 1)[0].is_encrypted


def test_a_name_with_nul_is_listed_as_both_programs_see_it() -> None:
    archive = samples.zip_archive({"a.exe_.txt": b""}).replace(b"a.exe_", b"a.exe\0")
    assert list_zip(archive, 1)[0].names == ("a.exe", "a.exe\0.txt")


def test_too_many_members_are_refused_before_they_are_listed() -> None:
    archive = samples.zip_archive({f"{number}.txt": b"" for number in range(11)})
    with pytest.raises(TooManyMembersError):
        list_zip(archive, 10)
    assert len(list_zip(archive, 11)) == 11


def test_a_directory_that_announces_fewer_members_than_it_holds_is_counted() -> None:
    archive = bytearray(samples.zip_archive({f"{number}.txt": b"" for number in range(11)}))
    end = archive.rindex(b"PK\x05\x06")
    archive[end + 8 : end + 12] = b"\x01\x00\x01\x00"
    with pytest.raises(TooManyMembersError):
        list_zip(bytes(archive), 10)


def test_a_hundred_thousand_members_are_refused_at_once() -> None:
    archive = b"PK\x01\x02" + b"\0" * 42
    before = time.process_time()
    with pytest.raises(TooManyMembersError):
        list_zip(archive * 100_000, 10_000)
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"PK\x03\x04",
        b"no archive at all",
        b"PK\x05\x06" + b"\xff" * 18,
    ],
)
def test_what_is_no_archive_is_unreadable(octets: bytes) -> None:
    with pytest.raises(UnreadableError):
        list_zip(octets, 10)


def test_members_that_the_directory_does_not_name_make_the_archive_unreadable() -> None:
    archive = samples.zip_archive({"a.exe": b"hello"})
    with pytest.raises(UnreadableError):
        list_zip(archive[: archive.index(b"PK\x01\x02")] + samples.zip_archive({}), 10)


def test_every_cut_of_an_archive_is_unreadable() -> None:
    archive = samples.zip_archive({"a.txt": b"hello" * 10})
    for end in range(len(archive)):
        with pytest.raises(UnreadableError):
            list_zip(archive[:end], 10)


def test_a_name_that_is_not_the_utf_8_it_says_makes_the_archive_unreadable() -> None:
    archive = samples.zip_archive({"\xe4.txt": b""}).replace("\xe4".encode(), b"\xff\xff")
    with pytest.raises(UnreadableError):
        list_zip(archive, 10)


ARCHIVE = samples.zip_archive({"a.txt": b"hello", "b\xe4.exe": b"x"})


@given(st.lists(st.tuples(st.integers(0, len(ARCHIVE) - 1), st.integers(0, 255)), max_size=8))
def test_an_archive_with_changed_bytes_is_listed_or_unreadable(
    changes: list[tuple[int, int]],
) -> None:
    archive = bytearray(ARCHIVE)
    for place, value in changes:
        archive[place] = value
    try:
        list_zip(bytes(archive), 10)
    except UnreadableError:
        return
