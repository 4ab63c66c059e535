"""Records as logs tell them: one decision for all recipients, or a share for each group."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.decide import Cause, Decision, Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record, join_records
from mailwarden.verdict.report import Fault, Finding, Kind, Report, SpamScore
from mailwarden.wire.envelope import Envelope

# Thu, 12 Feb 2004 15:34:16 UTC, the hour of the sample in facts 4.4.
AT = 1_076_600_056.0
PID = 7304
VIRUS = Finding("clamdscan", Kind.VIRUS, "Worm.SomeFool.I", filename="msg.pif")
POLICY = Finding("attachments", Kind.POLICY, "extension-exe", "2", "a.exe", "A name ends in .exe.")
AWAY = Fault("clamd", "no usable answer")


def spam(score: str = "12.5", *tests: str) -> SpamScore:
    """So many points, where 5.0 are required."""
    return SpamScore("spamd", Decimal(score), Decimal("5.0"), tests)


def record(
    disposition: Disposition = Disposition.ACCEPT,
    *causes: Cause,
    sender: bytes = b"yykk62@hotmail.com",
    recipients: tuple[bytes, ...] = (b"mike@example.net",),
    subject: str = "Re: Your product",
    message_id: str = "<1@hotmail.com>",
    files: tuple[tuple[str, int], ...] = (),
    variables: dict[str, bytes] | None = None,
) -> Record:
    """A message from 192.0.2.7 for which each cause asked for the disposition that it got."""
    origin = Origin({"TCPREMOTEIP": b"192.0.2.7"} if variables is None else variables, 201, PID)
    report = Report(
        findings=tuple(cause for cause in causes if isinstance(cause, Finding)),
        faults=tuple(cause for cause in causes if isinstance(cause, Fault)),
        score=next((cause for cause in causes if isinstance(cause, SpamScore)), None),
        asked=("clamuko: 0.67.", "spamassassin: 2.63."),
    )
    return Record(
        arrival=Arrival("id-1", Envelope(sender, recipients), origin, b"", 4321, AT),
        report=report,
        decision=Decision(disposition, tuple(Reason(cause, disposition) for cause in causes)),
        subject=subject,
        seconds=1.234567,
        message_id=message_id,
        files=files,
    )


def quarantined_and_tagged() -> Record:
    """Spam that one group keeps out and the other takes with a tag."""
    score = spam("7.5")
    tagged = record(Disposition.TAG, score, recipients=(b"a@one.example", b"b@one.example"))
    kept = record(Disposition.QUARANTINE, score, recipients=(b"c@two.example",))
    return join_records([tagged, replace(kept, kept_as="id-1")])


@contextmanager
def time_zone(name: str) -> Iterator[None]:
    """Local time as it is elsewhere, as tzset(3) writes it: `EST5`."""
    before = os.environ.get("TZ")
    _set_zone(name)
    try:
        yield
    finally:
        _set_zone(before)


def _set_zone(name: str | None) -> None:
    if name is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = name
    time.tzset()
