"""Whatever a message says, a value stays one value."""

import time

import pytest

from mailwarden.logs.line_values import field, quoted, word

# What ends lines or fields somewhere, what terminals obey, and what is no text at all.
HOSTILE = (
    'a"b\tc\rd\ne\0f\x1b[31mg\x85h\u2028i\u2029j\u202ek\ud800l\x7fm\x0bn\x0co p%q\u00a0r\ufeffs'
)
BYTES = HOSTILE.encode("utf-8", "surrogatepass") + b"\xff\xfe"


@pytest.mark.parametrize("value", [HOSTILE, BYTES, BYTES * 1_000])
@pytest.mark.parametrize("write", [field, quoted, lambda value: word(value, 80)])
def test_no_value_ends_a_line_or_a_field_between_tabs(value: str | bytes, write: object) -> None:
    assert callable(write)
    text = write(value)
    assert text.isprintable()
    assert "\t" not in text
    assert len(text.splitlines()) == 1
    text.encode("utf-8")


def test_between_tabs_separators_become_blanks_and_other_oddities_marks() -> None:
    assert field("a\tb\r\nc\0d\x1be\u2028f\u202eg\ud800h") == "a b  c?d?e f?g?h"
    assert field(b"gr\xc3\xbc\xc3\x9fe \xff") == "grüße ?"
    assert field("") == ""


def test_a_word_is_one_word_whatever_was_in_it() -> None:
    assert word("Re: a  b", 80) == "Re:_a__b"
    assert word("a\tb\0\x7fc", 80) == "abc"
    assert word("\u202e\u00a0\u2028", 80) == "???"
    assert word("", 80) == word("\n", 80) == "<>"
    assert len(word(HOSTILE, 80).split()) == 1


def test_a_word_doubles_the_percent_sign_and_cuts_no_pair() -> None:
    assert word("100%", 80) == "100%%"
    assert word("ab%", 3) == "ab"
    assert word("a%%", 5) == "a%%%%"
    assert word("%%%", 5) == "%%%%"


def test_a_word_is_cut_in_bytes_and_between_characters() -> None:
    assert word("x" * 200, 100) == "x" * 100
    assert word("ü" * 100, 99) == "ü" * 49


def test_quotes_inside_quotes_are_single() -> None:
    assert quoted('a" name="b') == "\"a' name='b\""


@pytest.mark.parametrize("piece", [b"x", b"\0", b"\xff", "\u202e".encode()])
def test_a_value_of_ten_megabytes_is_short_and_takes_no_time(piece: bytes) -> None:
    value = piece * (10_000_000 // len(piece))
    started = time.process_time()
    assert len(field(value)) <= 1_000
    assert len(word(value, 100)) <= 100
    assert len(quoted(value)) <= 1_002
    assert time.process_time() - started < 0.05
