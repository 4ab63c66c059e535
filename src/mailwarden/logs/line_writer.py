"""One thread that brings lines to files and to syslog, so that no message waits for either.

Lines are lost, and complained of, where they cannot be written or too many wait: they are copies
for other programs; the records are what must not be lost (`store`).
"""

import collections
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

# A disk that stands still must not eat the memory.
_WAITING_BYTES = 16_000_000
# The first line waits so long for company: to wake the thread for each costs more than the rest.
_GATHER_SECONDS = 0.2
# What comes and goes is complained of no more often than this.
_QUIET_SECONDS = 60.0
# Ending must not wait for a disk that stands still.
_CLOSE_SECONDS = 10.0


class Target(Protocol):
    """Where lines go."""

    @property
    def name(self) -> str:
        """What people know it by."""
        ...

    def write(self, lines: list[bytes]) -> int:
        """Write lines, each with its end; how many are there whole. Raises `OSError`."""
        ...

    def close(self) -> None:
        """Give back what is open."""
        ...


@dataclass(slots=True)
class _Health:
    """Whether a target takes lines, as far as somebody was told."""

    lost: int = 0
    is_told: bool = False
    quiet_until: float = 0.0


class LineWriter:
    """Writes lines soon; `complain` hears, once for each spell, of a target that takes none.

    `clock` is in seconds, monotonic.
    """

    def __init__(
        self, complain: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._complain = complain
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: collections.deque[tuple[Target, bytes]] = collections.deque()
        self._waiting_bytes = 0
        self._refused: collections.Counter[Target] = collections.Counter()
        self._healths: dict[Target, _Health] = collections.defaultdict(_Health)
        self._work = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def add(self, target: Target, lines: Iterable[str]) -> None:
        """Have lines, given without their ends, written; never waits."""
        with self._lock:
            for line in lines:
                self._take(target, line.encode("utf-8", "replace") + b"\n")
        self._work.set()

    def close(self) -> None:
        """Write what waits, then stop."""
        self._closing.set()
        self._work.set()
        self._thread.join(_CLOSE_SECONDS)

    def _take(self, target: Target, line: bytes) -> None:
        if self._waiting_bytes + len(line) > _WAITING_BYTES:
            self._refused[target] += 1
            return
        self._waiting_bytes += len(line)
        self._waiting.append((target, line))

    def _run(self) -> None:
        """Sleep until there is a line, then a little longer so that one wake serves many."""
        while not self._closing.is_set():
            self._work.wait()
            self._closing.wait(_GATHER_SECONDS)
            self._work.clear()
            self._write_all()
        self._write_all()
        for target in self._healths:
            target.close()

    def _write_all(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, collections.deque()
            refused, self._refused = self._refused, collections.Counter()
            self._waiting_bytes = 0
        by_target: dict[Target, list[bytes]] = collections.defaultdict(list)
        for target, line in waiting:
            by_target[target].append(line)
        for target, lines in by_target.items():
            self._write(target, lines)
        for target, count in refused.items():
            self._tell_lost(target, count, "too many lines wait")

    def _write(self, target: Target, lines: list[bytes]) -> None:
        written = 0
        try:
            while written < len(lines):
                written += target.write(lines[written:])
        except OSError as error:
            self._tell_lost(target, len(lines) - written, error.strerror or str(error))
        else:
            self._tell_well(target)

    def _tell_lost(self, target: Target, count: int, why: str) -> None:
        health = self._healths[target]
        health.lost += count
        if not health.is_told and self._clock() >= health.quiet_until:
            self._complain(f"{target.name}: {why}; lines are lost until that is over")
            health.is_told = True
            health.quiet_until = self._clock() + _QUIET_SECONDS

    def _tell_well(self, target: Target) -> None:
        health = self._healths[target]
        if health.is_told:
            self._complain(f"{target.name}: written again; {health.lost} lines were lost")
            health.is_told, health.lost = False, 0
