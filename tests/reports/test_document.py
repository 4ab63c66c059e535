"""What a report says of itself."""

from mailwarden.reports.event import Event
from mailwarden.reports.sources import SourceSummary
from mailwarden.reports.span import Span
from mailwarden.verdict.disposition import Disposition
from support.old_logs import AT
from support.report_documents import a_day, document


def test_the_range_is_that_of_the_events() -> None:
    assert document(*a_day()).range_words == "2026-11-22 21:30 to 2026-11-22 22:30"


def test_the_range_is_what_was_asked_for() -> None:
    assert document(span=Span(AT, AT + 60)).range_words == "2026-11-22 21:30 to 2026-11-22 21:31"
    assert document(span=Span(since=AT)).range_words == "2026-11-22 21:30 to now"
    assert document(span=Span(until=AT)).range_words == "the beginning to 2026-11-22 21:30"
    assert document().range_words == "no dates"


def test_all_that_is_missing_is_said() -> None:
    sources = (
        SourceSummary("a.log", 9, 5, unknown=2, first_unknown=3),
        SourceSummary("b.gz", complaint="damaged"),
        SourceSummary("records in x", 4, 3, unknown=1, first_unknown=2, unit="record"),
        SourceSummary("good.log", 4, 4),
    )
    undated = Event(disposition=Disposition.ACCEPT)
    assert document(undated, span=Span(AT), sources=sources).complaints == (
        "a.log: 2 of 9 lines were not understood, the first is line 3",
        "b.gz: damaged",
        "records in x: 1 of 4 records were not understood, the first is record 2",
        "1 events have no date and were left out",
    )
