"""Counting what has many names or values, in bounded memory."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ranking:
    """Names with their counts, the most frequent first; `rest` counts names that were let go."""

    rows: tuple[tuple[str, int], ...] = ()
    rest: int = 0

    def top(self, most: int) -> tuple[tuple[str, int], ...]:
        """The first rows."""
        return self.rows[:most]


class NameTally:
    """Counts names; when there are too many, those that came least often are let go.

    So the counts of frequent names are exact, or, where a name came rarely at first, a little low.
    """

    def __init__(self, most_names: int) -> None:
        self._most = most_names
        self._counts: dict[str, int] = {}
        self._rest = 0

    def add(self, name: str, times: int = 1) -> None:
        """Count a name."""
        self._counts[name] = self._counts.get(name, 0) + times
        if len(self._counts) > 2 * self._most:
            self._let_go()

    def ranking(self) -> Ranking:
        """The names by falling count; of equal ones the last in the alphabet first (`sort -rn`)."""
        return Ranking(tuple(self._ranked()), self._rest)

    def _let_go(self) -> None:
        ranked = self._ranked()
        self._rest += sum(count for _, count in ranked[self._most :])
        self._counts = dict(ranked[: self._most])

    def _ranked(self) -> list[tuple[str, int]]:
        return sorted(self._counts.items(), key=lambda row: (row[1], row[0]), reverse=True)


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds of messages: `median` and so on are good to one hundredth of their value."""

    count: int = 0
    median: float = 0.0
    p90: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0


# Each step is two per cent more than the last; below the least, all is alike.
_STEP = math.log(1.02)
_LEAST_SECONDS = 1e-4


class DurationTally:
    """Counts seconds by their order of magnitude, a few hundred steps for all that occurs."""

    def __init__(self) -> None:
        self._steps: dict[int, int] = {}
        self._count = 0
        self._longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one message."""
        self._count += 1
        self._longest = max(self._longest, seconds)
        step = round(math.log(max(seconds, _LEAST_SECONDS)) / _STEP)
        self._steps[step] = self._steps.get(step, 0) + 1

    def durations(self) -> Durations:
        """What half of the messages took, 90, 95 and 99 per cent, and the longest one."""
        within = self._within
        return Durations(
            self._count, within(0.5), within(0.9), within(0.95), within(0.99), self._longest
        )

    def _within(self, share: float) -> float:
        wanted = math.ceil(self._count * share)
        for step, count in sorted(self._steps.items()):
            wanted -= count
            if wanted <= 0:
                return min(math.exp(step * _STEP), self._longest)
        return 0.0
