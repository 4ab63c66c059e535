"""TNEF streams of our own making, attribute by attribute ([MS-OXTNEF])."""

import contextlib
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Budget, OverLimitError, UnpackLimits
from mailwarden.unpack.formats.archives.first_whole import attempt
from mailwarden.unpack.formats.outlook.tnef import SIGNATURE, open_tnef
from mailwarden.unpack.members import Member, UnreadableError
from support.office import look, meter

MESSAGE, ATTACHMENT = 1, 2
RENDERING, TITLE, DATA, PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
MESSAGE_PROPERTIES, BODY = 0x00069003, 0x0002800C
TEXT, WIDE, BINARY, OBJECT = 0x001E, 0x001F, 0x0102, 0x000D
LONG_NAME, SHORT_NAME, SHOWN_NAME, CONTENT, MEDIA_TYPE = 0x3707, 0x3704, 0x3001, 0x3701, 0x370E


def attribute(level: int, number: int, content: bytes, checksum: int | None = None) -> bytes:
    total = sum(content) & 0xFFFF if checksum is None else checksum
    return pack("<BII", level, number, len(content)) + content + pack("<H", total)


def property_(number: int, kind: int, content: bytes) -> bytes:
    padding = b"\0" * (-len(content) % 4)
    return pack("<HHII", kind, number, 1, len(content)) + content + padding


def properties(*items: bytes) -> bytes:
    return pack("<I", len(items)) + b"".join(items)


def stream(*attributes: bytes) -> bytes:
    return SIGNATURE + b"\x01\x00" + b"".join(attributes)


NEW = attribute(ATTACHMENT, RENDERING, bytes(14))


def test_attachments_come_out_with_their_titles() -> None:
    octets = stream(
        NEW,
        attribute(ATTACHMENT, TITLE, b"a.txt\0"),
        attribute(ATTACHMENT, DATA, b"first"),
        NEW,
        attribute(ATTACHMENT, DATA, b"second"),
        attribute(ATTACHMENT, TITLE, b"b.exe\0"),
    )
    assert look(open_tnef, octets).members == (
        Member(("a.txt",), b"first", 5),
        Member(("b.exe",), b"second", 6),
    )


def test_every_name_is_a_candidate_and_the_long_one_is_shown() -> None:
    listed = properties(
        property_(SHOWN_NAME, TEXT, b"shown\0"),
        property_(SHORT_NAME, TEXT, b"SHORT~1.EXE\0"),
        property_(LONG_NAME, WIDE, "długie.exe\0".encode("utf-16-le")),
        property_(MEDIA_TYPE, TEXT, b"image/png\0"),
    )
    octets = stream(
        NEW,
        attribute(ATTACHMENT, TITLE, b"title.doc\0"),
        attribute(ATTACHMENT, DATA, b"x"),
        attribute(ATTACHMENT, PROPERTIES, listed),
    )
    (member,) = look(open_tnef, octets).members
    assert member.names == ("długie.exe", "title.doc", "SHORT~1.EXE", "shown")
    assert member.media_type == "image/png"


def test_a_name_with_halves_of_surrogate_pairs_or_a_nul_can_be_carried_anywhere() -> None:
    listed = properties(property_(LONG_NAME, WIDE, "a.exe\0.txt".encode("utf-16-le") + b"\0\xd8"))
    octets = stream(NEW, attribute(ATTACHMENT, PROPERTIES, listed))
    (member,) = look(open_tnef, octets).members
    assert member.names[0] == "a.exe"
    assert [name.encode("utf-8") for name in member.names]


def test_two_different_contents_are_two_members_and_two_equal_ones_are_one() -> None:
    def octets(content: bytes) -> bytes:
        listed = properties(property_(CONTENT, BINARY, content))
        return stream(
            NEW,
            attribute(ATTACHMENT, TITLE, b"a\0"),
            attribute(ATTACHMENT, DATA, b"one"),
            attribute(ATTACHMENT, PROPERTIES, listed),
        )

    assert [member.octets for member in look(open_tnef, octets(b"two")).members] == [b"one", b"two"]
    assert [member.octets for member in look(open_tnef, octets(b"one")).members] == [b"one"]


def test_an_object_comes_out_without_the_name_of_its_interface() -> None:
    inner = stream(NEW, attribute(ATTACHMENT, DATA, b"deep"))
    listed = properties(property_(CONTENT, OBJECT, bytes(16) + inner))
    (member,) = look(open_tnef, stream(NEW, attribute(ATTACHMENT, PROPERTIES, listed))).members
    assert member.octets == inner
    assert look(open_tnef, inner).members[0].octets == b"deep"


def test_bodies_come_out_under_names_of_ours() -> None:
    # [MS-OXRTFCP] 2.2.2.1: uncompressed, and so its own text.
    rtf = rb"{\rtf1 hello}"
    packed = pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf
    listed = properties(
        property_(0x1009, BINARY, packed),
        property_(0x1013, BINARY, b"<html>"),
        property_(0x1000, WIDE, "żółw".encode("utf-16-le")),
    )
    octets = stream(
        attribute(MESSAGE, BODY, b"text"), attribute(MESSAGE, MESSAGE_PROPERTIES, listed)
    )
    assert [(member.names, member.octets) for member in look(open_tnef, octets).members] == [
        (("body.txt",), b"text"),
        (("body.rtf",), rtf),
        (("body.html",), b"<html>"),
        (("body.txt",), "żółw".encode()),
    ]


def test_a_wrong_checksum_is_no_matter_as_it_is_none_for_outlook() -> None:
    octets = stream(NEW, attribute(ATTACHMENT, DATA, b"x", checksum=1))
    assert look(open_tnef, octets).members[0].octets == b"x"


def test_an_attachment_without_anything_is_an_empty_member() -> None:
    assert look(open_tnef, stream(NEW)).members == (Member((), b"", 0),)


def test_a_few_octets_behind_the_end_are_no_matter() -> None:
    octets = stream(NEW, attribute(ATTACHMENT, DATA, b"x"))
    assert look(open_tnef, octets + b"\r\n").members[0].octets == b"x"


@pytest.mark.parametrize(
    "behind",
    [
        b"something that is no attribute",
        attribute(MESSAGE, MESSAGE_PROPERTIES, b"\xff\xff\xff\xff"),
        attribute(MESSAGE, MESSAGE_PROPERTIES, properties(property_(0x1009, BINARY, b"no RTF"))),
        attribute(ATTACHMENT, PROPERTIES, b"\x01"),
        attribute(ATTACHMENT, DATA, b"cut short")[:-4],
    ],
)
def test_what_is_broken_is_told_after_what_came_out(behind: bytes) -> None:
    made = attempt(open_tnef, stream(NEW, attribute(ATTACHMENT, DATA, b"x")) + behind, meter())
    assert isinstance(made.error, UnreadableError)
    assert next(item.octets for item in made.found if isinstance(item, Member)) == b"x"


def test_what_is_left_of_a_content_that_is_cut_comes_out() -> None:
    whole = stream(NEW, attribute(ATTACHMENT, DATA, b"MZ cut short"))
    member = next(open_tnef(whole[:-8], meter()))
    assert isinstance(member, Member)
    assert member.octets == b"MZ cut"


def test_something_else_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="it is not TNEF"):
        look(open_tnef, b"plain text")


def test_members_and_bytes_count() -> None:
    octets = stream(*(NEW, attribute(ATTACHMENT, DATA, b"x" * 100)) * 20)
    for limits in (
        UnpackLimits(bytes_produced=10**6, files=19, depth=5, ratio=100, seconds=60.0),
        UnpackLimits(bytes_produced=1999, files=50, depth=5, ratio=100, seconds=60.0),
    ):
        with pytest.raises(OverLimitError):
            list(open_tnef(octets, Budget(limits, lambda: 0.0).meter(1000)))


@given(st.binary(max_size=200), st.lists(st.sampled_from((RENDERING, DATA, PROPERTIES, BODY))))
def test_any_bytes_give_members_or_the_named_error(octets: bytes, numbers: list[int]) -> None:
    attributes = (attribute(ATTACHMENT, number, octets) for number in numbers)
    for sample in (octets, SIGNATURE + octets, stream(*attributes) + octets):
        with contextlib.suppress(UnreadableError):
            list(open_tnef(sample, meter()))
