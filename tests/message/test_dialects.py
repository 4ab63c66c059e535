import pytest

from mailwarden.message.dialects import LAST, USUAL, Dialect, pick


@pytest.mark.parametrize(
    ("candidates", "choice", "picked"),
    [
        ("", 0, "default"),
        ("", LAST, "default"),
        ("a", 0, "a"),
        ("a", 2, "a"),
        ("abc", 1, "b"),
        ("abc", LAST, "c"),
    ],
)
def test_a_choice_takes_the_last_candidate_where_there_are_fewer(
    candidates: str, choice: int, picked: str
) -> None:
    assert pick(candidates, choice, "default") == picked


def test_a_dialect_may_have_the_habits_of_two() -> None:
    first, second = Dialect("first", boundary=1), Dialect("second", parts_after_closing=False)
    assert first.with_habits_of(second) == Dialect(
        "first+second", boundary=1, parts_after_closing=False
    )
    assert USUAL.with_habits_of(first) == first
    assert (first.chooses, second.chooses) == (True, False)
