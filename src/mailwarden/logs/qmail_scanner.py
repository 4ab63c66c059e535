"""The logs that the settings ask for, written for each message: what the daemon talks to."""

from collections.abc import Callable

from mailwarden.logs.details import mailstats_lines, syslog_lines
from mailwarden.logs.line_writer import LineWriter
from mailwarden.logs.log_file import LogFile
from mailwarden.logs.quarantine_log import quarantine_lines
from mailwarden.logs.queue_log import queue_lines
from mailwarden.logs.syslog import Syslog, stamped
from mailwarden.settings.model import LogSettings
from mailwarden.verdict.record import Record


def open_logs(
    settings: LogSettings, complain: Callable[[str], None], *, spam_debug: bool
) -> "QmailScannerLogs | None":
    """The logs, or nothing where none is asked for; see `QmailScannerLogs`."""
    if settings.quarantine_log or settings.queue_log != "no" or settings.details:
        return QmailScannerLogs(settings, complain, spam_debug=spam_debug)
    return None


class QmailScannerLogs:
    """Writes what became of messages in Qmail-Scanner's formats; one for each worker.

    `complain` hears, in words and from another thread, of logs that cannot be written.
    `spam_debug` tells the tests of SpamAssassin, too.
    """

    def __init__(
        self, settings: LogSettings, complain: Callable[[str], None], *, spam_debug: bool = False
    ) -> None:
        self._settings = settings
        self._spam_debug = spam_debug
        self._writer = LineWriter(complain)
        self._quarantine_log = LogFile(settings.directory / "quarantine.log")
        self._mailstats = LogFile(settings.directory / "mailstats.csv")
        self._queue_log = LogFile(settings.directory / "qmail-queue.log")
        self._syslog = Syslog(settings.syslog_socket)

    def write(self, record: Record, outcome: str) -> None:
        """Have a message's lines written soon; `outcome` is what the door did."""
        settings, add = self._settings, self._writer.add
        if settings.quarantine_log:
            add(self._quarantine_log, quarantine_lines(record))
        if settings.queue_log != "no":
            level, debug = settings.queue_log, self._spam_debug
            add(self._queue_log, queue_lines(record, outcome, level, spam_debug=debug))
        if "mailstats" in settings.details:
            add(self._mailstats, mailstats_lines(record, crypto=settings.crypto))
        if "syslog" in settings.details:
            lines = syslog_lines(record, crypto=settings.crypto)
            at = record.arrival.at
            add(self._syslog, (stamped(line, at) for line in lines))

    def close(self) -> None:
        """Write what waits, and give everything back."""
        self._writer.close()
