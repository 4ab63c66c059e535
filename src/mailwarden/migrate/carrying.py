"""The ways in which an option becomes a setting: building blocks of the option tables.

Each takes what was given and all options, and yields outcomes; a text that is not what the option
takes raises `ValueError`, which `option_tables.outcomes_of` turns into a loss.
"""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from mailwarden.migrate.decisions import Decision, Loss, Note, Outcome
from mailwarden.migrate.given import Given, Options, number, yes_or_no

Carry = Callable[[Given, Options], Iterator[Outcome]]


def as_switch(key: str, why: str) -> Carry:
    """An option that is yes or no here, too."""

    def carry(given: Given, _all: Options) -> Iterator[Outcome]:
        yield Decision(key, yes_or_no(given), why, given.source)

    return carry


def as_points(key: str, why: str) -> Carry:
    """A number of points, 0 is off."""

    def carry(given: Given, _all: Options) -> Iterator[Outcome]:
        yield Decision(key, number(given), why, given.source)

    return carry


def as_whole(key: str, why: str) -> Carry:
    """A whole number of bytes or things."""

    def carry(given: Given, _all: Options) -> Iterator[Outcome]:
        yield Decision(key, int(number(given)), why, given.source)

    return carry


def as_text(key: str, why: str) -> Carry:
    """A text as it is."""

    def carry(given: Given, _all: Options) -> Iterator[Outcome]:
        yield Decision(key, given.text, why, given.source)

    return carry


def as_path(key: str, why: str) -> Carry:
    """An absolute path."""

    def carry(given: Given, _all: Options) -> Iterator[Outcome]:
        if not PurePosixPath(given.text).is_absolute():
            raise ValueError("expected an absolute path")
        yield Decision(key, given.text, why, given.source)

    return carry


def as_nothing(why: str) -> Carry:
    """No setting: why none is needed."""

    def carry(given: Given, _all: Options) -> Iterator[Outcome]:
        yield Note(given.source, why)

    return carry


def as_loss(why: str) -> Carry:
    """Something that is not done here, lost wherever it was switched on."""

    def carry(given: Given, all_options: Options) -> Iterator[Outcome]:
        if all_options.is_on(given.option):
            yield Loss(given.source, why)
            return
        yield Note(given.source, "off: nothing to set")

    return carry


def as_name(usual: str, why: str) -> Carry:
    """The name of a folder that is always called the same here."""

    def carry(given: Given, _all: Options) -> Iterator[Outcome]:
        if PurePosixPath(given.text).name == usual:
            yield Note(given.source, f"the Maildir is called {usual} here, too")
            return
        yield Loss(given.source, why)

    return carry
