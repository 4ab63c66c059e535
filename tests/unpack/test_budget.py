"""What unpacking one message may spend."""

from collections.abc import Iterator

import pytest

from mailwarden.unpack.budget import (
    BYTES_A_SECOND,
    RATIO_FREE_BYTES,
    Budget,
    Limit,
    OverLimitError,
    Spent,
    UnpackLimits,
)

LIMITS = UnpackLimits(bytes_produced=10_000_000, files=3, depth=2, ratio=10, seconds=5.0)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_spent_is_known() -> None:
    clock = Clock()
    budget = Budget(LIMITS, clock)
    meter = budget.meter(packed_bytes=1_000_000)
    meter.count_member()
    meter.count_bytes(1_234)
    clock.now += 2.5
    spent = budget.spent
    assert (spent.bytes_produced, spent.files) == (1_234, 1)
    assert spent.seconds == pytest.approx(2.5, abs=0.001)


def test_one_member_too_many_is_over_the_limit() -> None:
    meter = Budget(LIMITS, Clock()).meter(1)
    for _ in range(3):
        meter.count_member()
    with pytest.raises(OverLimitError) as raised:
        meter.count_member()
    assert raised.value.limit is Limit.FILES


def test_bytes_count_for_all_archives_together() -> None:
    budget = Budget(LIMITS, Clock())
    budget.meter(1_000_000).count_bytes(6_000_000)
    with pytest.raises(OverLimitError) as raised:
        budget.meter(1_000_000).count_bytes(6_000_000)
    assert raised.value.limit is Limit.BYTES


def test_the_ratio_is_each_archives_own_and_small_ones_are_free() -> None:
    budget = Budget(LIMITS, Clock())
    budget.meter(packed_bytes=0).count_bytes(RATIO_FREE_BYTES)
    with pytest.raises(OverLimitError) as raised:
        budget.meter(packed_bytes=10).count_bytes(RATIO_FREE_BYTES - 1 + 102)
    assert raised.value.limit is Limit.RATIO


def test_time_is_looked_at_with_every_count() -> None:
    clock = Clock()
    meter = Budget(LIMITS, clock).meter(1_000)
    clock.now += 5.1
    for count in (meter.count_member, lambda: meter.count_bytes(1)):
        with pytest.raises(OverLimitError) as raised:
            count()
        assert raised.value.limit is Limit.SECONDS


def test_what_comes_out_brings_its_own_time_with_it() -> None:
    clock = Clock()
    meter = Budget(LIMITS, clock).meter(1_000_000)
    meter.count_bytes(9_000_000)
    clock.now += LIMITS.seconds + 9_000_000 / BYTES_A_SECOND - 0.001
    meter.check_time()
    clock.now += 0.002
    with pytest.raises(OverLimitError) as raised:
        meter.check_time()
    assert raised.value.limit is Limit.SECONDS
    assert clock.now - 100.0 < LIMITS.most_seconds(10**9)


def test_pieces_are_counted_before_the_next_one_is_made() -> None:
    made = []

    def endless() -> Iterator[bytes]:
        while True:
            made.append(1)
            yield b"x" * 1_000_000

    with pytest.raises(OverLimitError):
        Budget(LIMITS, Clock()).meter(10_000_000).collect(endless())
    assert len(made) == 11


def test_what_one_payload_spent_the_next_one_lacks() -> None:
    left = LIMITS.without(Spent(9_999_999, 2, 4.0))
    assert (left.bytes_produced, left.files, left.seconds) == (1, 1, 1.0)
    assert LIMITS.without(Spent(99_999_999, 9, 9.0)).files == 0


def test_an_attempt_that_is_thrown_away_costs_nothing_but_time() -> None:
    clock = Clock()
    budget = Budget(LIMITS, clock)
    meter = budget.meter(packed_bytes=1_000_000)
    budget.meter(packed_bytes=1_000).count_bytes(17)
    for _ in range(10):
        meter.start_over()
        meter.count_member()
        meter.count_bytes(9_000_000)
        clock.now += 0.1
    assert budget.spent.bytes_produced == 9_000_017
    assert budget.spent.files == 1
    assert budget.spent.seconds == 0.0  # what came out was worth the time
    clock.now += 9_000_000 * 10 / BYTES_A_SECOND
    assert budget.spent.seconds == pytest.approx(1.0, abs=0.001)


def test_a_small_payload_may_take_only_as_long_as_what_can_come_out_of_it() -> None:
    limits = UnpackLimits(bytes_produced=10**9, files=1, depth=1, ratio=10, seconds=1.0)
    assert limits.most_seconds(10**9) == 1.0 + 10**9 / BYTES_A_SECOND
    assert limits.most_seconds(0) == 1.0 + RATIO_FREE_BYTES / BYTES_A_SECOND
