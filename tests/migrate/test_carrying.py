"""The building blocks of the option table."""

from decimal import Decimal

import pytest

from mailwarden.migrate import carrying
from mailwarden.migrate.decisions import Decision, Loss, Note
from mailwarden.migrate.given import Given, Options


def carried(carry: carrying.Carry, text: str) -> list[object]:
    said = Given("it", text, "--it")
    return list(carry(said, Options({"it": said})))


def test_values_are_read_as_what_they_are() -> None:
    def decision(value: object) -> list[Decision]:
        return [Decision("key", value, "why", "--it")]

    assert carried(carrying.as_switch("key", "why"), "yes") == decision(value=True)
    assert carried(carrying.as_points("key", "why"), "2.1") == decision(Decimal("2.1"))
    assert carried(carrying.as_whole("key", "why"), "50.9") == decision(50)
    assert carried(carrying.as_text("key", "why"), " a ") == decision(" a ")
    assert carried(carrying.as_path("key", "why"), "/a") == decision("/a")


def test_a_relative_path_is_none() -> None:
    with pytest.raises(ValueError, match="expected an absolute path"):
        carried(carrying.as_path("key", "why"), "a/b")


def test_what_needs_no_setting_is_a_note() -> None:
    assert carried(carrying.as_nothing("why"), "x") == [Note("--it", "why")]


def test_what_is_not_done_here_is_lost_where_it_was_on() -> None:
    assert carried(carrying.as_loss("why"), "x") == [Loss("--it", "why")]
    assert carried(carrying.as_loss("why"), "no") == [Note("--it", "off: nothing to set")]


def test_a_folder_of_the_same_name_is_carried_whatever_is_before_it() -> None:
    carry = carrying.as_name("viruses", "why")
    assert carried(carry, "quarantine/viruses") == [
        Note("--it", "the Maildir is called viruses here, too")
    ]
    assert carried(carry, "virus") == [Loss("--it", "why")]
