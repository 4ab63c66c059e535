"""Mail inside something, as the reader of mail itself reads it."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Limit, OverLimitError
from mailwarden.unpack.formats.mail.mail import open_mail
from mailwarden.unpack.members import Trait
from support import samples
from support.office import look, meter
from support.opening import LIMITS, opened

PIECES = [
    b"\n", b"\r", b"\0", b"--b", b"--b--", b"\n\n", b"x", b"Content-Type: ", b"message/rfc822",
    b"Content-Type: multipart/mixed; boundary=b\n\n", b"Content-Transfer-Encoding: base64\n",
]  # fmt: skip


def test_every_leaf_is_a_member_under_its_name_or_its_path() -> None:
    found = look(open_mail, samples.with_attachment(b"a.exe", b"MZ", b"application/x-exe"))
    assert [(member.names, member.media_type) for member in found.members[-1:]] == [
        (("a.exe",), "application/x-exe")
    ]
    assert found.member("a.exe").octets == b"MZ"
    assert found.member("1").octets == b"The file is attached."
    assert found.traits == frozenset()


def test_a_mail_that_readers_take_differently_is_ambiguous() -> None:
    assert look(open_mail, samples.cr_in_header()).traits == {Trait.AMBIGUOUS}


def test_returned_mail_that_is_cut_off_before_its_first_part_is_not() -> None:
    message = b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\nThis is a multi-part mess"
    assert look(open_mail, message).traits == frozenset()


def test_a_file_of_another_type_that_only_its_name_calls_a_mail_is_not() -> None:
    apple_double = b"\0\x05\x16\x07\0\x02\0\0Mac OS X\n" + samples.with_attachment(b"a", b"MZ")
    found = look(open_mail, apple_double)
    assert found.traits == frozenset()
    assert b"MZ" in [member.octets for member in found.members]


def test_a_mail_that_begins_with_a_byte_order_mark_is_not_taken_for_one_that_holds_itself() -> None:
    message = b"\xef\xbb\xbfFrom: a@b.example\nMIME-Version: 1.0\n\nhello"
    assert [member.octets for member in look(open_mail, message).members] == [b"hello"]


def test_members_and_bytes_count() -> None:
    message = samples.with_attachment(b"a", b"MZ")
    for limits in (replace(LIMITS, files=1), replace(LIMITS, bytes_produced=1)):
        assert isinstance(opened(open_mail, message, limits).error, OverLimitError)


def test_a_mail_that_is_not_wholly_taken_apart_is_over_the_limit_behind_what_was_found() -> None:
    outcome = opened(open_mail, samples.nested(60))
    assert isinstance(outcome.error, OverLimitError)
    assert outcome.error.limit is Limit.MAIL
    assert outcome.members


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join) | st.binary())
def test_any_bytes_are_a_mail(octets: bytes) -> None:
    with suppress(OverLimitError):
        assert all(member.octets is not None for member in look(open_mail, octets).members)


def test_an_empty_mail_holds_one_empty_text() -> None:
    (member,) = look(open_mail, b"").members
    assert member.octets == b""
    assert not list(open_mail(b"", meter()))[1:]


@pytest.mark.parametrize("levels", [1, 5])
def test_a_mail_in_a_mail_is_read_as_deep_as_it_goes(levels: int) -> None:
    top = b"Content-Type: message/rfc822\n\n"
    (member,) = look(open_mail, top * levels + samples.clean(body=b"hello")).members
    assert member.octets == b"hello"


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"1234\n", b"1234 \r\n"])
def test_what_programs_write_before_a_mail_does_not_count(mark: bytes) -> None:
    found = look(open_mail, mark + samples.with_attachment(b"a.exe", b"MZ"))
    assert found.member("a.exe").octets == b"MZ"
    assert found.traits == frozenset()


def test_a_mail_whose_file_readers_decode_differently_is_ambiguous() -> None:
    message = samples.with_attachment(b"a.txt", b"hello").replace(b"aGVs", b"aG=Vs")
    assert look(open_mail, message).traits == {Trait.AMBIGUOUS}
