"""The settings file with a comment for each decision, and the report.

Texts of the old installation stand in comments: what would end a line, or move a terminal's cursor,
is written as an escape there. Values are written by the settings' own `toml_value`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from mailwarden.migrate.decisions import Decision, Loss, Note
from mailwarden.settings.catalogue import entries, toml_value

_COLUMNS = 96
_SHOWN_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Page:
    """A settings file, and which decision stands in which of its lines."""

    text: str
    places: Mapping[int, Decision]


def settings_page(decisions: Iterable[Decision], sources: Sequence[str]) -> Page:
    """Write the settings file; `sources` are the names of what was read."""
    lines = ["# Settings of Mailwarden, written by `mailwarden config import` from"]
    lines += [line for source in sources for line in _comment(f"  {printable(source)}")]
    places: dict[int, Decision] = {}
    for line in _tables(decisions):
        lines.append(line if isinstance(line, str) else _setting(line))
        if isinstance(line, Decision):
            places[len(lines)] = line
    return Page("".join(f"{line}\n" for line in lines), places)


def remark_comments(notes: Sequence[Note], losses: Sequence[Loss]) -> str:
    """What is written below the settings: what was carried without one, and what was not."""
    return "".join(f"{line}\n" for line in _remark_comments(notes, losses))


def report(notes: Sequence[Note], losses: Sequence[Loss]) -> str:
    """What an administrator should read: first what is missing, then what to know."""
    lines: list[str] = []
    for title, remarks in ((_LOST, losses), (_TO_KNOW, notes)):
        if remarks:
            lines += [f"{title}:", *(f"  {_told(one)}" for one in remarks), ""]
    return "".join(f"{line}\n" for line in lines)


def printable(text: str) -> str:
    """A text of the old installation on one line, with its strange characters as escapes."""
    shown = text[:_SHOWN_CHARACTERS]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


_LOST = "Could not be carried over"
_TO_KNOW = "Carried without a setting, or worth knowing"


def _tables(decisions: Iterable[Decision]) -> Iterator[str | Decision]:
    """Lines and decisions in the order of the file: everybody's first, those of no table ahead."""
    by_match: dict[tuple[str, ...], list[Decision]] = {(): []}
    for decision in decisions:
        by_match.setdefault(decision.match, []).append(decision)
    for match, group in by_match.items():
        if match:
            yield from ("", "[[profile]]", f"match = {toml_value(match)}")
            yield from _settings(group)
        else:
            yield from _sections(group)


def _sections(group: list[Decision]) -> Iterator[str | Decision]:
    section = ""
    for decision in sorted(group, key=_place):
        own = decision.key.rpartition(".")[0]
        if own != section:
            yield from ("", f"[{own}]")
        elif not own:
            yield ""
        section = own
        yield from _commented(decision)


def _settings(group: list[Decision]) -> Iterator[str | Decision]:
    for decision in sorted(group, key=_place):
        yield from _commented(decision)


def _place(decision: Decision) -> int:
    return _ORDER.get(decision.key, len(_ORDER))


_ORDER = {entry.key: place for place, entry in enumerate(entries())}


def _commented(decision: Decision) -> Iterator[str | Decision]:
    yield from _comment(_told(decision))
    yield decision


def _setting(decision: Decision) -> str:
    """In a profile, the dotted key; in a table of its own, the name."""
    name = decision.key if decision.match else decision.key.rpartition(".")[2]
    return f"{name} = {toml_value(decision.value)}"


def _remark_comments(notes: Sequence[Note], losses: Sequence[Loss]) -> Iterator[str]:
    for title, remarks in ((_TO_KNOW, notes), (_LOST, losses)):
        if remarks:
            yield from ("", f"# {title}:")
        for one in remarks:
            yield from _comment(f"- {_told(one)}")


def _told(one: Decision | Note | Loss) -> str:
    return f"{printable(one.source)}: {printable(one.why)}"


def _comment(text: str) -> list[str]:
    indent = "# " + " " * (len(text) - len(text.lstrip(" -")))
    return wrap(
        text, _COLUMNS, initial_indent="# ", subsequent_indent=indent, break_on_hyphens=False
    )
