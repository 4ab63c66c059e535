"""Outcomes, sorted by what they are."""

from mailwarden.migrate.decisions import (
    Decision,
    Loss,
    Note,
    Outcome,
    decisions_in,
    losses_in,
    notes_in,
)


def test_outcomes_are_told_apart_and_remarks_are_told_once() -> None:
    decision, note, loss = Decision("spam.subject", "x", "w", "s"), Note("s", "w"), Loss("s", "w")
    outcomes: list[Outcome] = [loss, note, decision, note, loss]
    assert decisions_in(outcomes) == (decision,)
    assert notes_in(outcomes) == (note,)
    assert losses_in(outcomes) == (loss,)
