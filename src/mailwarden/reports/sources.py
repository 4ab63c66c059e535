"""Log files as sources of events: each line is shown to all readers, and none is passed over.

Which log a file is, its lines tell, each for itself: files may be joined, or begin anywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from mailwarden.reports.daemon_log import DaemonLog
from mailwarden.reports.detail_logs import MailstatsLog, SyslogRecords
from mailwarden.reports.event import QUIET, Event, Quiet, foreign_text
from mailwarden.reports.header_lines import HeaderLines
from mailwarden.reports.log_lines import LogError, lines_of, open_log
from mailwarden.reports.quarantine_log import QuarantineLog
from mailwarden.reports.queue_log import QueueLog


class LineReader(Protocol):
    """Knows the lines of one log."""

    def read(self, line: str) -> Event | Quiet | None:
        """The event of a line, `QUIET` where it has none, nothing where it is of another log."""
        ...


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """What came of a source: `unknown` lines were not understood, `first_unknown` is one of them.

    `complaint` says why it was not read to its end, and is empty where it was; `unit` is what is
    counted as a line.
    """

    name: str
    lines: int = 0
    events: int = 0
    unknown: int = 0
    first_unknown: int = 0
    complaint: str = ""
    unit: str = "line"


class LogSource:
    """One log file; `summary` is whole when `events` came to its end."""

    def __init__(self, path: str, now: float, zone: tzinfo | None) -> None:
        self._path = path
        self._readers = _readers(now, zone)
        self._lines = 0
        self._events = 0
        self._unknown = 0
        self._first_unknown = 0
        self._complaint = ""

    def events(self) -> Iterator[Event]:
        """All events; a file that cannot be read ends early, and the summary says so."""
        try:
            with open_log(self._path) as stream:
                for self._lines, line in enumerate(lines_of(stream), 1):
                    if event := self._read(line):
                        yield event
        except LogError as error:
            self._complaint = str(error)

    @property
    def summary(self) -> SourceSummary:
        """What came of the file so far."""
        return SourceSummary(
            "standard input" if self._path == "-" else foreign_text(self._path),
            self._lines,
            self._events,
            self._unknown,
            self._first_unknown,
            self._complaint,
        )

    def _read(self, line: str) -> Event | None:
        is_known = not line.strip()
        for number, reader in enumerate(self._readers):
            told = reader.read(line)
            if isinstance(told, Event):
                self._events += 1
                self._try_first(number)
                return told
            is_known = is_known or told is QUIET
        if not is_known:
            self._unknown += 1
            self._first_unknown = self._first_unknown or self._lines
        return None

    def _try_first(self, number: int) -> None:
        """The next line is most probably of the same log."""
        if number:
            self._readers.insert(0, self._readers.pop(number))


def _readers(now: float, zone: tzinfo | None) -> list[LineReader]:
    return [
        QueueLog(zone),
        MailstatsLog(zone),
        QuarantineLog(zone),
        DaemonLog(),
        SyslogRecords(now, zone),
        HeaderLines(zone),
    ]
