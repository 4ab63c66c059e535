"""Multiparts in which the reader found no parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.file_types import formats_of
from mailwarden.unpack.formats.mail.multipart import open_multipart
from mailwarden.unpack.members import UnreadableError
from support.opening import opened


def test_it_has_parts_for_each_line_that_could_be_a_boundary() -> None:
    body = b'--a"b\nContent-Type: a/b\n\nx\n--a"b--\n--\n--c  \n\ny\n'
    assert "multipart" in formats_of(body, (), "multipart/mixed")
    found = {(member.media_type, member.octets) for member in opened(open_multipart, body).members}
    assert {("a/b", b"x"), ("text/plain", b"y\n")} <= found


@pytest.mark.parametrize("body", [b"", b"hello\n", b"--\n"])
def test_a_text_without_such_a_line_is_none(body: bytes) -> None:
    assert isinstance(opened(open_multipart, body).error, UnreadableError)


@given(
    st.binary() | st.lists(st.sampled_from([b"--", b"\n", b"a", b'"', b"\\", b" "])).map(b"".join)
)
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    error = opened(open_multipart, octets).error
    assert error is None or isinstance(error, UnreadableError | OverLimitError)


def test_it_does_not_yield_itself_so_that_it_is_not_opened_again() -> None:
    for body in (b"--b--\n", b"--b\n--b--", b"\n--b \r\nx", b"-- \n--\t-\n", b"--b\nX : y\n\n"):
        assert body not in [member.octets for member in opened(open_multipart, body).members]
