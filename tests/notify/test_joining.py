"""Joining: gathered by topic, limited by the hour, one summary of what is too much."""

from mailwarden.notify.joining import Hold, Mailing, join, ripe_piles
from mailwarden.settings.model import OutboxSettings
from mailwarden.store.errands import Pile

NOW = 1_000_000.0
SETTINGS = OutboxSettings(gather_seconds=60.0, per_hour=3)


def pile(topic: str, oldest: float = 0.0, *, audience: str = "admin", to: str = "a@x.org") -> Pile:
    return Pile(to, audience, topic, oldest)


def test_a_pile_is_ripe_once_its_oldest_notice_was_gathered_long_enough() -> None:
    young, ripe = pile("young", NOW - 59.9), pile("ripe", NOW - 60)
    assert ripe_piles([young, ripe], SETTINGS, NOW) == {"a@x.org": [ripe]}


def test_a_pile_from_the_future_is_ripe_as_the_clock_was_wrong() -> None:
    assert ripe_piles([pile("odd", NOW + 3_600)], SETTINGS, NOW)
    assert not ripe_piles([pile("a moment ahead", NOW + 1)], SETTINGS, NOW)


def test_piles_are_kept_apart_by_address() -> None:
    one, two = pile("x", to="a@x.org"), pile("x", to="b@x.org")
    assert ripe_piles([one, two], SETTINGS, NOW) == {"a@x.org": [one], "b@x.org": [two]}


def test_each_pile_is_a_mail_while_the_hour_has_room() -> None:
    piles = [pile("x"), pile("y"), pile("x", audience="sender")]
    assert join(piles, [], 3) == [
        Mailing("a@x.org", "admin", "x"),
        Mailing("a@x.org", "admin", "y"),
        Mailing("a@x.org", "sender", "x"),
    ]


def test_more_piles_than_the_hour_has_room_for_are_one_mail_for_each_audience() -> None:
    piles = [pile("x"), pile("y"), pile("z", audience="sender")]
    joined = [Mailing("a@x.org", "admin", None), Mailing("a@x.org", "sender", None)]
    assert join(piles, [NOW - 1], 3) == joined
    assert join(piles, [NOW - 1, NOW - 2], 3) == joined[:1]


def test_an_address_that_got_enough_waits_until_the_first_of_them_is_an_hour_old() -> None:
    sent = [NOW - 1, NOW - 2, NOW - 600]
    assert join([pile("x")], sent, 3) == [Hold("a@x.org", NOW + 3_000)]


def test_a_lowered_limit_counts_the_newest() -> None:
    assert join([pile("x")], [NOW - 1, NOW - 2, NOW - 600], 1) == [Hold("a@x.org", NOW + 3_599)]
