"""The settings file of a new installation."""

from pathlib import Path

import pytest

from mailwarden.installation.first_settings import first_settings, found_lines, missing_lines
from mailwarden.installation.layout import first_settings_sample
from mailwarden.installation.packaged import packaged_files
from mailwarden.installation.surroundings import Surroundings
from mailwarden.settings.load import parse_settings
from mailwarden.settings.model import Settings

SAMPLE = first_settings_sample(packaged_files())
USUAL = Surroundings(
    Path("/var/qmail/bin/qmail-queue"), "plain", "unix:/run/clamav/clamd.ctl", None, "unix:/x"
)
OTHER = Surroundings(Path('/opt/"q"/qmail-queue'), "sagredo", "tcp:127.0.0.1:3310")


def test_what_agrees_with_the_defaults_leaves_the_sample_as_it_is() -> None:
    assert first_settings(SAMPLE, USUAL).decode() == SAMPLE
    assert first_settings(SAMPLE, Surroundings()).decode() == SAMPLE
    assert found_lines(USUAL) == ()


def test_what_differs_is_what_the_settings_then_say_and_nothing_else() -> None:
    settings = parse_settings(first_settings(SAMPLE, OTHER).decode(), "test")
    defaults = Settings()
    assert settings.queue.program == OTHER.queue_program
    assert settings.queue.flavour == "sagredo"
    assert settings.clamd.addresses == ("tcp:127.0.0.1:3310",)
    assert settings.model_copy(
        update={"queue": defaults.queue, "clamd": defaults.clamd}
    ) == defaults.model_copy(update={"headers": settings.headers})


def test_what_settings_say_already_is_not_missing_in_them() -> None:
    assert missing_lines(OTHER, first_settings(SAMPLE, OTHER).decode()) == ()
    assert missing_lines(OTHER, SAMPLE) == found_lines(OTHER)
    assert missing_lines(OTHER, "[queue\n") == found_lines(OTHER)
    assert missing_lines(OTHER, "queue = 1\n") == found_lines(OTHER)
    other = '[clamd]\naddresses = ["tcp:127.0.0.1:3310"]\n[queue]\nflavour = "plain"\n'
    assert [line[1] for line in missing_lines(OTHER, other)] == ["program", "flavour"]


def test_lines_are_put_where_the_sample_shows_their_defaults() -> None:
    lines = first_settings(SAMPLE, OTHER).decode().splitlines()
    changed = set(lines) - set(SAMPLE.splitlines())
    assert changed == {f"{key} = {value}" for _, key, value in found_lines(OTHER)}
    assert len(lines) == len(SAMPLE.splitlines())


def test_a_sample_without_that_setting_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match=r"no line #program below \[queue\]"):
        first_settings("[queue]\n", OTHER)
