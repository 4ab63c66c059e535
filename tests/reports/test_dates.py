"""Dates of logs in all their forms."""

from datetime import UTC, timedelta, timezone

import pytest

from mailwarden.reports.dates import seconds_of, seconds_without_year

AT = 1_795_383_000.0


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 22 Nov 2026 21:30:00 +0000",
        "22 Nov 2026 21:30:00 -0000",
        "Sun, 22 Nov 2026 16:30:00 -0500",
        "Mon, 23 Nov 2026 03:00:00 +0530",
        "Sun, 22 Nov 2026 21:30:00 +0000 (UTC)",
        "22/11/2026 21:30:00",
        "2026-11-22T21:30:00.123456Z",
        "2026-11-22T22:30:00.5+01:00",
        "2026-11-22 21:30:00",
        "Sun Nov 22 21:30:00 2026",
    ],
)
def test_every_form_of_a_date_is_the_same_moment(text: str) -> None:
    assert seconds_of(text, UTC) == AT


def test_a_date_without_a_zone_is_meant_in_the_zone_that_is_given() -> None:
    assert seconds_of("22/11/2026 21:30:00", timezone(timedelta(hours=2))) == AT - 7200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "31/02/2026 21:30:00",
        "Sun, 22 Now 2026 21:30:00 +0000",
        "Sun, 22 Nov 9999 21:30:00 +0000",
        "22/11/2026 25:30:00",
        "22/11/2026 21:30:00" + " " * 100_000,
    ],
)
def test_what_is_no_date_is_nothing(text: str) -> None:
    assert seconds_of(text, UTC) is None


def test_syslogs_date_is_of_the_year_that_makes_it_past() -> None:
    assert seconds_without_year("Nov 22 21:30:00", AT + 60, UTC) == AT
    assert seconds_without_year("Nov 22 21:30:00", AT + 100 * 86_400, UTC) == AT


def test_a_clock_that_is_ahead_a_little_is_not_of_last_year() -> None:
    assert seconds_without_year("Nov 22 21:30:00", AT - 3600, UTC) == AT
    # On New Year's Eve, the other machine may have the new year.
    assert seconds_without_year("Jan  1 00:00:10", 1_798_761_590.0, UTC) == 1_798_761_610.0


@pytest.mark.parametrize("text", ["Nov 32 21:30:00", "Foo 22 21:30:00", "Feb 29 21:30:00", "x"])
def test_what_is_no_date_of_syslog_is_nothing(text: str) -> None:
    assert seconds_without_year(text, AT, UTC) is None
