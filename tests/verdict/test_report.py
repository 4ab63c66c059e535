"""Reports are values: the kinds are known by their words, and nothing in them changes."""

from dataclasses import FrozenInstanceError

import pytest

from mailwarden.verdict.report import Answer, Fault, Kind, Report

# These words stand in records, slips and release marks: a change orphans what was written before.
WORDS = {
    "virus", "policy", "malformed", "ambiguous", "ambiguous-text", "encrypted", "unopened",
    "over-limit", "oversize", "unscored",
}  # fmt: skip


def test_the_words_of_the_kinds_are_stable() -> None:
    assert {kind.value for kind in Kind} == WORDS


def test_an_empty_answer_says_that_nothing_was_found() -> None:
    assert Answer() == Answer((), (), None)
    assert Report() == Report((), (), (), None, ())


def test_a_fault_is_temporary_unless_it_says_otherwise() -> None:
    assert Fault("clamd", "away").temporary


def test_a_report_does_not_change() -> None:
    report = Report()
    with pytest.raises(FrozenInstanceError):
        report.score = None  # type: ignore[misc]  # what is tested
