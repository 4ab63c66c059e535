"""simscan's installation as settings of ours."""

from decimal import Decimal

import pytest

from mailwarden.migrate.configure_line import read_words
from mailwarden.migrate.decisions import Decision, Loss, Note, Outcome
from mailwarden.migrate.simcontrol import read_control
from mailwarden.migrate.simscan import Control, Endings, outcomes_of_simscan
from mailwarden.settings.rule_tables import RuleSettings
from support.old_installations import SIMCONTROL

ENDINGS = Endings((".exe", ".scr"), "ssattach")
LITTLE = Decimal("0.01")


def outcomes(
    line: str = "", control: str | None = None, endings: Endings | None = None
) -> list[Outcome]:
    read = None if control is None else Control(tuple(read_control(control)), "simcontrol")
    return list(outcomes_of_simscan(read_words(line, frozenset()), read, endings))


def settings_of(told: list[Outcome], *match: str) -> dict[str, object]:
    return {one.key: one.value for one in told if isinstance(one, Decision) and one.match == match}


def losses(told: list[Outcome]) -> list[Loss]:
    return [one for one in told if isinstance(one, Loss)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--enable-spam --enable-spam-hits=12", {"delete_above": Decimal(7), "reject": True}),
        ("--enable-spam --enable-spam-hits", {"delete_above": Decimal(5), "reject": True}),
        ("--enable-spam --enable-spam-hits=5", {"delete_above": LITTLE, "reject": True}),
        ("--enable-spam", {"delete_above": LITTLE, "reject": True}),
        ("--enable-spam --enable-spam-passthru", {"delete_above": Decimal(0)}),
        (
            "--enable-spam --enable-spam-passthru --enable-spam-hits=15",
            {"delete_above": Decimal(10), "reject": True},
        ),
        (
            "--enable-spam --enable-spam-hits=12 --enable-dropmsg=y",
            {"delete_above": Decimal(7), "reject": False},
        ),
        (
            "--enable-spam --enable-spam-hits=12 --enable-dropmsg --enable-quarantinedir=/q",
            {"quarantine_above": Decimal(7)},
        ),
        ("--enable-clamav", {}),
    ],
)
def test_the_four_ways_with_spam_of_the_readme_and_dropping(
    line: str, expected: dict[str, object]
) -> None:
    settings = settings_of(outcomes(line))
    spam = {key.removeprefix("spam."): value for key, value in settings.items() if "spam." in key}
    assert spam == expected
    assert settings["scanners"] == (("clamd", "spamd") if expected else ("clamd",))


def test_the_score_that_limits_are_counted_from_is_said() -> None:
    told = outcomes("--enable-spam --enable-spam-hits=12")
    (decision,) = (one for one in told if isinstance(one, Decision) and "delete" in one.key)
    assert decision.why == "spam_hits 12 less the required score, taken to be 5.0"


@pytest.mark.parametrize(
    ("line", "expected"),
    [("--enable-attach=y", ("exe", "scr")), ("--enable-clamav", ()), ("", ("exe", "scr"))],
)
def test_attachments_are_blocked_where_that_was_compiled_in(
    line: str, expected: tuple[str, ...]
) -> None:
    settings = settings_of(outcomes(line, endings=ENDINGS))
    assert settings["attachments.forbidden_extensions"] == expected
    assert settings["dispositions.policy"] == "reject"


def test_endings_that_are_no_extensions_become_rules_and_wildcards_are_lost() -> None:
    told = outcomes(endings=Endings((".tar.gz", "winmail.dat", "a*", ".exe"), "ssattach"))
    settings = settings_of(told)
    assert settings["attachments.forbidden_extensions"] == ("exe",)
    rules = settings["attachments.rules"]
    assert rules == (RuleSettings(name=("*.tar.gz",)), RuleSettings(name=("*winmail.dat",)))
    assert [one.source for one in losses(told)] == ["ssattach"]


def test_simcontrol_of_the_readme_becomes_profiles_and_what_holds_for_everybody() -> None:
    told = outcomes("--enable-spam --enable-per-domain", SIMCONTROL.decode())
    everybody = settings_of(told)
    assert everybody["scanners"] == ("clamd", "spamd")
    assert everybody["spam.delete_above"] == Decimal("15.1")
    assert settings_of(told, "postmaster@example.com") == {
        "scanners": ("clamd",),
        "attachments.forbidden_extensions": ("txt", "com"),
    }
    assert settings_of(told, "example.com") == {
        "scanners": ("spamd",),
        "attachments.forbidden_extensions": ("mp3",),
        "spam.delete_above": LITTLE,
        "spam.reject": True,
    }


def test_without_a_line_for_everybody_nobody_else_is_scanned() -> None:
    told = outcomes("--enable-spam", "a.example:clam=yes,spam=yes\n")
    assert settings_of(told)["scanners"] == ()
    assert settings_of(told, "a.example")["scanners"] == ("clamd", "spamd")


def test_what_a_line_leaves_out_is_as_for_everybody() -> None:
    told = outcomes("--enable-spam", ":clam=no,spam=yes\na.example:spam_hits=9\n")
    assert settings_of(told, "a.example")["scanners"] == ("spamd",)
    assert settings_of(told, "a.example")["spam.delete_above"] == Decimal(4)
    assert "attachments.forbidden_extensions" not in settings_of(told, "a.example")


def test_what_cannot_be_looked_up_here_is_lost_once() -> None:
    (lost,) = losses(outcomes(control=SIMCONTROL.decode()))
    assert "sender" in lost.why
    assert "user-ext@domain" in lost.why
    assert losses(outcomes(control=":clam=yes\n")) == []


@pytest.mark.parametrize(
    "line", ["what", ":clam=yes,trophie=yes", ":regex=yes", ":spam=yes,spam_hits=x"]
)
def test_strange_lines_and_names_are_lost_with_their_line(line: str) -> None:
    (lost,) = losses(outcomes(control=f"# first\n{line}\n"))
    assert lost.source == "simcontrol:2"


def test_ssattach_is_not_read_beside_simcontrol() -> None:
    told = outcomes(control=":clam=yes\n", endings=ENDINGS)
    assert settings_of(told)["attachments.forbidden_extensions"] == ()
    assert [one.source for one in told if isinstance(one, Note)] == ["ssattach"]
