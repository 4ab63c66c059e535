"""Records of a database as events."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from mailwarden.reports.event import Event, EventKind
from mailwarden.reports.span import Span
from mailwarden.reports.stored_events import RecordSource, event_of_record
from mailwarden.store.records import StoredRecords
from mailwarden.store.schema import StoreError, open_database
from mailwarden.store.writer import BatchWriter
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record, record_json
from mailwarden.verdict.report import SpamScore
from support.log_records import AWAY, VIRUS, record
from support.records import record_of


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[BatchWriter]:
    engine = open_database(tmp_path / "mail #1.db")
    made = BatchWriter(engine)
    yield made
    made.close()
    engine.dispose()


@pytest.fixture
def database(tmp_path: Path, writer: BatchWriter) -> Path:
    """A database that is open for writing all the time."""
    return tmp_path / "mail #1.db"


def write(writer: BatchWriter, *those: Record) -> None:
    stored = StoredRecords(writer, lambda _: None)
    for one in those:
        asyncio.run(stored.note_durably(one))


def read(database: Path, span: Span | None = None) -> list[Event]:
    return list(RecordSource(database, span or Span()).events())


def test_records_come_in_the_order_of_time(database: Path, writer: BatchWriter) -> None:
    write(writer, *(record_of(f"id-{at}", at=float(at)) for at in (300, 100, 200)))
    assert [event.at for event in read(database)] == [100.0, 200.0, 300.0]


def test_a_span_takes_its_first_moment_and_not_its_last(
    database: Path, writer: BatchWriter
) -> None:
    write(writer, *(record_of(f"id-{at}", at=float(at)) for at in (100, 200, 300)))
    assert [event.at for event in read(database, Span(100.0, 300.0))] == [100.0, 200.0]
    assert [event.at for event in read(database, Span(since=200.0))] == [200.0, 300.0]


def test_nothing_is_written_not_even_by_a_look(database: Path, writer: BatchWriter) -> None:
    write(writer, record_of())
    before = database.stat().st_mtime_ns
    read(database)
    assert database.stat().st_mtime_ns == before


def test_a_row_that_is_no_record_is_counted_and_named(database: Path, writer: BatchWriter) -> None:
    write(writer, record_of("a", at=1.0), record_of("b", at=2.0), record_of("c", at=3.0))
    with sqlite3.connect(database) as other:
        other.execute("UPDATE records SET record = '{}' WHERE id = 'b'")
    other.close()
    source = RecordSource(database, Span())
    assert len(list(source.events())) == 2
    assert (source.summary.lines, source.summary.events) == (3, 2)
    assert (source.summary.unknown, source.summary.first_unknown) == (1, 2)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file; has the daemon run"):
        read(tmp_path / "none.db")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_database_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=r"x\.db: file is not a database"):
        read(tmp_path / "x.db")


def test_a_record_tells_everything() -> None:
    score = SpamScore("spamd", Decimal("-1.5"), Decimal("5.0"))
    whole = record_json(
        record(
            Disposition.REJECT,
            VIRUS,
            AWAY,
            score,
            sender=b"a\xff@x.example",
            recipients=(b"b@x.example", b"c@x.example"),
        )
    )
    whole["scanners"] = ["clamdscan.", "spamassassin: 4.0.", "mhr: 1.0."]
    assert event_of_record(json.dumps(whole)) == Event(
        at=1_076_600_056.0,
        disposition=Disposition.REJECT,
        kind=EventKind.VIRUS,
        name="Worm.SomeFool.I",
        sender="a\\udcff@x.example",
        recipients=("b@x.example", "c@x.example"),
        size_bytes=4321,
        seconds=1.234567,
        score=-1.5,
        asked=("clamd", "spamd", "mhr"),
        found_by=("clamdscan",),
        failed=("clamd",),
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"at": "x"}'])
def test_what_is_no_record_is_no_event(text: str) -> None:
    assert event_of_record(text) is None


def test_a_disposition_that_nobody_knows_is_no_event() -> None:
    whole = {**record_json(record()), "disposition": "eat"}
    assert event_of_record(json.dumps(whole)) is None
