"""Records: remembered soon, or for good before a deletion is answered."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from mailwarden.ports.keeping import KeepingError
from mailwarden.store.records import StoredRecords
from mailwarden.store.schema import open_database
from mailwarden.store.writer import BatchWriter
from support.records import record_of
from support.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Bench:
    """Records over a database; `complaints` is what was said of lost rows."""

    engine: Engine
    writer: BatchWriter
    records: StoredRecords
    complaints: list[str]

    def rows(self) -> list[tuple[object, ...]]:
        with self.engine.begin() as connection:
            found = connection.exec_driver_sql("SELECT id, reason, sender, record FROM records")
            return [tuple(row) for row in found]

    def lose_the_table(self) -> None:
        with contextlib.closing(sqlite3.connect(str(self.engine.url.database))) as other:
            other.execute("DROP TABLE records")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    engine = open_database(tmp_path / "mailwarden.db")
    writer = BatchWriter(engine)
    complaints: list[str] = []
    yield Bench(engine, writer, StoredRecords(writer, complaints.append), complaints)
    writer.close()
    engine.dispose()


async def test_a_durable_record_is_there_when_it_returns(bench: Bench) -> None:
    await bench.records.note_durably(record_of("one"))
    ((message_id, reason, sender, record),) = bench.rows()
    assert (message_id, reason, sender) == ("one", "virus:Test-Virus", "sender@example.org")
    assert json.loads(str(record))["disposition"] == "quarantine"


def test_a_record_is_there_soon(bench: Bench) -> None:
    bench.records.note(record_of("one"))
    wait_until(lambda: len(bench.rows()) == 1, 10, "the record is written")


async def test_hostile_text_is_stored(bench: Bench) -> None:
    odd = bytes(range(1, 256))
    record = record_of(
        "one", sender=odd, recipients=(odd,), subject="\udcff\ud800\0", virus="\udcff\0\n"
    )
    await bench.records.note_durably(record)
    assert len(bench.rows()) == 1


async def test_ten_thousand_recipients_are_stored(bench: Bench) -> None:
    recipients = tuple(b"user%d@example.net" % number for number in range(10_000))
    await bench.records.note_durably(record_of("one", recipients=recipients))
    assert len(json.loads(str(bench.rows()[0][3]))["recipients"]) == 10_000


async def test_a_durable_record_that_cannot_be_written_is_an_error(bench: Bench) -> None:
    bench.lose_the_table()
    with pytest.raises(KeepingError, match="record not written: no such table"):
        await bench.records.note_durably(record_of("one"))


def test_a_record_that_is_lost_is_complained_of(bench: Bench) -> None:
    bench.lose_the_table()
    bench.records.note(record_of("one"))
    wait_until(lambda: len(bench.complaints) == 1, 10, "the complaint is heard")
    assert "no such table" in bench.complaints[0]
