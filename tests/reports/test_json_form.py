"""The report as JSON."""

import json

from mailwarden.reports.json_form import report_json
from mailwarden.reports.sources import SourceSummary
from mailwarden.reports.span import Span
from support.old_logs import AT
from support.report_documents import HOSTILE, a_day, document


def test_the_object_has_all_that_was_counted() -> None:
    sources = (SourceSummary("a.log", 9, 6, 1, 3),)
    span = Span(since=AT - 1)
    told = json.loads(json.dumps(report_json(document(*a_day(), span=span, sources=sources))))
    assert told == {
        "hostname": "mx.example.org",
        "range": {
            "since": "2026-11-22T21:29:59+00:00",
            "until": None,
            "first": "2026-11-22T21:30:00+00:00",
            "last": "2026-11-22T22:30:00+00:00",
        },
        "messages": 6,
        "dispositions": {
            "accept": 1,
            "tag": 0,
            "defer": 1,
            "quarantine": 2,
            "reject": 1,
            "delete": 1,
        },
        "causes": {"clean": 1, "virus": 2, "policy": 1, "spam": 1, "fault": 1},
        "names": [{"name": "W32/X", "count": 2}, {"name": HOSTILE, "count": 1}],
        "totals": {"rejecting": 1},
        "viruses": [{"name": "W32/X", "count": 2}],
        "policies": [{"name": HOSTILE, "count": 1}],
        "undecided": [{"name": "clamd", "count": 1}],
        "other_names": 0,
        "scanners": {"clamd": {"asked": 2, "found": 2, "failed": 0}},
        "spam_points": [{"points": -2, "count": 1}, {"points": 2, "count": 1}],
        "senders": [{"name": "a@x.example", "count": 1}],
        "recipients": [{"name": "b@y.example", "count": 1}],
        "sender_domains": [{"name": "x.example", "count": 1}],
        "recipient_domains": [{"name": "y.example", "count": 1}],
        "bytes": 1500,
        "seconds": {
            "count": 1,
            "median": 0.25,
            "p90": 0.25,
            "p95": 0.25,
            "p99": 0.25,
            "longest": 0.25,
        },
        "days": [day("2026-11-22", 6, accept=1, defer=1, quarantine=2, reject=1, delete=1)],
        "hours": [
            day("2026-11-22T21:00:00+00:00", 5, accept=1, defer=1, quarantine=2, reject=1),
            day("2026-11-22T22:00:00+00:00", 1, delete=1),
        ],
        "undated": 0,
        "sources": [
            {
                "name": "a.log",
                "lines": 9,
                "events": 6,
                "not_understood": 1,
                "first_not_understood": 3,
                "complaint": "",
            }
        ],
    }


def day(start: str, messages: int, **dispositions: int) -> dict[str, object]:
    words = ("accept", "tag", "defer", "quarantine", "reject", "delete")
    counts = {word: dispositions.get(word, 0) for word in words}
    return {"start": start, "messages": messages, **counts}
