"""Keeps messages for the pipeline (port `Quarantine`): files in a thread, then the index."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from mailwarden.ports.scanner import Payload
from mailwarden.quarantine.folder import QuarantineFolder, StagedMessage
from mailwarden.quarantine.index import index_row
from mailwarden.store.schema import quarantine as table
from mailwarden.store.writer import BatchWriter
from mailwarden.verdict.record import Json, Record, record_json, text_of


class QuarantineKeeper:
    """Keeps messages; `complain` hears when only the index could not be written."""

    def __init__(
        self, folder: QuarantineFolder, writer: BatchWriter, complain: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._writer = writer
        self._complain = complain

    async def stage(self, record: Record, payload: Payload, maildir: str) -> "StagedKeeping":
        """Have the message on the disk, ready to be kept; raises `KeepingError`.

        The index follows when its row is written; nobody waits for it, for `quarantine list`
        makes the index agree with the files.
        """
        slip = record_json(record)
        slip["variables"] = {
            name: text_of(value) for name, value in record.arrival.origin.variables.items()
        }
        kept_as = record.kept_as
        staged = await asyncio.to_thread(self._folder.stage, kept_as, payload, maildir, slip)
        return StagedKeeping(staged, lambda: self._index(kept_as, slip, maildir))

    def _index(self, kept_as: str, slip: Json, maildir: str) -> None:
        row = self._writer.add(table, index_row({**slip, "id": kept_as}, maildir))
        row.add_done_callback(lambda done: self._check(kept_as, done))

    def _check(self, kept_as: str, done: Future[None]) -> None:
        if error := done.exception():
            self._complain(f"{kept_as} is in quarantine but not in its index: {error}")


class StagedKeeping:
    """A message on its way into quarantine (port `Staged`); `index` adds its row."""

    def __init__(self, staged: StagedMessage, index: Callable[[], None]) -> None:
        self._staged = staged
        self._index = index

    async def commit(self) -> None:
        """It is in quarantine, synced, when this returns; raises `KeepingError`."""
        await asyncio.to_thread(self._staged.commit)
        self._index()

    async def discard(self) -> None:
        """Forget it; never raises."""
        await asyncio.to_thread(self._staged.discard)
