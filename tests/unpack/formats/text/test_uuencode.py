import binascii
import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.text.uuencode import open_uuencode
from mailwarden.unpack.members import UnreadableError
from support.office import PLENTY, look, meter

_CAT = b"begin 644 cat.txt\n#0V%T\n`\nend\n"


def _encoded(octets: bytes, *, backtick: bool = True) -> bytes:
    lines = (
        binascii.b2a_uu(octets[start : start + 45], backtick=backtick)
        for start in range(0, len(octets), 45)
    )
    return b"begin 600 a b.bin\n" + b"".join(lines) + b"`\nend\n"


@given(st.binary(min_size=1, max_size=500), st.booleans())
def test_what_was_encoded_comes_out_again(octets: bytes, backtick: bool) -> None:
    (member,) = look(open_uuencode, b"Hello\n\n" + _encoded(octets, backtick=backtick)).members
    assert (member.names, member.octets, member.unopened) == (("a b.bin",), octets, "")


def test_several_blocks_in_one_text_come_out() -> None:
    text = b"begin with this:\n" + _CAT + b"and\n" + _CAT.replace(b"cat", b"dog") + b"bye"
    assert look(open_uuencode, text).names == ("cat.txt", "dog.txt")


@pytest.mark.parametrize(
    "text",
    [
        _CAT,
        _CAT.replace(b"\n", b"\r\n"),
        _CAT.replace(b"\n", b"\r"),
        _CAT.replace(b"\n", b"\n\n"),
        b"begin 644 cat.txt\n#0V%T",
        b"begin 644 cat.txt\n#0V%Tx!\n`\nend",
        b"begin 644 cat.txt\n#0V%T)\n \nend  \n",
        b"begin 100644 cat.txt\n#0V%T\nend",
        b"begin 0644\tcat.txt\n#0V%T\nend",
        b"begin-base64 644 cat.txt\nQ2F0\n====\n",
        b"begin-base64 644 cat.txt\nQ2\nF0\n\nBye.",
    ],
    ids=str,
)
def test_what_mail_clients_forgive_is_forgiven(text: bytes) -> None:
    (member,) = look(open_uuencode, text).members
    assert (member.octets, member.unopened) == (b"Cat", "")
    assert member.names[0].endswith("cat.txt")


def test_blanks_that_were_lost_are_put_back() -> None:
    text = b"begin 644 nul\n*04(\n`\nend\n"
    (member,) = look(open_uuencode, text).members
    assert member.octets == b"AB" + b"\0" * 8


def test_what_fills_the_last_group_does_not_matter() -> None:
    (member,) = look(open_uuencode, b"begin 644 a\n!0V%T\n`\nend\n").members
    assert member.octets == b"C"


def test_a_block_ends_where_the_next_begins() -> None:
    text = b"begin 644 a\n#0V%T\n" + _CAT
    assert [member.octets for member in look(open_uuencode, text).members] == [b"Cat", b"Cat"]


def test_junk_between_the_lines_is_told() -> None:
    (member,) = look(open_uuencode, b"begin 644 a\n#0V%T\nwhat is this\n#0V%T\n`\nend\n").members
    assert member.octets == b"CatCat"
    assert member.unopened == "lines that are not uuencoded stand among others"


def test_prose_behind_a_block_without_an_end_is_no_junk() -> None:
    (member,) = look(open_uuencode, b"begin 644 a\n#0V%T\nThe rest is lost.\n-- \n>\n").members
    assert (member.octets, member.unopened) == (b"Cat", "")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"begin 644 ", ()),
        (b"begin 644  caf\xe9 ", ("café",)),
        (b'begin 644 "a.exe"', ('"a.exe"', "a.exe")),
        (b"begin  a.exe", ("a.exe",)),
    ],
    ids=str,
)
def test_the_name_is_read_in_every_way(line: bytes, names: tuple[str, ...]) -> None:
    (member,) = look(open_uuencode, line + b"\n#0V%T\n`\nend\n").members
    assert member.names == names


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"begin 100 yards from the house,\nand go on to the left.",
        b"begin 644 a",
        b"begin 644 a\n\n",
        b"begin the day\nWITH A SMILE",
        b"The begin 644 a\n#0V%T\n`\nend\n",
        b"begin-base64 the day\nwith a smile",
        b"beginning\n#0V%T\nend",
    ],
    ids=str,
)
def test_prose_is_no_block(text: bytes) -> None:
    with pytest.raises(UnreadableError):
        look(open_uuencode, text)


def test_many_beginnings_take_linear_time() -> None:
    text = b"begin 644 a\n" * 100_000
    before = time.process_time()
    with pytest.raises(UnreadableError):
        look(open_uuencode, text)
    assert time.process_time() - before < 3


def test_many_blocks_are_over_the_limit() -> None:
    with pytest.raises(OverLimitError):
        list(open_uuencode(_CAT * (PLENTY.files + 1), meter()))


_PIECES = st.sampled_from(
    [
        b"begin 644 a\n",
        b"begin-base64 1 x",
        b"\n",
        b"!0V%T",
        b'"0V%',
        b"\r",
        b"end",
        b"#0V%T",
        b"`",
        b"====",
    ]
)


@given(st.lists(_PIECES | st.binary(max_size=4)).map(b"".join))
def test_any_bytes_are_blocks_or_unreadable(text: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        look(open_uuencode, text)
