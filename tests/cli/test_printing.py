"""What commands print: plain in a pipe, and nothing taken from foreign text."""

import pytest

from mailwarden.cli.printing import console, disposition_text, printable, shown
from mailwarden.verdict.disposition import Disposition


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("grüße 你好 \N{GRINNING FACE}", "grüße 你好 \N{GRINNING FACE}"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\r\nb\tc\0", "a\\r\\nb\\tc\\x00"),
        ("\x7f\x85\x9b31m", "\\x7f\\x85\\x9b31m"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}exe\N{ZERO WIDTH SPACE}", "\\u202eexe\\u200b"),
        ("\N{LINE SEPARATOR}\N{NO-BREAK SPACE}", "\\u2028\\xa0"),
        ("\udcff", "\\udcff"),
        ("", ""),
    ],
)
def test_only_what_can_be_seen_is_printed(text: str, safe: str) -> None:
    assert printable(text) == safe
    assert shown(text).plain == safe
    assert safe.isprintable()


def test_no_markup_and_no_emoji_is_taken_from_text(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("[red]x[/red] :smile:", shown("[bold]y[/bold]"))
    assert capsys.readouterr().out == "[red]x[/red] :smile: [bold]y[/bold]\n"


def test_in_a_pipe_there_is_no_colour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    console().print(disposition_text("reject"))
    assert capsys.readouterr().out == "reject\n"


def test_every_disposition_has_a_colour() -> None:
    assert all(str(disposition_text(one.word).style) != "none" for one in Disposition)
