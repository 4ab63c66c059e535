"""A report as lines of text: the table of the patch's log-report.sh first, then a summary.

The table is `%7d name`: names of what stopped messages by falling count, then what was done with
spam. Values came through `event.foreign_text`; who prints them on a terminal looks once more.
"""

from collections.abc import Iterator

from mailwarden.reports.counting import Statistics
from mailwarden.reports.document import ReportDocument
from mailwarden.reports.wording import count_words, seconds_words, share_words, size_words
from mailwarden.verdict.disposition import Disposition

_BLOCKING = (
    (Disposition.QUARANTINE, "quarantined"),
    (Disposition.REJECT, "rejected"),
    (Disposition.DELETE, "deleted"),
)
_LABEL_COLUMNS = 10
_COUNT_COLUMNS = 12


def table_lines(document: ReportDocument) -> Iterator[str]:
    """The table of log-report.sh."""
    names = document.statistics.names
    for name, number in (*names.rows, *document.totals):
        yield f"{number:7d} {name}"
    if names.rest:
        yield f"{names.rest:7d} (other names)"


def summary_lines(document: ReportDocument) -> Iterator[str]:
    """A few lines about all messages."""
    statistics = document.statistics
    yield document.range_words
    size = statistics.size_bytes
    yield _row("messages", statistics.messages, size_words(size) if size else "")
    yield _row(
        "clean", statistics.dispositions.get(Disposition.ACCEPT, 0), _clean_share(statistics)
    )
    yield _row("tagged", statistics.dispositions.get(Disposition.TAG, 0))
    yield _row("blocked", statistics.blocked, _blocked_words(statistics))
    yield _row("deferred", statistics.dispositions.get(Disposition.DEFER, 0), _why(statistics))
    if statistics.seconds.count:
        yield f"  {'seconds':<{_LABEL_COLUMNS}}{_seconds(statistics)}"


def text_lines(document: ReportDocument) -> Iterator[str]:
    """All of it: table, summary, and what could not be read or understood."""
    table = tuple(table_lines(document))
    yield from table
    if table:
        yield ""
    yield from summary_lines(document)
    if document.complaints:
        yield ""
        yield from document.complaints


def _row(label: str, number: int, more: str = "") -> str:
    counted = f"{count_words(number):>{_COUNT_COLUMNS}}"
    return f"  {label:<{_LABEL_COLUMNS}}{counted}  {more}".rstrip()


def _clean_share(statistics: Statistics) -> str:
    clean = statistics.dispositions.get(Disposition.ACCEPT, 0)
    return share_words(clean, statistics.messages) if clean else ""


def _blocked_words(statistics: Statistics) -> str:
    counts = ((statistics.dispositions.get(one, 0), word) for one, word in _BLOCKING)
    return ", ".join(f"{count_words(number)} {word}" for number, word in counts if number)


def _why(statistics: Statistics) -> str:
    return ", ".join(f"{name} {count_words(number)}" for name, number in _reasons(statistics))


def _reasons(statistics: Statistics) -> tuple[tuple[str, int], ...]:
    return statistics.undecided.top(3)


def _seconds(statistics: Statistics) -> str:
    times = statistics.seconds
    return (
        f"{seconds_words(times.median):>{_COUNT_COLUMNS}}  median; 95 % within "
        f"{seconds_words(times.p95)}, 99 % within {seconds_words(times.p99)}"
    )
