import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.archives.cab import open_cab
from mailwarden.unpack.members import Trait, UnreadableError, UnsupportedError
from support.native_archives import NEXT, PREVIOUS, QUANTUM, cabinet
from support.office import look, meter

MEMBERS = {b"a.txt": b"hello", b"folder\\b.exe": b"MZ" * 500}


def test_what_was_put_in_comes_out_again() -> None:
    found = look(open_cab, cabinet(MEMBERS))
    assert found.names == ("a.txt", "folder/b.exe")
    assert [member.octets for member in found.members] == list(MEMBERS.values())
    assert found.traits == frozenset()


@pytest.mark.parametrize("flags", [PREVIOUS, NEXT, PREVIOUS | NEXT])
def test_a_cabinet_of_a_set_is_a_volume(flags: int) -> None:
    assert look(open_cab, cabinet(MEMBERS, flags=flags)).traits == {Trait.VOLUME}


def test_the_method_that_libarchive_does_not_know_is_unpacked_by_unar() -> None:
    members = look(open_cab, cabinet({b"a.txt": b"hello"}, QUANTUM)).members
    assert [(member.names, member.size_bytes) for member in members] == [(("a.txt",), 5)]


def test_a_cabinet_with_fewer_files_than_announced_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        look(open_cab, cabinet(MEMBERS, announced=3))


@pytest.mark.parametrize("lost_bytes", [1, 600, 1010])
def test_a_cabinet_that_is_cut_is_unreadable_whatever_unar_makes_up(lost_bytes: int) -> None:
    with pytest.raises(UnreadableError):
        look(open_cab, cabinet(MEMBERS)[:-lost_bytes])


def test_a_name_that_leads_out_is_a_traversal() -> None:
    (member,) = look(open_cab, cabinet({b"..\\..\\x.exe": b"x"})).members
    assert member.traits == (Trait.PATH_TRAVERSAL,)


def test_something_else_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="it is not a cabinet"):
        look(open_cab, b"plain text that is longer than a header")


@given(st.binary(max_size=30))
def test_any_bytes_give_members_or_a_named_error(octets: bytes) -> None:
    for start in (b"", b"MSCF"):
        with contextlib.suppress(UnreadableError, UnsupportedError):
            list(open_cab(start + octets, meter()))
