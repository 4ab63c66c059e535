import re

import pytest

from mailwarden.message.anomalies import ANOMALIES, Weight, sentence_of, weight_of


@pytest.mark.parametrize("code", sorted(ANOMALIES))
def test_every_code_is_one_word_and_has_one_sentence_for_people(code: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    assert re.fullmatch(r"[A-Z][^.\n]+\.", sentence_of(code))
    assert weight_of(code) in Weight


def test_a_code_that_nobody_has_judged_counts_as_ambiguous() -> None:
    assert weight_of("no-such-code") is Weight.AMBIGUOUS
    assert sentence_of("no-such-code") == "no-such-code"
