"""Ways of reading a message: the choices in which mail clients differ, as values.

The default of every choice makes the usual reading, which most clients take.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import TypeVar

from mailwarden.message.headers import FieldNames, HeaderEnd

# A choice for `pick`: the last candidate, however many there are.
LAST = -1

_Candidate = TypeVar("_Candidate")


class Delimiters(Enum):
    """Which lines separate the parts of a multipart."""

    EXACT = "exact"  # the boundary and nothing but blanks after it
    PREFIX = "prefix"  # whatever begins with the boundary


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of reading; its name stands before the paths of what only it finds.

    `media_type` and `boundary` say which candidate counts where a part names several.
    """

    name: str
    media_type: int = 0
    boundary: int = 0
    header_end: HeaderEnd = HeaderEnd.EMPTY_LINE
    field_names: FieldNames = FieldNames.TRIMMED
    delimiters: Delimiters = Delimiters.EXACT
    outer_boundary_wins: bool = False
    boundaries_end_headers: bool = True
    parts_after_closing: bool = True
    opens_encoded_messages: bool = False

    @property
    def chooses(self) -> bool:
        """Whether it takes another candidate than the first."""
        return bool(self.media_type or self.boundary)

    def with_habits_of(self, other: "Dialect") -> "Dialect":
        """Give the dialect of a client that differs in the habits of both."""
        if self == USUAL:
            return other
        others = {
            one.name: getattr(other, one.name)
            for one in fields(other)
            if getattr(other, one.name) != one.default
        }
        return replace(self, **(others | {"name": f"{self.name}+{other.name}"}))


USUAL = Dialect("usual")


def pick(candidates: Sequence[_Candidate], choice: int, default: _Candidate) -> _Candidate:
    """Return the chosen candidate, the last one where there are fewer, else the default."""
    if not candidates:
        return default
    return candidates[choice] if choice < len(candidates) else candidates[LAST]
