"""One thread that writes rows in batches: one commit, one sync, for all that wait.

A statement a row and a sync a row would make the disk the pace of the gate (DESIGN section 8).
"""

import queue
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from sqlalchemy import Engine, Table
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from mailwarden.store.schema import StoreError, reason_of

Row = Mapping[str, object]

# A disk that stands still for long must not eat the memory: rows beyond this are refused.
_WAITING_ROWS = 20_000
_BATCH_ROWS = 1_000
# The first row of a batch waits so long for company, unless somebody waits for the row.
_GATHER_SECONDS = 0.2
_URGENT_GATHER_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class _Write:
    table: Table
    row: Row
    urgent: bool
    done: Future[None] = field(default_factory=Future)


class BatchWriter:
    """Writes rows soon; the future that `add` returns tells when a row is on the disk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.Queue[_Write | None] = queue.Queue(_WAITING_ROWS)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def add(self, table: Table, row: Row, *, urgent: bool = False) -> Future[None]:
        """Have `row` written, in place of one with the same key; the future may hold `StoreError`.

        `urgent` says that somebody waits for the future.
        """
        write = _Write(table, row, urgent)
        write.done.set_running_or_notify_cancel()  # from here on nobody can cancel it
        if not self._thread.is_alive():
            write.done.set_exception(StoreError("the database is closed: row refused"))
            return write.done
        try:
            self._waiting.put_nowait(write)
        except queue.Full:
            write.done.set_exception(StoreError("the database does not keep up: row refused"))
        return write.done

    def close(self) -> None:
        """Write what waits, then stop."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            batch, is_last = self._gather()
            if batch:
                self._write(batch)
            if is_last:
                return

    def _gather(self) -> tuple[list[_Write], bool]:
        batch: list[_Write] = []
        item = self._waiting.get()
        until = time.monotonic() + _GATHER_SECONDS
        while item is not None:
            batch.append(item)
            if item.urgent:
                until = min(until, time.monotonic() + _URGENT_GATHER_SECONDS)
            if len(batch) == _BATCH_ROWS:
                return batch, False
            try:
                item = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, batch: list[_Write]) -> None:
        try:
            with self._engine.begin() as connection:
                for table in {write.table for write in batch}:
                    rows = [dict(write.row) for write in batch if write.table is table]
                    connection.execute(insert(table).prefix_with("OR REPLACE"), rows)
        except (SQLAlchemyError, ValueError, OverflowError) as error:
            # The last two: SQLite's driver says so, unwrapped, of text and numbers that it cannot
            # take. The thread has to outlive them.
            failure = StoreError(reason_of(error))
            for write in batch:
                write.done.set_exception(failure)
        else:
            for write in batch:
                write.done.set_result(None)
