import base64
import binascii
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.text.binhex import open_binhex
from mailwarden.unpack.members import UnreadableError
from support.office import look

_MARK = b"(This file must be converted with BinHex 4.0)\r\r"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BINHEX = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"


def _with_checksum(octets: bytes) -> bytes:
    return octets + binascii.crc_hqx(octets, 0).to_bytes(2, "big")


def _content(data: bytes, resource: bytes = b"", name: bytes = b"a.txt") -> bytes:
    sizes = len(data).to_bytes(4, "big") + len(resource).to_bytes(4, "big")
    header = bytes((len(name),)) + name + b"\0TEXTttxt\0\0" + sizes
    return _with_checksum(header) + _with_checksum(data) + _with_checksum(resource)


def _packed(content: bytes) -> bytes:
    text = base64.b64encode(content).rstrip(b"=").translate(bytes.maketrans(_BASE64, _BINHEX))
    lines = b"\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return _MARK + b":" + lines + b":\n"


def _file(data: bytes, resource: bytes = b"", name: bytes = b"a.txt") -> bytes:
    return _packed(_content(data, resource, name).replace(b"\x90", b"\x90\0"))


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_what_was_encoded_comes_out_again(data: bytes, resource: bytes) -> None:
    members = look(open_binhex, b"Hello\r" + _file(data, resource) + b"bye").members
    expected = [(("a.txt",), data, "")]
    if resource:
        expected.append((("a.txt.rsrc",), resource, ""))
    assert [(member.names, member.octets, member.unopened) for member in members] == expected


def test_runs_are_undone() -> None:
    data = b"a" * 200 + b"\x90" * 5 + b"b"
    content = (
        _content(data).replace(b"\x90" * 5, b"\x90\0\x90\x05").replace(b"a" * 200, b"a\x90\xc8")
    )
    assert look(open_binhex, _packed(content)).members[0].octets == data


def test_several_files_come_out() -> None:
    text = _file(b"a") + b"\n" + _file(b"b", name=b"b\x8a")
    assert look(open_binhex, text).names == ("a.txt", "bä")


@pytest.mark.parametrize(
    ("content", "octets", "unopened"),
    [
        (
            _content(b"cat")[:-4] + b"xx",
            b"cat",
            "the checksum of the BinHex file is not what it says",
        ),
        (_content(b"cat")[:-5], b"ca", "the BinHex file ends too early"),
    ],
    ids=str,
)
def test_what_does_not_agree_is_told_with_what_came_out(
    content: bytes, octets: bytes, unopened: str
) -> None:
    (member,) = look(open_binhex, _packed(content)).members
    assert (member.octets, member.unopened) == (octets, unopened)


def test_a_file_that_ends_in_its_header_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="header"):
        look(open_binhex, _packed(b"\x05a.txt"))


@pytest.mark.parametrize("text", [b"", b"x" + _MARK + b":!!!", _MARK, _MARK + b":", b":!!!:"])
def test_prose_is_no_file(text: bytes) -> None:
    with pytest.raises(UnreadableError):
        look(open_binhex, text)


def test_a_bomb_of_runs_is_over_the_limit() -> None:
    with pytest.raises(OverLimitError):
        look(open_binhex, _packed(b"a" + b"\x90\xff" * 300_000))


_PIECES = st.sampled_from([_MARK, b":", b"!", b"*3!", b"\n"])


@given(st.lists(_PIECES | st.binary(max_size=4)).map(b"".join))
def test_any_bytes_are_files_or_unreadable(text: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        look(open_binhex, text)


@given(st.binary(max_size=100))
def test_any_content_is_a_file_or_unreadable(content: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        look(open_binhex, _packed(content))
