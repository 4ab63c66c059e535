"""What Qmail-Scanner and its surroundings leave in files: header fields, a report, tcp.smtp.

The report is given as a table only: the log under it is made here, in our own form, to fit it.
"""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from agreement.frame import Case
from mailwarden.migrate.tcp_rules import converted
from mailwarden.reports.counting import count
from mailwarden.reports.document import TOTALS, ReportDocument
from mailwarden.reports.event import Event
from mailwarden.reports.old_headers import OldHeader, parse_old_header
from mailwarden.reports.queue_log import QueueLog
from mailwarden.reports.result_strings import Result as ResultString
from mailwarden.reports.span import Span
from mailwarden.reports.text import table_lines

_OLD_PROGRAM = b"/var/qmail/bin/qmail-scanner-queue.pl"
_OUR_PROGRAM = b"/usr/local/bin/mailwarden-queue"
_DATE = "Mon, 01 Nov 2004 12:00:00 +0000"

_Json = dict[str, Any]  # as the expectation has it


def compare_headers(path: Path) -> Iterator[Case]:
    """Compare what each header field says."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        given = json.loads(line)
        ours = parse_old_header(given["header"], given["raw"])
        said = _header(ours) if ours else {}
        yield Case(path.name, "header", _sorted(said), _sorted(given["expected"]), f"line {number}")


def _header(ours: OldHeader) -> _Json:
    """Give a field in the words of the expectation, without what it does not say."""
    said = {
        "version": ours.version,
        "uid": ours.uid,
        "envelope_from": ours.envelope_from,
        "scanners": ours.scanners,
        "seconds": ours.seconds,
        "process": ours.process,
        "message_id": ours.message_id,
        "mail_from": ours.mail_from,
        "via": ours.via,
        **(_result(ours.result) if ours.result else {}),
    }
    return {name: value for name, value in said.items() if value not in (None, "", {})}


def _result(result: ResultString) -> _Json:
    is_scored = result.score is not None
    sa = {"spam": result.is_spam, "score": result.score, "required": result.required}
    return {
        "verdict": result.verdict,
        "rc": result.relay,
        "client": result.client,
        "sa": sa if is_scored else None,
    }


def _sorted(value: _Json) -> str:
    return json.dumps(value, sort_keys=True)


def compare_report(path: Path) -> Iterator[Case]:
    """Compare the table that we print of a log with these counts, and its rows."""
    rows = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    ours = list(table_lines(_report(list(_events(rows)))))
    _, *theirs = path.read_text(encoding="utf-8").splitlines()  # first the command
    yield Case(path.name, "lines", str(len(ours)), str(len(theirs)))
    for number, (our, their) in enumerate(zip(ours, theirs, strict=False), 1):
        yield Case(path.name, "row", our, their, f"row {number}")


def _events(rows: list[_Json]) -> Iterator[Event]:
    log, number = QueueLog(None), 0
    for row in rows:
        words = (row["name"], "spam") if row["name"] in TOTALS else ("quarantining", row["name"])
        for _ in range(row["count"]):
            number += 1
            event = log.read(_line(number, *words))
            if isinstance(event, Event):
                yield event


def _line(number: int, verb: str, name: str) -> str:
    """Give the line of one message, each of a process of its own."""
    return f'{_DATE}:{number}: {verb}: name="{name}" from="a@b.example" to="c@d.example" score=""'


def _report(events: list[Event]) -> ReportDocument:
    return ReportDocument(count(events, Span(), None), (), Span(), "")


def compare_rules(path: Path) -> Iterator[Case]:
    """Compare the rules of tcpserver as `config import` writes them: the program alone changes."""
    octets = path.read_bytes()
    ours = converted(octets, path.name, PurePosixPath(_OUR_PROGRAM.decode()))
    theirs = octets.replace(_OLD_PROGRAM, _OUR_PROGRAM)
    pairs = zip(ours.octets.splitlines(), theirs.splitlines(), strict=True)
    for number, (our, their) in enumerate(pairs, 1):
        yield Case(path.name, "rule", our.decode(), their.decode(), f"line {number}")
    # One outcome says how many rules were changed; any other complains of a line.
    yield Case(path.name, "complaints", str(len(ours.outcomes) - 1), "0")
