"""What unpacking one message may spend: members, bytes, depth, ratio, seconds.

Every format counts here before it keeps anything, so that a bomb costs what the limits say and no
more. Limits belong to the whole message; only the ratio is each archive's own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

# Small archives of blank paper compress a thousandfold; below this nobody can be hurt by it.
RATIO_FREE_BYTES = 5_000_000


class Limit(StrEnum):
    """The limits by their names in findings."""

    BYTES = "unpacked-bytes"
    FILES = "unpacked-files"
    DEPTH = "unpacked-depth"
    RATIO = "unpacked-ratio"
    SECONDS = "unpacked-seconds"
    MEMORY = "unpacked-memory"  # of the helper process, which ended without an answer
    MAIL = "unpacked-mail"  # an attached message that is larger than the reader takes apart


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent, to be taken off the limits of the next payload of the same message."""

    bytes_produced: int = 0
    files: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class UnpackLimits:
    """What may still be spent: bytes produced, members, archives in archives, seconds.

    `ratio` is bytes produced for each packed byte of one archive, counted above
    `RATIO_FREE_BYTES`.
    """

    bytes_produced: int
    files: int
    depth: int
    ratio: int
    seconds: float

    def without(self, spent: Spent) -> "UnpackLimits":
        """What is left for the next payload of the same message."""
        return replace(
            self,
            bytes_produced=max(0, self.bytes_produced - spent.bytes_produced),
            files=max(0, self.files - spent.files),
            seconds=max(0.0, self.seconds - spent.seconds),
        )


class OverLimitError(Exception):
    """Unpacking would spend more than it may; `limit` says of what."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(f"over the limit {limit}")
        self.limit = limit


class Budget:
    """What is left for one payload with everything inside; `clock` gives seconds, monotonic."""

    def __init__(self, limits: UnpackLimits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._started = clock()
        self._bytes_produced = 0
        self._files = 0

    @property
    def spent(self) -> Spent:
        """What was spent so far."""
        return Spent(self._bytes_produced, self._files, self._clock() - self._started)

    def meter(self, packed_bytes: int) -> "Meter":
        """Begin to count for one archive of that size."""
        return Meter(self, packed_bytes)

    def spend_bytes(self, count: int) -> None:
        """Count bytes produced; raises `OverLimitError`."""
        self._bytes_produced += count
        if self._bytes_produced > self.limits.bytes_produced:
            raise OverLimitError(Limit.BYTES)
        self.check_time()

    def spend_file(self) -> None:
        """Count one member; raises `OverLimitError`."""
        self._files += 1
        if self._files > self.limits.files:
            raise OverLimitError(Limit.FILES)
        self.check_time()

    def give_back(self, bytes_produced: int, files: int) -> None:
        """Uncount what was thrown away."""
        self._bytes_produced -= bytes_produced
        self._files -= files

    def check_time(self) -> None:
        """Raise `OverLimitError` when the time is over."""
        if self._clock() - self._started > self.limits.seconds:
            raise OverLimitError(Limit.SECONDS)


class Meter:
    """What one archive produces; its opener counts each member first, then each piece of it."""

    def __init__(self, budget: Budget, packed_bytes: int) -> None:
        self._budget = budget
        self._most_bytes = RATIO_FREE_BYTES + packed_bytes * budget.limits.ratio
        self._bytes_produced = 0
        self._files = 0

    def count_member(self) -> None:
        """Count one member; raises `OverLimitError`."""
        self._files += 1
        self._budget.spend_file()

    def start_over(self) -> None:
        """Uncount everything: one way to open failed, what it gave goes, another one is tried.

        Time stays spent.
        """
        self._budget.give_back(self._bytes_produced, self._files)
        self._bytes_produced = 0
        self._files = 0

    def count_bytes(self, count: int) -> None:
        """Count bytes produced; raises `OverLimitError`."""
        self._bytes_produced += count
        if self._bytes_produced > self._most_bytes:
            raise OverLimitError(Limit.RATIO)
        self._budget.spend_bytes(count)

    def collect(self, pieces: Iterable[bytes]) -> bytes:
        """Join pieces, each counted before the next one is made; raises `OverLimitError`."""
        kept: list[bytes] = []
        for piece in pieces:
            self.count_bytes(len(piece))
            kept.append(piece)
        return b"".join(kept)
