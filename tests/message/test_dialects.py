import pytest

from mailwarden.message.dialects import LAST, pick


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
