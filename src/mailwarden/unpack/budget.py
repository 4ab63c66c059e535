"""What unpacking one message may spend: members, bytes, depth, ratio, seconds.

Every format counts here before it keeps anything, so that a bomb costs what the limits say and no
more. Limits belong to the whole message; only the ratio is each archive's own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from io import BytesIO

# Small archives of blank paper compress a thousandfold; below this nobody can be hurt by it.
RATIO_FREE_BYTES = 5_000_000
# What bzip2 and LZMA, the slowest of the usual formats, unpack in a second: whatever comes out
# brings its own time with it, so that the limit of seconds can be short.
BYTES_A_SECOND = 25_000_000


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
    """What was spent, to be taken off the limits of the next payload of the same message.

    `seconds` are those above what `BYTES_A_SECOND` grants.
    """

    bytes_produced: int = 0
    files: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class UnpackLimits:
    """What may still be spent: bytes produced, members, archives in archives, seconds.

    `ratio` is bytes produced for each packed byte of one archive, counted above
    `RATIO_FREE_BYTES`. `seconds` are spent besides those that `BYTES_A_SECOND` grants.
    """

    bytes_produced: int
    files: int
    depth: int
    ratio: int
    seconds: float

    def most_seconds(self, packed_bytes: int) -> float:
        """The time after which something must be over a limit, for a payload of that size."""
        bytes_produced = min(self.bytes_produced, RATIO_FREE_BYTES + packed_bytes * self.ratio)
        return self.seconds + bytes_produced / BYTES_A_SECOND

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
    """What is left for one payload with everything inside; `clock` gives seconds, monotonic.

    Where the clock is that of the processor, a busy machine decides as an idle one does.
    """

    def __init__(self, limits: UnpackLimits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._started = clock()
        self._bytes_produced = 0
        self._bytes_made = 0  # those that were thrown away as well
        self._files = 0

    @property
    def spent(self) -> Spent:
        """What was spent so far."""
        return Spent(self._bytes_produced, self._files, max(0.0, self._seconds()))

    def meter(self, packed_bytes: int) -> "Meter":
        """Begin to count for one archive of that size."""
        return Meter(self, packed_bytes)

    def spend_bytes(self, count: int) -> None:
        """Count bytes produced; raises `OverLimitError`."""
        self._bytes_produced += count
        self._bytes_made += count
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
        if self._seconds() > self.limits.seconds:
            raise OverLimitError(Limit.SECONDS)

    def _seconds(self) -> float:
        return self._clock() - self._started - self._bytes_made / BYTES_A_SECOND


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

    def check_time(self) -> None:
        """Look at the clock where nothing is produced; raises `OverLimitError`."""
        self._budget.check_time()

    def collect(self, pieces: Iterable[bytes]) -> bytes:
        """Join pieces, each counted before the next one is made; raises `OverLimitError`."""
        kept = BytesIO()  # gives its octets without a copy, while `join` needs all of them twice
        for piece in pieces:
            self.count_bytes(len(piece))
            kept.write(piece)
        return kept.getvalue()
