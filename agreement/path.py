"""The whole path of a message, as `mailwarden scan` walks it, one message at a time and measured.

Scanners are those that need no daemon. Processor time is that of this process and of the helper
processes together; memory is the largest resident set of this process while it looked at one
message. The helpers' largest is known when they have ended (`helpers_peak_bytes`).
"""

import asyncio
import os
import resource
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Self

from mailwarden.daemon.wiring import build_examiner, build_scanners, build_unpacker
from mailwarden.net.payload import MemoryPayload
from mailwarden.pipeline.options import path_options
from mailwarden.settings.model import Settings
from mailwarden.unpack.contents import Contents, Span
from mailwarden.unpack.walk import Job
from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.decide import Decision
from mailwarden.verdict.report import Report
from mailwarden.wire.envelope import Envelope

_ENVELOPE = Envelope(b"", (b"corpus",))
_OUTSIDE = Origin({"TCPREMOTEIP": b"unknown"})
_TICKS = os.sysconf("SC_CLK_TCK")
# In /proc/PID/stat behind the name: the parent's id; times of a process and of its children that
# have ended, in ticks (proc(5)).
_PARENT = 1
_TIMES = slice(11, 15)
_KIB = 1024
# Written to clear_refs, this makes VmHWM begin anew (proc(5)).
_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Look:
    """What became of one message, and what that cost."""

    report: Report
    decision: Decision
    cpu_seconds: float
    seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Opened:
    """What a file holds; `kept` are the octets that scanners would see, by their places."""

    contents: Contents
    kept: Mapping[Span, bytes]


class MessagePath:
    """An examiner with everything that it needs; a context, because helpers must end."""

    def __init__(self) -> None:
        self._settings = Settings(scanners=("test-patterns",))
        self._options = path_options(self._settings)
        self._runner = asyncio.Runner()
        self._looks: dict[bytes, Look] = {}
        self._unpacker = build_unpacker(self._settings, Path(tempfile.gettempdir()))
        scanners = build_scanners(self._options.profiles)
        key = secrets.token_bytes(32)
        self._examiner = build_examiner(self._settings, scanners, self._unpacker, key)

    def __enter__(self) -> Self:
        self._runner.__enter__()
        self._runner.run(self._unpacker.start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._unpacker.close())
        self._runner.__exit__(kind, error, trace)

    def unpack(self, octets: bytes, name: str) -> Opened:
        """Take a file apart; raises `RuntimeError` when the helper could not."""
        job = Job("1", (name,), "", self._options.unpacking)
        return self._runner.run(self._unpack(octets, job))

    async def _unpack(self, octets: bytes, job: Job) -> Opened:
        unpacked = await self._unpacker.unpack(octets, job, self._deadline())
        if unpacked.faults:
            raise RuntimeError(unpacked.faults[0].reason)
        kept: dict[Span, bytes] = {}
        if store := unpacked.store:
            for item in unpacked.contents.items:
                if span := item.extracted:
                    kept[span] = store.payload(span).chunk(0, span.end - span.start)
            store.close()
        return Opened(unpacked.contents, kept)

    def look(self, raw: bytes) -> Look:
        """Look at a message and decide; the same octets are looked at once."""
        digest = blake2b(raw).digest()
        if digest not in self._looks:
            self._looks[digest] = self._runner.run(self._measured(raw))
        return self._looks[digest]

    async def _measured(self, raw: bytes) -> Look:
        arrival = Arrival("corpus", _ENVELOPE, _OUTSIDE, raw, len(raw), time.time())
        payload = MemoryPayload(raw)
        children = _children()
        _reset_peak()
        cpu_seconds, started = _cpu_seconds(children), time.monotonic()
        try:
            record = (await self._examiner.examine(arrival, payload, self._deadline())).record
        finally:
            payload.close()
        return Look(
            record.report,
            record.decision,
            _cpu_seconds(children) - cpu_seconds,
            time.monotonic() - started,
            _peak_bytes(),
        )

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._settings.limits.message_seconds


def helpers_peak_bytes() -> int:
    """Give the largest resident set of any child that has ended, and of theirs (getrusage(2))."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _KIB


def _children() -> tuple[str, ...]:
    """Give the ids of our child processes: the nursery of the helpers."""
    found = (entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return tuple(one for one in found if _stat(one)[_PARENT] == str(os.getpid()))


def _stat(process_id: str) -> list[str]:
    """Give the fields behind the name; of a process that has just ended, noughts."""
    try:
        stat = Path("/proc", process_id, "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ["0"] * _TIMES.stop
    return stat.rpartition(")")[2].split()


def _cpu_seconds(children: tuple[str, ...]) -> float:
    """Give the time of this process, of its children, and of theirs that have ended."""
    ticks = (int(field) for child in children for field in _stat(child)[_TIMES])
    return time.process_time() + sum(ticks) / _TICKS


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * _KIB
