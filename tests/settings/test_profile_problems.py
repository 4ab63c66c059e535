"""What profiles say against each other, and against what is said for everybody."""

from pathlib import Path

import pytest

from mailwarden.settings.load import SettingsError, parse_settings
from mailwarden.settings.problems import Problem

SITE = "spam = {quarantine_above = 2, delete_above = 4, reject = true, subject = 'S', delta = 0.5}"


def problems_of(profile: str, site: str = SITE) -> list[Problem]:
    try:
        parse_settings(f"{site}\n[[profile]]\nmatch = ['a']\n{profile}", "f")
    except SettingsError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(
    "profile",
    [
        "spam.quarantine_above = 3",
        "spam.quarantine_above = 0",
        "spam.delete_above = 0",
        "spam.subject = ''",
        "scanners = []",
        "limits.message_bytes = 1000",
        "spam = {}",
    ],
)
def test_to_differ_or_to_switch_something_off_is_no_contradiction(profile: str) -> None:
    assert problems_of(profile) == []


@pytest.mark.parametrize(
    ("profile", "where", "message"),
    [
        (
            "spam.quarantine_above = 4",
            "profile.spam.quarantine_above",
            "spam.delete_above (4) is not above profile.spam.quarantine_above (4), so nothing",
        ),
        (
            "\nspam.delta = 1",
            "profile.spam.delta",
            "twice profile.spam.delta (1) is not below spam.quarantine_above (2), so no",
        ),
        ("scanners = ['spamd', 'spamd']", "profile.scanners", "a scanner is listed twice"),
        ("spam.forward_verbose = true", "profile.spam.forward_verbose", "profile.spam.forward_v"),
        ("spam.maildir = 'envelopes'", "profile.spam.maildir", "profile.spam.maildir is envelopes"),
        ("notices.notify = ['none', 'all']", "profile.notices.notify", "profile.notices.notify h"),
    ],
)
def test_what_a_profile_brings_about_is_told_with_its_key_and_line(
    profile: str, where: str, message: str
) -> None:
    [problem] = problems_of(profile)
    assert (problem.where, problem.line) == (where, 4 + profile.count("\n"))
    assert problem.message.startswith(message)
    assert problem.suggestion


def test_what_only_everybodys_settings_bring_about_is_told_once() -> None:
    [problem] = problems_of("spam.report = true", "spam = {reject = true}")
    assert (problem.where, problem.line) == ("spam.reject", 1)


def test_scanners_that_only_a_profile_asks_must_fit_in_the_time_too() -> None:
    site = "scanners = ['clamd']\nspamd.timeout_seconds = 230"
    [problem] = problems_of("scanners = ['clamd', 'spamd']", site)
    assert problem.where == "profile.scanners"


def test_two_profiles_for_the_same_are_told_with_both_lines() -> None:
    text = "\n[[profile]]\nmatch = ['b', 'A']\n[[profile]]\nmatch = ['c',\n'c']"
    assert [(one.line, one.message) for one in problems_of(text, "")] == [
        (6, '"a" stands in line 3 already'),
        (9, '"c" stands in line 8 already'),
    ]


def test_a_table_for_the_same_as_a_row_of_a_file_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("a:none\n")
    assert problems_of("spam.report = true", f"per_domain.scanners_file = '{path}'") == []


def test_a_row_that_contradicts_a_setting_that_is_wrong_anyway_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("b:sa'''''1\n")
    site = f"per_domain.settings_file = '{path}'\nspam.delete_above = "
    [problem] = problems_of("", f"{site}'4'")
    assert problem.where == "spam.delete_above"
    [problem] = problems_of("", f"{site}0")
    assert (problem.file, problem.line) == (str(path), 1)
