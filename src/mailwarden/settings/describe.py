"""The settings written out for people and programs: reference, sample, JSON schema.

Each function returns the whole text, ready to be a file; none needs a settings file.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from mailwarden.settings.catalogue import (
    Entry,
    entries,
    entry_of,
    row_entries,
    section_sentence,
    sections,
    tables,
)
from mailwarden.settings.model import Settings

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
    if key in tables():
        return row_entries(key)
    found = [entry for entry in entries() if key in {"", entry.section, entry.key}]
    entry = entry_of(key)
    return tuple(found) or ((entry,) if entry else ())


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
    return "".join(parts)


def sample(shown: Iterable[Entry]) -> str:
    """A settings file that says nothing yet: every default commented out, its sentence above.

    Comments start with `# `, settings with `#` alone, so that an editor can tell them apart.
    """
    parts = [_SAMPLE_HEAD]
    for section, inside in groupby(shown, key=lambda entry: entry.section):
        if section:
            parts.append(f"\n\n# {section_sentence(section)}\n{_sample_heading(section)}\n")
        parts.extend(_sample_lines(entry) for entry in inside)
    return "".join(parts)


def _with_rows(shown: Iterable[Entry]) -> Iterator[Entry]:
    """A list of tables is followed by what one of them holds, behind its own section."""
    for _, inside in groupby(shown, key=lambda entry: entry.section):
        rows: list[Entry] = []
        for entry in inside:
            yield entry
            rows.extend(row_entries(entry.key) if entry.key in tables() else ())
        yield from rows


def _bracketed(section: str) -> str:
    return f"[[{section}]]" if section in tables() else f"[{section}]"


def _sample_heading(section: str) -> str:
    """A list of tables begins as a comment, for an empty table in it would be one too many."""
    return f"#{_bracketed(section)}" if section in tables() else _bracketed(section)


def json_schema() -> str:
    """A JSON schema (draft 2020-12) of the settings file, for editors that know TOML schemas."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Mailwarden's settings"
    defaults = Settings().model_dump(mode="json")
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
        entry.default_words if entry.is_computed else f"`{entry.default_words}`",
        entry.sentence,
        f"`{entry.qmail_scanner}`" if entry.qmail_scanner else "",
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _sample_lines(entry: Entry) -> str:
    told = f"{entry.sentence} Expected: {entry.words}."
    comment = wrap(told, _SAMPLE_COLUMNS, initial_indent="# ", subsequent_indent="# ")
    return "\n" + "".join(f"{line}\n" for line in (*comment, *_setting_lines(entry)))


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
