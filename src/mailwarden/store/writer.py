"""One thread that writes rows in batches: one commit, one sync, for all that wait.

A statement a row and a sync a row would make the disk the pace of the gate (DESIGN section 8).
"""

import collections
import threading
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
# The first row of a batch waits so long for company, unless somebody waits for the row:
# to wake the thread for each row would cost the message path more than all else about it.
_GATHER_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _Write:
    table: Table
    row: Row
    done: Future[None] = field(default_factory=Future)


class BatchWriter:
    """Writes rows soon; the future that `add` returns tells when a row is on the disk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._waiting: collections.deque[_Write] = collections.deque()
        self._is_closed = False
        self._work = threading.Event()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def add(self, table: Table, row: Row, *, urgent: bool = False) -> Future[None]:
        """Have `row` written, in place of one with the same key; the future may hold `StoreError`.

        `urgent` says that somebody waits for the future.
        """
        write = _Write(table, row)
        write.done.set_running_or_notify_cancel()  # from here on nobody can cancel it
        if refusal := self._take(write):
            write.done.set_exception(StoreError(refusal))
        self._work.set()
        if urgent:
            self._hurry.set()
        return write.done

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._lock:
            self._is_closed = True
        self._hurry.set()
        self._work.set()
        self._thread.join()

    def _take(self, write: _Write) -> str:
        """Put a row with those that wait, or return why not."""
        with self._lock:
            if self._is_closed:
                return "the database is closed: row refused"
            if len(self._waiting) >= _WAITING_ROWS:
                return "the database does not keep up: row refused"
            self._waiting.append(write)
            return ""

    def _run(self) -> None:
        """Sleep until there is a row, then a little longer so that one wake serves many."""
        while not self._is_closed or self._waiting:
            self._work.wait()
            self._hurry.wait(_GATHER_SECONDS)
            self._work.clear()
            self._hurry.clear()
            while batch := self._next_batch():
                self._write(batch)

    def _next_batch(self) -> list[_Write]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(_BATCH_ROWS, len(self._waiting)))]

    def _write(self, batch: list[_Write]) -> None:
        try:
            with self._engine.begin() as connection:
                for table in {write.table for write in batch}:
                    rows = [dict(write.row) for write in batch if write.table is table]
                    connection.execute(insert(table).prefix_with("OR REPLACE"), rows)
        except (SQLAlchemyError, ValueError, OverflowError, MemoryError) as error:
            # The last three: SQLite's driver says so, unwrapped, of text and numbers that it
            # cannot take, and of memory. The thread has to outlive them.
            failure = StoreError(reason_of(error))
            for write in batch:
                write.done.set_exception(failure)
        else:
            for write in batch:
                write.done.set_result(None)
