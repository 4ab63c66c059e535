"""Several openers for one format: the first that opens all of it, else the one that got furthest.

What one opener gives is held back until it has come to its end, so that an archive is never half
opened by one while another could open the whole.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailwarden.unpack.budget import Meter, OverLimitError
from mailwarden.unpack.members import (
    Member,
    Opened,
    Opener,
    UnreadableError,
    UnsupportedError,
)

# Why a member or an archive is not all there.
BROKEN = "it is broken or ends early"
METHOD = "its method is not known here"


@dataclass(frozen=True, slots=True)
class Attempt:
    """All that one opener gave, and the error that it ended with."""

    found: tuple[Opened, ...]
    error: UnreadableError | UnsupportedError | OverLimitError | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing stayed shut but what needs a password."""
        return self.error is None and not any(
            member.unopened for member in self.found if isinstance(member, Member)
        )

    @property
    def is_broken(self) -> bool:
        """Whether something is wrong with the archive rather than with what can be opened here."""
        return isinstance(self.error, UnreadableError) or any(
            member.unopened == BROKEN for member in self.found if isinstance(member, Member)
        )

    @property
    def size_bytes(self) -> int:
        """How much came out."""
        return sum(len(member.octets or b"") for member in self.found if isinstance(member, Member))

    def tell(self) -> Iterator[Opened]:
        """Give what was found, then raise the error."""
        yield from self.found
        if self.error:
            raise self.error


def attempt(opener: Opener, octets: bytes, meter: Meter) -> Attempt:
    """Open to the end with one opener, whose octets alone count; raises nothing."""
    meter.start_over()
    found: list[Opened] = []
    try:
        found.extend(opener(octets, meter))
    except (UnreadableError, UnsupportedError, OverLimitError) as error:
        return Attempt(tuple(found), error)
    return Attempt(tuple(found))


def open_with_first(openers: Iterable[Opener], octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Try openers in order until one opens all; a limit that is hit ends the trying."""
    attempts: list[Attempt] = []
    for opener in openers:
        attempts.append(attempt(opener, octets, meter))
        if attempts[-1].is_whole or isinstance(attempts[-1].error, OverLimitError):
            break
    yield from furthest(attempts).tell()


def furthest(attempts: Iterable[Attempt]) -> Attempt:
    """The attempt that is whole or gave the most octets, the earlier one of equals."""
    return max(attempts, key=lambda made: (made.is_whole, made.size_bytes))
