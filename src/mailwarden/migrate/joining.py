"""All decisions together: one for each setting, and only such as can stand.

The check is the one that `mailwarden config check` makes, of the page as it is written: what it
points at is taken out and told as a loss, until nothing is left to point at. So whatever an old
installation held, what is written is a settings file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from mailwarden.migrate.decisions import Decision, Loss, Outcome, decisions_in
from mailwarden.migrate.writing import settings_page
from mailwarden.settings.load import Problem, SettingsError, read_text
from mailwarden.settings.values import RecipientPattern

# Each turn takes out everything that is told at once; only contradictions come to light later.
_MOST_TURNS = 20
_PATTERN: TypeAdapter[str] = TypeAdapter(RecipientPattern)


@dataclass(frozen=True, slots=True)
class Joined:
    """Decisions that stand together, and what had to give way."""

    decisions: tuple[Decision, ...]
    losses: tuple[Loss, ...]


def joined(outcomes: Iterable[Outcome]) -> Joined:
    """One decision for each setting and recipient, checked; the first of two wins."""
    losses: list[Loss] = []
    matched = _with_good_patterns(decisions_in(outcomes), losses)
    decisions = tuple(_each_once(matched, losses))
    for _ in range(_MOST_TURNS):
        refused = list(_refused(decisions))
        losses += [loss for _, loss in refused]
        taken_out = [decision for decision, _ in refused if decision]
        decisions = tuple(one for one in decisions if one not in taken_out)
        if not taken_out:
            break
    return Joined(decisions, tuple(losses))


def _with_good_patterns(decisions: Iterable[Decision], losses: list[Loss]) -> Iterator[Decision]:
    """The decisions for recipients that there can be, each recipient in one profile only."""
    places: dict[str, tuple[str, ...]] = {}
    for decision in decisions:
        kept = []
        for pattern in decision.match:
            if not _is_pattern(pattern):
                losses.append(Loss(decision.source, f"{pattern}: no address and no domain"))
            elif places.setdefault(pattern, decision.match) != decision.match:
                losses.append(Loss(decision.source, f"{pattern}: has its settings from elsewhere"))
            else:
                kept.append(pattern)
        if kept or not decision.match:
            yield replace(decision, match=tuple(kept))


def _is_pattern(text: str) -> bool:
    try:
        return _PATTERN.validate_python(text, strict=True) == text
    except ValidationError:
        return False


def _each_once(decisions: Iterable[Decision], losses: list[Loss]) -> Iterator[Decision]:
    first: dict[tuple[str, tuple[str, ...]], Decision] = {}
    for decision in decisions:
        before = first.setdefault((decision.key, decision.match), decision)
        if before is decision:
            yield decision
        elif before.value != decision.value:
            why = f"{decision.key} is said otherwise, which holds: {before.source}"
            losses.append(Loss(decision.source, why))


def _refused(decisions: Sequence[Decision]) -> Iterator[tuple[Decision | None, Loss]]:
    """What the settings' own check points at, each with the decision that is to blame."""
    page = settings_page(decisions, ())
    try:
        read_text(page.text, "import")
    except SettingsError as error:
        for problem in error.problems:
            decision = None if problem.file else page.places.get(problem.line or 0)
            yield decision, _loss(decision, problem)


def _loss(decision: Decision | None, problem: Problem) -> Loss:
    why = f"{problem.message}; {problem.suggestion}" if problem.suggestion else problem.message
    if decision is None:
        return Loss(problem.place("the settings file"), why)
    return Loss(decision.source, f"{decision.key}: {why}")
