"""What the pipeline asks of a door that can queue a copy of a message and tell how that ended."""

from collections.abc import Sequence
from typing import Protocol

from mailwarden.message.edits import Edit
from mailwarden.wire.envelope import Envelope


class CourierGoneError(Exception):
    """Who was to queue the copy went away; nobody knows whether it is queued."""


class Courier(Protocol):
    """Queues copies of one message, one after the other."""

    async def submit(self, edits: Sequence[Edit], envelope: Envelope) -> int:
        """Queue the message with these edits; returns the queue program's exit code, 0 is queued.

        Raises `CourierGoneError`, and `KeepingError` where the copy could not even be written.
        """
        ...
