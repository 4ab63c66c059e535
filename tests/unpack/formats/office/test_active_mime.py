"""The macros of Word documents that are one page."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.office.active_mime import open_active_mime
from mailwarden.unpack.members import UnreadableError
from support.opening import opened

HEAD = b"ActiveMime\0\0\x01\xf0".ljust(0x32, b"\0")


@pytest.mark.parametrize("head", [HEAD, HEAD + bytes(12), HEAD.replace(b"\xf0", b"\x78")])
def test_what_is_packed_is_found_wherever_it_begins(head: bytes) -> None:
    (member,) = opened(open_active_mime, head + zlib.compress(b"project" * 99)).members
    assert (member.octets, member.unopened) == (b"project" * 99, "")


def test_what_ends_early_is_said_to() -> None:
    packed = zlib.compress(bytes(range(256)) * 9)
    (member,) = opened(open_active_mime, HEAD + packed[:-20]).members
    assert member.unopened


def test_without_anything_packed_it_is_unreadable() -> None:
    for octets in (b"", b"x", HEAD, HEAD + b"\x78\x9c\xff\xff"):
        assert isinstance(opened(open_active_mime, octets).error, UnreadableError)


@given(st.binary().map(HEAD.__add__) | st.binary())
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    error = opened(open_active_mime, octets).error
    assert error is None or isinstance(error, UnreadableError | OverLimitError)
