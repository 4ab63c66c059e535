import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.text.yenc import open_yenc
from mailwarden.unpack.members import Trait, UnreadableError
from support.office import look


def _lines(octets: bytes) -> bytes:
    shifted = (bytes(((octet + 42) % 256,)) for octet in octets)
    escaped = [
        b"=" + bytes((one[0] + 64,)) if one in {b"\0", b"\n", b"\r", b"="} else one
        for one in shifted
    ]
    return b"".join(
        b"".join(escaped[start : start + 64]) + b"\r\n" for start in range(0, len(escaped), 64)
    )


def _block(octets: bytes, size: int | None = None, checksum: int | None = None) -> bytes:
    size = len(octets) if size is None else size
    checksum = zlib.crc32(octets) if checksum is None else checksum
    return (
        b"=ybegin line=64 size=%d name=my file.bin\r\n" % size
        + _lines(octets)
        + b"=yend size=%d crc32=%08x\r\n" % (size, checksum)
    )


@given(st.binary(max_size=500))
def test_what_was_encoded_comes_out_again(octets: bytes) -> None:
    (member,) = look(open_yenc, b"Hello\r\n" + _block(octets) + b"bye").members
    assert (member.names, member.octets, member.unopened) == (("my file.bin",), octets, "")
    assert (member.size_bytes, member.traits) == (len(octets), ())


def test_several_blocks_come_out() -> None:
    text = _block(b"a") + b"and\r\n" + _block(b"b")
    assert [member.octets for member in look(open_yenc, text).members] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("text", "unopened"),
    [
        (_block(b"a", size=2), "the size of the yEnc block is not what it says"),
        (_block(b"a", checksum=1), "the checksum of the yEnc block is not what it says"),
        (_block(b"a").partition(b"=yend")[0], "the end of the yEnc block is missing"),
        (_block(b"a").partition(b"=yend")[0] * 2, "the end of the yEnc block is missing"),
    ],
    ids=str,
)
def test_what_does_not_agree_is_told_with_what_came_out(text: bytes, unopened: str) -> None:
    for member in look(open_yenc, text).members:
        assert (member.octets, member.unopened) == (b"a", unopened)


def test_a_part_of_several_is_a_volume() -> None:
    part = (
        b"=ybegin part=1 total=2 line=64 size=9 name=a\r\n=ypart begin=1 end=3\r\n"
        + _lines(b"cat")
        + b"=yend size=3 part=1 pcrc32=%x crc32=0\r\n" % zlib.crc32(b"cat")
    )
    (member,) = look(open_yenc, part).members
    assert (member.octets, member.traits, member.unopened) == (b"cat", (Trait.VOLUME,), "")


def test_the_only_part_is_no_volume() -> None:
    text = _block(b"a").replace(b"=ybegin ", b"=ybegin part=1 total=1 ")
    (member,) = look(open_yenc, text).members
    assert (member.traits, member.unopened) == ((), "")


@pytest.mark.parametrize("size", [b"-60", b"+1", b"1_0", b"x"])
def test_a_size_that_cannot_be_is_none_and_loses_nothing(size: bytes) -> None:
    (member,) = look(
        open_yenc, _block(b"a").replace(b"size=1 name", b"size=" + size + b" name")
    ).members
    assert (member.octets, member.size_bytes) == (b"a", None)


def test_the_name_is_read_with_and_without_quotes() -> None:
    text = _block(b"a").replace(b"my file.bin", b'"caf\xe9"')
    assert look(open_yenc, text).members[0].names == ('"café"', "café")


@pytest.mark.parametrize("text", [b"", b"=ybegin and more", b"x =ybegin line=1 name=a", b"=yend "])
def test_prose_is_no_block(text: bytes) -> None:
    with pytest.raises(UnreadableError):
        look(open_yenc, text)


_PIECES = st.sampled_from(
    [b"=ybegin line=1 size=1 name=a", b"=ybegin ", b"=ypart begin=1", b"=yend size=", b"\n", b"="]
)


@given(st.lists(_PIECES | st.binary(max_size=4)).map(b"".join))
def test_any_bytes_are_blocks_or_unreadable(text: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        look(open_yenc, text)
