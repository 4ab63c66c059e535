"""Reports of a few messages, or of many."""

from datetime import UTC

from mailwarden.reports.counting import count
from mailwarden.reports.document import ReportDocument
from mailwarden.reports.event import Event, EventKind
from mailwarden.reports.sources import SourceSummary
from mailwarden.reports.span import Span
from mailwarden.verdict.disposition import Disposition
from support.old_logs import AT

HOSTILE = "<script>alert(1)</script>"


def document(
    *events: Event, span: Span | None = None, sources: tuple[SourceSummary, ...] = ()
) -> ReportDocument:
    """A report of these events."""
    bounds = span or Span()
    return ReportDocument(count(events, bounds, UTC), sources, bounds, "mx.example.org", UTC)


def a_day() -> tuple[Event, ...]:
    """Six messages: clean, two viruses, a rule, rejected spam, a fault."""
    virus = Event(
        disposition=Disposition.QUARANTINE,
        kind=EventKind.VIRUS,
        name="W32/X",
        at=AT,
        found_by=("clamd",),
        asked=("clamd",),
    )
    return (
        Event(
            disposition=Disposition.ACCEPT,
            at=AT,
            sender="a@x.example",
            recipients=("b@y.example",),
            size_bytes=1_500,
            seconds=0.25,
            score=-1.5,
        ),
        virus,
        virus,
        Event(disposition=Disposition.DELETE, kind=EventKind.POLICY, name=HOSTILE, at=AT + 3600),
        Event(disposition=Disposition.REJECT, kind=EventKind.SPAM, name="spam", at=AT, score=2.0),
        Event(disposition=Disposition.DEFER, kind=EventKind.FAULT, name="clamd", at=AT),
    )
