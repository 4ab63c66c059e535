"""mailstats.csv and the syslog record: a line for each recipient of each message; facts 4.5.

time TAB status TAB seconds TAB size TAB sender TAB recipient TAB subject TAB message id ...
Nov 22 21:30:00 host qmail-scanner[123]: status seconds size sender recipient subject id ...
"""

import re
from collections.abc import Hashable
from datetime import tzinfo

from mailwarden.reports.dates import seconds_of, seconds_without_year
from mailwarden.reports.event import (
    QUIET,
    Event,
    Quiet,
    foreign_address,
    foreign_text,
)
from mailwarden.reports.recent import Recent
from mailwarden.reports.result_strings import meaning_of, parse_result
from mailwarden.verdict.disposition import Disposition

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{0,9})?")
_SIZE = re.compile(r"\d{1,15}")
_MAILSTATS_FIELDS = 7
_SYSLOG = re.compile(
    r"(?:<\d{1,3}>)?(?P<date>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{8,25}) "
    r"\S+ (?P<tag>[^\s:\[]{1,100})(?:\[(?P<pid>\d{1,10})\])?: ?(?P<text>.*)"
)
# The status may hold the description of a rule, with blanks; what follows it has none.
_RECORD = re.compile(
    r"(?P<status>\S.*?) (?P<seconds>\d{1,9}\.\d{0,9}|\d{1,8}) (?P<size>\d{1,15})"
    r" (?P<sender>\S+) (?P<recipient>\S+)(?: (?P<subject>\S+))?(?: (?P<id>\S+))?"
)
_TAG = "qmail-scanner"
# The lines of one message are written in one go.
_SAME_SECONDS = 60.0


class MailstatsLog:
    """Reads the lines of a mailstats.csv."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._messages = _Messages()

    def read(self, line: str) -> Event | None:
        """The event of a line, or nothing where the line is of another log."""
        fields = line.split("\t")
        if len(fields) < _MAILSTATS_FIELDS or not _SIZE.fullmatch(fields[3]):
            return None
        at = seconds_of(fields[0].strip(), self._zone)
        if at is None or not _SECONDS.fullmatch(fields[2]):
            return None
        key = (*fields[:5], *fields[7:8])
        further = self._messages.is_known(key, at)
        return _event(at, fields[1], fields[2], fields[3], fields[4], fields[5], further=further)


class SyslogRecords:
    """Reads the lines of a syslog file; those of other programs are quiet."""

    def __init__(self, now: float, zone: tzinfo | None) -> None:
        self._now = now
        self._zone = zone
        self._messages = _Messages()

    def read(self, line: str) -> Event | Quiet | None:
        """The event of a line, if it has one; nothing where the line is not of syslog."""
        found = _SYSLOG.match(line)
        if not found:
            return None
        if found["tag"] != _TAG:
            return QUIET
        record = _RECORD.match(found["text"])
        at = self._seconds_of(found["date"])
        if not record or at is None:
            return QUIET
        key = (found["pid"], *record.group("status", "seconds", "size", "sender", "id"))
        return _event(
            at,
            *record.group("status", "seconds", "size", "sender", "recipient"),
            further=self._messages.is_known(key, at),
        )

    def _seconds_of(self, date: str) -> float | None:
        if date[0].isdigit():
            return seconds_of(date, self._zone)
        return seconds_without_year(date, self._now, self._zone)


class _Messages:
    """Knows the messages of which a recipient was told already."""

    def __init__(self) -> None:
        self._told: Recent[int, float] = Recent()

    def is_known(self, key: Hashable, at: float) -> bool:
        """The message had a line just now."""
        # The key itself may be as long as a line.
        before = self._told.swap(hash(key), at)
        return before is not None and abs(at - before) < _SAME_SECONDS


def _event(
    at: float, status: str, seconds: str, size: str, sender: str, recipient: str, *, further: bool
) -> Event:
    result = parse_result(status)
    meaning = meaning_of(result)
    is_found = meaning.disposition > Disposition.TAG
    return Event(
        at=at,
        disposition=meaning.disposition,
        kind=meaning.kind,
        name=foreign_text(meaning.name),
        sender=foreign_address(sender),
        recipients=(foreign_address(recipient),),
        size_bytes=int(size),
        seconds=float(seconds),
        score=result.score,
        found_by=(foreign_text(meaning.by),) if is_found and meaning.by else (),
        further=further,
    )
