"""What the pipeline asks of those who keep: quarantine and records."""

from enum import StrEnum
from typing import Protocol

from mailwarden.ports.scanner import Payload
from mailwarden.verdict.record import Record


class Maildir(StrEnum):
    """The quarantine's own Maildirs, by folder name; spam may have others (`spam.maildir`)."""

    VIRUSES = "viruses"
    POLICY = "policy"
    SPAM = "spam"
    UNDELIVERED = "undelivered"  # copies that the queue did not take yet, while it took others


class KeepingError(Exception):
    """It could not be kept, and nothing half-done is left; the text says what and where."""


class Staged(Protocol):
    """A message that is on the disk, whole and synced, but not in quarantine yet."""

    async def commit(self) -> None:
        """It is in quarantine, synced, when this returns; raises `KeepingError`."""
        ...

    async def discard(self) -> None:
        """Forget it, whether or not it was committed; never raises."""
        ...


class Quarantine(Protocol):
    """Keeps messages, exact to the byte, under the id `record.kept_as`."""

    async def stage(self, record: Record, payload: Payload, maildir: str) -> Staged:
        """Have the message on the disk, ready to be kept; raises `KeepingError`."""
        ...


class Archive(Protocol):
    """Keeps copies of messages that pass."""

    async def keep(self, record: Record, payload: Payload) -> None:
        """Keep a copy, whole and synced, when this returns; raises `KeepingError`."""
        ...


class Records(Protocol):
    """Remembers what became of messages."""

    def note(self, record: Record) -> None:
        """Remember soon; never waits and never raises."""
        ...

    async def note_durably(self, record: Record) -> None:
        """Remember for good, synced, when this returns; raises `KeepingError`."""
        ...
