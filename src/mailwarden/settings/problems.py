"""What is wrong with a setting, in people's words, and what may have been meant.

The messages are ours, not pydantic's: what was expected comes from the catalogue.
They tell numbers that were given, never texts, for a text may be a secret.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from json import dumps

from pydantic_core import ErrorDetails

from mailwarden.settings.catalogue import (
    PROFILES,
    Entry,
    entries,
    entry_of,
    profile_sections,
    row_entries,
    sections,
    tables,
    toml_value,
)
from mailwarden.settings.locations import KeyPath

# Numbers and names longer than this are cut in messages: a terminal is 80 columns wide.
_SHOWN_CHARACTERS = 40
_SHOWN_BITS = 128
_SHOWN_DEFAULT_CHARACTERS = 60
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# A text was expected and given: to say "found a text" would not help.
_WRONG_TEXTS = frozenset(
    {"literal_error", "string_pattern_mismatch", "string_too_long", "string_too_short"}
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a settings file.

    `where` is the dotted key (empty: the file as a whole), `line` counts from 1, `message` says
    what is wrong and what was expected, `suggestion` what to do (it may be empty). `file` is the
    one that it is in when that is not the settings file, but one that the settings name.
    """

    where: str
    line: int | None
    message: str
    suggestion: str = ""
    file: str = ""

    def place(self, source: str) -> str:
        """`file:line`, as editors understand it; only the file where there is no line."""
        source = self.file or source
        return source if self.line is None else f"{source}:{self.line}"

    def told(self, source: str) -> str:
        """`file:line: key: message`, and the suggestion on a line of its own."""
        parts = [self.place(source), self.where, self.message]
        told = ": ".join(part for part in parts if part)
        return f"{told}\n    {self.suggestion}" if self.suggestion else told


def problem_of(error: ErrorDetails, lines: Mapping[KeyPath, int]) -> Problem:
    """Say what one of pydantic's errors means; `lines` is what `locate` found."""
    path = _names(error)
    location = error["loc"]
    places = (location[:length] for length in range(len(location), 0, -1))
    line = next((lines[place] for place in places if place in lines), None)
    message, suggestion = _told(error, path)
    return Problem(dotted(path), line, message, suggestion)


def setting_path(error: ErrorDetails) -> KeyPath:
    """The setting, unknown key or table that an error is about; it may be about one item of it.

    In a profile it begins with `profile` and the profile's position.
    """
    location = error["loc"]
    if location[0] != PROFILES or len(location) == 1:
        return location[: 2 if location[0] in sections() else 1]
    above, inside = location[:2], location[2:]
    length = 2 if inside and inside[0] in profile_sections() else 1
    return (*above, *inside[:length])


def _names(error: ErrorDetails) -> tuple[str, ...]:
    """The names down to what an error is about, without the positions in lists."""
    return tuple(name for name in error["loc"] if isinstance(name, str))


def _is_item(error: ErrorDetails) -> bool:
    """It is about one item of a list, or, in a list of tables, about one table."""
    return isinstance(error["loc"][-1], int)


def dotted(path: KeyPath) -> str:
    """A path as people write it, safe for any terminal."""
    return ".".join(_shown_name(str(name)) for name in path)


def meant(error: ErrorDetails) -> str:
    """The key or table that an unknown one may have been meant for, or empty."""
    if error["type"] != "extra_forbidden":
        return ""
    *above, name = path = _names(error)
    table = ".".join(above)
    if same := _same_for_everybody(path):
        return same
    if table in tables() and table != PROFILES:
        near = get_close_matches(name, [entry.name for entry in row_entries(table)], 1)
        return _first([f"{table}.{one}" for one in near])
    if isinstance(error["input"], dict) and table in {"", PROFILES}:
        known = profile_sections() if table else sections()
        return _first([f"{table}.{one}".lstrip(".") for one in get_close_matches(name, known, 1)])
    return nearest_key(table, name)


def _same_for_everybody(path: Sequence[str]) -> str:
    """The setting or table outside of profiles that stands in one, or empty."""
    if path[0] != PROFILES:
        return ""
    key = ".".join(path[1:])
    return key if key in sections() or key in {entry.key for entry in entries()} else ""


def nearest_key(section: str, name: str) -> str:
    """The setting that is most like a name in a table (which may be empty), or empty.

    Qmail-Scanner's name for it, else one of the table that begins so (`delete` of `delete_above`),
    else the same name in another table, else a like name: a very like one is better than one that
    happens to stand in the same table. In a profile, its own settings are before all others.
    """
    if section.partition(".")[0] == PROFILES:
        own = _nearest(row_entries(PROFILES), section, name)
        return own or _nearest(entries(), section.partition(".")[2], name)
    return _nearest(entries(), section, name)


def _nearest(known: Sequence[Entry], section: str, name: str) -> str:
    if entry := _renamed(known, name):
        return entry.key
    here = [entry for entry in known if entry.section == section]
    begun = [entry for entry in here if entry.name.startswith(f"{name}_")]
    for candidates, likeness in (
        (begun, 0.0),
        (known, 1.0),
        (here, 0.8),
        (known, 0.8),
        (here, 0.6),
    ):
        near = get_close_matches(name, {entry.name for entry in candidates}, 1, likeness)
        keys = [entry.key for entry in candidates if entry.name in near]
        if keys:
            return _first(get_close_matches(f"{section}.{name}", keys, 1, cutoff=0))
    return ""


def _first(matches: Sequence[str]) -> str:
    return matches[0] if matches else ""


def _renamed(known: Sequence[Entry], name: str) -> Entry | None:
    """The setting that Qmail-Scanner calls so, be it `sa-delete`, `sa_delete` or `SA_DELETE`."""
    wanted = _folded(name)
    named = (entry for entry in known if entry.qmail_scanner)
    return next((entry for entry in named if _folded(entry.qmail_scanner) == wanted), None)


def _folded(name: str) -> str:
    return name.lower().replace("_", "-")


def _told(error: ErrorDetails, path: tuple[str, ...]) -> tuple[str, str]:
    """Message and suggestion."""
    if error["type"] == "extra_forbidden":
        return _told_of_unknown(error, path)
    entry = entry_of(".".join(path))
    if entry is None:
        return f"expected a table; found {_found(error['input'])}", f"write [{dotted(path)}]"
    if error["type"] == "missing":
        return f"not said; expected {entry.words}", f"write {entry.name} = {entry.sample}"
    if entry.key in tables():
        return _told_of_tables(error, entry)
    item = error["loc"][-1] if _is_item(error) else None
    position = "" if item is None else f"item {int(item) + 1}: "
    words = entry.words if item is None else entry.item_words
    advice = _advice(entry, error["input"], is_item=item is not None)
    return position + _expectation(error, words), advice


def _told_of_tables(error: ErrorDetails, entry: Entry) -> tuple[str, str]:
    """A list of tables, or one of them, is wrong as a whole."""
    words = entry.item_words if _is_item(error) else entry.words
    if error["type"] == "value_error":
        advice = f"see what there is: mailwarden config describe {entry.key}"
    else:
        advice = f"write [[{entry.key}]] above each"
    return _expectation(error, words), advice


def _told_of_unknown(error: ErrorDetails, path: tuple[str, ...]) -> tuple[str, str]:
    if same := _same_for_everybody(path):
        return "this is the same for everybody", f"write {_bracketed(same)} outside of profiles"
    key = meant(error)
    advice = (
        f"did you mean {_bracketed(key)}?" if key else "see them all: mailwarden config describe"
    )
    return "there is no such setting", advice


def _bracketed(key: str) -> str:
    """A key as people write it: a table's name in square brackets."""
    if key in tables():
        return f"[[{key}]]"
    is_table = key in sections() or key.removeprefix(f"{PROFILES}.") in profile_sections()
    return f"[{key}]" if is_table else key


def _expectation(error: ErrorDetails, words: str) -> str:
    if error["type"] == "value_error":  # ours, see `model`: it says what was expected
        return str(error["ctx"]["error"])
    if isinstance(error["input"], str) and error["type"] in _WRONG_TEXTS:
        return f"expected {words}"
    return f"expected {words}; found {_found(error['input'])}"


def _found(value: object) -> str:
    """What was given, in people's words: numbers as they are, texts never."""
    match value:
        case bool():
            return toml_value(value)
        case int() if value.bit_length() > _SHOWN_BITS:
            return "a number that is far too large"
        case int() | float() | Decimal():
            return str(value)[:_SHOWN_CHARACTERS]
        case str():
            return "a text"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case dict():
            return "a table"
        case date() | time():
            return "a date or time"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")


def _advice(entry: Entry, given: object, *, is_item: bool) -> str:
    if isinstance(given, str) and (near := get_close_matches(given.lower(), entry.choices, 1)):
        return f"did you mean {toml_value(near[0])}?"
    if is_item:
        return "correct this item, or take it out"
    hint = _text_hint(entry) if isinstance(given, str) else ""
    return f"{hint}{_default_advice(entry)}"


def _text_hint(entry: Entry) -> str:
    if entry.item_words:
        return "write a list, in square brackets; "
    if isinstance(entry.default, bool | int | float | Decimal):
        return "write it without quotes; "
    return ""


def _default_advice(entry: Entry) -> str:
    if len(entry.default_words) > _SHOWN_DEFAULT_CHARACTERS:
        return f"see the default: mailwarden config describe {entry.key}"
    return f"the default is {entry.default_words}"


def _shown_name(name: str) -> str:
    """A key's name as TOML writes it, cut when it is long."""
    shown = name[:_SHOWN_CHARACTERS]
    return shown if _BARE_KEY.fullmatch(shown) else dumps(shown)
