"""Counting many names and values in bounded memory."""

import pytest

from mailwarden.reports.tally import Durations, DurationTally, NameTally


def test_names_come_by_falling_count_and_equal_ones_as_sort_rn_has_them() -> None:
    tally = NameTally(10)
    for name in ("Flcss", "NetskyP-Dam", "Often", "Mydoom-F", "Often", "Often"):
        tally.add(name)
    ranking = tally.ranking()
    assert ranking.rows == (("Often", 3), ("NetskyP-Dam", 1), ("Mydoom-F", 1), ("Flcss", 1))
    assert ranking.top(1) == (("Often", 3),)
    assert ranking.rest == 0


def test_rare_names_are_let_go_and_nothing_is_lost_from_the_sum() -> None:
    tally = NameTally(100)
    for number in range(10_000):
        tally.add(f"rare-{number}")
        tally.add("often")
    ranking = tally.ranking()
    assert ranking.rows[0] == ("often", 10_000)
    assert len(ranking.rows) <= 200
    assert ranking.rest + sum(count for _, count in ranking.rows) == 20_000


def test_durations_are_right_to_a_hundredth() -> None:
    tally = DurationTally()
    seconds = sorted(1.002**step * 0.01 * (1 + step % 7) for step in range(5_000))
    for one in seconds:
        tally.add(one)
    told = tally.durations()
    assert told.count == 5_000
    assert told.median == pytest.approx(seconds[2_499], rel=0.011)
    assert told.p90 == pytest.approx(seconds[4_499], rel=0.011)
    assert told.p95 == pytest.approx(seconds[4_749], rel=0.011)
    assert told.p99 == pytest.approx(seconds[4_949], rel=0.011)
    assert told.longest == seconds[-1]
    assert len(tally._steps) < 1_500


def test_no_durations_are_nothing_and_no_time_is_a_duration() -> None:
    tally = DurationTally()
    assert tally.durations() == Durations()
    tally.add(0.0)
    assert tally.durations().median == 0.0
