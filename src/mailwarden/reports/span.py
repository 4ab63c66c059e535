"""A stretch of time, and the words in which people give one."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LENGTH = re.compile(r"(\d{1,6})([mhdw])")


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` on and before `until`, seconds since the epoch; nothing is without a bound."""

    since: float | None = None
    until: float | None = None

    @property
    def is_bounded(self) -> bool:
        """Something may lie outside."""
        return self.since is not None or self.until is not None

    def holds(self, at: float) -> bool:
        """The moment lies inside."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def parse_length(text: str) -> float:
    """Read `24h` or `7d` as seconds; raises `ValueError`."""
    found = _LENGTH.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r}: expected a number with m, h, d or w, such as 24h or 7d")
    return float(int(found[1]) * _UNITS[found[2]])


def parse_moment(text: str, zone: tzinfo | None, *, end_of_day: bool = False) -> float:
    """Read `2026-11-22`, or with `T21:30` and a zone, as seconds since the epoch.

    `end_of_day`: a day without a time means its end. Raises `ValueError`.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r}: expected a date such as 2026-11-22 or 2026-11-22T21:30"
        ) from None
    if end_of_day and len(text) <= len("2026-11-22"):
        moment += timedelta(days=1)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
