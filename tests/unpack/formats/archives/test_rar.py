import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Budget, OverLimitError, UnpackLimits
from mailwarden.unpack.formats.archives.rar import open_rar
from mailwarden.unpack.members import Entry, Member, Trait, UnreadableError, UnsupportedError
from support.native_archives import (
    FILE_COPY,
    RAR_AFTER,
    RAR_ENCRYPTED,
    RAR_NAMES_ENCRYPTED,
    RAR_VOLUME,
    Rarred,
    rar3,
    rar5,
    rar5_block,
    rar5_file,
    rar5_link,
)
from support.office import look, meter

TEXT = Rarred(b"a.txt", b"hello")
PROGRAM = Rarred(b"folder\\b.exe", b"MZ" * 500)


@pytest.mark.parametrize(
    "archive",
    [
        rar3(TEXT, PROGRAM),
        rar3(TEXT, PROGRAM, end=False),
        rar5(rar5_file(b"a.txt", b"hello"), rar5_file(b"folder/b.exe", b"MZ" * 500)),
    ],
    ids=["3", "3 without an end", "5"],
)
def test_what_was_put_in_comes_out_again(archive: bytes) -> None:
    found = look(open_rar, archive)
    assert found.names == ("a.txt", "folder/b.exe")
    assert [member.octets for member in found.members] == [b"hello", b"MZ" * 500]
    assert found.traits == frozenset()


def test_where_libarchive_ends_early_unar_unpacks_what_the_list_says() -> None:
    # libarchive takes a comment in a file's header for the beginning of the content.
    commented = Rarred(b"a.txt", b"hello", comment=True)
    found = look(open_rar, rar3(commented, PROGRAM))
    assert found.member("folder/b.exe").octets == PROGRAM.octets


def test_members_behind_a_password_are_encrypted_and_the_others_there() -> None:
    archive = rar3(Rarred(b"secret", b"?" * 16, RAR_ENCRYPTED), TEXT)
    shut, opened = look(open_rar, archive).members
    assert (shut.traits, shut.octets, shut.unopened) == ((Trait.ENCRYPTED,), None, "")
    assert (opened.octets, opened.traits) == (b"hello", ())


@pytest.mark.parametrize(
    "archive",
    [
        rar3(flags=RAR_NAMES_ENCRYPTED, end=False) + bytes(40),
        rar5(rar5_block(b"\x04\x00\x00\x00\x0f" + bytes(16)), end=False) + bytes(40),
    ],
    ids=["3", "5"],
)
def test_a_list_of_names_behind_a_password_is_encrypted(archive: bytes) -> None:
    assert look(open_rar, archive).traits == {Trait.ENCRYPTED}


def test_a_member_that_goes_on_in_another_volume_is_told() -> None:
    archive = rar3(TEXT, Rarred(b"b.exe", b"MZ", RAR_AFTER), flags=RAR_VOLUME)
    found = look(open_rar, archive)
    assert found.traits == {Trait.VOLUME}
    assert [member.octets for member in found.members] == [b"hello", None]
    assert found.members[1].unopened == "it begins or goes on in another volume"


def test_links_tell_where_they_lead_in_any_version() -> None:
    (third,) = look(open_rar, rar3(Rarred(b"l", b"../../x", mode=0o120777))).members
    fifth, copy = look(
        open_rar, rar5(rar5_link(b"l", b"../../x"), rar5_link(b"c", b"a.txt", FILE_COPY))
    ).members
    for link in (third, fifth):
        assert (link.entry, link.names, link.octets) == (Entry.LINK, ("l", "../../x"), None)
        assert link.traits == (Trait.LINK, Trait.PATH_TRAVERSAL)
    assert (copy.entry, copy.names) == (Entry.LINK, ("c", "a.txt"))


def test_a_member_whose_checksum_is_wrong_is_not_there() -> None:
    (member,) = look(open_rar, rar3(Rarred(b"a", b"hello", checksum=1))).members
    assert (member.octets, member.unopened) == (None, "neither libarchive nor unar can unpack it")


@pytest.mark.parametrize(
    "archive",
    [
        rar5(rar5_file(b"a.txt", b"hello"), end=False),
        rar5(rar5_block(b"\x42\x00"), rar5_file(b"a.txt", b"hello")),
        rar5(rar5_file(b"a.txt", b"hello"))[:-12],
        rar3(TEXT, PROGRAM)[:-1010],
    ],
    ids=["no end", "unknown block", "cut in the content", "cut in a header"],
)
def test_a_list_without_its_proper_end_is_unreadable_after_what_came_out(archive: bytes) -> None:
    with pytest.raises(UnreadableError):
        look(open_rar, archive)


def test_what_came_out_of_a_broken_archive_counts() -> None:
    found = open_rar(rar3(TEXT, PROGRAM)[:-1010], meter())
    member = next(found)
    assert isinstance(member, Member)
    assert member.octets == b"hello"


def test_members_and_bytes_count() -> None:
    for limits in (
        UnpackLimits(bytes_produced=10**6, files=1, depth=5, ratio=100, seconds=60.0),
        UnpackLimits(bytes_produced=999, files=5, depth=5, ratio=100, seconds=60.0),
    ):
        with pytest.raises(OverLimitError):
            list(open_rar(rar3(TEXT, PROGRAM), Budget(limits, lambda: 0.0).meter(1000)))


@given(st.binary(max_size=60))
def test_any_bytes_give_members_or_a_named_error(octets: bytes) -> None:
    with contextlib.suppress(UnreadableError, UnsupportedError):
        list(open_rar(octets, meter()))
