"""The lines that docs/reference/logs.md shows are the lines that are written."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from mailwarden.logs.details import mailstats_lines, syslog_lines
from mailwarden.logs.quarantine_log import quarantine_lines
from mailwarden.logs.queue_log import queue_lines
from mailwarden.verdict.disposition import Disposition
from support.log_records import VIRUS, record, spam, time_zone

PAGE = (Path(__file__).parents[2] / "docs/reference/logs.md").read_text()
TAGGED = record(Disposition.TAG, spam("7.5"), files=(("price list.doc", 12_345),))
INFECTED = record(Disposition.QUARANTINE, VIRUS)


@pytest.mark.parametrize(
    "lines",
    [
        quarantine_lines(INFECTED),
        mailstats_lines(TAGGED, crypto=True),
        syslog_lines(TAGGED, crypto=True),
        queue_lines(TAGGED, "handed-over", "important", spam_debug=False),
        queue_lines(TAGGED, "handed-over", "minidebug", spam_debug=False),
    ],
)
def test_the_page_shows_what_is_written(lines: Iterable[str]) -> None:
    with time_zone("EST5"):
        block = "\n".join(lines).replace("\t", "<TAB>")
    assert f"```\n{block}\n```\n" in PAGE
