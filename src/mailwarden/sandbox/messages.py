"""What daemon, nursery and children tell each other, as bytes.

A task is a packet of two sizes with three descriptors: a sealed memory file with the payload's
octets and then the job, an empty memory file for what comes out, and a socket. The child is given
the packet and the two files; on the socket the nursery says how it ended (it is dead then). What
came out is, one after the other: the octets that were kept, the `Outcome`, and the size of that.

A child has read mail by then: whatever it wrote is checked as if an enemy had written it.
"""

import math
import os
import struct
from dataclasses import asdict, dataclass
from typing import Final

import msgspec

from mailwarden.unpack.contents import Contents, Item, Span
from mailwarden.unpack.walk import Job
from mailwarden.wire.errors import PeerError

TASK = struct.Struct("=QQ")
TASK_FILES = 2
TASK_DESCRIPTORS = TASK_FILES + 1
ENDED = struct.Struct("=i")
OUTCOME_SIZE = struct.Struct("=Q")
MOST_GREETING_BYTES = 4096

# How a child ends that has told nothing (sysexits.h): it failed, or it was not given what it needs.
EXIT_FAILED: Final = os.EX_SOFTWARE
EXIT_TEMPORARY: Final = os.EX_TEMPFAIL

# The daemon's loop reads it at once, in about 60 ms; 20,000 members with usual names fit in.
MOST_OUTCOME_BYTES = 8_000_000
_MOST_FAILURE_CHARACTERS = 200

_Plain = dict[str, "_Plain"] | tuple["_Plain", ...] | str | int | float | None


@dataclass(frozen=True, slots=True)
class Protection:
    """What the kernel offers to lock a child in with; an ABI of 0 means no Landlock."""

    landlock_abi: int
    has_seccomp: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """What does not hold, in words for the log; empty when everything does."""
        gaps = (
            (self.landlock_abi == 0, "Landlock (files)"),
            (self.landlock_abi == 0 and not self.has_seccomp, "any lock on the network"),
            (not self.has_seccomp, "seccomp (system calls)"),
        )
        return tuple(text for is_missing, text in gaps if is_missing)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a child says: the contents, or why there are none in our own words.

    `is_out_of_memory` says that it asked for more than it may have.
    """

    contents: Contents | None = None
    failure: str = ""
    is_out_of_memory: bool = False


# Made once, in the nursery, for all of its children.
_JOBS = msgspec.json.Decoder(Job)
_OUTCOMES = msgspec.json.Decoder(Outcome)


def encode(value: Job | Outcome | Protection) -> bytes:
    """As JSON; half of a surrogate pair, which no JSON can hold, becomes a question mark."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(asdict(value)))


def decode_job(octets: bytes) -> Job:
    """The job that our own daemon wrote."""
    return _JOBS.decode(octets)


def decode_protection(octets: bytes) -> Protection:
    """The greeting of a nursery, which has read no mail."""
    return msgspec.json.decode(octets, type=Protection)


def decode_outcome(octets: bytes, kept_bytes: int) -> Outcome:
    """What a child wrote behind `kept_bytes` of octets; raises `PeerError` for nonsense."""
    try:
        outcome = _OUTCOMES.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError("what the helper process told is not an outcome") from error
    if outcome.contents:
        _check(outcome.contents, kept_bytes)
    return Outcome(
        outcome.contents, _printable(outcome.failure), is_out_of_memory=outcome.is_out_of_memory
    )


def _check(contents: Contents, kept_bytes: int) -> None:
    spent = contents.spent
    numbers = (spent.bytes_produced, spent.files, spent.seconds)
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise PeerError("the helper process told of less than nothing")
    if not contents.items or not all(_is_possible(item, kept_bytes) for item in contents.items):
        raise PeerError("the helper process told of items that cannot be")


def _is_possible(item: Item, kept_bytes: int) -> bool:
    span = item.extracted or Span(0, 0)
    return 0 <= span.start <= span.end <= kept_bytes and (item.size_bytes or 0) >= 0


def _printable(text: str) -> str:
    return "".join(c for c in text[:_MOST_FAILURE_CHARACTERS] if c.isascii() and c.isprintable())


def _without_surrogates(value: _Plain) -> _Plain:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case tuple():
            return tuple(_without_surrogates(each) for each in value)
        case dict():
            return {key: _without_surrogates(each) for key, each in value.items()}
        case _:
            return value
