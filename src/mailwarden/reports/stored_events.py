"""Records of the database as events, the oldest first; opened for reading only.

It may be a database that a gate is writing to: nothing waits, and nothing is made or changed.
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from mailwarden.reports.daemon_log import read_reason
from mailwarden.reports.event import Event, foreign_address, foreign_text
from mailwarden.reports.sources import SourceSummary
from mailwarden.reports.span import Span
from mailwarden.store.schema import StoreError, reason_of, records
from mailwarden.verdict.disposition import parse_disposition

_BATCH_ROWS = 500
# Headers and records tell versions behind the original's names, findings behind ours.
_SCANNERS = {"clamdscan": "clamd", "spamassassin": "spamd"}


class _Recipient(msgspec.Struct):
    address: str


class _By(msgspec.Struct):
    by: str


class _Score(msgspec.Struct):
    score: float
    required: float


class _Stored(msgspec.Struct):
    """What is read of `verdict.record.record_json`."""

    at: float
    disposition: str
    reason: str
    sender: str
    size_bytes: int
    seconds: float
    recipients: list[_Recipient] = []
    findings: list[_By] = []
    faults: list[_By] = []
    spam: _Score | None = None
    scanners: list[str] = []


class RecordSource:
    """The records of one database within a span; `summary` is whole when `events` ended."""

    def __init__(self, database: Path, span: Span) -> None:
        self._database = database
        self._span = span
        self._rows = 0
        self._unknown = 0
        self._first_unknown = 0

    def events(self) -> Iterator[Event]:
        """All events; raises `StoreError` where the database cannot be read."""
        engine = _open_for_reading(self._database)
        try:
            for self._rows, text in enumerate(_texts(engine, self._span), 1):  # noqa: B020
                event = event_of_record(text)
                if event:
                    yield event
                else:
                    self._unknown += 1
                    self._first_unknown = self._first_unknown or self._rows
        except SQLAlchemyError as error:
            raise StoreError(f"{self._database}: {reason_of(error)}") from error
        finally:
            engine.dispose()

    @property
    def summary(self) -> SourceSummary:
        """What came of the records so far."""
        return SourceSummary(
            f"records in {foreign_text(str(self._database))}",
            self._rows,
            self._rows - self._unknown,
            self._unknown,
            self._first_unknown,
            unit="record",
        )


def event_of_record(text: str) -> Event | None:
    """The event of a record's JSON; nothing where it is none of ours."""
    try:
        # Not msgspec's decoder: it refuses lone surrogates, which stand for foreign bytes.
        stored = msgspec.convert(json.loads(text), _Stored)
        disposition = parse_disposition(stored.disposition)
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None
    kind, name = read_reason(stored.reason)
    return Event(
        at=stored.at,
        disposition=disposition,
        kind=kind,
        name=name,
        sender=foreign_address(stored.sender),
        recipients=tuple(foreign_address(one.address) for one in stored.recipients),
        size_bytes=stored.size_bytes,
        seconds=stored.seconds,
        score=stored.spam.score if stored.spam else None,
        asked=tuple(_asked(one) for one in stored.scanners),
        found_by=_names(stored.findings),
        failed=_names(stored.faults),
    )


def _asked(version: str) -> str:
    """The scanner of `clamdscan: 1.4.6/27.`, or of `clamdscan.`, by its own name."""
    name = version.partition(":")[0].removesuffix(".")
    return _SCANNERS.get(name, foreign_text(name))


def _names(those: list[_By]) -> tuple[str, ...]:
    return tuple({foreign_text(one.by) for one in those})


def _texts(engine: Engine, span: Span) -> Iterator[str]:
    query = select(records.c.record).order_by(records.c.at)
    if span.since is not None:
        query = query.where(records.c.at >= span.since)
    if span.until is not None:
        query = query.where(records.c.at < span.until)
    with engine.connect().execution_options(yield_per=_BATCH_ROWS) as connection:
        yield from connection.execute(query).scalars()


def _open_for_reading(database: Path) -> Engine:
    if not database.exists():
        raise StoreError(f"{database}: there is no such file; has the daemon run?")
    address = f"{database.absolute().as_uri()}?mode=ro"
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True))
