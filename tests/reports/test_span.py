"""Stretches of time, as people give them."""

from datetime import UTC, timedelta, timezone

import pytest

from mailwarden.reports.span import Span, parse_length, parse_moment

DAY = 1_795_305_600.0  # 2026-11-22T00:00:00Z


def test_a_span_holds_its_first_moment_and_not_its_last() -> None:
    span = Span(10.0, 20.0)
    assert [span.holds(at) for at in (9.9, 10.0, 19.9, 20.0)] == [False, True, True, False]
    assert span.is_bounded


def test_a_span_without_bounds_holds_everything() -> None:
    assert Span().holds(0.0)
    assert not Span().is_bounded
    assert Span(until=5.0).is_bounded


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600)]
)
def test_a_length_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_length(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "7y", "1.5h", "9999999d"])
def test_what_is_no_length_is_told_so(text: str) -> None:
    with pytest.raises(ValueError, match="such as 24h or 7d"):
        parse_length(text)


def test_a_day_begins_at_midnight_of_the_zone_and_can_mean_its_end() -> None:
    assert parse_moment("2026-11-22", UTC) == DAY
    assert parse_moment("2026-11-22", timezone(timedelta(hours=2))) == DAY - 7200
    assert parse_moment("2026-11-22", UTC, end_of_day=True) == DAY + 86_400


def test_a_moment_may_say_its_zone_and_has_no_end() -> None:
    assert parse_moment("2026-11-22T01:00+01:00", UTC, end_of_day=True) == DAY
    assert parse_moment("2026-11-22 01:00", UTC, end_of_day=True) == DAY + 3600


def test_what_is_no_date_is_told_so() -> None:
    with pytest.raises(ValueError, match="'tomorrow': expected a date"):
        parse_moment("tomorrow", UTC)
