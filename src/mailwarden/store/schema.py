"""The tables, and how the database file is opened.

`records` has a row for each message, `quarantine` one for each kept message, `errands` one for
each mail that we have yet to send, `sent` one for each that we sent within the last hour.
The quarantine's rows are an index only: the files are the truth, and rows can be made from them.
"""

import os
from pathlib import Path

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

SCHEMA_VERSION = 2
# Writers of several workers take turns; a turn is a batch of milliseconds.
_BUSY_MILLISECONDS = 10_000

metadata = MetaData()

records = Table(
    "records",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False, index=True, comment="seconds since the epoch"),
    Column("disposition", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("sender", String, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("record", Text, nullable=False, comment="the whole record as JSON"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False, index=True, comment="seconds since the epoch"),
    Column("maildir", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("sender", String, nullable=False),
    Column("recipients", String, nullable=False, comment="separated by blanks"),
    Column("subject", String, nullable=False),
    Column("size_bytes", Integer, nullable=False),
)

errands = Table(
    "errands",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False, index=True, comment="seconds since the epoch"),
    Column("kind", String, nullable=False, comment="see verdict.errand"),
    Column("recipient", String, nullable=False, index=True),
    Column("topic", String, nullable=False),
    Column("due", Float, nullable=False, index=True, comment="not before, seconds since the epoch"),
    Column("tries", Integer, nullable=False, comment="that failed"),
    Column("content", Text, nullable=False, comment="JSON"),
)

# What was sent, to keep to outbox.per_hour over a restart.
sent = Table(
    "sent",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False, index=True, comment="seconds since the epoch"),
    Column("recipient", String, nullable=False, index=True),
)


class StoreError(Exception):
    """The database cannot be used; the text says which file and why."""


def open_database(path: Path) -> Engine:
    """Open the database, making file and tables when absent; raises `StoreError`."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _set_pragmas)
    try:
        with engine.begin() as connection:
            _check_version(connection)
            metadata.create_all(connection)
    except (SQLAlchemyError, StoreError) as error:
        engine.dispose()
        raise StoreError(_refusal(path) or f"{path}: {reason_of(error)}") from error
    return engine


def _refusal(path: Path) -> str:
    """SQLite says `unable to open`, or `readonly`, for what is mostly the wrong owner."""
    for place in (path.parent, path):
        if not os.access(place, os.F_OK):
            return ""
        if not os.access(place, os.R_OK | os.W_OK):
            return f"{place} is closed to this user; who owns it?"
    return ""


def reason_of(error: Exception) -> str:
    """What went wrong, without SQL and without values."""
    if isinstance(error, StoreError):
        return str(error)
    original = getattr(error, "orig", None)
    return str(original) if original else type(error).__name__


def _set_pragmas(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a commit is on the disk when it returns; batches make one sync serve many rows.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _check_version(connection: Connection) -> None:
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"made by a newer Mailwarden (schema {version}, this one knows {SCHEMA_VERSION})"
        )
    if version < SCHEMA_VERSION:
        connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
