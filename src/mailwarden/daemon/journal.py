"""The daemon's log: one line for each message, its id in every line, on standard error.

Logs in Qmail-Scanner's formats are written beside it where the settings ask for them (`logs`).
Values from mail are made printable first; a message cannot forge a field or a line.
"""

import logging
import sys
from typing import TextIO

import structlog

from mailwarden.logs.facts import hit_tests, shares_of
from mailwarden.logs.qmail_scanner import QmailScannerLogs
from mailwarden.net.descriptors import Peer
from mailwarden.settings.model import LogSettings
from mailwarden.verdict.record import Record
from mailwarden.verdict.reply import Trouble

# Long enough for any address (RFC 5321: 256) and for a sentence.
_VALUE_CHARACTERS = 300
# The tests of the worst of mails, for those who asked for them (spam.debug).
_TESTS_CHARACTERS = 10_000


def make_log(
    settings: LogSettings, stream: TextIO = sys.stderr
) -> structlog.typing.FilteringBoundLogger:
    """A logger that writes whole lines to `stream`, as JSON or as key=value text."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if settings.format == "text":
        renderer = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return logger


def log_text(value: str | bytes, most: int = _VALUE_CHARACTERS) -> str:
    """A value as one printable piece of text: control and odd characters escaped, long ones cut."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    cut = text[:most]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


class LogJournal:
    """Writes what the door did into the log (`fronts.queue.door.Journal`).

    `logs` are told of each message, too; `spam_debug` adds the tests that made its score.
    """

    def __init__(
        self,
        log: structlog.typing.FilteringBoundLogger,
        logs: QmailScannerLogs | None = None,
        *,
        spam_debug: bool = False,
    ) -> None:
        self._log = log
        self._logs = logs
        self._spam_debug = spam_debug

    def passed(self, message_id: str, record: Record, outcome: str) -> None:
        """One line for a message that was dealt with."""
        arrival, score = record.arrival, record.report.score
        tests = {}
        if score and self._spam_debug:
            tests["tests"] = log_text(hit_tests(score), _TESTS_CHARACTERS)
        self._log.info(
            "message",
            id=message_id,
            disposition=record.decision.disposition.word,
            reason=log_text(record.reason),
            detail=log_text(record.detail),
            outcome=outcome,
            sender=log_text(arrival.envelope.sender),
            recipients=len(arrival.envelope.recipients),
            recipient=log_text(arrival.envelope.recipients[0]),
            size_bytes=arrival.size_bytes,
            origin=log_text(arrival.origin.address),
            score=str(score.score) if score else "",
            **tests,
            subject=log_text(record.subject),
            seconds=round(record.seconds, 4),
            pid=arrival.origin.pid,
        )
        faults = dict.fromkeys(one for share in shares_of(record) for one in share.report.faults)
        for fault in faults:
            self._log.warning("fault", id=message_id, by=fault.by, reason=log_text(fault.reason))
        if self._logs:
            self._logs.write(record, outcome)

    def troubled(self, message_id: str, trouble: Trouble, detail: str, peer: Peer | None) -> None:
        """One line for a message or client that could not be dealt with."""
        self._log.warning(
            "trouble",
            id=message_id,
            trouble=trouble.name.lower().replace("_", "-"),
            code=trouble.value,
            detail=log_text(detail),
            pid=peer.pid if peer else 0,
            uid=peer.uid if peer else -1,
        )

    def failed(self, message_id: str, error: BaseException) -> None:
        """One line, with the trace, for a bug of ours."""
        self._log.error("bug", id=message_id, exc_info=error)
