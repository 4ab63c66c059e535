"""The quarantine's index in the database: for lists and searches; the files are the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from mailwarden.quarantine.folder import QuarantineFolder
from mailwarden.store.schema import StoreError, reason_of
from mailwarden.store.schema import quarantine as table
from mailwarden.store.writer import Row
from mailwarden.verdict.record import Json

# SQLite's integers have 64 bits, with sign; no size and no time comes near.
_MOST_NUMBER = 2**62


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the list; `at` in seconds since the epoch, texts as the message had them."""

    id: str
    at: float
    maildir: str
    reason: str
    sender: str
    recipients: str
    subject: str
    size_bytes: int


def index_row(slip: Json, maildir: str) -> Row:
    """The row of a message, made from its slip alone."""
    recipients = slip.get("recipients")
    listed = recipients if isinstance(recipients, list) else []
    return {
        "id": _text(slip, "id"),
        "at": _number(slip, "at"),
        "maildir": maildir,
        "reason": _text(slip, "reason"),
        "sender": _text(slip, "sender"),
        "recipients": " ".join(_text(one, "address") for one in listed if isinstance(one, dict)),
        "subject": _text(slip, "subject"),
        "size_bytes": int(_number(slip, "size_bytes")),
    }


def list_entries(engine: Engine, folder: QuarantineFolder) -> Sequence[Entry]:
    """All kept messages, the newest first, after making the index agree with the files.

    Raises `StoreError` and `OSError`.
    """
    try:
        return _agreed_entries(engine, folder)
    except SQLAlchemyError as error:
        raise StoreError(f"{engine.url.database}: {reason_of(error)}") from error


def _agreed_entries(engine: Engine, folder: QuarantineFolder) -> Sequence[Entry]:
    kept = dict(folder.all_ids())
    with engine.begin() as connection:
        known = set(connection.execute(select(table.c.id)).scalars())
        if gone := known - kept.keys():
            forgotten = delete(table).where(table.c.id == bindparam("gone"))
            connection.execute(forgotten, [{"gone": message_id} for message_id in gone])
        missing = [
            index_row({**folder.slip(message_id), "id": message_id}, kept[message_id])
            for message_id in kept.keys() - known
        ]
        if missing:
            connection.execute(insert(table).prefix_with("OR REPLACE"), missing)
        rows = connection.execute(select(table).order_by(table.c.at.desc(), table.c.id)).all()
    # The daemon writes rows a little later than files: one may be of a message that was just taken.
    return [Entry(*row) for row in rows if row.id in kept]


def forget(engine: Engine, message_id: str) -> None:
    """Take a message out of the index; raises `StoreError`."""
    try:
        with engine.begin() as connection:
            connection.execute(delete(table).where(table.c.id == message_id))
    except SQLAlchemyError as error:
        raise StoreError(f"{engine.url.database}: {reason_of(error)}") from error


def _text(slip: Json, key: str) -> str:
    value = slip.get(key)
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def _number(slip: Json, key: str) -> float:
    """A number that SQLite can hold; 0 for anything else, as a broken slip may say anything."""
    value = slip.get(key)
    if isinstance(value, int | float) and abs(value) < _MOST_NUMBER:  # NaN is not less either
        return float(value)
    return 0.0
