"""Copies of messages that pass, in a Maildir of their own (archive): bytes and envelope slips."""

import asyncio
import re

from mailwarden.ports.keeping import KeepingError
from mailwarden.ports.scanner import Payload
from mailwarden.quarantine.folder import QuarantineFolder
from mailwarden.settings.model import ArchiveSettings
from mailwarden.verdict.record import Record, record_json

_MAILDIR = "messages"
# An address may be longer (qmail's limit is 1003 bytes); a pattern needs no more to know it.
_ADDRESS_CHARACTERS = 320


class ArchiveKeeper:
    """Keeps what the settings ask for (port `Archive`)."""

    def __init__(self, settings: ArchiveSettings) -> None:
        self._folder = QuarantineFolder(settings.directory)
        self._matching = re.compile(settings.matching, re.IGNORECASE)
        self._maildirs = (_MAILDIR,)

    def make(self) -> None:
        """Make its folders; raises `OSError`."""
        self._folder.make(self._maildirs)

    async def keep(self, record: Record, payload: Payload) -> None:
        """Keep a copy when an address matches; raises `KeepingError`."""
        if not self._is_wanted(record):
            return
        slip = record_json(record)
        try:
            await asyncio.to_thread(self._folder.keep, record.arrival.id, payload, _MAILDIR, slip)
        except KeepingError as error:
            raise KeepingError(f"archive: {error}") from error

    def _is_wanted(self, record: Record) -> bool:
        envelope = record.arrival.envelope
        return any(
            self._matching.search(address.decode("utf-8", "replace")[:_ADDRESS_CHARACTERS])
            for address in (envelope.sender, *envelope.recipients)
        )
