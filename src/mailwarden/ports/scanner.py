"""What the pipeline asks of a scanner."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from mailwarden.verdict.arrival import Arrival
from mailwarden.verdict.report import Answer


class Wave(Enum):
    """When a scanner is asked: spam scoring only where it can still change the decision."""

    VIRUS = 1
    SPAM = 2


class Payload(Protocol):
    """A message's bytes as a scanner may have them: as a descriptor, or as chunks."""

    @property
    def size_bytes(self) -> int:
        """The exact length in bytes."""
        ...

    def lend(self) -> AbstractContextManager[int]:
        """An open, readable descriptor of a file holding exactly the message, for a while.

        It belongs to the payload, do not close it; a message can have thousands of payloads, so
        give each back soon. Do not rely on its offset (read with `pread`, or let clamd have it:
        clamd maps or rewinds the file). Raises `OSError` where there is no room for the file.
        """
        ...

    def chunk(self, start: int, size: int) -> bytes:
        """At most `size` bytes from offset `start`; empty at the end."""
        ...


@dataclass(frozen=True, slots=True)
class ExtractedPart:
    """Octets that came out of a message and that nobody sees in its raw bytes.

    `path` and `filename` say where they were (`1.2/invoice.zip/a.exe`, `a.exe`).
    """

    path: str
    filename: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Question:
    """What a scanner is asked: this message, for this scoring user (empty: the scanner's own).

    `on_top` are header fields, whole, with LF, that a spam scanner is shown before the message.
    Whoever looks for viruses looks at `payload`, the raw message, and at every one of `extracted`;
    no octets are in there twice.
    """

    arrival: Arrival
    payload: Payload
    user: str = ""
    extracted: tuple[ExtractedPart, ...] = ()
    on_top: bytes = b""


class Scanner(Protocol):
    """Something that is asked about a message.

    `scan` never raises for what a peer did: no answer is a `Fault` inside the `Answer`, a limit
    that was hit is a finding; only cancellation passes through.
    """

    @property
    def name(self) -> str:
        """The scanner's name in settings, findings, faults and records."""
        ...

    @property
    def wave(self) -> Wave:
        """When to ask."""
        ...

    @property
    def version(self) -> str:
        """`name: version.` for headers and logs, as last heard; never asks at each message."""
        ...

    async def scan(self, question: Question, deadline: float) -> Answer:
        """Look at one message; `deadline` is on the event loop's clock (`loop.time()`)."""
        ...

    async def refresh(self, deadline: float) -> None:
        """Ask for the version and signature date again; a scanner that is away keeps the old."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
