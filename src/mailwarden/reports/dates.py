"""The dates of logs, in all the forms that Qmail-Scanner, syslog and we write them.

A date without a zone is meant in `zone`, that of this machine where `zone` is `None`.
Sources: facts 4.4 (RFC 2822; up to 1.1x DD/MM/YYYY), RFC 3164 section 4.1.2, RFC 3339.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_MONTHS = {
    month: number
    for number, month in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_OFFSET = r"(?: (?P<zone>[+-]\d{4}))?(?: \(\w+\))?"
_ISO_OFFSET = r"(?:\.\d{1,9})?(?P<zone>Z|[+-]\d\d:?\d\d)?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        # Sun, 22 Nov 2026 21:30:00 +0000
        rf"(?:\w{{3}}, *)?(?P<day>\d\d?) (?P<month>\w{{3}}) (?P<year>\d{{4}}) {_CLOCK}{_OFFSET}",
        # 2026-11-22T21:30:00.123456+01:00, and with Z
        rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)[T ]{_CLOCK}{_ISO_OFFSET}",
        # 22/11/2026 21:30:00
        rf"(?P<day>\d\d)/(?P<month>\d\d)/(?P<year>\d{{4}}) {_CLOCK}",
        # Sun Nov 22 21:30:00 2026
        rf"\w{{3}} (?P<month>\w{{3}}) +(?P<day>\d\d?) {_CLOCK} (?P<year>\d{{4}})",
    )
)
_YEARLESS = re.compile(rf"(?P<month>\w{{3}}) +(?P<day>\d\d?) {_CLOCK}")
# Earlier and later years are nonsense, and some are more than the C library's clock can tell.
_YEARS = range(1990, 2101)
# Clocks of two machines differ; a line of "tomorrow" is still no line of last year.
_AHEAD_SECONDS = 2 * 86_400
# Busy logs have many lines of the same second.
_REMEMBERED = 4_096
# `Wednesday` is never written out; and what is remembered has to be small.
_LONGEST = 50


def seconds_of(text: str, zone: tzinfo | None) -> float | None:
    """Seconds since the epoch of a whole date, or nothing when it is none."""
    return _seconds_of(text, zone) if len(text) <= _LONGEST else None


@lru_cache(_REMEMBERED)
def _seconds_of(text: str, zone: tzinfo | None) -> float | None:
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _seconds(found.groupdict(), zone)
    return None


@lru_cache(_REMEMBERED)
def seconds_without_year(text: str, now: float, zone: tzinfo | None) -> float | None:
    """Seconds since the epoch of syslog's `Nov 22 21:30:00`: the last one before `now`."""
    found = _YEARLESS.fullmatch(text)
    if not found:
        return None
    this_year = datetime.fromtimestamp(now, UTC).astimezone(zone).year
    for year in (this_year + 1, this_year, this_year - 1):
        at = _seconds({**found.groupdict(), "year": str(year)}, zone)
        if at is not None and at <= now + _AHEAD_SECONDS:
            return at
    return None


def _seconds(parts: dict[str, str | None], zone: tzinfo | None) -> float | None:
    month = parts["month"] or ""
    year = int(parts["year"] or 0)
    try:
        moment = datetime(
            year if year in _YEARS else 0,
            int(month) if month.isdigit() else _MONTHS[month.lower()],
            int(parts["day"] or 0),
            int(parts["hour"] or 0),
            int(parts["minute"] or 0),
            int(parts["second"] or 0),
            tzinfo=_zone_of(parts.get("zone")) or zone,
        )
    except (KeyError, ValueError):  # no such month, no such day
        return None
    return moment.timestamp()


def _zone_of(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
