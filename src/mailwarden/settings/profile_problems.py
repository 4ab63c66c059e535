"""What is wrong with profiles that hold together each for itself.

Two for the same recipients, and what a profile's settings say against each other or against those
for everybody; the latter also for the rows of Qmail-Scanner's files.
"""

from collections.abc import Iterator, Mapping, Sequence
from json import dumps

from mailwarden.settings.catalogue import PROFILES
from mailwarden.settings.contradictions import Contradiction, contradictions_of_profile
from mailwarden.settings.locations import KeyPath
from mailwarden.settings.model import Settings
from mailwarden.settings.per_domain_files import SPAM_FIELDS, PerDomainFile
from mailwarden.settings.per_recipient import ProfileSettings
from mailwarden.settings.problems import Problem
from mailwarden.settings.profiles import effective, said, sayings

Lines = Mapping[KeyPath, int]
_ROW_NAMES = {f"spam.{one.setting}": one.name for one in SPAM_FIELDS}


def profile_problems(
    settings: Settings,
    lines: Lines,
    positions: Sequence[int],
    unsure: Mapping[int | None, frozenset[str]],
) -> Iterator[Problem]:
    """Everything that is wrong with the profiles of these settings.

    `positions` tells where in the list of the settings file each profile stands; `unsure` has, by
    that position, the keys and tables of which nobody knows what was meant; by None, everybody's.
    """
    of_all = unsure[None]
    yield from _doubled(settings, lines, positions)
    for saying in sayings(settings):
        if isinstance(saying.stands, int):
            position = positions[saying.stands]
            doubts = of_all | unsure.get(position, frozenset())
            yield from _of_table(settings, saying.profile, position, lines, doubts)
        else:
            yield from _of_rows(settings, saying.profile, saying.stands, of_all)


def _doubled(settings: Settings, lines: Lines, positions: Sequence[int]) -> Iterator[Problem]:
    first: dict[str, int | None] = {}
    for profile, position in zip(settings.profile, positions, strict=True):
        for item, pattern in enumerate(profile.match):
            line = lines.get((PROFILES, position, "match", item))
            if pattern in first:
                yield _double(pattern, line, first[pattern])
            first.setdefault(pattern, line)


def _double(pattern: str, line: int | None, earlier: int | None) -> Problem:
    message = f"{dumps(pattern)} stands in line {earlier} already"
    return Problem(f"{PROFILES}.match", line, message, "one of the two has to go")


def _of_table(
    settings: Settings,
    profile: ProfileSettings,
    position: int,
    lines: Lines,
    unsure: frozenset[str],
) -> Iterator[Problem]:
    told = said(profile)
    names = {key: f"{PROFILES}.{key}" for key in told}
    for found in contradictions_of_profile(effective(settings, profile), told, names):
        if unsure.isdisjoint(found.involved):
            key = next(key for key in found.keys if told.get(key))
            line = _line((PROFILES, position, *key.split(".")), lines)
            yield Problem(names[key], line, found.message, found.suggestion)


def _line(path: KeyPath, lines: Lines) -> int | None:
    """The line of a setting; of the profile, if that is said in a way that has no line."""
    return lines.get(path) or lines.get(path[:2])


def _of_rows(
    settings: Settings, profile: ProfileSettings, file: PerDomainFile, unsure: frozenset[str]
) -> Iterator[Problem]:
    told = said(profile)
    for found in contradictions_of_profile(effective(settings, profile), told, _ROW_NAMES):
        if unsure.isdisjoint(found.involved):
            yield _of_row(found, profile, file)


def _of_row(found: Contradiction, profile: ProfileSettings, file: PerDomainFile) -> Problem:
    """Told of the first of all rows that say so."""
    others = len(profile.match) - 1
    more = f" ({others} more {'rows say' if others > 1 else 'row says'} the same)" if others else ""
    line = file.lines[profile.match[0]]
    return Problem("", line, f"{found.message}{more}", found.suggestion, str(file.path))
