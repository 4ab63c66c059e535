"""What an installation says of one option, and all of them together.

A value may come from the original's defaults, a `configure` line, or a variable that the
administrator edited in the installed program, which wins: it is what ran.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum

_YES = frozenset({"yes", "y", "1", "on", "true"})
_NO = frozenset({"no", "n", "0", "off", "false", ""})
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
# Longer ones are beyond every limit, and costly to read.
_NUMBER_CHARACTERS = 20
_ENDINGS = ("-site", "-array")


class Origin(IntEnum):
    """Where a value comes from; the higher one wins."""

    DEFAULT = 0
    RECORDED_LINE = 1
    CONFIGURE_LINE = 2
    PROGRAM = 3


@dataclass(frozen=True, slots=True)
class Given:
    """An option with its text, as `source` says it; items of lists stand between commas."""

    option: str
    text: str
    source: str
    origin: Origin = Origin.CONFIGURE_LINE

    @property
    def is_default(self) -> bool:
        """Nobody said it: the original takes this when nothing is said."""
        return self.origin is Origin.DEFAULT

    @property
    def items(self) -> tuple[str, ...]:
        """The text as a list."""
        return tuple(item.strip() for item in self.text.split(",") if item.strip())


@dataclass(frozen=True, slots=True)
class Options:
    """Every option that has a value, by its name without the hyphens in front."""

    by_name: Mapping[str, Given] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The text of an option; empty when it has none."""
        given = self.by_name.get(name)
        return given.text if given else ""

    def is_on(self, name: str) -> bool:
        """The option says yes, or a number that is not 0."""
        return self.text(name).strip().lower() not in _NO


def merged(givens: Iterable[Given]) -> Options:
    """The value that holds for each option: of the highest origin, and of those the last."""
    by_name: dict[str, Given] = {}
    for given in givens:
        before = by_name.get(given.option)
        if before is None or given.origin >= before.origin:
            by_name[given.option] = given
    return Options(by_name)


def folded(name: str) -> str:
    """An option's or variable's name in the one spelling that tables have.

    `sa_quarantine`, `sa-quarantine` and `sa_quarantine_site` are the same (facts 6.2).
    """
    plain = name.lstrip("-$@%").lower().replace("_", "-")
    for ending in _ENDINGS:
        plain = plain.removesuffix(ending)
    return plain


def yes_or_no(given: Given) -> bool:
    """Read a switch; raises `ValueError`. The original takes yes, no, 1, 0 (facts 2)."""
    word = given.text.strip().lower()
    if word in _YES:
        return True
    if word in _NO and (word or given.origin is Origin.PROGRAM):
        return False
    raise ValueError("expected yes or no")


def number(given: Given) -> Decimal:
    """Read a number that is not negative; raises `ValueError`. To Perl, an empty text is 0."""
    plain = given.text.strip()
    if not plain and given.origin is Origin.PROGRAM:
        return Decimal(0)
    if len(plain) > _NUMBER_CHARACTERS or not _NUMBER.fullmatch(plain):
        raise ValueError("expected a number")
    return Decimal(plain)
