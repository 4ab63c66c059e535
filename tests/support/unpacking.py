"""An `Unpacker` without helper processes, for tests that are about something else.

It keeps the contract of the real one (`tests/sandbox/test_unpacker_contract.py`).
"""

import time

from mailwarden.net.payload import MemoryPayload
from mailwarden.ports.unpacker import Unpacked
from mailwarden.unpack.contents import Span
from mailwarden.unpack.openers import FORMATS
from mailwarden.unpack.walk import Job, unpack_payload


class Shelf:
    """Octets kept in memory, one behind the other."""

    def __init__(self) -> None:
        self._octets = b""

    def keep(self, octets: bytes) -> Span:
        start = len(self._octets)
        self._octets += octets
        return Span(start, len(self._octets))

    def payload(self, span: Span) -> MemoryPayload:
        return MemoryPayload(self._octets[span.start : span.end])

    def close(self) -> None:
        self._octets = b""


class InProcessUnpacker:
    """Takes payloads apart in the test's own process; `jobs` are those that it was given."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def unpack(self, octets: bytes, job: Job, deadline: float) -> Unpacked:
        self.jobs.append(job)
        shelf = Shelf()
        contents = unpack_payload(octets, job, FORMATS, time.monotonic, shelf.keep)
        return Unpacked(contents, shelf)

    async def close(self) -> None:
        """There is nobody to end."""
