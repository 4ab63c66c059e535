"""Read a settings file, and say everything that is wrong with it at once.

A setting that is wrong is left out, what remains is still checked, contradictions included: nobody
has to correct one mistake to be told of the next.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mailwarden.settings.catalogue import PROFILES, entries
from mailwarden.settings.contradictions import Contradiction, contradictions
from mailwarden.settings.locations import KeyPath, locate
from mailwarden.settings.model import Settings
from mailwarden.settings.named_files import with_named_files
from mailwarden.settings.problems import Problem, dotted, meant, problem_of, setting_path
from mailwarden.settings.profile_problems import profile_problems

__all__ = [
    "DEFAULT_PATH",
    "FILE_BYTES",
    "PATH_VARIABLE",
    "Loaded",
    "Problem",
    "SettingsError",
    "load_settings",
    "parse_settings",
    "read_settings",
    "read_text",
    "settings_path",
]

DEFAULT_PATH = Path("/etc/mailwarden/mailwarden.toml")
PATH_VARIABLE = "MAILWARDEN_CONFIG"
# All settings with all their comments take 20 kB; what is a hundred times larger is another file.
FILE_BYTES = 2_000_000
# What tomllib says is cut here: it may repeat a key of any length.
_SYNTAX_CHARACTERS = 80
_TOML_ERROR = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), .*|end of document)\)", re.DOTALL
)

# What TOML holds before it is checked; `Any` because tomllib says no more.
Table = Mapping[str, Any]
Lines = Mapping[KeyPath, int]


class SettingsError(Exception):
    """Settings that cannot be used; `str` is for people and has a line or two for each problem."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(problem.told(self.source) for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and where they come from: `lines` has the line of each setting that was given.

    `exists` is false when there was no file, so that every setting is the default. `places` has
    the line of all that stands in the file, profiles included, by its path.
    """

    settings: Settings
    source: str
    lines: Mapping[str, int]
    exists: bool = True
    places: Mapping[KeyPath, int] = field(default_factory=dict)


def settings_path(given: Path | None, environment: Mapping[str, str]) -> Path:
    """The settings file to read: the given one, else $MAILWARDEN_CONFIG's, else the default."""
    return given or Path(environment.get(PATH_VARIABLE) or DEFAULT_PATH)


def load_settings(path: Path) -> Settings:
    """Read a settings file; raises `SettingsError` with all its problems.

    Only the default file may be missing, which gives the defaults.
    """
    return read_settings(path, must_exist=path != DEFAULT_PATH).settings


def parse_settings(text: str, source: str) -> Settings:
    """Read settings from TOML text; `source` is its name in messages; raises `SettingsError`."""
    return read_text(text, source).settings


def read_settings(path: Path, *, must_exist: bool) -> Loaded:
    """Read a settings file and remember what stands where; raises `SettingsError`."""
    try:
        content = _content(path)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not must_exist:
            return Loaded(Settings(), str(path), {}, exists=False)
        raise SettingsError(str(path), (_unreadable(error),)) from error
    return read_text(_decoded(content, str(path)), str(path))


def read_text(text: str, source: str) -> Loaded:
    """Read TOML text and remember what stands where; raises `SettingsError`."""
    table, lines = _parsed(text, source)
    errors = _errors(table)
    wrong = frozenset(setting_path(error) for error in errors)
    settings = Settings.model_validate(_without(table, wrong))
    positions = _positions(table, wrong)
    settings, file_problems = with_named_files(settings, lines, positions)
    unsure = _unsure(errors)
    problems = [
        *(problem_of(error, lines) for error in errors),
        *file_problems,
        *_contradiction_problems(settings, lines, unsure[None]),
        *profile_problems(settings, lines, positions, unsure),
    ]
    if problems:
        in_order = sorted(problems, key=lambda one: (one.file, one.line or 0))
        raise SettingsError(source, tuple(in_order))
    return Loaded(settings, source, _given(lines), places=lines)


def _content(path: Path) -> bytes:
    """At most one byte more than is allowed, so that the caller sees that it was too much."""
    with path.open("rb") as file:
        return file.read(FILE_BYTES + 1)


def _unreadable(error: OSError) -> Problem:
    reason = error.strerror or type(error).__name__
    return Problem("", None, f"cannot be read: {reason}", _reading_advice(error))


def _reading_advice(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "a sample to start from: mailwarden config describe --format toml"
        case PermissionError():
            return "the user that runs mailwarden must be able to read it"
        case _:
            return "a readable file was expected"


def _decoded(content: bytes, source: str) -> str:
    if len(content) > FILE_BYTES:
        large = Problem("", None, f"larger than {FILE_BYTES:_} bytes", "is this the settings file?")
        raise SettingsError(source, (large,))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem("", line, "not UTF-8, which TOML must be", "save the file as UTF-8")
        raise SettingsError(source, (problem,)) from error


def _parsed(text: str, source: str) -> tuple[Table, Lines]:
    try:
        return tomllib.loads(text, parse_float=_fraction), locate(text)
    except RecursionError as error:
        deep = Problem("", None, "tables or lists nested too deeply", "no setting is so deep")
        raise SettingsError(source, (deep,)) from error
    except ValueError as error:
        raise SettingsError(source, (_syntax_problem(error),)) from error


def _fraction(text: str) -> Decimal:
    """Keep 2.1 what it is; what is too large even for `Decimal` is no number to us."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _syntax_problem(error: ValueError) -> Problem:
    advice = 'settings are written name = value, texts in "quotes", true and false without'
    if match := _TOML_ERROR.fullmatch(str(error)):
        line = int(match["line"]) if match["line"] else None
        return Problem("", line, f"not TOML: {match['what'][:_SYNTAX_CHARACTERS]}", advice)
    # tomllib's one other ValueError is int's, for more digits than it will read.
    return Problem("", None, "not TOML that can be read: a number has too many digits", advice)


def _errors(table: Table) -> list[ErrorDetails]:
    try:
        Settings.model_validate(table)
    except ValidationError as error:
        return _without_echoes(error.errors(include_url=False))
    return []


def _without_echoes(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out what is said of a list only because an item of it is wrong."""
    lists = {error["loc"][:-1] for error in errors}
    return [error for error in errors if error["loc"] not in lists]


def _without(table: Table, wrong: frozenset[KeyPath], above: KeyPath = ()) -> Table:
    """The same table without the settings, unknown keys, tables and profiles that are wrong."""
    return {
        name: _kept(inside, wrong, (*above, name))
        for name, inside in table.items()
        if (*above, name) not in wrong
    }


def _kept(value: object, wrong: frozenset[KeyPath], path: KeyPath) -> object:
    match value:
        case dict():
            return _without(value, wrong, path)
        case list() if path == (PROFILES,):
            return [
                _kept_profile(profile, wrong, (*path, position))
                for position, profile in enumerate(value)
                if (*path, position) not in wrong
            ]
        case _:
            return value


def _kept_profile(profile: Table, wrong: frozenset[KeyPath], path: KeyPath) -> Table:
    """A profile for nobody, where nobody can say whom it is for: the rest of it is checked, too."""
    return {"match": [f"{path[-1]}.invalid"], **_without(profile, wrong, path)}


def _positions(table: Table, wrong: frozenset[KeyPath]) -> Sequence[int]:
    """Where the profiles that are kept stand in the list of the file."""
    if (PROFILES,) in wrong:
        return ()
    count = len(table.get(PROFILES, ()))
    return [position for position in range(count) if (PROFILES, position) not in wrong]


def _unsure(errors: Sequence[ErrorDetails]) -> Mapping[int | None, frozenset[str]]:
    """Keys and tables that are wrong or may have been meant; by profile, and None: everybody's."""
    found: dict[int | None, set[str]] = {None: set()}
    for error in errors:
        path = setting_path(error)
        is_of_profile = path[0] == PROFILES and len(path) > 1
        position = int(path[1]) if is_of_profile else None
        path = path[2:] if is_of_profile else path
        likely = meant(error).removeprefix(f"{PROFILES}.")
        found.setdefault(position, set()).update({dotted(path), likely})
    return {position: frozenset(keys) for position, keys in found.items()}


def _contradiction_problems(
    settings: Settings, lines: Lines, unsure: frozenset[str]
) -> Iterator[Problem]:
    for contradiction in contradictions(settings):
        if unsure.isdisjoint(contradiction.involved):
            yield _contradiction_problem(contradiction, lines)


def _contradiction_problem(contradiction: Contradiction, lines: Lines) -> Problem:
    """Point at the first of its settings that was given; not all need to be."""
    given = _given(lines)
    where = next((key for key in contradiction.keys if key in given), contradiction.keys[0])
    return Problem(where, given.get(where), contradiction.message, contradiction.suggestion)


def _given(lines: Lines) -> dict[str, int]:
    """The line of each setting that was given, by its dotted key."""
    paths = {entry.key: tuple(entry.key.split(".")) for entry in entries()}
    return {key: lines[path] for key, path in paths.items() if path in lines}
