"""What the pipeline asks of the one who takes payloads apart, outside the daemon's process."""

from dataclasses import dataclass
from typing import Protocol

from mailwarden.ports.scanner import Payload
from mailwarden.unpack.contents import Contents, Span
from mailwarden.unpack.walk import Job
from mailwarden.verdict.report import Fault


class Store(Protocol):
    """The octets that came out of one payload."""

    def payload(self, span: Span) -> Payload:
        """The octets of one item, for scanners; raises nothing for a span of its contents."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What one payload holds; `faults` when nobody could look at it now."""

    contents: Contents
    store: Store | None = None
    faults: tuple[Fault, ...] = ()


class Unpacker(Protocol):
    """Takes payloads apart in helper processes."""

    async def unpack(self, octets: bytes, job: Job, deadline: float) -> Unpacked:
        """Take one payload apart; never raises for what a helper did; `deadline` is the loop's."""
        ...

    async def close(self) -> None:
        """End the helper processes."""
        ...
