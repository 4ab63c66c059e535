"""The settings written out for people and programs: reference, sample, JSON schema.

Each function returns the whole text, ready to be a file; none needs a settings file.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from mailwarden.settings.catalogue import (
    PROFILES,
    Entry,
    entries,
    every_entry,
    profile_sections,
    row_entries,
    section_sentence,
    sections,
    tables,
)
from mailwarden.settings.model import Settings
from mailwarden.settings.per_recipient import ProfileSettings
from mailwarden.settings.values import Section

_SAMPLE_COLUMNS = 100

_MARKDOWN_HEAD = """\
# Settings

<!-- Made by `mailwarden config describe --format markdown`; change `settings/model.py` instead. -->

All settings stand in one TOML file, `/etc/mailwarden/mailwarden.toml`.
`--config`, or else `$MAILWARDEN_CONFIG`, names another.
Every setting has a default, so the file may be empty or absent.
`mailwarden config check` says everything that is wrong with a file at once.
`mailwarden config show` tells what is in effect, and where it comes from.
"""
_TABLE_HEAD = """\
| setting | expected | unit | default | meaning | Qmail-Scanner |
|---|---|---|---|---|---|
"""
_PROFILE_TABLES = """\
A profile may have these tables; what it does not say is as for everybody.
[profiles.md](profiles.md) tells how recipients are matched.
"""
# Comments, not settings that are commented out: whoever takes every "#" away has no profile.
_PROFILE_SAMPLE = """\
#
# [[profile]]
# match = ["user@example.org", "example.net"]
# scanners = ["clamd"]
# spam.quarantine_above = 3
"""
_SAMPLE_HEAD = """\
# Mailwarden's settings: /etc/mailwarden/mailwarden.toml
#
# Made by `mailwarden config describe --format toml`.
# Every setting is shown with its default; take the "#" before its name away to change it.
# `mailwarden config check` says everything that is wrong with this file at once.
"""


def selected(key: str) -> tuple[Entry, ...]:
    """The setting of this key, or all of the table of this name; empty key: all settings.

    Nothing is selected where neither exists.
    """
    if not key:
        return entries()
    if key in tables():
        return row_entries(key)
    return tuple(entry for entry in every_entry().values() if key in {entry.section, entry.key})


def markdown(shown: Iterable[Entry]) -> str:
    """The reference: a table for each section."""
    parts = [_MARKDOWN_HEAD]
    for section, inside in groupby(_with_rows(shown), key=lambda entry: entry.section):
        heading = (
            f"## {_bracketed(section)}\n\n{section_sentence(section)}\n"
            if section
            else "## At the top\n"
        )
        parts.append(f"\n{heading}\n{_TABLE_HEAD}{''.join(map(_markdown_row, inside))}")
        parts.append(_profile_tables() if section == PROFILES else "")
    return "".join(parts)


def sample(shown: Iterable[Entry]) -> str:
    """A settings file that says nothing yet: every default commented out, its sentence above.

    Comments start with `# `, settings with `#` alone, so that an editor can tell them apart.
    """
    parts = [_SAMPLE_HEAD]
    for section, inside in groupby(shown, key=lambda entry: entry.section):
        if section:
            parts.append(f"\n\n{_comment(section_sentence(section))}{_sample_heading(section)}\n")
        parts.extend(_sample_lines(entry) for entry in inside)
    return "".join(parts)


def _with_rows(shown: Iterable[Entry]) -> Iterator[Entry]:
    """A list of tables is followed by what one of them holds, behind its own section.

    Of profiles there is that alone: they have no section above them.
    """
    for _, inside in groupby(shown, key=lambda entry: entry.section):
        rows: list[Entry] = []
        for entry in inside:
            if entry.key != PROFILES:
                yield entry
            if entry.key in tables():
                rows += [row for row in row_entries(entry.key) if row.section == entry.key]
        yield from rows


def _profile_tables() -> str:
    """Which settings of which tables a profile may have; what they mean is said above."""
    lines = (
        f"- `[{PROFILES}.{name}]`: {_told_settings(name, model)}\n"
        for name, model in profile_sections().items()
    )
    return f"\n{_PROFILE_TABLES}\n{''.join(lines)}"


def _told_settings(name: str, model: type[Section]) -> str:
    if model is sections()[name]:
        return f"all of `[{name}]`"
    return ", ".join(f"`{setting}`" for setting in model.model_fields)


def _bracketed(section: str) -> str:
    return f"[[{section}]]" if section in tables() else f"[{section}]"


def _sample_heading(section: str) -> str:
    """A list of tables begins as a comment, for an empty table in it would be one too many."""
    return _bracketed(section) if section in sections() else f"#{_bracketed(section)}"


def json_schema() -> str:
    """A JSON schema (draft 2020-12) of the settings file, for editors that know TOML schemas."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Mailwarden's settings"
    defaults = Settings().model_dump(mode="json")
    profile = schema["$defs"][ProfileSettings.__name__]["properties"]
    for name in profile_sections():
        profile[name].pop("default")
    profile["scanners"].pop("default")
    for section, model in sections().items():
        # A table's default is only the sum of its settings' defaults, this host's name included.
        schema["properties"][section].pop("default")
        inside = schema["$defs"][model.__name__]["properties"]
        for name in [name for name in inside if "default" in inside[name]]:
            inside[name]["default"] = defaults[section][name]
    return f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n"


def _markdown_row(entry: Entry) -> str:
    cells = [
        f"`{entry.name}`",
        entry.words,
        entry.unit,
        f"`{entry.default_words}`" if entry.is_default_a_value else entry.default_words,
        entry.sentence,
        f"`{entry.qmail_scanner}`" if entry.qmail_scanner else "",
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _sample_lines(entry: Entry) -> str:
    if entry.key == PROFILES:
        return f"\n\n{_comment(section_sentence(PROFILES))}{_PROFILE_SAMPLE}"
    comment = _comment(f"{entry.sentence} Expected: {entry.words}.")
    return f"\n{comment}{''.join(f'{line}{chr(10)}' for line in _setting_lines(entry))}"


def _comment(text: str) -> str:
    lines = wrap(text, _SAMPLE_COLUMNS, initial_indent="# ", subsequent_indent="# ")
    return "".join(f"{line}\n" for line in lines)


def _setting_lines(entry: Entry) -> Sequence[str]:
    """The setting on one line, or, a long list, on several."""
    line = f"#{entry.name} = {entry.sample}"
    if len(line) <= _SAMPLE_COLUMNS or not entry.item_words:
        return [line]
    items = wrap(
        entry.sample.strip("[]") + ",",
        _SAMPLE_COLUMNS,
        initial_indent="#    ",
        subsequent_indent="#    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [f"#{entry.name} = [", *items, "#]"]
