"""The settings file of a new installation: the commented sample, with what was found filled in.

What agrees with a default stays commented; spamd is looked for at each start (`auto`).
"""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from mailwarden.installation.surroundings import Surroundings
from mailwarden.settings.model import ClamdSettings, QueueSettings

# Section, key, and the value as TOML; JSON's texts and lists are TOML's too.
Line = tuple[str, str, str]


def first_settings(sample: str, found: Surroundings) -> bytes:
    """The sample with the lines of what differs from the defaults."""
    text = sample
    for section, key, value in found_lines(found):
        text = _filled(text, section, key, value)
    return text.encode()


def found_lines(found: Surroundings) -> tuple[Line, ...]:
    """What was found and is not the default."""
    return tuple(_lines(found))


def missing_lines(found: Surroundings, settings: str) -> tuple[Line, ...]:
    """What was found and these settings, as TOML, do not say; all of it where they are no TOML."""
    try:
        said = tomllib.loads(settings)
    except tomllib.TOMLDecodeError:
        said = {}
    return tuple(line for line in _lines(found) if not _says(said, line))


def _says(settings: dict[str, Any], line: Line) -> bool:
    section, key, value = line
    table = settings.get(section)
    return isinstance(table, dict) and table.get(key) == json.loads(value)


def _lines(found: Surroundings) -> Iterator[Line]:
    program = found.queue_program
    if program and program != QueueSettings().program:
        yield "queue", "program", json.dumps(str(program))
    if found.flavour != QueueSettings().flavour:
        yield "queue", "flavour", json.dumps(found.flavour)
    if found.clamd and (found.clamd,) != ClamdSettings().addresses:
        yield "clamd", "addresses", json.dumps([found.clamd])


def _filled(sample: str, section: str, key: str, value: str) -> str:
    """Put `key = value` in place of the commented default below the section's heading."""
    default = re.compile(rf"^\[{section}\]$.*?^#{key} = .*?$", re.DOTALL | re.MULTILINE)
    match = default.search(sample)
    if match is None:
        raise ValueError(f"the sample settings have no line #{key} below [{section}]")
    before = match[0].rpartition("\n")[0]
    return f"{sample[: match.start()]}{before}\n{key} = {value}{sample[match.end() :]}"
