"""Texts from logs, made fit to be shown."""

from mailwarden.reports.event import foreign_address, foreign_text


def test_what_moves_the_cursor_or_hides_is_shown_escaped() -> None:
    assert foreign_text("a\x1b[2J\u202eb\udcff") == "a\\x1b[2J\\u202eb\\udcff"


def test_long_texts_are_cut() -> None:
    assert len(foreign_text("x" * 100_000)) == 300


def test_nobody_is_an_empty_address() -> None:
    assert [foreign_address(one) for one in ("<>", "#@[]", "", " <a@b.example> ")] == [
        "",
        "",
        "",
        "a@b.example",
    ]
