import mmap
import tempfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.headers import (
    Field,
    FieldNames,
    Header,
    HeaderEnd,
    content_values,
    oddities,
    read_header,
    value_of,
)
from mailwarden.message.limits import ReadingLimits

LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=1_000, parts=100, depth=10)


def read(raw: bytes, ending: HeaderEnd = HeaderEnd.EMPTY_LINE) -> Header:
    return read_header(raw, 0, len(raw), LIMITS, ending)


def test_fields_keep_their_order_their_spelling_and_their_offsets() -> None:
    raw = b"Subject: hello\nTO : bob\n\nbody"
    header = read(raw)
    assert header.fields == (Field(b"Subject", 0, 7, 8, 15), Field(b"TO", 15, 17, 19, 24))
    assert (header.start, header.end, header.exceeded) == (0, 25, False)


def test_a_folded_field_ends_after_its_last_line() -> None:
    raw = b"Subject: one\r\n\ttwo\r\n three\r\nTo: bob\r\n\r\n"
    subject, to = read(raw).fields
    assert raw[subject.start : subject.end] == b"Subject: one\r\n\ttwo\r\n three\r\n"
    assert value_of(raw, subject) == b"one\ttwo three"
    assert value_of(raw, to) == b"bob"


def test_repeated_fields_are_all_found_whatever_their_case() -> None:
    raw = b"Received: 1\nSUBJECT: x\nreceived: 2\n\n"
    header = read(raw)
    assert [value_of(raw, field) for field in header.all(b"Received")] == [b"1", b"2"]
    first = header.first(b"subject")
    assert first is not None
    assert first.name == b"SUBJECT"
    assert header.first(b"To") is None


@pytest.mark.parametrize(
    ("raw", "names", "end"),
    [
        (b"", [], 0),
        (b"\n", [], 1),
        (b"\r\n", [], 2),
        (b"\nbody: x\n\n", [], 1),
        (b"A: 1", [b"A"], 4),
        (b"A: 1\n", [b"A"], 5),
        (b"A: 1\n\n", [b"A"], 6),
        (b"A: 1\r\n\r\nB: 2", [b"A"], 8),
        (b"A: 1\n\r\nB: 2", [b"A"], 7),
        (b" A: 1\nB: 2\n\n", [b" A", b"B"], 12),
        (b":\n: x\n\n", [b"", b""], 7),
        (b"no colon\nB: 2\n\n", [b"", b"B"], 15),
        (b"no\n : colon\n\n", [b""], 13),
        (b"A\0: 1\n\n", [b"A\0"], 7),
        (b"A: 1\rB: 2\n\n", [b"A"], 11),
        (b"A: 1\r\rB: 2\n\n", [b"A"], 12),
    ],
)
def test_odd_headers_are_representable(raw: bytes, names: list[bytes], end: int) -> None:
    header = read(raw)
    assert [field.name for field in header.fields] == names
    assert header.end == end


def test_a_line_without_a_colon_is_all_value() -> None:
    raw = b"Subject\nTo: bob\n\n"
    field = read(raw).fields[0]
    assert (field.name, field.value_start, value_of(raw, field)) == (b"", 0, b"Subject")


def test_a_header_inside_the_message_is_read_between_its_offsets() -> None:
    raw = b"A: 1\n\nB: 2\nC: 3"
    header = read_header(raw, 6, 11, LIMITS)
    assert [field.name for field in header.fields] == [b"B"]
    assert (header.start, header.end) == (6, 11)


def test_a_mapped_file_is_read_like_bytes() -> None:
    raw = b"A: 1\n b\nC: 2\n\nbody"
    with tempfile.TemporaryFile() as file:
        file.write(raw)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            header = read_header(mapped, 0, len(mapped), LIMITS)
            assert header == read(raw)
            assert value_of(mapped, header.fields[0]) == b"1 b"


def test_too_many_fields_are_said_and_the_body_is_found_all_the_same() -> None:
    raw = b"X: y\n" * 1_001 + b"\nbody"
    header = read(raw)
    assert header.exceeded
    assert len(header.fields) == 1_000
    assert raw[header.end :] == b"body"


def test_as_many_fields_as_allowed_are_no_excess() -> None:
    for raw in (b"X: y\n" * 1_000 + b"\nbody", b"X: y\n" * 999 + b"X: y"):
        header = read(raw)
        assert len(header.fields) == 1_000
        assert not header.exceeded


def test_a_header_line_of_10_mb_is_cut_and_costs_little() -> None:
    raw = b"X: " + b"a" * 10_000_000 + b"\nSubject: x\n\nbody"
    before = time.process_time()
    header = read(raw)
    assert time.process_time() - before < 8
    assert header.exceeded
    assert [field.name for field in header.fields] == [b"X"]
    assert raw[header.end :] == b"body"


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        (b"Subject: x\r\n y\r\n\r\n", []),
        (b"From ann@sender.example Mon Mar  3 10:00:00 2025\nTo: x\n\n", []),
        (b"Subject: a\0b\n\n", ["nul-in-header"]),
        (b"Subject: a\rb\n\n", ["cr-in-header"]),
        (b"Subject: a\r\r\n\n", ["cr-in-header"]),
        (b"Subject: a\nhello\n\n", ["field-without-name"]),
        (b"Subject: a\n: b\n\n", ["field-without-name"]),
        (b"Sub ject: a\n\n", ["broken-field-name"]),
        (b"S\xfcbject: a\n\n", ["broken-field-name"]),
        (b"Subject : a\n\n", []),
        (b"Content-Type : a\n\n", ["blank-before-colon"]),
        (b"Content-Type(x): a\n\n", ["comment-in-field-name"]),
        (b"Subject: a\n \nTo: b\n\n", ["line-of-blanks-in-header"]),
        (b"Subject: a\n\t\r\n\n", ["line-of-blanks-in-header"]),
        (b" Subject: a\n\n", ["begins-with-continuation"]),
        (b"Subject: a\nhello", ["field-without-name"]),
        (b"", []),
    ],
)
def test_what_readers_could_take_differently_has_a_code(raw: bytes, codes: list[str]) -> None:
    assert list(oddities(read(raw))) == codes


@pytest.mark.parametrize(
    ("raw", "ending", "body"),
    [
        (b"A: 1\n \nB: 2\n\nbody", HeaderEnd.EMPTY_LINE, b"body"),
        (b"A: 1\n \nB: 2\n\nbody", HeaderEnd.LINE_OF_BLANKS, b"B: 2\n\nbody"),
        (b"A: 1\n\t\r\nB: 2", HeaderEnd.LINE_OF_BLANKS, b"B: 2"),
        (b"A: 1\n b\nC: 2\n\nbody", HeaderEnd.LINE_OF_BLANKS, b"body"),
        (b"A: 1\nhello\nB: 2\n\nbody", HeaderEnd.NOT_A_FIELD, b"hello\nB: 2\n\nbody"),
        (b"A: 1\nB : 2\n\nbody", HeaderEnd.NOT_A_FIELD, b"B : 2\n\nbody"),
        (b"From ann\nA: 1\n b\r\n\r\nbody", HeaderEnd.NOT_A_FIELD, b"body"),
        (b"\nbody", HeaderEnd.NOT_A_FIELD, b"body"),
        (b"body", HeaderEnd.NOT_A_FIELD, b"body"),
    ],
)
def test_readers_end_a_header_at_different_lines(
    raw: bytes, ending: HeaderEnd, body: bytes
) -> None:
    header = read(raw, ending)
    assert raw[header.end :] == body
    assert header.block == raw[: header.fields[-1].end if header.fields else 0]


@pytest.mark.parametrize(
    ("line", "taken_by"),
    [
        (b"Content-Type: a/b", {FieldNames.TRIMMED, FieldNames.EXACT, FieldNames.REPAIRED}),
        (b"CONTENT-type:a/b", {FieldNames.TRIMMED, FieldNames.EXACT, FieldNames.REPAIRED}),
        (b"Content-Type : a/b", {FieldNames.TRIMMED, FieldNames.REPAIRED}),
        (b"Content-Type (x): a/b", {FieldNames.REPAIRED}),
        (b"Content-\0Type: a/b", {FieldNames.REPAIRED}),
        (b"X-Content-Type: a/b", set()),
        (b"Content-Type", set()),
    ],
)
def test_readers_take_different_names_for_a_field_of_mime(
    line: bytes, taken_by: set[FieldNames]
) -> None:
    block = b"A: 1\n" + line + b"\nB: 2\n"
    for names in FieldNames:
        found = [value.strip() for value in content_values(block, names)[0]]
        assert found == ([b"a/b"] if names in taken_by else [])


def test_values_of_the_three_fields_of_mime_come_raw_and_in_order() -> None:
    block = (
        b"Content-Type: a/b;\n name=x\nContent-Transfer-Encoding: base64\n"
        b"Content-Disposition: inline\r\nContent-Type: c/d\n"
    )
    types, dispositions, encodings = content_values(block, FieldNames.TRIMMED)
    assert types == [b" a/b;\n name=x", b" c/d"]
    assert [value.strip() for value in dispositions] == [b"inline"]
    assert encodings == [b" base64"]


def test_a_header_of_nothing_but_odd_lines_costs_little() -> None:
    for line in (b"X y\n", b"X: y\n \n", b" \n", b":\n", b"\0 : (\n"):
        raw = line * (1_000_000 // len(line))
        before = time.process_time()
        for ending in HeaderEnd:
            list(oddities(read(raw, ending)))
        assert time.process_time() - before < 8


@given(st.lists(st.sampled_from([b"\n", b"\r", b"\0", b":", b" ", b"A", b"\r\n", b"--b"])))
def test_any_bytes_give_a_header_whose_offsets_follow_each_other(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    header = read(raw)
    position = 0
    for field in header.fields:
        assert field.start == position
        assert field.start <= field.name_end <= field.value_start <= field.end <= header.end
        assert raw[field.start : field.start + len(field.name)] == field.name
        value_of(raw, field)
        position = field.end
    assert position <= header.end <= len(raw)
    list(oddities(header))
    for name in {field.name for field in header.fields if field.name}:
        same = [field for field in header.fields if field.name.lower() == name.lower()]
        assert list(header.all(name)) == same


@given(
    st.lists(st.sampled_from([b"Date", b"date:", b"\ndate \r:", b"\n", b"\r", b" ", b":", b"x"]))
)
def test_fields_are_found_by_name_where_they_are_found_in_order(pieces: list[bytes]) -> None:
    header = read(b"".join(pieces))
    dates = tuple(field for field in header.fields if field.name.lower() == b"date")
    assert header.all(b"Date") == dates
    assert header.first(b"date") == next(iter(dates), None)
