"""What the pipeline asks of those who keep: quarantine and records."""

from enum import Enum
from typing import Protocol

from mailwarden.ports.scanner import Payload
from mailwarden.verdict.record import Record


class Maildir(Enum):
    """The quarantine's three Maildirs; the value is the folder's name."""

    VIRUSES = "viruses"
    POLICY = "policy"
    SPAM = "spam"


class KeepingError(Exception):
    """It could not be kept, and nothing half-done is left; the text says what and where."""


class Quarantine(Protocol):
    """Keeps messages, exact to the byte."""

    async def keep(self, record: Record, payload: Payload, maildir: Maildir) -> None:
        """Keep the message, whole and synced, when this returns; raises `KeepingError`."""
        ...


class Records(Protocol):
    """Remembers what became of messages."""

    def note(self, record: Record) -> None:
        """Remember soon; never waits and never raises."""
        ...

    async def note_durably(self, record: Record) -> None:
        """Remember for good, synced, when this returns; raises `KeepingError`."""
        ...
