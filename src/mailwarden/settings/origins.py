"""What is in effect and where it comes from: for everybody, or for one recipient.

Reads what `load` found; nothing here reads a file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailwarden.settings.catalogue import PROFILES, Entry, entries, value_of
from mailwarden.settings.load import Loaded
from mailwarden.settings.model import Settings
from mailwarden.settings.profiles import Saying, effective, said, saying_for
from mailwarden.settings.values import Section

if TYPE_CHECKING:
    from mailwarden.settings.locations import KeyPath

_PER_DOMAIN = "per_domain"


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting in effect; `source` and `line` say where it stands, empty for the default."""

    entry: Entry
    value: object
    source: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ShownSettings:
    """Every setting in effect; `profile` says which profile a recipient has, if it is for one."""

    settings: Settings
    shown: tuple[Shown, ...]
    profile: str = ""


def shown_for_everybody(loaded: Loaded) -> ShownSettings:
    """The settings of everybody, profiles included."""
    settings = loaded.settings
    return ShownSettings(settings, tuple(_shown(loaded, settings, entries(), {})))


def shown_for(loaded: Loaded, address: bytes) -> ShownSettings:
    """The settings of one recipient, without what only says who has which."""
    own = [entry for entry in entries() if entry.key != PROFILES and entry.section != _PER_DOMAIN]
    found = saying_for(loaded.settings, address)
    if found is None:
        shown = _shown(loaded, loaded.settings, own, {})
        return ShownSettings(loaded.settings, tuple(shown), "no profile, so as for everybody")
    pattern, saying = found
    settings = effective(loaded.settings, saying.profile)
    places = {key: _place(loaded, saying, pattern, key) for key in said(saying.profile)}
    source, line = _place(loaded, saying, pattern)
    profile = f"the profile of {pattern}, {source}:{line}"
    return ShownSettings(settings, tuple(_shown(loaded, settings, own, places)), profile)


def plain_values(settings: Settings) -> Mapping[str, object]:
    """Every setting's value as JSON holds it, by dotted key; of profiles what they say."""
    values: dict[str, object] = {
        PROFILES: [one.model_dump(mode="json", exclude_unset=True) for one in settings.profile]
    }
    for name, value in settings.model_dump(mode="json", exclude={PROFILES}).items():
        is_table = isinstance(getattr(settings, name), Section)
        values |= (
            {f"{name}.{key}": one for key, one in value.items()} if is_table else {name: value}
        )
    return values


_Place = tuple[str, int | None]


def _shown(
    loaded: Loaded, settings: Settings, wanted: Iterable[Entry], places: Mapping[str, _Place]
) -> Iterator[Shown]:
    for entry in wanted:
        line = loaded.lines.get(entry.key)
        own = ("", None) if line is None else (loaded.source, line)
        yield Shown(entry, value_of(settings, entry), *places.get(entry.key, own))


def _place(loaded: Loaded, saying: Saying, pattern: str, key: str = "") -> _Place:
    """Where a profile says a setting; without one, where it stands itself."""
    if not isinstance(saying.stands, int):
        return str(saying.stands.path), saying.stands.lines[pattern]
    above: KeyPath = (PROFILES, saying.stands)
    path = (*above, *key.split(".")) if key else above
    return loaded.source, loaded.places.get(path) or loaded.places.get(above)
