"""Text from messages stays where it was put."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.notify.foreign_text import clean_message_id, header_lines, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("an invoice", "an invoice"),
        ("grüße 請求書 счёт", "grüße 請求書 счёт"),
        ("請求書\u3000七月", "請求書 七月"),
        ("10\u00a0000", "10 000"),
        ("a\nBcc: x", r"a\nBcc: x"),
        ("a\r\n\0b", r"a\r\n\x00b"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("fdp.\u202eexe", r"fdp.\u202eexe"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("caf\udce9", r"caf\xe9"),
        ("\ud800", r"\ud800"),
        ("\U0001f469\u200d\U0001f52c", "\U0001f469\u200d\U0001f52c"),
        ("see https://evil.example/x", "see https[:]//evil.example/x"),
        ("FTP://evil.example www.evil.example", "FTP[:]//evil.example www[.]evil.example"),
        ("hwww.x :// awww.b", "hwww.x :// awww.b"),
    ],
)
def test_foreign_text_is_one_line_that_hides_nothing(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_long_text_is_cut_and_says_so() -> None:
    assert one_line("x" * 300) == "x" * 300
    assert one_line("x" * 301) == "x" * 297 + "..."
    assert one_line("x" * 11, 10) == "x" * 7 + "..."


@given(st.text(max_size=50))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert shown.replace("\u200c", "").replace("\u200d", "").isprintable()
    shown.encode("utf-8")


def test_a_header_keeps_its_lines_and_only_these() -> None:
    assert header_lines("A: 1\r\n\tfolded\r\nB: \x0b2\u2028x\n\n") == (
        "A: 1",
        "    folded",
        r"B: \x0b2\u2028x",
    )


def test_a_long_header_is_cut_in_lines_and_columns() -> None:
    lines = header_lines("X: y\n" * 61)
    assert (len(lines), lines[-1]) == (61, "...")
    assert len(header_lines("X: y\n" * 60)) == 60
    assert [len(line) for line in header_lines("X: " + "y" * 300)] == [200]


def test_a_huge_text_costs_little() -> None:
    start = time.process_time()
    one_line("\n://www." * 1_000_000)
    header_lines("\n" * 5_000_000)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("text", ["<17.abc@example.org>", "<a$b-c_d@[192.0.2.1]>"])
def test_an_ordinary_message_id_is_taken_as_it_is(text: str) -> None:
    assert clean_message_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a@b",
        "<a@b>\nBcc: c@d",
        "<a b@c>",
        "<a@b> <c@d>",
        "<a@b>\n",
        f"<{'a' * 200}@b>",
        "<é@b>",
    ],
)
def test_an_odd_message_id_is_left_out(text: str) -> None:
    assert clean_message_id(text) == ""
