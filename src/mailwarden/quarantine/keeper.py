"""Keeps messages for the pipeline (port `Quarantine`): files in a thread, then the index."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from mailwarden.ports.keeping import Maildir
from mailwarden.ports.scanner import Payload
from mailwarden.quarantine.folder import QuarantineFolder
from mailwarden.quarantine.index import index_row
from mailwarden.store.schema import quarantine as table
from mailwarden.store.writer import BatchWriter
from mailwarden.verdict.record import Record, record_json, text_of


class QuarantineKeeper:
    """Keeps messages; `complain` hears when only the index could not be written."""

    def __init__(
        self, folder: QuarantineFolder, writer: BatchWriter, complain: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._writer = writer
        self._complain = complain

    async def keep(self, record: Record, payload: Payload, maildir: Maildir) -> None:
        """Keep the message, whole and synced, when this returns; raises `KeepingError`.

        The index follows when its row is written; nobody waits for it, for `quarantine list`
        makes the index agree with the files.
        """
        slip = record_json(record)
        slip["variables"] = {
            name: text_of(value) for name, value in record.arrival.origin.variables.items()
        }
        await asyncio.to_thread(self._folder.keep, record.arrival.id, payload, maildir, slip)
        row = self._writer.add(table, index_row(slip, maildir))
        row.add_done_callback(lambda done: self._check(record.arrival.id, done))

    def _check(self, message_id: str, done: Future[None]) -> None:
        if error := done.exception():
            self._complain(f"{message_id} is in quarantine but not in its index: {error}")
