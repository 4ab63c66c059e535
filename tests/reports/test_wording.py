"""Numbers as people read them."""

import pytest

from mailwarden.reports.wording import count_words, seconds_words, share_words, size_words


def test_thousands_stand_apart() -> None:
    assert count_words(1_234_567) == "1,234,567"


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(0, 0, "0 %"), (0, 5, "0 %"), (1, 200, "0.5 %"), (1, 3, "33 %"), (999, 1000, "99.9 %")],
)
def test_shares_have_a_digit_where_it_says_more(part: int, whole: int, words: str) -> None:
    assert share_words(part, whole) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (2e9, "2.0 GB"), (3e15, "3,000.0 TB")],
)
def test_sizes_have_a_unit(size: float, words: str) -> None:
    assert size_words(int(size)) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0123, "0.012 s"), (1.25, "1.2 s"), (75.4, "75 s")]
)
def test_seconds_have_as_many_digits_as_matter(seconds: float, words: str) -> None:
    assert seconds_words(seconds) == words
