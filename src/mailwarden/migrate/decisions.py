"""What comes of reading an old installation: decisions, notes and losses."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """A setting of ours: its dotted key, its value, why; `source` is what asked for it.

    With `match`, it is for these recipients only, a line of a `[[profile]]` table.
    """

    key: str
    value: object
    why: str
    source: str
    match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something that needs no setting here, or that an administrator should know."""

    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that could not be carried over, and why."""

    source: str
    why: str


Outcome = Decision | Note | Loss


def decisions_in(outcomes: Iterable[Outcome]) -> tuple[Decision, ...]:
    """The decisions among outcomes, in their order."""
    return tuple(outcome for outcome in outcomes if isinstance(outcome, Decision))


def notes_in(outcomes: Iterable[Outcome]) -> tuple[Note, ...]:
    """The notes among outcomes, each once."""
    return tuple(dict.fromkeys(one for one in outcomes if isinstance(one, Note)))


def losses_in(outcomes: Iterable[Outcome]) -> tuple[Loss, ...]:
    """The losses among outcomes, each once."""
    return tuple(dict.fromkeys(one for one in outcomes if isinstance(one, Loss)))
