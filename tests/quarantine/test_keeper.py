"""Keeping for the pipeline: the files decide, the index only follows."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine

from mailwarden.ports.keeping import KeepingError, Maildir
from mailwarden.quarantine.folder import QuarantineFolder
from mailwarden.quarantine.index import list_entries
from mailwarden.quarantine.keeper import QuarantineKeeper
from mailwarden.quarantine.release import original_envelope
from mailwarden.store.schema import open_database
from mailwarden.store.writer import BatchWriter
from mailwarden.verdict.record import Record
from support.payload import BytesPayload
from support.records import record_of

MESSAGE = b"Subject: x\n\nbody\n"


@dataclass(slots=True)
class Bench:
    """A keeper and what it works on; `complaints` is what it said."""

    folder: QuarantineFolder
    engine: Engine
    writer: BatchWriter
    keeper: QuarantineKeeper
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    folder = QuarantineFolder(tmp_path / "quarantine")
    folder.make()
    engine = open_database(tmp_path / "mailwarden.db")
    writer = BatchWriter(engine)
    complaints: list[str] = []
    keeper = QuarantineKeeper(folder, writer, complaints.append)
    yield Bench(folder, engine, writer, keeper, complaints)
    writer.close()
    engine.dispose()


async def keep(bench: Bench, record: Record) -> None:
    with BytesPayload(MESSAGE) as payload:
        staged = await bench.keeper.stage(record, payload, Maildir.VIRUSES)
        await staged.commit()


async def test_a_message_is_in_the_files_and_in_the_index(bench: Bench) -> None:
    record = record_of(subject="a subject")
    await keep(bench, record)
    kept = bench.folder.find(record.arrival.id)
    assert kept.path.read_bytes() == MESSAGE
    bench.writer.close()  # what waits is written first
    with bench.engine.begin() as connection:
        rows = connection.exec_driver_sql("SELECT id, subject FROM quarantine").all()
    assert [tuple(row) for row in rows] == [(record.arrival.id, "a subject")]
    assert not bench.complaints


async def test_addresses_and_variables_of_any_bytes_survive(bench: Bench) -> None:
    odd = bytes(range(1, 256))
    record = record_of(
        sender=odd,
        recipients=(odd[::-1], b"\xff"),
        virus="\udcff",
        subject="\udcff\u202e",
        variables={"TCPREMOTEINFO": odd},
    )
    await keep(bench, record)
    assert original_envelope(bench.folder.find(record.arrival.id)) == record.arrival.envelope
    assert len(list_entries(bench.engine, bench.folder)) == 1
    assert not bench.complaints


async def test_an_index_that_cannot_be_written_does_not_undo_it(bench: Bench) -> None:
    with contextlib.closing(sqlite3.connect(str(bench.engine.url.database))) as other:
        other.execute("DROP TABLE quarantine")
    record = record_of()
    await keep(bench, record)
    assert bench.folder.find(record.arrival.id).path.read_bytes() == MESSAGE
    bench.writer.close()
    assert len(bench.complaints) == 1
    assert record.arrival.id in bench.complaints[0]


async def test_files_that_cannot_be_written_are_an_error_and_leave_no_row(bench: Bench) -> None:
    record = record_of()
    (bench.folder._directory / "viruses/tmp").rmdir()
    with pytest.raises(KeepingError):
        await keep(bench, record)
    assert list_entries(bench.engine, bench.folder) == []


async def test_a_message_that_is_only_staged_is_in_no_list(bench: Bench) -> None:
    with BytesPayload(MESSAGE) as payload:
        staged = await bench.keeper.stage(record_of(), payload, Maildir.VIRUSES)
        assert list_entries(bench.engine, bench.folder) == []
        await staged.discard()
    assert [path for path in bench.folder._directory.rglob("*") if path.is_file()] == []
