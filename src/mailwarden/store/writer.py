"""One thread that writes rows in batches: one commit, one sync, for all that wait.

A statement a row and a sync a row would make the disk the pace of the gate (DESIGN section 8).
"""

import collections
import sqlite3
import threading
from collections.abc import Callable, Mapping
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
# A locked or full database is tried again so often; each try waits for a lock by itself, too.
_RETRY_SECONDS = 5.0
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
# Extended codes have the primary one in their low byte (sqlite.org, Result Codes).
_PRIMARY_CODE = 0xFF


@dataclass(frozen=True, slots=True)
class _Write:
    table: Table
    row: Row
    urgent: bool
    done: Future[None] = field(default_factory=Future)


def _keep_quiet(_complaint: str) -> None:
    """Hear complaints, and do nothing."""


class BatchWriter:
    """Writes rows soon; the future that `add` returns tells when a row is on the disk.

    While the database is locked or full, rows wait and are tried again, but for those that
    somebody waits for; `complain` hears, in words, of each such try.
    """

    def __init__(self, engine: Engine, complain: Callable[[str], None] = _keep_quiet) -> None:
        self._engine = engine
        self._complain = complain
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
        write = _Write(table, row, urgent)
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
                if not self._write(batch):
                    self._hurry.wait(_RETRY_SECONDS)
                    self._work.set()
                    break

    def _next_batch(self) -> list[_Write]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(_BATCH_ROWS, len(self._waiting)))]

    def _write(self, batch: list[_Write]) -> bool:
        """Write a batch, or fail it for good; false when its rows are to be tried again."""
        try:
            with self._engine.begin() as connection:
                for table in {write.table for write in batch}:
                    rows = [dict(write.row) for write in batch if write.table is table]
                    connection.execute(insert(table).prefix_with("OR REPLACE"), rows)
        except (SQLAlchemyError, ValueError, OverflowError, MemoryError) as error:
            if _may_pass(error):
                return self._put_back(batch, StoreError(reason_of(error)))
            # The last three: SQLite's driver says so, unwrapped, of text and numbers that it
            # cannot take, and of memory. The thread has to outlive them.
            _fail(batch, StoreError(reason_of(error)))
        else:
            for write in batch:
                write.done.set_result(None)
        return True

    def _put_back(self, batch: list[_Write], failure: StoreError) -> bool:
        """Fail all that somebody waits for, and let the rest wait; at the end nothing can wait.

        Those behind the batch count, too: nobody may wait until it is their turn to be refused.
        """
        with self._lock:
            writes = [*batch, *self._waiting]
            patient = [] if self._is_closed else [one for one in writes if not one.urgent]
            self._waiting = collections.deque(patient)
        _fail([one for one in writes if one.urgent or not patient], failure)
        if patient:
            self._complain(f"{len(patient)} rows wait for the database: {failure}")
        return not patient


def _may_pass(error: Exception) -> bool:
    """Another try may do better, because the database is busy or its disk is in trouble."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return code is not None and code & _PRIMARY_CODE in _PASSING


def _fail(writes: list[_Write], failure: StoreError) -> None:
    for write in writes:
        write.done.set_exception(failure)
