"""The settings as a list to read from: key, type in words, default, sentence.

Made from `model`, which is the only place that says what a setting is.
The reference, the sample, the suggestions and the error messages are all written from this list.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from inspect import cleandoc
from itertools import chain
from json import dumps
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from mailwarden.settings.model import Settings
from mailwarden.settings.per_domain_files import PerDomainFile
from mailwarden.settings.per_recipient import ProfileSettings
from mailwarden.settings.rule_files import RuleFile
from mailwarden.settings.values import Section, Words

# From here on people count digits.
_GROUPED_DIGITS_FROM = 10_000
# The list of tables whose settings are laid over those above.
PROFILES: Final = "profile"
# What stands for a setting of a profile that does not say it.
_AS_EVERYBODY = "what everybody has"
# "(sa-delete)" at or near a sentence's end; "(unix(7))" and "(#5.7.1)" are no such names.
_QMAIL_SCANNER_NAME = re.compile(r"\(([a-z]+(?:-[a-z]+)*|SA_[A-Z_]+)\)(?=[.;])")
# `profile.attachments.rules`: what one of these rules does not say is not said by others either.
_RULES_DOTS = 2
_BOUNDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gt": "above {}",
        "ge": "at least {}",
        "le": "at most {}",
        "min_length": "not empty",
        "max_length": "at most {} characters",
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting; `section` is empty for those above all tables.

    `words` completes "expected ..."; `item_words` does so for one item of a list, else it is empty.
    `default` is the value, `default_words` what people read, `sample` a TOML value to start from;
    `is_computed` says that the default is this machine's own.
    """

    section: str
    name: str
    words: str
    item_words: str
    unit: str
    choices: tuple[str, ...]
    sentence: str
    default: object
    default_words: str
    is_computed: bool
    sample: str

    @property
    def key(self) -> str:
        """The dotted key, as in `spam.delete_above`."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def qmail_scanner(self) -> str:
        """What Qmail-Scanner calls it, as far as the sentence says; else empty."""
        match = _QMAIL_SCANNER_NAME.search(self.sentence)
        return match[1] if match else ""

    @property
    def is_default_a_value(self) -> bool:
        """The default's words are TOML, not a phrase."""
        return self.default_words == toml_value(self.default)


@cache
def entries() -> tuple[Entry, ...]:
    """Every setting, in the order of `model`: those above all tables first, profiles last."""
    found = _entries_of("", Settings)
    return tuple(sorted(found, key=lambda entry: entry.key == PROFILES))


@cache
def sections() -> Mapping[str, type[Section]]:
    """The tables of the settings file, by name."""
    return MappingProxyType(dict(_sections_of(Settings)))


@cache
def profile_sections() -> Mapping[str, type[Section]]:
    """The tables of a profile, by name."""
    return MappingProxyType(dict(_sections_of(ProfileSettings)))


@cache
def tables() -> Mapping[str, type[Section]]:
    """The lists of tables, `[[attachments.rules]]`, by their dotted keys; also those in others."""
    return MappingProxyType(dict(_lists_of_tables("", Settings)))


@cache
def row_entries(key: str) -> tuple[Entry, ...]:
    """Every setting of one table of a list of tables, which has this dotted key.

    Those that stand in tables of that table follow, with `profile.spam` as section.
    """
    return tuple(_entries_of(key, tables()[key]))


@cache
def every_entry() -> Mapping[str, Entry]:
    """Every setting by its dotted key, those of lists of tables, too."""
    rows = (entry for table in tables() for entry in row_entries(table))
    return MappingProxyType({entry.key: entry for entry in (*entries(), *rows)})


def entry_of(key: str) -> Entry | None:
    """The setting with this dotted key, if there is one; also one of a list of tables."""
    return every_entry().get(key)


def value_of(settings: Settings, entry: Entry) -> object:
    """What a setting says in these settings."""
    table: Section = getattr(settings, entry.section) if entry.section else settings
    value: object = getattr(table, entry.name)
    return value


def section_sentence(section: str) -> str:
    """What a table, or each of a list of tables, is about."""
    return cleandoc(_table(section).__doc__ or "")


def _table(key: str) -> type[Section]:
    if key in sections():
        return sections()[key]
    return tables()[key] if key in tables() else profile_sections()[key.partition(".")[2]]


def toml_value(value: object) -> str:
    """Write a setting's value as TOML; raises `TypeError` for what no setting holds."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return _number(value)
        case str() | Path():
            return dumps(str(value), ensure_ascii=False)
        case RuleFile() | PerDomainFile():
            return toml_value(value.path)
        case None:  # a path that is not set
            return '""'
        case Section():
            given = (f"{name} = {toml_value(getattr(value, name))}" for name in _given(value))
            return f"{{ {', '.join(given)} }}"
        case tuple():
            return f"[{', '.join(toml_value(item) for item in value)}]"
        case _:
            raise TypeError(f"no setting holds a {type(value).__name__}")


def _given(table: Section) -> Sequence[str]:
    """The names of what a table says, in the order of `model`."""
    return [name for name in type(table).model_fields if name in table.model_fields_set]


def _number(value: float | Decimal) -> str:
    if value != int(value):
        return str(value)
    whole = int(value)
    return f"{whole:_}" if whole >= _GROUPED_DIGITS_FROM else str(whole)


def _section_type(field: FieldInfo) -> type[Section] | None:
    """The table that a field is, if it is one."""
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return None


def _sections_of(model: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    for name, field in model.model_fields.items():
        if table := _section_type(field):
            yield name, table


def _lists_of_tables(above: str, model: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    for name, field in model.model_fields.items():
        if table := _section_type(field):
            yield from _lists_of_tables(_dotted(above, name), table)
        elif (item := _item(field)) and (row := _section_type(item)):
            yield _dotted(above, name), row
            yield from _lists_of_tables(_dotted(above, name), row)


def _entries_of(section: str, model: type[Section]) -> list[Entry]:
    """The settings of a table, then those of the tables in it."""
    inside = dict(_sections_of(model))
    fields = model.model_fields.items()
    direct = [_entry(section, name, field) for name, field in fields if name not in inside]
    further = (_entries_of(_dotted(section, name), table) for name, table in inside.items())
    return [*direct, *chain.from_iterable(further)]


def _dotted(above: str, name: str) -> str:
    return f"{above}.{name}" if above else name


def _entry(section: str, name: str, field: FieldInfo) -> Entry:
    item = _item(field)
    default = _default(field)
    is_computed = field.default_factory is not None
    # What people start from, which is not what holds without it in a profile, or anywhere.
    value_words = "this host's name" if is_computed else toml_value(default)
    return Entry(
        section=section,
        name=name,
        words=_words(field),
        item_words=_words(item) if item else "",
        unit=_named(field).unit,
        choices=_choices(item or field),
        sentence=field.description or "",
        default=default,
        default_words=_default_words(section, field) or value_words,
        is_computed=is_computed,
        sample=toml_value(field.examples[0]) if field.examples else value_words,
    )


def _default(field: FieldInfo) -> object:
    if field.is_required():
        return None
    default: object = field.get_default(call_default_factory=True, validated_data={})
    return default


def _default_words(section: str, field: FieldInfo) -> str:
    """Words for what a value does not tell; else empty."""
    if field.is_required():
        return "none, for it must be said"
    is_laid_over = section.partition(".")[0] == PROFILES and section.count(".") < _RULES_DOTS
    return _AS_EVERYBODY if is_laid_over else ""


def _item(field: FieldInfo) -> FieldInfo | None:
    """What a list is made of; None for what is no list."""
    if get_origin(field.annotation) is not tuple:
        return None
    return FieldInfo.from_annotation(get_args(field.annotation)[0])


def _words(field: FieldInfo) -> str:
    if item := _item(field):
        bounds = (bound.replace("characters", "items") for bound in _bounds(field))
        return ", ".join(["a list", *bounds, f"each item {_words(item)}"])
    named = _named(field)
    phrase = f"{named.phrase} of {named.unit}" if named.unit else named.phrase
    return ", ".join([phrase, *_bounds(field)])


def _named(field: FieldInfo) -> Words:
    """What people call the values of a type; lists are made of such."""
    if item := _item(field):
        return _named(item)
    if _section_type(field):
        return Words("a table")
    if field.annotation is bool:
        return Words("true or false")
    if choices := _choices(field):
        return Words(f"one of {_alternatives(choices)}")
    return next(mark for mark in field.metadata if isinstance(mark, Words))


def _choices(field: FieldInfo) -> tuple[str, ...]:
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def _alternatives(choices: Sequence[str]) -> str:
    quoted = [toml_value(choice) for choice in choices]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _bounds(field: FieldInfo) -> list[str]:
    return [
        words.format(toml_value(bound))
        for attribute, words in _BOUNDS.items()
        for mark in field.metadata
        if (bound := getattr(mark, attribute, None)) is not None
    ]
