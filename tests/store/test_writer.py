"""The batch writer: all rows in time, whoever waits is answered, nothing stops the thread."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from mailwarden.store import schema, writer
from mailwarden.store.schema import StoreError, open_database
from mailwarden.store.writer import BatchWriter, Row
from support.tiny_disk import tiny_disk
from support.waiting import wait_until

TABLE = schema.quarantine
PATIENCE_SECONDS = 20.0


def row(key: str, subject: str = "") -> Row:
    return {
        "id": key,
        "at": 1.0,
        "maildir": "spam",
        "reason": "",
        "sender": "",
        "recipients": "",
        "subject": subject,
        "size_bytes": 1,
    }


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(tmp_path / "mailwarden.db")
    yield opened
    opened.dispose()


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[BatchWriter]:
    made = BatchWriter(engine)
    yield made
    made.close()


def stored(engine: Engine) -> dict[str, str]:
    with engine.begin() as connection:
        found = connection.exec_driver_sql("SELECT id, subject FROM quarantine").all()
    return dict(map(tuple, found))


@contextlib.contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Another process has the database for itself."""
    with contextlib.closing(sqlite3.connect(str(engine.url.database))) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_a_row_is_on_the_disk_when_its_future_says_so(engine: Engine) -> None:
    with writing(engine) as batches:
        batches.add(TABLE, row("a", "subject")).result(PATIENCE_SECONDS)
        assert stored(engine) == {"a": "subject"}


def test_a_later_row_takes_the_place_of_one_with_the_same_key(engine: Engine) -> None:
    with writing(engine) as batches:
        for subject in ("first", "second"):
            batches.add(TABLE, row("a", subject))
        batches.add(TABLE, row("b"), urgent=True).result(PATIENCE_SECONDS)
        assert stored(engine)["a"] == "second"


def test_rows_of_two_tables_go_together(engine: Engine) -> None:
    record = {
        "id": "r",
        "at": 1.0,
        "disposition": "accept",
        "reason": "",
        "sender": "",
        "size_bytes": 1,
        "seconds": 0.1,
        "record": "{}",
    }
    with writing(engine) as batches:
        both = [batches.add(TABLE, row("a")), batches.add(schema.records, record)]
        for done in both:
            done.result(PATIENCE_SECONDS)
    assert set(stored(engine)) == {"a"}


def test_many_rows_share_a_commit(engine: Engine) -> None:
    commits: list[object] = []
    event.listen(engine, "commit", commits.append)
    with writing(engine) as batches:
        futures = [batches.add(TABLE, row(str(number))) for number in range(5_000)]
        wait(futures, PATIENCE_SECONDS)
    assert len(commits) <= 8
    assert len(stored(engine)) == 5_000


def test_close_writes_what_waits(engine: Engine) -> None:
    batches = BatchWriter(engine)
    futures = [batches.add(TABLE, row(str(number))) for number in range(1_500)]
    batches.close()
    assert all(done.done() and done.exception() is None for done in futures)
    assert len(stored(engine)) == 1_500


def test_a_row_after_the_end_is_refused(engine: Engine) -> None:
    batches = BatchWriter(engine)
    batches.close()
    with pytest.raises(StoreError, match="closed"):
        batches.add(TABLE, row("late")).result(PATIENCE_SECONDS)


def test_a_steady_trickle_does_not_keep_the_first_row_waiting(engine: Engine) -> None:
    """Each row came soon enough after the one before to be waited for, so none was written."""
    with writing(engine) as batches:
        first = batches.add(TABLE, row("first"))
        deadline = time.monotonic() + 10 * writer._GATHER_SECONDS
        number = 0
        while not first.done() and time.monotonic() < deadline:
            number += 1
            batches.add(TABLE, row(str(number)))
            time.sleep(writer._GATHER_SECONDS / 10)
        assert first.done()


def test_an_urgent_row_does_not_wait_for_company(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_GATHER_SECONDS", 60.0)
    with writing(engine) as batches:
        patient = batches.add(TABLE, row("patient"))
        batches.add(TABLE, row("urgent"), urgent=True).result(PATIENCE_SECONDS)
        patient.result(PATIENCE_SECONDS)


def test_a_locked_database_is_an_error_in_the_future_and_passes(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.connect() as connection:  # the pool's only connection, which the thread will use
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    monkeypatch.setattr(schema, "_BUSY_MILLISECONDS", 50)
    with writing(engine) as batches:
        with locked(engine), pytest.raises(StoreError, match="database is locked"):
            batches.add(TABLE, row("a"), urgent=True).result(PATIENCE_SECONDS)
        batches.add(TABLE, row("b"), urgent=True).result(PATIENCE_SECONDS)
    assert set(stored(engine)) == {"b"}


def test_rows_that_nobody_waits_for_outlast_a_locked_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    monkeypatch.setattr(schema, "_BUSY_MILLISECONDS", 50)
    monkeypatch.setattr(writer, "_RETRY_SECONDS", 0.05)
    heard: list[str] = []
    with contextlib.closing(BatchWriter(engine, heard.append)) as batches:
        with locked(engine):
            done = batches.add(TABLE, row("a"))
            wait_until(lambda: len(heard) > 1, PATIENCE_SECONDS, "it was tried twice")
            assert not done.done()
        done.result(PATIENCE_SECONDS)
    assert set(stored(engine)) == {"a"}
    assert heard[0] == "1 rows wait for the database: database is locked"


def test_who_waits_is_answered_at_once_however_many_rows_are_before_theirs(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion behind a thousand waiting records would hold its turn until the lock goes."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    monkeypatch.setattr(schema, "_BUSY_MILLISECONDS", 50)
    monkeypatch.setattr(writer, "_BATCH_ROWS", 2)
    with writing(engine) as batches:
        with locked(engine):
            patient = [batches.add(TABLE, row(str(number))) for number in range(7)]
            with pytest.raises(StoreError, match="database is locked"):
                batches.add(TABLE, row("urgent"), urgent=True).result(PATIENCE_SECONDS)
        batches.add(TABLE, row("last"), urgent=True).result(PATIENCE_SECONDS)
        wait(patient, PATIENCE_SECONDS)
    assert set(stored(engine)) == {*map(str, range(7)), "last"}


def test_at_the_end_rows_do_not_wait_for_a_locked_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    monkeypatch.setattr(schema, "_BUSY_MILLISECONDS", 50)
    batches = BatchWriter(engine)
    with locked(engine):
        done = batches.add(TABLE, row("a"))
        batches.close()
        with pytest.raises(StoreError, match="database is locked"):
            done.result(0)


def test_a_full_disk_is_an_error_in_the_future() -> None:
    with tiny_disk(512) as disk:
        engine = open_database(disk / "mailwarden.db")
        with writing(engine) as batches:
            batches.add(TABLE, row("a"), urgent=True).result(PATIENCE_SECONDS)
            with pytest.raises(StoreError, match="full"):
                batches.add(TABLE, row("b", "x" * 1_000_000), urgent=True).result(PATIENCE_SECONDS)
            batches.add(TABLE, row("c"), urgent=True).result(PATIENCE_SECONDS)
        assert set(stored(engine)) == {"a", "c"}
        engine.dispose()


@pytest.mark.parametrize(
    "bad",
    [
        row("bad", "\udcff"),
        {**row("bad"), "size_bytes": 2**80},
        {**row("bad"), "at": float("nan")},
        {**row("bad"), "subject": None},
        {**row("bad"), "subject": ["no", "text"]},
        {"id": "bad"},
    ],
)
def test_a_row_that_cannot_be_stored_is_an_error_and_the_thread_goes_on(
    engine: Engine, bad: Row
) -> None:
    with writing(engine) as batches:
        with pytest.raises(StoreError):
            batches.add(TABLE, bad, urgent=True).result(PATIENCE_SECONDS)
        batches.add(TABLE, row("good"), urgent=True).result(PATIENCE_SECONDS)
    assert set(stored(engine)) == {"good"}


def test_a_row_for_which_there_is_no_memory_is_an_error_and_the_thread_goes_on(
    engine: Engine,
) -> None:
    """The thread died of it, and whoever waited for a row waited for ever."""
    large = {**row("large"), "subject": _TooLarge()}
    with writing(engine) as batches:
        with pytest.raises(StoreError, match="MemoryError"):
            batches.add(TABLE, large, urgent=True).result(PATIENCE_SECONDS)
        batches.add(TABLE, row("good"), urgent=True).result(PATIENCE_SECONDS)
    assert set(stored(engine)) == {"good"}


class _TooLarge:
    """A value that SQLite's driver has no memory for."""

    def __conform__(self, _protocol: object) -> str:
        raise MemoryError


def test_nobody_can_cancel_a_row(engine: Engine) -> None:
    """A cancelled future made the thread fail at the moment of success."""
    with writing(engine) as batches:
        done = batches.add(TABLE, row("a"))
        assert not done.cancel()
        done.result(PATIENCE_SECONDS)
        batches.add(TABLE, row("b"), urgent=True).result(PATIENCE_SECONDS)
    assert set(stored(engine)) == {"a", "b"}


def test_more_rows_than_may_wait_are_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_WAITING_ROWS", 10)
    stand = threading.Event()

    def stand_still(_connection: object) -> None:
        stand.wait(PATIENCE_SECONDS)

    event.listen(engine, "begin", stand_still)
    futures: list[Future[None]] = []
    with writing(engine) as batches:
        futures += [batches.add(TABLE, row("first"), urgent=True)]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not futures[-1].done() and time.monotonic() < deadline:
            futures.append(batches.add(TABLE, row(str(len(futures)))))
        with pytest.raises(StoreError, match="does not keep up"):
            futures[-1].result(0)
        stand.set()
    event.remove(engine, "begin", stand_still)
    assert len(stored(engine)) == len(futures) - 1


def test_two_processes_worth_of_writers_take_turns(tmp_path: Path) -> None:
    engines = [open_database(tmp_path / "mailwarden.db") for _ in range(2)]
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(writing(engine)) for engine in engines]
        futures = [
            writers[number % 2].add(TABLE, row(str(number)), urgent=True) for number in range(200)
        ]
        for done in futures:
            done.result(PATIENCE_SECONDS)
    assert len(stored(engines[0])) == 200
    for engine in engines:
        engine.dispose()
