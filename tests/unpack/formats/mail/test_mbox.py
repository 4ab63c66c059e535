"""Folders of mails in one file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.mail.mbox import open_mbox
from mailwarden.unpack.members import UnreadableError
from support.opening import opened

FIRST, SECOND = b"Subject: a\n\nx\n\n", b"Subject: b\n\ny\n"


@pytest.mark.parametrize("line", [b"From a\n", b">From a\n", b"From a b\r\n"])
def test_every_mail_is_one_of_its_own(line: bytes) -> None:
    outcome = opened(open_mbox, line + FIRST + b"From b\n" + SECOND)
    assert [(member.octets, member.media_type) for member in outcome.members] == [
        (FIRST, "message/rfc822"),
        (SECOND, "message/rfc822"),
    ]


@pytest.mark.parametrize("octets", [b"", FIRST, b"x\n>From a\n"])
def test_a_file_without_a_line_between_mails_is_none(octets: bytes) -> None:
    assert isinstance(opened(open_mbox, octets).error, UnreadableError)


@given(st.lists(st.sampled_from([b"From ", b"\n", b"x", b"From a\n", b"\r"]) | st.binary()))
def test_any_bytes_give_pieces_of_them_or_the_named_error(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)
    outcome = opened(open_mbox, octets)
    assert all(member.octets in octets for member in outcome.members if member.octets is not None)
    assert outcome.error is None or isinstance(outcome.error, UnreadableError)
