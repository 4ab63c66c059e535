"""The daemon's own log, as `daemon.journal` writes it: key=value text, or one JSON object a line.

What a supervisor or syslog puts before a line is skipped.
"""

import json
import re
from collections.abc import Mapping

from mailwarden.reports.dates import seconds_of
from mailwarden.reports.event import QUIET, Event, EventKind, Quiet, foreign_address, foreign_text
from mailwarden.reports.result_strings import is_spam_name
from mailwarden.verdict.disposition import Disposition, parse_disposition

_TEXT_START = "timestamp="
_JSON_START = '{"'
_FIELD = re.compile(r'(?<!\S)(\w{1,30})=("(?:[^"\\]|\\.)*"|\S*)')
_ESCAPED = re.compile(r'\\(["\\])')
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})
# Bounds what int() and float() are asked to read.
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")

Fields = Mapping[str, str]


class DaemonLog:
    """Reads the lines of the daemon's log."""

    def read(self, line: str) -> Event | Quiet | None:
        """The event of a line, if it has one; nothing where the line is of another log."""
        fields = _fields(line)
        if fields.get("level") not in _LEVELS or "timestamp" not in fields:
            return None
        match fields.get("event"):
            case "message":
                return _message(fields)
            case "trouble":
                return _trouble(fields)
            case _:
                return QUIET


def _fields(line: str) -> Fields:
    """What begins first is the form; the other's beginning may stand in a value, in a subject."""
    text, json_start = line.find(_TEXT_START), line.find(_JSON_START)
    if json_start >= 0 and not 0 <= text < json_start:
        return _json_fields(line[json_start:]) if '"event"' in line else {}
    if text >= 0:
        return {name: _unquoted(value) for name, value in _FIELD.findall(line, text)}
    return {}


def _unquoted(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


def _json_fields(text: str) -> Fields:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {name: str(value) for name, value in fields.items()}


def _message(fields: Fields) -> Event | None:
    try:
        disposition = parse_disposition(fields.get("disposition", ""))
    except ValueError:
        return None
    kind, name = read_reason(fields.get("reason", ""))
    size, seconds = _number(fields, "size_bytes"), _number(fields, "seconds")
    return Event(
        at=seconds_of(fields["timestamp"], None),
        disposition=disposition,
        kind=kind,
        name=name,
        sender=foreign_address(fields.get("sender", "")),
        recipients=(foreign_address(fields.get("recipient", "")),),
        size_bytes=None if size is None else int(size),
        seconds=seconds,
        score=_number(fields, "score"),
        failed=(name,) if kind is EventKind.FAULT else (),
    )


def _trouble(fields: Fields) -> Event:
    return Event(
        at=seconds_of(fields["timestamp"], None),
        disposition=Disposition.DEFER,
        kind=EventKind.FAULT,
        name=foreign_text(fields.get("trouble", "")),
    )


def read_reason(reason: str) -> tuple[EventKind, str]:
    """The kind and name of a record's reason, `virus:Eicar-Test-Signature` (`verdict.decide`)."""
    word, _, name = reason.partition(":")
    named = foreign_text(name or word)
    if is_spam_name(word):
        return EventKind.SPAM, "spam"
    if word in ("", "virus", "fault"):
        return EventKind(word or "clean"), named
    return EventKind.POLICY, named


def _number(fields: Fields, name: str) -> float | None:
    text = fields.get(name, "")
    return float(text) if _NUMBER.fullmatch(text) else None
