import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.pdf.pdf_syntax import Reference, Value, dictionaries, parse_value
from mailwarden.unpack.members import UnreadableError
from support.office import meter


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"null", None),
        (b"true", True),
        (b"-12.5 endobj", -12),
        (b"--1 endobj", None),
        (b"12 0 R", Reference(12)),
        (b"5 endobj", 5),
        (b"5 6 7", 5),
        (b"5", 5),
        (b"", None),
        (b" % comment\r/Name", "Name"),
        (b"/J#61va#53cript", "JavaScript"),
        (b"/A#zz", "A#zz"),
        (b"/", ""),
        (b"(a(b)c)", b"a(b)c"),
        (b"(\\(\\)\\\\\\n\\101\\7x\\q)", b"()\\\nA\x07xq"),
        (b"(a\\\r\nb\\\nc)", b"abc"),
        (b"(open", b"open"),
        (b"<4a 4B5>", b"JKP"),
        (b"<<>>", {}),
        (b"<< /A 1 /B [2 0 R (x)] >>", {"A": 1, "B": [Reference(2), b"x"]}),
        (b"<< 7 /A 1 >>", {"A": 1}),
        (b"<< /A", {"A": None}),
        (b"[1 2 endobj", [1, 2]),
        (b") ] /A", "A"),
    ],
    ids=str,
)
def test_values_are_read_as_readers_read_them(written: bytes, value: Value) -> None:
    assert parse_value(written, 0, meter()).value == value


def test_the_end_of_a_value_is_told() -> None:
    assert parse_value(b"x <</A 1>> stream", 1, meter()).end == 10


def test_what_is_nested_too_deep_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        parse_value(b"[" * 1_000, 0, meter())


def test_what_is_too_long_is_over_the_limit() -> None:
    with pytest.raises(OverLimitError):
        parse_value(b"[" + b"1 " * 1_000_001, 0, meter())


def test_all_dictionaries_in_a_value_are_found() -> None:
    value = parse_value(b"<< /A [<< /B 1 >> << /C << /D 1 >> >>] >>", 0, meter()).value
    assert len(list(dictionaries(value))) == 4


@given(st.binary() | st.text("()<>[]/%\\# \n0R1aA").map(str.encode))
def test_any_bytes_are_a_value(octets: bytes) -> None:
    try:
        parsed = parse_value(octets, 0, meter())
    except UnreadableError:
        return
    assert 0 <= parsed.end <= len(octets)


def test_comments_cost_no_memory_and_count_as_tokens() -> None:
    comments = b"[" + b"%\n" * 2_000_000 + b"]"
    tracemalloc.start()
    with pytest.raises(OverLimitError):
        parse_value(comments, 0, meter())
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert parse_value(b"[" + b"%]\n" * 3 + b"1]", 0, meter()).value == [1]
