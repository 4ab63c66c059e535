"""A report: what was counted, where it came from, and for which time; the one value that is shown.

`text`, `json_form` and `page` each make one form of it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from mailwarden.reports.counting import Statistics
from mailwarden.reports.sources import SourceSummary
from mailwarden.reports.span import Span
from mailwarden.verdict.disposition import Disposition

# The words of the patch's log-report.sh, in the order of its table.
TOTALS = {
    "rejecting": Disposition.REJECT,
    "tagging": Disposition.TAG,
    "quarantining": Disposition.QUARANTINE,
    "deleting": Disposition.DELETE,
}


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """A report; times are shown in `zone`, or in that of this machine."""

    statistics: Statistics
    sources: tuple[SourceSummary, ...]
    span: Span
    hostname: str
    zone: tzinfo | None = None

    @property
    def totals(self) -> tuple[tuple[str, int], ...]:
        """What was done with spam, in the table's words; what never happened is left out."""
        counts = ((word, self.statistics.spam.get(one, 0)) for word, one in TOTALS.items())
        return tuple((word, number) for word, number in counts if number)

    @property
    def range_words(self) -> str:
        """From when to when: of the first and last event, or as it was asked for."""
        since = self.span.since if self.span.since is not None else self.statistics.first
        until = self.span.until if self.span.until is not None else self.statistics.last
        if since is None and until is None:
            return "no dates"
        first = self._words(since) if since is not None else "the beginning"
        return f"{first} to {self._words(until) if until is not None else 'now'}"

    @property
    def complaints(self) -> tuple[str, ...]:
        """What could not be read or understood, a sentence each."""
        said = [sentence for source in self.sources for sentence in _complaints(source)]
        if undated := self.statistics.undated:
            said.append(f"{undated} events have no date and were left out")
        return tuple(said)

    def _words(self, at: float) -> str:
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone).strftime("%Y-%m-%d %H:%M")


def _complaints(source: SourceSummary) -> list[str]:
    said = [f"{source.name}: {source.complaint}"] if source.complaint else []
    if source.unknown:
        said.append(
            f"{source.name}: {source.unknown} of {source.lines} {source.unit}s were not "
            f"understood, the first is {source.unit} {source.first_unknown}"
        )
    return said
