"""A problem as people read it, and what a wrong name was probably meant for."""

import pytest

from mailwarden.settings.problems import Problem, nearest_key


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (Problem("spam.delta", 3, "is wrong", "mend it"), "f:3: spam.delta: is wrong\n    mend it"),
        (Problem("spam.delta", None, "is wrong"), "f: spam.delta: is wrong"),
        (Problem("", 3, "is wrong"), "f:3: is wrong"),
        (Problem("", None, "is wrong"), "f: is wrong"),
        (Problem("", 3, "is wrong", file="g"), "g:3: is wrong"),
    ],
)
def test_a_problem_says_file_line_key_message_and_suggestion(problem: Problem, told: str) -> None:
    assert problem.told("f") == told


@pytest.mark.parametrize(
    ("section", "name", "key"),
    [
        ("spam", "delete_abov", "spam.delete_above"),
        ("spamd", "delete_above", "spam.delete_above"),
        ("", "delete_above", "spam.delete_above"),
        ("clamav", "timeout_seconds", "clamd.timeout_seconds"),
        ("spamassassin", "timeout_seconds", "spamd.timeout_seconds"),
        ("clamd", "wait_second", "limits.wait_seconds"),
        ("clamd", "timeout", "clamd.timeout_seconds"),
        ("", "sa_delta", "spam.delta"),
        ("", "SA-SUBJECT", "spam.subject"),
        ("", "virus_to_delete", "viruses.delete"),
        ("", "notify", "notices.notify"),
        ("log", "debug", "log.queue_log"),
        ("spam", "delete", "spam.delete_above"),
        ("profile.spam", "quarantne_above", "profile.spam.quarantine_above"),
        ("profile", "delete_above", "profile.spam.delete_above"),
        ("profile.spam", "sa-delete", "profile.spam.delete_above"),
        ("profile.limits", "wait_secnds", "limits.wait_seconds"),
        ("profile.spam", "xyzzy", ""),
        ("spam", "xyzzy", ""),
        ("", "", ""),
    ],
)
def test_the_nearest_key_is_found(section: str, name: str, key: str) -> None:
    assert nearest_key(section, name) == key
