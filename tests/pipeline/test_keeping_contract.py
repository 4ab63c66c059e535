"""What the pipeline may rely on when it keeps: the fakes of its tests, and the real ones."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from mailwarden.ports.keeping import KeepingError, Maildir, Quarantine, Records
from mailwarden.quarantine.folder import QuarantineFolder
from mailwarden.quarantine.keeper import QuarantineKeeper
from mailwarden.store.records import StoredRecords
from mailwarden.store.schema import open_database, records
from mailwarden.store.writer import BatchWriter
from mailwarden.verdict.arrival import Arrival
from mailwarden.verdict.decide import Decision
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Report
from support.arrivals import MemoryPayload, MemoryQuarantine, MemoryRecords, arrival_of
from support.waiting import wait_until

ALL_BYTES = bytes(range(256)) * 3
SIZES = [b"", b"x", ALL_BYTES]
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are kept, how to look into it, and how to break it."""

    quarantine: Quarantine
    records: Records
    messages: Callable[[], dict[str, tuple[str, bytes]]]
    remembered: Callable[[], list[str]]
    break_quarantine: Callable[[], None]
    break_records: Callable[[], None]


@contextmanager
def in_memory(_: Path) -> Iterator[Place]:
    quarantine, noted = MemoryQuarantine(), MemoryRecords()
    yield Place(
        quarantine,
        noted,
        lambda: dict(quarantine.messages),
        lambda: [record.arrival.id for record in (*noted.noted, *noted.durable)],
        lambda: setattr(quarantine, "is_full", True),
        lambda: setattr(noted, "is_broken", True),
    )


@contextmanager
def on_disk(folder: Path) -> Iterator[Place]:
    directory = QuarantineFolder(folder / "quarantine")
    directory.make()
    engine = open_database(folder / "mailwarden.db")
    writer = BatchWriter(engine)
    complaints: list[str] = []
    yield Place(
        QuarantineKeeper(directory, writer, complaints.append),
        StoredRecords(writer, complaints.append),
        lambda: {
            message_id: (maildir, directory.find(message_id).path.read_bytes())
            for message_id, maildir in directory.all_ids()
        },
        lambda: remembered_in(engine),
        lambda: break_folder(folder / "quarantine" / "envelopes"),
        lambda: break_table(engine),
    )
    writer.close()
    engine.dispose()


def remembered_in(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(records.c.id)).scalars())


def break_folder(folder: Path) -> None:
    """Root may write anywhere, but into nothing."""
    folder.rmdir()


def break_table(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE records RENAME TO gone")


@pytest.fixture(params=[in_memory, on_disk])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with request.param(tmp_path) as made:
        yield made


def record_of(arrival: Arrival, subject: str = "") -> Record:
    decision = Decision(Disposition.QUARANTINE)
    return Record(arrival, Report(), decision, subject, 0.1, kept_as=arrival.id)


async def keep(place: Place, record: Record, maildir: str = Maildir.POLICY) -> None:
    raw = record.arrival.raw[:]
    await (await place.quarantine.stage(record, MemoryPayload(raw), maildir)).commit()


@pytest.mark.parametrize("maildir", Maildir)
@pytest.mark.parametrize("raw", SIZES)
async def test_a_message_is_whole_and_exact_when_it_is_committed(
    place: Place, maildir: Maildir, raw: bytes
) -> None:
    record = record_of(arrival_of(raw))
    await keep(place, record, maildir)
    assert place.messages() == {record.arrival.id: (maildir, raw)}


async def test_what_cannot_be_kept_raises_and_leaves_nothing(place: Place) -> None:
    place.break_quarantine()
    with pytest.raises(KeepingError):
        await keep(place, record_of(arrival_of(b"x")), Maildir.SPAM)
    assert place.messages() == {}


async def test_what_is_only_staged_is_not_in_quarantine(place: Place) -> None:
    record = record_of(arrival_of(b"x"))
    staged = await place.quarantine.stage(record, MemoryPayload(b"x"), Maildir.SPAM)
    assert place.messages() == {}
    await staged.discard()
    await keep(place, record, Maildir.SPAM)
    assert place.messages() == {record.kept_as: (Maildir.SPAM, b"x")}


async def test_what_was_committed_can_be_discarded_still(place: Place) -> None:
    record = record_of(arrival_of(b"x"))
    staged = await place.quarantine.stage(record, MemoryPayload(b"x"), Maildir.SPAM)
    await staged.commit()
    await staged.discard()
    assert place.messages() == {}


async def test_a_durable_record_is_there_when_it_returns(place: Place) -> None:
    record = record_of(arrival_of(b"x"))
    await place.records.note_durably(record)
    assert place.remembered() == [record.arrival.id]


async def test_a_durable_record_that_cannot_be_written_raises(place: Place) -> None:
    place.break_records()
    with pytest.raises(KeepingError, match="record not written"):
        await place.records.note_durably(record_of(arrival_of(b"x")))


async def test_a_note_is_there_soon(place: Place) -> None:
    record = record_of(arrival_of(b"x"))
    place.records.note(record)
    wait_until(lambda: place.remembered() == [record.arrival.id], SECONDS, "the note is written")


async def test_a_note_never_raises(place: Place) -> None:
    place.break_records()
    place.records.note(record_of(arrival_of(b"x")))
    with pytest.raises(KeepingError):  # which is answered after the note was tried
        await place.records.note_durably(record_of(arrival_of(b"x")))


async def test_senders_of_any_bytes_can_be_kept_and_remembered(place: Place) -> None:
    arrival = arrival_of(b"x", sender=b"\xff\0\n\xed\xb2\x80", recipients=[b"\xfe", b""])
    record = record_of(arrival, "\u2028")
    await keep(place, record)
    await place.records.note_durably(record)
    assert place.messages()
    assert place.remembered()


async def test_the_slip_beside_a_real_message_gives_its_envelope_back(tmp_path: Path) -> None:
    with on_disk(tmp_path) as place:
        arrival = arrival_of(b"x", sender=b"\xff@b.example")
        await keep(place, record_of(arrival))
    (slip,) = (tmp_path / "quarantine" / "envelopes").iterdir()
    sender = json.loads(slip.read_bytes())["sender"]
    assert sender.encode("utf-8", "surrogateescape") == b"\xff@b.example"
