import contextlib
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.archives.seven_zip import open_7z
from mailwarden.unpack.members import Member, Trait, UnreadableError, UnsupportedError
from support.native_archives import (
    AES,
    COPY,
    X86,
    ZSTD,
    seven_zip,
    seven_zip_with_encrypted_names,
    written,
)
from support.office import look, meter

MEMBERS = {"a.txt": b"hello", "folder/żółw.exe": b"MZ" * 3000}


@pytest.mark.parametrize("archive", [written("7zip", MEMBERS), seven_zip(MEMBERS)])
def test_what_was_put_in_comes_out_again(archive: bytes) -> None:
    members = look(open_7z, archive).members
    assert {member.names[0]: member.octets for member in members} == MEMBERS


def test_members_behind_a_password_are_encrypted_and_neither_broken_nor_clean() -> None:
    found = look(open_7z, seven_zip(MEMBERS, AES, AES))
    assert [(member.traits, member.octets, member.unopened) for member in found.members] == [
        ((Trait.ENCRYPTED,), None, "")
    ] * 2
    assert [member.size_bytes for member in found.members] == [5, 6000]


def test_a_list_of_names_behind_a_password_is_encrypted() -> None:
    assert look(open_7z, seven_zip_with_encrypted_names()).traits == {Trait.ENCRYPTED}


def test_an_archive_partly_behind_a_password_gives_the_other_part() -> None:
    names = ("open.txt", "shut.txt", "open.exe")
    archive = seven_zip(dict.fromkeys(names, b"text"), COPY, AES, COPY)
    members = look(open_7z, archive).members
    assert [(member.names, member.octets, member.traits) for member in members] == [
        (("open.txt",), b"text", ()),
        (("shut.txt",), None, (Trait.ENCRYPTED,)),
        (("open.exe",), b"text", ()),
    ]


def test_a_method_that_only_unar_knows_is_unpacked_by_unar() -> None:
    (member,) = look(open_7z, seven_zip({"a.txt": b"harmless"}, X86)).members
    assert (member.octets, member.unopened) == (b"harmless", "")


def test_a_method_that_nobody_knows_is_unsupported_with_all_names() -> None:
    found = open_7z(seven_zip(MEMBERS, ZSTD, ZSTD), meter())
    names = [member.names[0] for member in islice(found, 2) if isinstance(member, Member)]
    assert names == list(MEMBERS)
    with pytest.raises(UnsupportedError):
        next(found)


@pytest.mark.parametrize("lost_bytes", [1, 50, 3000])
def test_an_archive_that_is_cut_is_unreadable(lost_bytes: int) -> None:
    with pytest.raises(UnreadableError):
        look(open_7z, seven_zip(MEMBERS)[:-lost_bytes])


@given(st.binary(max_size=300))
def test_any_bytes_give_members_or_a_named_error(octets: bytes) -> None:
    for signature in (b"", b"7z\xbc\xaf\x27\x1c\x00\x04"):
        with contextlib.suppress(UnreadableError, UnsupportedError):
            assert any(
                isinstance(item, Member | Trait) for item in open_7z(signature + octets, meter())
            )
