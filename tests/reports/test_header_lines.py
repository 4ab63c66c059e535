"""Header fields in files of messages."""

from datetime import UTC
from decimal import Decimal

from mailwarden.message.headers import read_header
from mailwarden.message.limits import ReadingLimits
from mailwarden.pipeline.writing import edits_for
from mailwarden.reports.event import QUIET, Event, EventKind, Quiet
from mailwarden.reports.header_lines import HeaderLines
from mailwarden.settings.model import Settings
from mailwarden.verdict.disposition import Disposition
from support.log_records import AT, record, spam

LONG = (
    "Received: from h by mx (envelope-from <eve@example.org>, uid 5) with qmail-scanner-1.25 \n"
    " (clam: 1.0.  Clear:RC:0(192.0.2.9):SA:1(9/5):. \n"
    " Processed in 0.5 secs); 22 Nov 2026 21:30:00 -0000"
)
LIMITS = ReadingLimits(header_bytes=1_000, header_fields=10, parts=10, depth=5)
SHORT = "X-Qmail-Scanner: 1.25 (Clear:RC:0(192.0.2.9):SA:1(9/5):. Processed in {} secs)"


def read(*fields: str) -> list[Event | Quiet | None]:
    lines = HeaderLines(UTC)
    return [lines.read(field) for field in fields]


def test_the_long_field_is_an_event() -> None:
    assert read(LONG) == [
        Event(
            at=1_795_383_000.0,
            disposition=Disposition.TAG,
            kind=EventKind.SPAM,
            name="spam",
            sender="eve@example.org",
            seconds=0.5,
            score=9.0,
            asked=("clam",),
        )
    ]


def test_both_fields_of_a_message_count_once() -> None:
    told = read(LONG, SHORT.format("0.5"), SHORT.format("0.75"))
    assert [one is QUIET for one in told] == [False, True, False]


def test_a_delivered_message_was_not_kept_whatever_the_field_says() -> None:
    (event,) = read(SHORT.format("0.5").replace("Clear", "CLAM:W32/X"))
    assert isinstance(event, Event)
    assert (event.disposition, event.name) == (Disposition.TAG, "W32/X")


def test_other_fields_are_of_no_scanner_or_quiet() -> None:
    assert read("Subject: x", "X-Other: y", "Received: from a by b", "x") == [None] * 4
    assert read("X-Qmail-Scanner-Message-ID: <1@mx>") == [QUIET]


def test_our_own_field_is_read() -> None:
    message = record(Disposition.TAG, spam("12.5"))
    edits = edits_for(message, read_header(b"\n", 0, 1, LIMITS), Settings())
    on_top = b"".join(edit.octets for edit in edits if edit.start == 0).decode()
    event = HeaderLines(UTC).read(on_top.partition("\nX-")[0])
    assert isinstance(event, Event)
    assert (event.at, event.score, event.sender) == (
        AT,
        float(Decimal("12.5")),
        "yykk62@hotmail.com",
    )
