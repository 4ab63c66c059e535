"""What the SMTP server hears: exit codes and texts, one table for each flavour of qmail.

Codes 11 to 40 are permanent for qmail, all else temporary; unknown means temporary.
Sources: qmail-queue(8), facts 1.2, DESIGN section 2 (flavours).
"""

from dataclasses import dataclass
from enum import Enum

from mailwarden.wire.gate import Exit

_PERMANENT = 31
_TOLD = 82


class Trouble(Enum):
    """Why a message could not be dealt with at all; the value is the exit code."""

    BUSY = 71
    OUT_OF_MEMORY = 51
    TIMED_OUT = 52
    CANNOT_WRITE = 53
    ABANDONED = 54
    ADDRESS_TOO_LONG = 11
    BAD_ENVELOPE = 91
    OUR_BUG = 81


@dataclass(frozen=True, slots=True)
class Telling:
    """Where a qmail-smtpd reads its queue program's text; `use_error_fd` asks ERROR_FD first."""

    descriptor: int
    use_error_fd: bool = False


_FLAVOURS: dict[str, Telling | None] = {
    "plain": None,
    "custom-error": Telling(4),
    "sagredo": Telling(4, use_error_fd=True),
    "indimail": Telling(2, use_error_fd=True),
    "notqmail": Telling(6),
}


def kept_reply() -> Exit:
    """Success: the message is in quarantine, or deleted on record."""
    return Exit(0)


def reject_reply(flavour: str, text: str) -> Exit:
    """A permanent refusal; `text` is told where the flavour can tell it."""
    return _told(flavour, "D", _PERMANENT, text)


def defer_reply(flavour: str, text: str) -> Exit:
    """A temporary refusal; `text` is told where the flavour can tell it."""
    return _told(flavour, "Z", Trouble.BUSY.value, text)


def passed_reply(code: int) -> Exit:
    """The real queue's own exit code, which says more than we could; its text nobody has heard."""
    return Exit(Trouble.BUSY.value if code == _TOLD else code)


def trouble_reply(trouble: Trouble) -> Exit:
    """The exit code of a trouble, for which qmail has its own text."""
    return Exit(trouble.value)


def _told(flavour: str, letter: str, plain_code: int, text: str) -> Exit:
    telling = _FLAVOURS[flavour]
    if telling is None:
        return Exit(plain_code)
    line = (letter + text).encode("ascii")
    return Exit(_TOLD, plain_code, telling.descriptor, telling.use_error_fd, line)
