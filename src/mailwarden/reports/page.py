"""A report as one HTML page: no script, nothing loaded from elsewhere, charts made of boxes.

Every value goes through the template's autoescape; sizes of boxes are numbers that are made here.
The same page is the HTML half of a mailed report.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from mailwarden.reports.counting import PerDisposition, Period, Statistics
from mailwarden.reports.document import ReportDocument
from mailwarden.reports.wording import count_words, seconds_words, share_words, size_words
from mailwarden.verdict.disposition import Disposition

_TOP_NAMES = 25
_TOP_ADDRESSES = 10
# Columns that a telephone can still show apart.
_MOST_COLUMNS = 62
_MOST_HOURS = 72
_DAYS_BY_HOUR = 4
# What the colours tell apart, from the bottom of a column to its top.
_OUTCOMES = (
    ("passed", (Disposition.ACCEPT,)),
    ("tagged", (Disposition.TAG,)),
    ("deferred", (Disposition.DEFER,)),
    ("blocked", (Disposition.QUARANTINE, Disposition.REJECT, Disposition.DELETE)),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A named bar; `percent` of the longest one's length."""

    name: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a chart: `parts` are classes and per cent of the chart's height."""

    label: str
    title: str
    parts: tuple[tuple[str, float], ...]


def report_page(document: ReportDocument) -> str:
    """The whole page."""
    statistics = document.statistics
    environment = Environment(
        loader=PackageLoader("mailwarden.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count=count_words, size=size_words, seconds=seconds_words)
    return environment.get_template("report.html.jinja").render(
        document=document,
        statistics=statistics,
        outcomes=_outcomes(statistics),
        timeline=_timeline(statistics),
        clock=_clock(statistics),
        names=_bars(statistics.names.top(_TOP_NAMES)),
        more_names=len(statistics.names.rows) - _TOP_NAMES,
        totals=_bars(document.totals),
        points=_points(statistics.points),
        addresses=_addresses(statistics),
    )


def _outcomes(statistics: Statistics) -> list[tuple[str, int, str]]:
    """Each outcome with its count and share."""
    return [
        (word, number, share_words(number, statistics.messages))
        for word, number in _counted(statistics.dispositions)
    ]


def _counted(counts: PerDisposition) -> list[tuple[str, int]]:
    return [(word, sum(counts.get(one, 0) for one in those)) for word, those in _OUTCOMES]


def _timeline(statistics: Statistics) -> list[Column]:
    """Hours of a few days, days of two months, or months."""
    if len(statistics.hours) <= _MOST_HOURS and len(statistics.days) <= _DAYS_BY_HOUR:
        return _columns([(one.start.strftime("%d %b %H:00"), one) for one in statistics.hours])
    if len(statistics.days) <= _MOST_COLUMNS:
        return _columns([(one.start.strftime("%d %b"), one) for one in statistics.days])
    months = _joined(statistics.days, lambda one: one.strftime("%b %Y"))
    return _columns(months[-_MOST_COLUMNS:])


def _clock(statistics: Statistics) -> list[Column]:
    """The hours of the day, all days together."""
    hours = dict(_joined(statistics.hours, lambda one: f"{one.hour:02}:00"))
    empty = Period(datetime.min, {})  # noqa: DTZ901 - shown nowhere
    labels = [f"{hour:02}:00" for hour in range(24)]
    return _columns([(label, hours.get(label, empty)) for label in labels]) if hours else []


def _joined(
    periods: Sequence[Period], label: Callable[[datetime], str]
) -> list[tuple[str, Period]]:
    """Periods with the same label as one."""
    joined: dict[str, Counter[Disposition]] = {}
    for period in periods:
        joined.setdefault(label(period.start), Counter()).update(period.dispositions)
    return [(name, Period(periods[0].start, counts)) for name, counts in joined.items()]


def _columns(periods: Sequence[tuple[str, Period]]) -> list[Column]:
    most = max((period.messages for _, period in periods), default=0) or 1
    return [_column(label, period, most) for label, period in periods]


def _column(label: str, period: Period, most: int) -> Column:
    counted = [(word, number) for word, number in _counted(period.dispositions) if number]
    told = ", ".join(f"{count_words(number)} {word}" for word, number in counted)
    parts = tuple((word, round(100 * number / most, 2)) for word, number in counted)
    return Column(label, f"{label}: {told or 'nothing'}", parts)


def _points(counts: Mapping[int, int]) -> list[Column]:
    """A column for each whole number of points from the lowest score to the highest."""
    if not counts:
        return []
    most = max(counts.values())
    return [
        Column(
            f"{points} points",
            f"{points} points: {count_words(counts.get(points, 0))} messages",
            (("scored", round(100 * counts.get(points, 0) / most, 2)),),
        )
        for points in range(min(counts), max(counts) + 1)
    ]


def _addresses(statistics: Statistics) -> list[tuple[str, list[Bar]]]:
    rankings = (
        ("Senders", statistics.senders),
        ("Recipients", statistics.recipients),
        ("Sender domains", statistics.sender_domains),
        ("Recipient domains", statistics.recipient_domains),
    )
    return [(title, _bars(one.top(_TOP_ADDRESSES))) for title, one in rankings if one.rows]


def _bars(rows: Iterable[tuple[str, int]]) -> list[Bar]:
    listed = list(rows)
    most = max((number for _, number in listed), default=1)
    return [Bar(name, number, round(100 * number / most, 2)) for name, number in listed]
