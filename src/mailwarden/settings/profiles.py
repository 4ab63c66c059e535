"""Which settings hold for a recipient: the site's, or a profile's laid over them.

Profiles are `[[profile]]` tables and the rows of Qmail-Scanner's own files (`per_domain_files`).
A recipient has one profile at most: the one of the full address, else of the domain, else of the
nearest domain above. Where several are for the same, a table is before settings_per_domain.txt,
which is before scanners_per_domain.txt.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mailwarden.settings.model import PerDomainSettings, Settings
from mailwarden.settings.per_domain_files import PerDomainFile
from mailwarden.settings.per_recipient import ProfileSettings
from mailwarden.settings.values import DOMAIN_CHARACTERS, Section

# What a profile says other than the site: of each table (empty: above all tables) its settings.
_Table = tuple[str, tuple[tuple[str, object], ...]]
_Difference = tuple[_Table, ...]


@dataclass(frozen=True, slots=True)
class Profiles:
    """Effective settings by recipient; those with equal settings share one object.

    `by_pattern` has `user@example.org`, `example.org` or `.example.org`, in lower case.
    """

    site: Settings
    by_pattern: Mapping[str, Settings] = field(default_factory=dict)

    def settings_for(self, address: bytes) -> Settings:
        """The settings of one recipient: the full address, its domain, the domains above, site."""
        if not self.by_pattern:
            return self.site
        found = (
            self.by_pattern.get(pattern)
            for pattern in _patterns(address, default_domain(self.site))
        )
        return next((settings for settings in found if settings is not None), self.site)

    def distinct(self) -> tuple[Settings, ...]:
        """Each settings object once, the site's first."""
        return tuple({id(one): one for one in (self.site, *self.by_pattern.values())}.values())


@dataclass(frozen=True, slots=True)
class Saying:
    """A profile and where it stands: its position among the tables, or the file that has it."""

    profile: ProfileSettings
    stands: int | PerDomainFile


def profiles_of(settings: Settings) -> Profiles:
    """Lay every profile over the site's settings."""
    laying = _Laying(settings)
    by_pattern: dict[str, Settings] = {}
    for saying in sayings(settings):
        effective_settings = laying.over(saying.profile)
        for pattern in saying.profile.match:
            by_pattern.setdefault(pattern, effective_settings)
    return Profiles(settings, by_pattern)


def effective(site: Settings, profile: ProfileSettings) -> Settings:
    """The site's settings with what the profile says in their place.

    The site's own object where that changes nothing; else one without any profiles of its own.
    """
    return _Laying(site).over(profile)


def sayings(settings: Settings) -> Iterator[Saying]:
    """All profiles; of two for the same recipients, the one that holds comes first."""
    for position, profile in enumerate(settings.profile):
        yield Saying(profile, position)
    files = settings.per_domain
    for file in (files.settings_file, files.scanners_file):
        if file is not None:
            yield from (Saying(profile, file) for profile in file.profiles)


def saying_for(settings: Settings, address: bytes) -> tuple[str, Saying] | None:
    """The profile of one recipient, with the pattern that it was found by; None without any."""
    found: dict[str, Saying] = {}
    for saying in sayings(settings):
        for pattern in saying.profile.match:
            found.setdefault(pattern, saying)
    domain = default_domain(settings)
    return next(((one, found[one]) for one in _patterns(address, domain) if one in found), None)


def said(profile: ProfileSettings) -> Mapping[str, object]:
    """What a profile says, by the dotted keys of the site's settings."""
    return {
        f"{table}.{name}" if table else name: value
        for table, inside in _said_tables(profile)
        for name, value in inside
    }


class _Laying:
    """Lays profiles over a site's settings, and equal ones only once."""

    def __init__(self, site: Settings) -> None:
        self._site = site
        self._sections: dict[_Table, Section] = {}
        self._settings: dict[_Difference, Settings] = {(): site}

    def over(self, profile: ProfileSettings) -> Settings:
        difference = tuple(self._differing(profile))
        if difference not in self._settings:
            self._settings[difference] = self._laid_over(difference)
        return self._settings[difference]

    def _differing(self, profile: ProfileSettings) -> Iterator[_Table]:
        for table, inside in _said_tables(profile):
            below: Section = getattr(self._site, table) if table else self._site
            changed = tuple((name, to) for name, to in inside if getattr(below, name) != to)
            if changed:
                yield table, changed

    def _laid_over(self, difference: _Difference) -> Settings:
        changes: dict[str, object] = {"profile": (), "per_domain": PerDomainSettings()}
        for table, inside in difference:
            changes |= {table: self._section(table, inside)} if table else dict(inside)
        return self._site.model_copy(update=changes)

    def _section(self, table: str, inside: tuple[tuple[str, object], ...]) -> Section:
        """One table; profiles that say the same of it share it, and with it what is made of it."""
        if (table, inside) not in self._sections:
            below: Section = getattr(self._site, table)
            self._sections[table, inside] = below.model_copy(update=dict(inside))
        return self._sections[table, inside]


def _said_tables(profile: ProfileSettings) -> Iterator[_Table]:
    """What a profile says, in the order of the model, so that equal ones look the same."""
    given = [name for name in ProfileSettings.model_fields if name in profile.model_fields_set]
    for name in given:
        value = getattr(profile, name)
        if isinstance(value, Section):
            yield name, _given(value)
        elif name != "match":
            yield "", ((name, value),)


def _given(table: Section) -> tuple[tuple[str, object], ...]:
    names = type(table).model_fields
    return tuple((name, getattr(table, name)) for name in names if name in table.model_fields_set)


def default_domain(settings: Settings) -> str:
    """The domain that the queue adds to an address without one (qmail's control/envnoathost)."""
    return settings.queue.default_domain or settings.headers.hostname.lower()


def _patterns(address: bytes, default: str) -> Iterator[str]:
    """What may stand for an address, the nearest first."""
    text = address.decode("utf-8", "surrogateescape").lower().removesuffix(".")
    if "@" not in text:
        text = f"{text}@{default}"
    yield text
    domain = text.rpartition("@")[2]
    # No pattern is longer, and a sender may write a domain of any length.
    if len(domain) > DOMAIN_CHARACTERS:
        return
    yield domain
    while domain := domain.partition(".")[2]:
        yield f".{domain}"
