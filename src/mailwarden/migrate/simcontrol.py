"""simscan's `control/simcontrol` and `control/ssattach`, as they are written.

    postmaster@example.com:clam=yes,spam=no,attach=.txt:.com
    example.com:clam=no,spam=yes,attach=.mp3
    :clam=yes,spam=yes,trophie=yes,spam_hits=20.1

A full address comes before its domain, a domain before the line without a name, which is for
everybody else. What the lines become is in `simscan`. Source: simscan's README.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

# What one settings file has room for: a table for each line.
MOST_LINES = 4_000


@dataclass(frozen=True, slots=True)
class ControlLine:
    """A line: whom it is for (empty: everybody else), and what it says, names in small letters."""

    key: str
    says: Mapping[str, str]
    number: int


@dataclass(frozen=True, slots=True)
class StrangeLine:
    """A line that is none; `why` says what was expected."""

    number: int
    why: str


def read_control(text: str) -> Iterator[ControlLine | StrangeLine]:
    """Read every line; of more than are taken, the rest is one strange line."""
    for taken, (number, content) in enumerate(_lines(text)):
        if taken == MOST_LINES:
            yield StrangeLine(number, f"more than {MOST_LINES:_} lines: from here on none is read")
            return
        yield _control_line(content, number)


def read_attachments(text: str) -> tuple[str, ...]:
    """Read the endings of names that are blocked: one a line, or several with colons between."""
    return endings_in(":".join(content for _, content in _lines(text)))


def endings_in(text: str) -> tuple[str, ...]:
    """The endings in `.exe:.scr`, in small letters, as simscan compares them."""
    found = (ending.strip().lower() for ending in text.split(":"))
    return tuple(dict.fromkeys(ending for ending in found if ending))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        content = line.strip()
        if content and not content.startswith("#"):
            yield number, content


def _control_line(content: str, number: int) -> ControlLine | StrangeLine:
    key, colon, rest = content.partition(":")
    if not colon:
        return StrangeLine(number, "expected address:name=value,name=value")
    says: dict[str, str] = {}
    for item in filter(None, (item.strip() for item in rest.split(","))):
        name, equals, value = item.partition("=")
        if not equals:
            return StrangeLine(number, "expected name=value between commas")
        says[name.strip().lower()] = value.strip()
    return ControlLine(key.strip().lower(), MappingProxyType(says), number)
