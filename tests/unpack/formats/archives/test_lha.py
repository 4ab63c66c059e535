from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.archives.lha import open_lha
from mailwarden.unpack.members import UnreadableError, UnsupportedError
from support.native_archives import lha, lz5
from support.office import look

TEXT = b"MZ hello " * 20


def test_what_was_put_in_comes_out_again() -> None:
    (member,) = look(open_lha, lha(b"a.exe", TEXT)).members
    assert (member.names, member.octets, member.unopened) == (("a.exe",), TEXT, "")


def test_a_method_that_libarchive_does_not_know_is_unpacked_by_unar() -> None:
    (member,) = look(open_lha, lha(b"a.exe", TEXT, b"-lz5-", lz5(TEXT))).members
    assert (member.names, member.octets, member.unopened) == (("a.exe",), TEXT, "")


def test_an_archive_that_is_cut_is_never_all_there() -> None:
    try:
        (member,) = look(open_lha, lha(b"a.exe", TEXT)[:-50]).members
    except UnreadableError:
        return
    assert member.unopened


def test_something_else_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        look(open_lha, b"plain text")


# What is damaged goes to unar, which takes a tenth of a second to start.
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 60), st.binary(max_size=20))
def test_any_damage_gives_members_or_a_named_error(offset: int, change: bytes) -> None:
    archive = lha(b"a.exe", TEXT)
    damaged = archive[:offset] + change + archive[offset + len(change) :]
    with suppress(UnreadableError, UnsupportedError, OverLimitError):
        look(open_lha, damaged)
