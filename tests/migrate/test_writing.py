"""The settings file and the report."""

from decimal import Decimal

from mailwarden.migrate.decisions import Decision, Loss, Note
from mailwarden.migrate.writing import remark_comments, report, settings_page
from mailwarden.settings.load import read_text

ON = True


def test_decisions_stand_in_their_tables_each_below_its_comment() -> None:
    decisions = [
        Decision("spam.subject", 'SPAM "*" ', "tag", "--sa-subject"),
        Decision("scanners", ("clamd",), "asked", "--scanners", ("b.example",)),
        Decision("spam.delete_above", Decimal("4.2"), "points", "--sa-delete"),
        Decision("spam.delete_above", Decimal(9), "points", "line 2", ("b.example",)),
        Decision("scanners", ("clamd", "spamd"), "asked", "--scanners"),
    ]
    page = settings_page(decisions, ["/etc/a", "/etc/b"])
    assert (
        page.text
        == """\
# Settings of Mailwarden, written by `mailwarden config import` from
#   /etc/a
#   /etc/b

# --scanners: asked
scanners = ["clamd", "spamd"]

[spam]
# --sa-delete: points
delete_above = 4.2
# --sa-subject: tag
subject = "SPAM \\"*\\" "

[[profile]]
match = ["b.example"]
# --scanners: asked
scanners = ["clamd"]
# line 2: points
spam.delete_above = 9
"""
    )
    settings = read_text(page.text, "page").settings
    assert settings.spam.delete_above == Decimal("4.2")
    assert settings.profile[0].spam.delete_above == 9


def test_the_line_of_each_decision_is_known() -> None:
    decisions = [
        Decision("spam.report", ON, "why", "a", ("x.example",)),
        Decision("spam.report", ON, "why", "b"),
    ]
    page = settings_page(decisions, ["s"])
    lines = page.text.splitlines()
    assert {lines[at - 1]: one.source for at, one in page.places.items()} == {
        "report = true": "b",
        "spam.report = true": "a",
    }


def test_what_stands_in_comments_cannot_leave_them() -> None:
    evil = "x\nscanners = []\r\u2028\x1b[2J\u202e"
    page = settings_page([Decision("spam.report", ON, evil, evil)], [evil])
    text = page.text + remark_comments([Note(evil, evil)], [Loss(evil, evil)])
    settings = read_text(text, "page").settings
    assert settings.scanners == ("clamd", "spamd")
    assert text.replace("\n", "").isprintable()
    assert report([Note(evil, evil)], []).replace("\n", "").isprintable()


def test_long_texts_are_cut_and_lines_stay_short() -> None:
    page = settings_page([Decision("spam.report", ON, "why " * 50, "word " * 5_000)], [])
    assert max(map(len, page.text.splitlines())) <= 96
    assert len(page.text) < 1_500


def test_the_report_tells_what_is_missing_first() -> None:
    assert (
        report([Note("n", "known")], [Loss("l", "gone")])
        == """\
Could not be carried over:
  l: gone

Carried without a setting, or worth knowing:
  n: known

"""
    )
    assert report([], []) == ""


def test_remarks_are_comments_below_the_settings() -> None:
    assert (
        remark_comments([Note("n", "known")], [Loss("l", "gone")])
        == """\

# Carried without a setting, or worth knowing:
# - n: known

# Could not be carried over:
# - l: gone
"""
    )
