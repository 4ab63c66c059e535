import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.parameters import (
    MOST_PARAMETERS,
    VALUE_BYTES,
    Parameter,
    candidate_names,
    parse_parameters,
)


def test_the_word_and_the_parameters_are_read_in_order() -> None:
    value = parse_parameters(b'Text/Plain; CHARSET=us-ascii; name="a;b"')
    assert value.word == "text/plain"
    assert value.items == (Parameter("charset", b"us-ascii"), Parameter("name", b"a;b"))


def test_repeated_parameters_are_all_kept() -> None:
    value = parse_parameters(b"multipart/mixed; boundary=a; boundary=b")
    assert value.octets("boundary") == (b"a", b"b")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (b"attachment; filename=a.exe", ("a.exe",)),
        (b'attachment; filename="a b.exe"', ("a b.exe",)),
        (b"attachment; filename=a b.exe", ("a b.exe",)),
        (b"attachment;filename=a.exe;", ("a.exe",)),
        (b"attachment; filename = a.exe", ("a.exe",)),
        (b'attachment; filename="a.exe', ("a.exe",)),
        (b'attachment; filename="a\\"b.exe"', ('a"b.exe',)),
        (b"attachment; filename=a.exe (harmless)", ("a.exe",)),
        (b"attachment; filename=a(b(c)).exe", ("a.exe",)),
        (b'attachment; filename="a(b).exe"', ("a(b).exe",)),
        (b'attachment; filename=""', ()),
        (b"attachment; filename", ()),
        (b"attachment", ()),
        (b"", ()),
        (b"; filename=a.exe", ("a.exe",)),
        (b"attachment; filename*=utf-8'en'%C3%A4.exe", ("ä.exe",)),
        (b"attachment; filename*=a.exe", ("a.exe",)),
        (b"attachment; filename*0=a.; filename*1=exe", ("a.exe",)),
        (b"attachment; filename*1=exe; filename*0=a.", ("a.exe",)),
        (b"attachment; filename*0*=utf-8''%C3; filename*1*=%A4; filename*2=.exe", ("ä.exe",)),
        (b"attachment; filename*0=a.; filename*2=exe", ("a.exe",)),
        (b"attachment; filename*0=a.; filename*0=b.; filename*1=exe", ("a.exe",)),
        (b"attachment; filename=a.txt; filename*=''b.exe", ("a.txt", "b.exe")),
        (b"attachment; filename=a.txt; filename=b.exe", ("a.txt", "b.exe")),
        (b'attachment; filename="=?utf-8?Q?a.exe?="', ("a.exe", "=?utf-8?Q?a.exe?=")),
        (b"attachment; name=b.exe; filename=a.txt", ("a.txt", "b.exe")),
        (b"attachment; filename=caf\xe9.exe", ("café.exe",)),
    ],
)
def test_every_name_that_a_program_could_show_is_a_candidate(
    value: bytes, names: tuple[str, ...]
) -> None:
    assert candidate_names([parse_parameters(value)]) == names


def test_names_of_several_fields_are_joined_without_doubles() -> None:
    values = [parse_parameters(b"a; filename=x"), parse_parameters(b"b; name=x; filename=y")]
    assert candidate_names(values) == ("x", "y")


def test_comments_are_noticed() -> None:
    assert parse_parameters(b"text/plain (hello)").has_comments
    assert parse_parameters(b"text/plain (hello)").word == "text/plain"
    assert not parse_parameters(b'text/plain; name="(hello)"').has_comments


def test_a_value_that_is_too_long_is_cut_and_says_so() -> None:
    assert parse_parameters(b"a" * (VALUE_BYTES + 1)).is_cut
    assert not parse_parameters(b"a" * VALUE_BYTES).is_cut


def test_too_many_parameters_are_cut_and_said() -> None:
    assert not parse_parameters(b"a" + b";b=c" * MOST_PARAMETERS).is_cut
    value = parse_parameters(b"a" + b";b=c" * (MOST_PARAMETERS + 1))
    assert value.is_cut
    assert len(value.items) == MOST_PARAMETERS


PIECES = [
    b"filename",
    b"name",
    b"*",
    b"0",
    b"1",
    b"=",
    b";",
    b'"',
    b"\\",
    b"(",
    b")",
    b"'",
    b"%4",
    b"\xff",
]


@given(st.lists(st.sampled_from(PIECES)))
def test_any_value_gives_names_that_utf_8_can_write(pieces: list[bytes]) -> None:
    for name in candidate_names([parse_parameters(b"".join(pieces))]):
        assert name
        name.encode("utf-8")


@pytest.mark.parametrize("piece", [b"(", b'"', b'\\"', b";", b"a=;", b"(a)", b"x*1*=%41;", b"'"])
def test_a_hundred_values_of_the_full_length_take_no_second(piece: bytes) -> None:
    value = b"x; name=" + (piece * VALUE_BYTES)[: VALUE_BYTES - 8]
    before = time.process_time()
    for _ in range(100):
        candidate_names([parse_parameters(value)])
    assert time.process_time() - before < 1
