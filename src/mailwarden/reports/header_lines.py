"""Fields that scanners added, in files of whole messages or in lines that `grep` found.

A message may carry both the long field and the short one: they tell the same time, and count once.
"""

import re
from datetime import tzinfo

from mailwarden.reports.event import QUIET, Event, Quiet, foreign_address, foreign_text
from mailwarden.reports.old_headers import OldHeader, parse_old_header
from mailwarden.reports.recent import Recent
from mailwarden.reports.result_strings import Result, meaning_of
from mailwarden.verdict.disposition import Disposition

_FIELD = re.compile(r"(Received|X-[\w-]{1,100}):\s*(.*)", re.DOTALL | re.IGNORECASE)


class HeaderLines:
    """Reads whole fields, unfolded or not."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._times: Recent[tuple[float | None, str], bool] = Recent()

    def read(self, line: str) -> Event | Quiet | None:
        """The event of a field, if it has one; nothing where no Qmail-Scanner wrote it."""
        found = _FIELD.match(line)
        header = parse_old_header(found[1], found[2], self._zone) if found else None
        if not header:
            return None
        if not header.result:
            return QUIET
        is_told = self._times.swap((header.seconds, header.result.client), True)  # noqa: FBT003
        return QUIET if is_told else _event(header, header.result)


def _event(header: OldHeader, result: Result) -> Event:
    meaning = meaning_of(result)
    sender = header.envelope_from
    return Event(
        at=header.at,
        # Whatever was found: a message that has this field was delivered.
        disposition=min(meaning.disposition, Disposition.TAG),
        kind=meaning.kind,
        name=foreign_text(meaning.name),
        sender=None if sender is None else foreign_address(sender),
        seconds=header.seconds,
        score=result.score,
        asked=tuple(foreign_text(name) for name in header.scanners),
    )
