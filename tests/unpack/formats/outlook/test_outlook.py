"""Outlook messages."""

from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.office.ole import open_ole
from support.office import compound_file, look

ATTACHMENT = "__attach_version1.0_#00000000/"
ATTACHED_MESSAGE = f"{ATTACHMENT}__substg1.0_3701000D/"


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def test_an_attachment_has_all_its_names_and_its_media_type() -> None:
    message = compound_file(
        {
            f"{ATTACHMENT}__substg1.0_37010102": b"MZ",
            f"{ATTACHMENT}__substg1.0_3707001F": wide("rechnung.exe"),
            f"{ATTACHMENT}__substg1.0_3704001E": b"RECHNU~1.EXE",
            f"{ATTACHMENT}__substg1.0_3001001F": wide("rechnung.pdf"),
            f"{ATTACHMENT}__substg1.0_370E001F": wide("Application/X-Exe"),
        }
    )
    (member,) = look(open_ole, message).members
    assert member.names == ("rechnung.exe", "RECHNU~1.EXE", "rechnung.pdf")
    assert (member.octets, member.media_type) == (b"MZ", "application/x-exe")


def test_an_attachment_without_names_is_named_by_its_storage() -> None:
    message = compound_file({f"{ATTACHMENT}__substg1.0_37010102": b"MZ"})
    assert look(open_ole, message).names == (ATTACHMENT.rstrip("/"),)


def test_what_is_attached_to_an_attached_message_is_found() -> None:
    message = compound_file({f"{ATTACHED_MESSAGE}{ATTACHMENT}__substg1.0_37010102": b"MZ"})
    assert look(open_ole, message).members[0].octets == b"MZ"


def test_bodies_are_members() -> None:
    message = compound_file(
        {
            "__substg1.0_1000001F": wide("grün"),
            "__substg1.0_10130102": b"<p>",
            f"{ATTACHED_MESSAGE}__substg1.0_1000001E": b"inside",
            "__nameid_version1.0/__substg1.0_10090102": b"no body",
        }
    )
    bodies = {member.octets for member in look(open_ole, message).members}
    assert bodies == {"grün".encode(), b"<p>", b"inside"}


def test_a_body_that_cannot_be_unpacked_says_so() -> None:
    (member,) = look(open_ole, compound_file({"__substg1.0_10090102": b"x" * 20})).members
    assert (member.octets, member.unopened) == (None, "RTF compressed in an unknown way")


NUMBERS = ["3701", "3707", "3704", "3001", "370e", "1000", "1009", "1013"]
STREAMS = st.dictionaries(
    st.builds(
        "{}__substg1.0_{}{}".format,
        st.sampled_from(["", ATTACHMENT, ATTACHED_MESSAGE, ATTACHED_MESSAGE + ATTACHMENT]),
        st.sampled_from(NUMBERS),
        st.sampled_from(["001f", "001e", "0102", "000d"]),
    ),
    st.binary(max_size=40),
    max_size=8,
)


@given(STREAMS)
def test_any_properties_are_members_that_are_there_or_say_why_not(
    streams: dict[str, bytes],
) -> None:
    for member in look(open_ole, compound_file(streams)).members:
        assert (member.octets is None) == bool(member.unopened)
