"""A configure line, as it was typed or printed."""

import time

import pytest

from mailwarden.migrate.configure_line import LINE_CHARACTERS, LineError, Word, read_words
from support.old_installations import NEW_LINE, UPGRADE_LINE, folded

SWITCHES = frozenset({"install"})


def read(text: str) -> list[tuple[str, str | None]]:
    return [(word.name, word.value) for word in read_words(text, SWITCHES)]


@pytest.mark.parametrize("line", [NEW_LINE, UPGRADE_LINE])
def test_the_lines_of_the_page_are_read_as_typed_and_as_the_page_folds_them(line: str) -> None:
    words = read(line)
    assert read(folded(line)) == words
    assert read(line.replace("\n", "\r\n")) == words
    assert ("admin-fromname", "Antivirus MYDOMAIN") in words
    assert ("sa-subject", "SPAM *** ") in words
    assert words[-2:] == [("sa-socket", "/var/run/spamd"), ("install", None)]
    assert len(words) == line.count("--")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--sa-delta=0.5", [("sa-delta", "0.5")]),
        ("--sa-subject='a = b'", [("sa-subject", "a = b")]),
        ("--sa-subject ''", [("sa-subject", "")]),
        ("--sa-subject=", [("sa-subject", "")]),
        ("--sa-subject --SPAM--", [("sa-subject", "--SPAM--")]),
        ("--sa-alt --sa-debug yes", [("sa-alt", None), ("sa-debug", "yes")]),
        ("--install --sa-alt no", [("install", None), ("sa-alt", "no")]),
        ("--sa-alt yes && --batch", [("sa-alt", "yes"), ("batch", None)]),
        ("# --sa-alt no\n/usr/src/qs/configure --sa-alt yes", [("sa-alt", "yes")]),
        ("--sa-alt", [("sa-alt", None)]),
        ("", []),
    ],
)
def test_values_stand_behind_options_or_in_them(
    text: str, expected: list[tuple[str, str | None]]
) -> None:
    assert read(text) == expected


def test_what_is_no_option_is_kept_to_be_told() -> None:
    stray, option = read_words("./configure oops --sa-alt yes", SWITCHES)
    assert (stray, option) == (Word("oops", is_option=False), Word("sa-alt", "yes"))
    assert (stray.source, option.source) == ("oops", "--sa-alt yes")
    assert Word("sa-subject", "SPAM *** ").source == "--sa-subject 'SPAM *** '"


def test_an_open_quote_is_said() -> None:
    with pytest.raises(LineError, match="No closing quotation"):
        read_words('--sa-subject "SPAM', SWITCHES)


def test_a_line_of_any_length_is_refused_before_it_costs_anything() -> None:
    with pytest.raises(LineError, match=r"65_536"):
        read_words("--a=b " * LINE_CHARACTERS, SWITCHES)
    started = time.monotonic()
    read_words("\\ " * (LINE_CHARACTERS // 2), SWITCHES)
    assert time.monotonic() - started < 2
