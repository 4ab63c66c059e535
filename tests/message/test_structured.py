import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.structured import (
    COMMENT,
    CONTROL,
    ENCODED_WORD,
    ESCAPE,
    HIDDEN,
    MOST_PARAMETERS,
    ODD_VALUE_BYTES,
    QUOTE,
    SEMICOLON,
    VALUE_BYTES,
    Parameter,
    read_structured,
    spellings,
    views,
)


def test_the_reading_of_the_rfc_comes_first() -> None:
    usual = read_structured(b' Text/Plain; CHARSET=us-ascii;\r\n\tname="a;b"; x=y\r\n').splits[0]
    assert usual.codes == ()
    assert usual.word == b"Text/Plain"
    assert usual.parameters == (Parameter("charset", b"us-ascii"), Parameter("name", b'"a;b"'))


@pytest.mark.parametrize(
    ("key", "parameter"),
    [
        (b"filename", Parameter("filename", b"a")),
        (b"FileName ", Parameter("filename", b"a")),
        (b"file\r\n name", Parameter("filename", b"a")),
        (b"filename*", Parameter("filename", b"a", is_extended=True)),
        (b"filename*0", Parameter("filename", b"a", section=0)),
        (b"filename*12*", Parameter("filename", b"a", section=12, is_extended=True)),
    ],
)
def test_keys_are_read_with_their_marks(key: bytes, parameter: Parameter) -> None:
    assert read_structured(b"x; " + key + b"= a").splits[0].parameters == (parameter,)


@pytest.mark.parametrize(
    ("value", "code", "parameter"),
    [
        (b"x; boundary=a(b)", COMMENT, Parameter("boundary", b"a(b)")),
        (b"x; boundary=a(b)c", COMMENT, Parameter("boundary", b"a")),
        (b"x; (boundary=a)", COMMENT, Parameter("boundary", b"a)")),
        (b"x; name=a\0.exe", CONTROL, Parameter("name", b"a")),
        (b"x; name=a\x0b.exe", CONTROL, Parameter("name", b"a .exe")),
        (b"x; name=a\r.exe", CONTROL, Parameter("name", b"a.exe")),
        (b"x; =?us-ascii?Q?name?==a", ENCODED_WORD, Parameter("name", b"a")),
        (b"x; boundary==?us-ascii?Q?a=5Fb?=", ENCODED_WORD, Parameter("boundary", b"a_b")),
        (b"x; boundary==?us-ascii?Q?a_b?=", ENCODED_WORD, Parameter("boundary", b"a_b")),
        (b'x; y="z;name=a"', QUOTE, Parameter("name", b'a"')),
        (b'x; y="z\\";name=a', QUOTE, Parameter("name", b"a")),
        (b"x; name=a\\;b", ESCAPE, Parameter("name", b"a\\;b")),
        (b'x; name=a";"b', QUOTE, Parameter("name", b'a";"b')),
        (b"x; name=a;b.exe", SEMICOLON, Parameter("name", b"a;b.exe")),
        (b"x, name=a", HIDDEN, Parameter("name", b"a")),
        (b"x; y=z name=a", HIDDEN, Parameter("name", b"a")),
        (b"x; boundary=boundary=a", HIDDEN, Parameter("boundary", b"a")),
    ],
)
def test_other_readers_cut_in_other_places(value: bytes, code: str, parameter: Parameter) -> None:
    splits = read_structured(value).splits
    assert any(code in split.codes and parameter in split.parameters for split in splits)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (b"a (b (c (d (e (f))))) g", b"a  g"),
        (b'"a(b)"', b'"a(b)"'),
        (b"a(\\)b)c", b"ac"),
        (b"a(b", b"a(b"),
        (b"a)b", b"a)b"),
        (b'a("b)c', b"ac"),
    ],
)
def test_comments_are_taken_out_however_deep(value: bytes, plain: bytes) -> None:
    assert next(iter(views(value))) == ("", plain)


def test_a_missing_semicolon_does_not_hide_the_word() -> None:
    assert read_structured(b"multipart/mixed\r\n\tboundary=a").splits[0].word == b"multipart/mixed"
    assert read_structured(b"boundary=a").splits[0].word == b""


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        (b"a", {b"a"}),
        (b'"a b"', {b"a b"}),
        (b'""', {b""}),
        (b"", {b""}),
        (b"a b", {b"a b", b"a"}),
        (b'"a".zip', {b"a", b"a.zip", b'"a".zip', b'a".zip'}),
        (b'"a', {b"a", b'"a'}),
        (b'a"b"', {b'a"b"', b"a", b"b", b"ab"}),
        (b'"a\\"b"', {b'a"b', b'a\\"b', b"ab"}),
        (b"a\\b", {b"a\\b", b"ab", b"a"}),
    ],
)
def test_readers_take_different_things_for_the_value(text: bytes, octets: set[bytes]) -> None:
    assert octets <= {octets for _, octets in spellings(text)}
    assert spellings(text)[0][0] == ""


def test_a_value_that_is_too_long_is_cut_and_says_so() -> None:
    assert read_structured(b"a" * (VALUE_BYTES + 1)).is_cut
    assert not read_structured(b"a" * VALUE_BYTES).is_cut


def test_too_many_parameters_are_said() -> None:
    assert not read_structured(b"a" + b";name=c" * MOST_PARAMETERS).is_cut
    assert read_structured(b"a" + b";name=c" * (MOST_PARAMETERS + 3)).is_cut


@pytest.mark.parametrize("odd", [b";\\", b';x="; name=a"', b"\0", b"=?"])
def test_a_long_odd_value_is_not_read_in_every_way_and_says_so(odd: bytes) -> None:
    padding = b"x; y=" + b"z" * ODD_VALUE_BYTES
    assert not read_structured(padding + b";name=a").is_cut
    assert read_structured(padding + odd).is_cut
    usual = read_structured(padding + b";name=a").splits[0]
    assert usual.parameters == (Parameter("name", b"a"),)


PIECES = [
    b"name", b"boundary", b"*", b"0", b"=", b";", b'"', b"\\", b"(", b")", b"=?a?Q?", b"?=", b"\0",
    b" ", b"\r\n ",
]  # fmt: skip


@given(st.one_of(st.binary(), st.lists(st.sampled_from(PIECES)).map(b"".join)))
def test_any_value_is_cut_in_a_few_ways(value: bytes) -> None:
    splits = read_structured(value).splits
    assert splits[0].codes == ()
    assert len(splits) <= 60
    for split in splits:
        for parameter in split.parameters:
            assert len(spellings(parameter.text)) <= 12


@pytest.mark.parametrize(
    "piece", [b"(", b'"', b'\\"', b";", b"name=;", b"(a)", b"\0", b"=?", b"; "]
)
def test_values_of_the_full_length_take_little_time(piece: bytes) -> None:
    value = b"x; name=" + piece * (VALUE_BYTES // len(piece))
    before = time.process_time()
    for _ in range(20):
        read_structured(value)
    assert time.process_time() - before < 8
