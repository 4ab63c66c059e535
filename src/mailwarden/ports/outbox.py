"""What the pipeline asks of the one who sends mail about messages."""

from typing import Protocol

from mailwarden.verdict.errand import Errand


class Outbox(Protocol):
    """Takes errands; sends them later, from a process of its own."""

    def send(self, errand: Errand) -> None:
        """Send soon; never waits and never raises."""
        ...

    async def send_durably(self, errand: Errand) -> None:
        """The errand is on the disk when this returns; raises `KeepingError`."""
        ...
