"""Several openers for one format, with openers of the tests' own."""

from collections.abc import Iterator

import pytest

from mailwarden.unpack.budget import Limit, Meter, OverLimitError
from mailwarden.unpack.formats.archives.first_whole import BROKEN, attempt, open_with_first
from mailwarden.unpack.members import (
    Member,
    Opened,
    Opener,
    Trait,
    UnreadableError,
    UnsupportedError,
)
from support.office import meter

SMALL = Member(("small",), b"1")
LARGE = Member(("large",), b"12345")
SHUT = Member(("shut",), None, 9, unopened="a reason")


def giving(*script: Opened | Exception) -> Opener:
    def opener(octets: bytes, meter: Meter) -> Iterator[Opened]:
        for item in script:
            if isinstance(item, Exception):
                raise item
            if isinstance(item, Member):
                meter.count_member()
                meter.count_bytes(len(item.octets or b""))
            yield item

    return opener


def tried(*openers: Opener) -> list[Opened]:
    return list(open_with_first(openers, b"", meter()))


def test_the_first_one_that_opens_all_is_taken() -> None:
    assert tried(giving(SMALL), giving(LARGE)) == [SMALL]
    assert tried(giving(LARGE, SHUT), giving(SMALL)) == [SMALL]
    assert tried(giving(LARGE, UnreadableError("")), giving(Trait.VOLUME, SMALL)) == [
        Trait.VOLUME,
        SMALL,
    ]


def test_without_a_whole_one_the_one_that_got_furthest_is_taken_with_its_error() -> None:
    openers = (giving(SMALL, UnreadableError("first")), giving(LARGE, UnsupportedError("second")))
    found = open_with_first(openers, b"", meter())
    assert next(found) is LARGE
    with pytest.raises(UnsupportedError, match="second"):
        next(found)


def test_of_two_equal_ones_the_first_is_taken() -> None:
    with pytest.raises(UnreadableError, match="first"):
        tried(giving(UnreadableError("first")), giving(UnsupportedError("second")))


def test_a_limit_ends_the_trying_and_what_came_before_it_counts() -> None:
    found = open_with_first(
        (giving(SMALL, OverLimitError(Limit.BYTES)), giving(LARGE)), b"", meter()
    )
    assert next(found) is SMALL
    with pytest.raises(OverLimitError):
        next(found)


def test_what_a_failed_attempt_produced_is_not_counted_twice() -> None:
    large = Member(("large",), bytes(150_000_000))
    counted = meter()
    for _ in range(20):
        attempt(giving(large, UnreadableError("")), b"", counted)
    counted.start_over()


def test_an_archive_with_something_broken_in_it_is_broken() -> None:
    broken = Member(("x",), b"", 3, unopened=BROKEN)
    assert attempt(giving(broken), b"", meter()).is_broken
    assert attempt(giving(UnreadableError("")), b"", meter()).is_broken
    assert not attempt(giving(SHUT, UnsupportedError("")), b"", meter()).is_broken
