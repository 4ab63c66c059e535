"""What is said of an option, and which saying holds."""

from decimal import Decimal

import pytest

from mailwarden.migrate.given import Given, Origin, folded, merged, number, yes_or_no


def given(text: str, origin: Origin = Origin.CONFIGURE_LINE) -> Given:
    return Given("sa-delete", text, "here", origin)


@pytest.mark.parametrize(
    "name", ["--sa-quarantine", "$sa_quarantine", "sa_quarantine_site", "SA-Quarantine"]
)
def test_spellings_of_a_name_are_one_name(name: str) -> None:
    assert folded(name) == "sa-quarantine"


def test_arrays_lose_their_ending() -> None:
    assert folded("@silent_viruses_array") == "silent-viruses"


def test_the_program_wins_over_a_line_and_a_line_over_what_was_recorded() -> None:
    sayings = [
        given("4", Origin.PROGRAM),
        given("3", Origin.CONFIGURE_LINE),
        given("2", Origin.RECORDED_LINE),
        given("1", Origin.DEFAULT),
    ]
    assert merged(sayings).text("sa-delete") == "4"
    assert merged(reversed(sayings)).text("sa-delete") == "4"
    assert merged(sayings[1:]).text("sa-delete") == "3"


def test_of_equals_the_last_holds() -> None:
    assert merged([given("1"), given("2")]).text("sa-delete") == "2"


def test_what_is_not_said_is_off() -> None:
    options = merged([given("yes")])
    assert options.is_on("sa-delete")
    assert not options.is_on("sa-reject")
    assert not merged([given("0")]).is_on("sa-delete")


@pytest.mark.parametrize(("text", "expected"), [("yes", True), ("1", True), ("No", False)])
def test_switches_are_yes_and_no_and_one_and_zero(text: str, *, expected: bool) -> None:
    assert yes_or_no(given(text)) is expected


@pytest.mark.parametrize("text", ["", "perhaps", "2"])
def test_other_words_are_no_switch(text: str) -> None:
    with pytest.raises(ValueError, match="expected yes or no"):
        yes_or_no(given(text))


@pytest.mark.parametrize("text", ["", "-1", "1e9", "NaN", "٣", "1" * 21, "2,1"])
def test_other_texts_are_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="expected a number"):
        number(given(text))


def test_numbers_keep_what_they_are() -> None:
    assert number(given(" 2.10 ")) == Decimal("2.10")
    assert number(given(".5")) == Decimal("0.5")


def test_an_empty_variable_is_off_to_perl() -> None:
    assert yes_or_no(given("", Origin.PROGRAM)) is False
    assert number(given("", Origin.PROGRAM)) == 0
