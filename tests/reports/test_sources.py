"""Log files of every kind, alone and mixed."""

import gzip
from datetime import UTC
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mailwarden.reports.event import Event
from mailwarden.reports.sources import LogSource, SourceSummary
from support.old_logs import (
    AT,
    as_octets,
    mailstats_line,
    our_event,
    our_sample_log,
    quarantine_line,
    syslog_line,
)

LINES = [
    quarantine_line("A"),
    our_event(1, "rejecting", "B"),
    mailstats_line("CLAMDSCAN:C:RC:0:"),
    syslog_line("CLAMDSCAN:D:RC:0:"),
    "X-Qmail-Scanner: 1.25 (CLAM:E:RC:0:. Processed in 0.5 secs)",
    "timestamp=2026-11-22T21:30:00Z level=info event=message disposition=reject reason=virus:F",
]


def read(path: Path) -> tuple[list[Event], SourceSummary]:
    source = LogSource(str(path), AT + 60, UTC)
    return list(source.events()), source.summary


def test_lines_of_all_logs_may_be_mixed(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(as_octets(LINES * 2))
    events, summary = read(tmp_path / "log")
    assert [event.name for event in events[:6]] == list("ABCDEF")
    assert summary.unknown == 0


def test_lines_that_nobody_understands_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    lines = ["", our_event(1, "tagging", "spam"), "what?", "and this?", "  "]
    (tmp_path / "log").write_bytes(as_octets(lines))
    assert read(tmp_path / "log")[1] == SourceSummary(
        str(tmp_path / "log"), lines=5, events=1, unknown=2, first_unknown=3
    )


@given(st.lists(st.text(min_size=0, max_size=30), max_size=6), st.sampled_from(LINES), st.data())
def test_no_line_is_too_odd_to_be_read(words: list[str], line: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(line)))
    source = LogSource("nowhere", AT, UTC)
    for odd in (" ".join(words), line[:cut] + "".join(words) + line[cut:], line[:cut], line[cut:]):
        source._read(odd)


def test_a_file_that_cannot_be_read_is_complained_of(tmp_path: Path) -> None:
    events, summary = read(tmp_path / "no\x1b[2Jne")
    assert events == []
    assert summary.complaint == "No such file or directory"
    assert "\x1b" not in summary.name


def test_what_was_read_before_the_damage_counts(tmp_path: Path) -> None:
    whole = gzip.compress(as_octets(our_sample_log()))
    (tmp_path / "log").write_bytes(whole[: len(whole) // 2])
    events, summary = read(tmp_path / "log")
    assert events
    assert "damaged" in summary.complaint
