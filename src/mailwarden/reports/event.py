"""One message as a source of statistics tells of it: the same value whatever the source.

Sources know different things: what one does not say is `None` or empty, and is not counted.
"""

from enum import Enum, auto, unique

import msgspec

from mailwarden.verdict.disposition import Disposition

# Room for an address (RFC 5321: 256) and for the description of a rule.
_TEXT_CHARACTERS = 300


@unique
class EventKind(Enum):
    """What decided about the message."""

    CLEAN = "clean"
    VIRUS = "virus"
    POLICY = "policy"
    SPAM = "spam"
    FAULT = "fault"


class Quiet(Enum):
    """A line that belongs to a log and says nothing that is counted."""

    QUIET = auto()


QUIET = Quiet.QUIET


# A struct, not a dataclass: a log has millions, and these are made five times as quickly.
class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One message, or (`further`) one more recipient of a message that was told already.

    `at` is seconds since the epoch; `name` is what was found, or why it was deferred; `asked`,
    `found_by` and `failed` name scanners. All texts went through `foreign_text`.
    """

    disposition: Disposition
    kind: EventKind = EventKind.CLEAN
    name: str = ""
    at: float | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    size_bytes: int | None = None
    seconds: float | None = None
    score: float | None = None
    asked: tuple[str, ...] = ()
    found_by: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    further: bool = False


def foreign_text(text: str) -> str:
    r"""Text from a log as one short printable piece: what moves a cursor or hides as `\x1b`."""
    cut = text[:_TEXT_CHARACTERS]
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def foreign_address(text: str) -> str:
    """An address from a log; `<>` and `#@[]` (a double bounce) stand for nobody."""
    bare = text.strip().strip("<>")
    return "" if bare == "#@[]" else foreign_text(bare)
