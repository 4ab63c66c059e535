"""simscan's text files."""

from mailwarden.migrate.simcontrol import (
    MOST_LINES,
    ControlLine,
    StrangeLine,
    endings_in,
    read_attachments,
    read_control,
)
from support.old_installations import SIMCONTROL


def test_the_lines_of_the_readme_are_read() -> None:
    assert list(read_control(SIMCONTROL.decode())) == [
        ControlLine(
            "postmaster@example.com", {"clam": "yes", "spam": "no", "attach": ".txt:.com"}, 1
        ),
        ControlLine("example.com", {"clam": "no", "spam": "yes", "attach": ".mp3"}, 2),
        ControlLine("", {"clam": "yes", "spam": "yes", "spam_hits": "20.1"}, 3),
    ]


def test_blanks_capitals_comments_and_empty_lines_do_not_matter() -> None:
    text = "\n# who\n Example.COM : CLAM = yes , spam=no,\r\n"
    assert list(read_control(text)) == [
        ControlLine("example.com", {"clam": "yes", "spam": "no"}, 3)
    ]


def test_lines_that_are_none_keep_their_numbers() -> None:
    assert list(read_control("what\n:clam")) == [
        StrangeLine(1, "expected address:name=value,name=value"),
        StrangeLine(2, "expected name=value between commas"),
    ]


def test_more_lines_than_a_settings_file_holds_are_told_once() -> None:
    *taken, last = read_control("d.example:clam=no\n" * (MOST_LINES + 2))
    assert len(taken) == MOST_LINES
    assert last == StrangeLine(MOST_LINES + 1, "more than 4_000 lines: from here on none is read")


def test_endings_stand_one_a_line_or_with_colons_between() -> None:
    assert read_attachments("# no\n.exe\n.SCR:.pif:\n.exe\n") == (".exe", ".scr", ".pif")
    assert endings_in("") == ()
