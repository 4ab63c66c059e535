"""quarantine.log: TAB between date, sender, recipients, subject, what was found, scanners.

Facts 4.4. The subject comes from the message: what stands after it is counted from the right, so
that a subject with TABs forges nothing.
"""

import re
from datetime import tzinfo

from mailwarden.reports.dates import seconds_of
from mailwarden.reports.event import Event, EventKind, foreign_address, foreign_text
from mailwarden.reports.result_strings import is_description, is_spam_name
from mailwarden.verdict.disposition import Disposition

_FIELDS = 6
_MOST_SCANNERS = 20
# Its third and fourth field are seconds and bytes (`detail_logs`).
_MAILSTATS = re.compile(r"\d+(?:\.\d*)? \d+")
_SCANNER = re.compile(r"([A-Za-z][\w-]{0,40}): ")


class QuarantineLog:
    """Reads the lines of a quarantine.log."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone

    def read(self, line: str) -> Event | None:
        """The event of a line, or nothing where the line is of another log."""
        fields = line.split("\t")
        if len(fields) < _FIELDS:
            return None
        at = seconds_of(fields[0].strip(), self._zone)
        if at is None or _MAILSTATS.fullmatch(fields[2] + " " + fields[3]):
            return None
        name = fields[-2].strip()
        return Event(
            at=at,
            disposition=Disposition.QUARANTINE,
            kind=_kind(name),
            name="spam" if is_spam_name(name) else foreign_text(name),
            sender=foreign_address(fields[1]),
            recipients=tuple(foreign_address(one) for one in re.split("[ ,]+", fields[2]) if one),
            asked=tuple(_SCANNER.findall(fields[-1])[:_MOST_SCANNERS]),
        )


def _kind(name: str) -> EventKind:
    if is_spam_name(name):
        return EventKind.SPAM
    return EventKind.POLICY if is_description(name) else EventKind.VIRUS
