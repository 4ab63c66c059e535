"""Several groups of recipients, one answer to the SMTP server: every combination."""

from itertools import product

import pytest

from mailwarden.verdict.decide import Decision, Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.merge import settle
from mailwarden.verdict.report import Finding, Kind

PAIRS = [*product(Disposition, repeat=2), *product(Disposition, repeat=3)]


def decision_of(disposition: Disposition, number: int = 0) -> Decision:
    return Decision(disposition, (Reason(Finding("x", Kind.POLICY, f"{number}"), disposition),))


def settled(asked: tuple[Disposition, ...]) -> list[Disposition]:
    decisions = [decision_of(disposition, number) for number, disposition in enumerate(asked)]
    return [decision.disposition for decision in settle(decisions)]


@pytest.mark.parametrize("disposition", Disposition)
def test_one_group_gets_what_was_decided(disposition: Disposition) -> None:
    assert settled((disposition,)) == [disposition]


@pytest.mark.parametrize("asked", PAIRS)
def test_if_one_group_must_wait_all_wait(asked: tuple[Disposition, ...]) -> None:
    waits = Disposition.DEFER in asked
    assert (set(settled(asked)) == {Disposition.DEFER}) is waits


@pytest.mark.parametrize("asked", PAIRS)
def test_a_rejection_is_answered_only_when_every_group_rejects(
    asked: tuple[Disposition, ...],
) -> None:
    all_reject = set(asked) == {Disposition.REJECT}
    assert (Disposition.REJECT in settled(asked)) is all_reject


@pytest.mark.parametrize("asked", [pair for pair in PAIRS if Disposition.DEFER not in pair])
def test_a_group_that_rejects_alone_is_quarantined_and_all_others_keep_theirs(
    asked: tuple[Disposition, ...],
) -> None:
    for before, after in zip(asked, settled(asked), strict=True):
        kept = before is Disposition.REJECT and after is Disposition.QUARANTINE
        assert after is before or kept


@pytest.mark.parametrize("asked", PAIRS)
def test_every_group_keeps_its_own_reasons(asked: tuple[Disposition, ...]) -> None:
    decisions = [decision_of(disposition, number) for number, disposition in enumerate(asked)]
    assert [one.reasons for one in settle(decisions)] == [one.reasons for one in decisions]
