"""The words of a Qmail-Scanner `configure` line as options."""

from collections.abc import Iterable, Iterator

from mailwarden.migrate.configure_line import Word
from mailwarden.migrate.decisions import Loss, Outcome
from mailwarden.migrate.given import Given, Origin
from mailwarden.migrate.option_tables import SWITCHES, option_named


def line_givens(words: Iterable[Word], source: str, origin: Origin) -> Iterator[Given | Outcome]:
    """Every option of the line; `source` says which line it is."""
    for word in words:
        place = f"{word.source} in {source}"
        option = option_named(word.name) if word.is_option else ""
        if not word.is_option:
            yield Loss(place, "no option")
        elif not option:
            yield Loss(place, "an option that is not known")
        elif word.value is None and word.name not in SWITCHES:
            yield Loss(place, "a value was expected")
        else:
            yield Given(option, word.value or "", place, origin)


def without_quotes(words: Iterable[Word]) -> tuple[Word, ...]:
    """The words of a line that was recorded when its quotes were gone: values of several words."""
    found: list[Word] = []
    for word in words:
        if word.is_option or not found:
            found.append(word)
        else:
            last = found[-1]
            value = word.name if last.value is None else f"{last.value} {word.name}"
            found[-1] = Word(last.name, value)
    return tuple(found)
