"""Runs one opener over octets and says what came out, as the walk would take it."""

import time
from dataclasses import dataclass

from mailwarden.unpack.budget import Budget, OverLimitError, UnpackLimits
from mailwarden.unpack.members import Member, Opener, Trait, UnreadableError, UnsupportedError

LIMITS = UnpackLimits(bytes_produced=50_000_000, files=1_000, depth=5, ratio=250, seconds=20.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All members, the container's traits, and the error that ended it, if one did."""

    members: tuple[Member, ...]
    traits: frozenset[Trait]
    error: OverLimitError | UnreadableError | UnsupportedError | None = None

    @property
    def octets(self) -> dict[str, bytes | None]:
        """Content of the members by their first names."""
        return {next(iter(member.names), ""): member.octets for member in self.members}

    @property
    def is_clean(self) -> bool:
        """Whether everything was looked through."""
        return self.error is None and not any(
            member.unopened or Trait.ENCRYPTED in member.traits for member in self.members
        )


def opened(opener: Opener, octets: bytes, limits: UnpackLimits = LIMITS) -> Outcome:
    """Open octets; only the named errors are caught."""
    members: list[Member] = []
    traits: set[Trait] = set()
    error: OverLimitError | UnreadableError | UnsupportedError | None = None
    try:
        for found in opener(octets, Budget(limits, time.monotonic).meter(len(octets))):
            if isinstance(found, Trait):
                traits.add(found)
            else:
                members.append(found)
    except (OverLimitError, UnreadableError, UnsupportedError) as caught:
        error = caught
    return Outcome(tuple(members), frozenset(traits), error)
