"""The records of messages, one row each."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future

from mailwarden.ports.keeping import KeepingError
from mailwarden.store.schema import StoreError, records
from mailwarden.store.writer import BatchWriter, Row
from mailwarden.verdict.record import Record, record_json


class StoredRecords:
    """Remembers what became of messages (port `Records`).

    `complain` hears, in words, of rows that were lost; nobody waits for those.
    """

    def __init__(self, writer: BatchWriter, complain: Callable[[str], None]) -> None:
        self._writer = writer
        self._complain = complain

    def note(self, record: Record) -> None:
        """Remember soon."""
        self._writer.add(records, _row(record)).add_done_callback(self._check)

    async def note_durably(self, record: Record) -> None:
        """Remember for good when this returns; raises `KeepingError`."""
        try:
            await asyncio.wrap_future(self._writer.add(records, _row(record), urgent=True))
        except StoreError as error:
            raise KeepingError(f"record not written: {error}") from error

    def _check(self, done: Future[None]) -> None:
        if error := done.exception():
            self._complain(f"a record was not written: {error}")


def _row(record: Record) -> Row:
    return {
        "id": record.arrival.id,
        "at": record.arrival.at,
        "disposition": record.decision.disposition.word,
        "reason": record.reason.encode("utf-8", "replace").decode("utf-8"),
        "sender": record.arrival.envelope.sender.decode("utf-8", "replace"),
        "size_bytes": record.arrival.size_bytes,
        "seconds": record.seconds,
        "record": json.dumps(record_json(record)),
    }
