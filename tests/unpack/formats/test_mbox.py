from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.mbox import open_mbox
from support.office import look

FIRST, SECOND = b"Subject: a\n\nx\n\n", b"Subject: b\n\ny\n"


def test_the_whole_is_one_mail_and_every_mail_behind_the_first_is_another() -> None:
    found = look(open_mbox, b"From a\n" + FIRST + b"From b\n" + SECOND)
    assert [member.octets for member in found.members] == [FIRST + b"From b\n" + SECOND, SECOND]


def test_a_file_without_a_line_between_mails_is_one_mail() -> None:
    for octets in (b"", FIRST, b"From a\n" + FIRST):
        (member,) = look(open_mbox, octets).members
        assert member.octets == octets.removeprefix(b"From a\n")


@given(st.lists(st.sampled_from([b"From ", b"\n", b"x", b"From a\n", b"\r"]) | st.binary()))
def test_any_bytes_are_a_folder_of_mails(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)
    for member in look(open_mbox, octets).members:
        assert member.octets is not None
        assert member.octets in octets
