"""The six dispositions and their order."""

import pytest

from mailwarden.verdict.disposition import Disposition, parse_disposition


def test_severity_rises_from_accept_to_delete() -> None:
    order = "accept", "tag", "defer", "quarantine", "reject", "delete"
    assert tuple(disposition.word for disposition in sorted(Disposition)) == order


@pytest.mark.parametrize("disposition", Disposition)
def test_a_word_is_read_back(disposition: Disposition) -> None:
    assert parse_disposition(disposition.word) is disposition


@pytest.mark.parametrize("word", ["", "drop", "5", "accept ", "name"])
def test_another_word_is_refused_with_the_allowed_ones(word: str) -> None:
    with pytest.raises(ValueError, match=r"one of accept, tag, defer, quarantine, reject, delete$"):
        parse_disposition(word)
