"""Lists of domains that are scanned, and that are scored."""

import pytest

from mailwarden.migrate.address_lists import (
    MOST_DOMAINS,
    DomainList,
    outcomes_of_lists,
    read_domains,
)
from mailwarden.migrate.decisions import Decision, Loss

BOTH = ("clamd", "spamd")


def scanners(
    scanned: list[str] | None, scored: list[str] | None, site: tuple[str, ...] = BOTH
) -> dict[tuple[str, ...], object]:
    """What is asked, by recipients."""
    lists = (
        None if scanned is None else DomainList(tuple(scanned), "qmailscannerdomains"),
        None if scored is None else DomainList(tuple(scored), "spamassassindomains"),
    )
    outcomes = outcomes_of_lists(*lists, site)
    return {one.match: one.value for one in outcomes if isinstance(one, Decision)}


def test_a_list_is_one_domain_a_line() -> None:
    read = read_domains("# ours\nA.example \n\nb.example # too\na.example\n", "list")
    assert read == DomainList(("a.example", "b.example"), "list")


@pytest.mark.parametrize(
    ("scanned", "scored", "expected"),
    [
        (["a"], None, {(): (), ("a",): BOTH}),
        (None, ["a"], {(): ("clamd",), ("a",): BOTH}),
        (["a", "b"], ["b", "c"], {(): (), ("b",): BOTH, ("a",): ("clamd",)}),
        ([], None, {(): ()}),
    ],
)
def test_scanners_are_for_the_domains_of_the_lists(
    scanned: list[str] | None, scored: list[str] | None, expected: dict[tuple[str, ...], object]
) -> None:
    assert scanners(scanned, scored) == expected


def test_where_spam_was_never_scored_a_list_of_scored_domains_changes_nothing() -> None:
    assert scanners(None, ["a"], ("clamd",)) == {(): ("clamd",)}
    assert scanners(["a"], ["b"], ("clamd",)) == {(): (), ("a",): ("clamd",)}


def test_more_domains_than_a_settings_file_holds_are_told() -> None:
    many = DomainList(tuple(f"d{number}" for number in range(MOST_DOMAINS + 1)), "list")
    outcomes = list(outcomes_of_lists(many, None, BOTH))
    assert [one.source for one in outcomes if isinstance(one, Loss)] == ["list"]
    assert [len(one.match) for one in outcomes if isinstance(one, Decision)] == [0, MOST_DOMAINS]
