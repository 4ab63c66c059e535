"""A report as one JSON object; how it looks is written down in docs/how-to/report.md."""

from datetime import UTC, datetime

from mailwarden.reports.counting import PerDisposition, Period
from mailwarden.reports.document import ReportDocument
from mailwarden.reports.event import EventKind
from mailwarden.reports.tally import Ranking
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Json

_TOP = 20


def report_json(document: ReportDocument) -> Json:
    """The report; times are RFC 3339 with a zone, sizes bytes, durations seconds."""
    statistics, times = document.statistics, document.statistics.seconds
    return {
        "hostname": document.hostname,
        "range": {
            "since": _time(document, document.span.since),
            "until": _time(document, document.span.until),
            "first": _time(document, statistics.first),
            "last": _time(document, statistics.last),
        },
        "messages": statistics.messages,
        "dispositions": _dispositions(statistics.dispositions),
        "causes": {kind.value: statistics.kinds.get(kind, 0) for kind in EventKind},
        "names": _rows(statistics.names, None),
        "totals": dict(document.totals),
        "viruses": _rows(statistics.viruses, None),
        "policies": _rows(statistics.policies, None),
        "undecided": _rows(statistics.undecided, None),
        "other_names": statistics.names.rest,
        "scanners": {
            one.name: {"asked": one.asked, "found": one.found, "failed": one.failed}
            for one in statistics.scanners
        },
        "spam_points": [
            {"points": points, "count": number} for points, number in statistics.points.items()
        ],
        "senders": _rows(statistics.senders, _TOP),
        "recipients": _rows(statistics.recipients, _TOP),
        "sender_domains": _rows(statistics.sender_domains, _TOP),
        "recipient_domains": _rows(statistics.recipient_domains, _TOP),
        "bytes": statistics.size_bytes,
        "seconds": {
            "count": times.count,
            "median": round(times.median, 6),
            "p90": round(times.p90, 6),
            "p95": round(times.p95, 6),
            "p99": round(times.p99, 6),
            "longest": round(times.longest, 6),
        },
        "days": [_period(one, one.start.date().isoformat()) for one in statistics.days],
        "hours": [_period(one, one.start.isoformat()) for one in statistics.hours],
        "undated": statistics.undated,
        "sources": [
            {
                "name": source.name,
                "lines": source.lines,
                "events": source.events,
                "not_understood": source.unknown,
                "first_not_understood": source.first_unknown,
                "complaint": source.complaint,
            }
            for source in document.sources
        ],
    }


def _time(document: ReportDocument, at: float | None) -> str | None:
    if at is None:
        return None
    moment = datetime.fromtimestamp(at, UTC).astimezone(document.zone)
    return moment.isoformat(timespec="seconds")


def _dispositions(counts: PerDisposition) -> Json:
    return {one.word: counts.get(one, 0) for one in Disposition}


def _period(period: Period, start: str) -> Json:
    return {"start": start, "messages": period.messages, **_dispositions(period.dispositions)}


def _rows(ranking: Ranking, most: int | None) -> list[Json]:
    return [{"name": name, "count": number} for name, number in ranking.rows[:most]]
