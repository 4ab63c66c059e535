"""A memory of bounded size."""

from mailwarden.reports.recent import Recent


def test_the_value_before_is_told_once_there_was_one() -> None:
    recent: Recent[str, int] = Recent()
    assert recent.swap("a", 1) is None
    assert recent.swap("a", 2) == 1
    assert recent["a"] == 2
    recent.forget("a")
    recent.forget("never known")
    assert recent["a"] is None


def test_the_oldest_are_forgotten_and_what_was_told_again_is_young() -> None:
    recent: Recent[int, int] = Recent()
    for number in range(4_096):
        recent.swap(number, number)
    recent.swap(0, 0)
    recent.swap(5_000, 0)
    assert recent[0] == 0
    assert recent[1] is None
