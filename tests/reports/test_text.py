"""The report as text."""

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

import pytest

from mailwarden.reports.counting import count
from mailwarden.reports.document import ReportDocument
from mailwarden.reports.event import Event, EventKind
from mailwarden.reports.sources import LogSource, SourceSummary
from mailwarden.reports.span import Span
from mailwarden.reports.text import table_lines, text_lines
from mailwarden.verdict.disposition import Disposition
from support.old_logs import AT, SAMPLE, as_octets, original_sample_log, our_sample_log
from support.report_documents import HOSTILE, a_day, document


@pytest.mark.parametrize("log", [our_sample_log, original_sample_log])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_sample_of_the_patchs_page_is_reproduced(
    log: Callable[[], Iterator[str]], pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    (tmp_path / "qmail-queue.log.1").write_bytes(pack(as_octets(log())))
    source = LogSource(str(tmp_path / "qmail-queue.log.1"), AT, UTC)
    statistics = count(source.events(), Span(), UTC)
    shown = ReportDocument(statistics, (source.summary,), Span(), "mx", UTC)
    assert list(table_lines(shown)) == SAMPLE
    assert source.summary.unknown == 0
    assert statistics.messages == 15_616


def test_all_totals_have_their_order_and_what_never_happened_is_left_out() -> None:
    order = [Disposition.DELETE, Disposition.TAG, Disposition.REJECT, Disposition.QUARANTINE]
    events = [Event(disposition=one, kind=EventKind.SPAM, name="spam") for one in order]
    assert list(table_lines(document(*events))) == [
        "      1 rejecting",
        "      1 tagging",
        "      1 quarantining",
        "      1 deleting",
    ]


def test_the_summary_follows_the_table() -> None:
    assert list(text_lines(document(*a_day()))) == [
        "      2 W32/X",
        f"      1 {HOSTILE}",
        "      1 rejecting",
        "",
        "2026-11-22 21:30 to 2026-11-22 22:30",
        "  messages             6  1.5 kB",
        "  clean                1  17 %",
        "  tagged               0",
        "  blocked              4  2 quarantined, 1 rejected, 1 deleted",
        "  deferred             1  clamd 1",
        "  seconds        0.250 s  median; 95 % within 0.250 s, 99 % within 0.250 s",
    ]


def test_a_report_of_nothing_has_no_table_and_says_so() -> None:
    assert list(text_lines(document())) == [
        "no dates",
        "  messages             0",
        "  clean                0",
        "  tagged               0",
        "  blocked              0",
        "  deferred             0",
    ]


def test_what_is_missing_is_said_at_the_end() -> None:
    sources = (SourceSummary("a.log", complaint="damaged"),)
    assert list(text_lines(document(*a_day(), sources=sources)))[-2:] == ["", "a.log: damaged"]


def test_names_beyond_the_limit_are_one_line() -> None:
    virus = Event(disposition=Disposition.REJECT, kind=EventKind.VIRUS)
    events = (
        Event(disposition=virus.disposition, kind=virus.kind, name=f"V{number}")
        for number in range(30_000)
    )
    lines = list(table_lines(document(*events)))
    assert lines[-1].endswith(" (other names)")
    assert sum(int(line.split()[0]) for line in lines) == 30_000
