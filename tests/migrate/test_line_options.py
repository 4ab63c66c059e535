"""Words of a configure line as options."""

from mailwarden.migrate.configure_line import Word
from mailwarden.migrate.decisions import Loss
from mailwarden.migrate.given import Given, Origin
from mailwarden.migrate.line_options import line_givens, without_quotes


def test_options_keep_where_they_stood() -> None:
    words = [Word("sa_delete", "4.2"), Word("install"), Word("user", "me")]
    assert list(line_givens(words, "the line", Origin.RECORDED_LINE)) == [
        Given("sa-delete", "4.2", "--sa_delete 4.2 in the line", Origin.RECORDED_LINE),
        Given("install", "", "--install in the line", Origin.RECORDED_LINE),
        Given("admin", "me", "--user me in the line", Origin.RECORDED_LINE),
    ]


def test_what_is_not_known_or_not_whole_is_lost() -> None:
    words = [Word("frob", "1"), Word("oops", is_option=False), Word("sa-delete")]
    assert list(line_givens(words, "the line", Origin.CONFIGURE_LINE)) == [
        Loss("--frob 1 in the line", "an option that is not known"),
        Loss("oops in the line", "no option"),
        Loss("--sa-delete in the line", "a value was expected"),
    ]


def test_values_whose_quotes_are_gone_are_put_together() -> None:
    words = [
        Word("stray", is_option=False),
        Word("sa-subject", "SPAM"),
        Word("***", is_option=False),
        Word("batch"),
        Word("really", is_option=False),
    ]
    assert without_quotes(words) == (
        Word("stray", is_option=False),
        Word("sa-subject", "SPAM ***"),
        Word("batch", "really"),
    )
