"""quarantine.log: a line for each blocked message, its six fields separated by TABs; facts 4.4.

    Fri, 12 Feb 2004 10:34:16 -0500  sender  recipients  subject  event  scanners' versions

A message is blocked when its recipients will not get it: quarantined, rejected or deleted.
"""

from collections.abc import Iterator

from mailwarden.logs.facts import BLOCKED, date_text, event_name, recipients_text, shares_of
from mailwarden.logs.line_values import EMPTY, field
from mailwarden.verdict.record import Record


def quarantine_lines(record: Record) -> Iterator[str]:
    """A line, without its end, for each group of recipients for whom the message was blocked."""
    for share in shares_of(record):
        if share.decision.disposition in BLOCKED:
            yield _line(share)


def _line(share: Record) -> str:
    sender = share.arrival.envelope.sender
    fields = (
        date_text(share.arrival.at),
        field(sender) or EMPTY,
        recipients_text(share),
        field(share.subject),
        field(event_name(share)),
        field(" ".join(share.report.asked)),
    )
    return "\t".join(fields)
