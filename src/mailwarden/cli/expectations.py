"""What must become of each message of `selftest`: computed from the recipient's settings.

Nothing is sent or looked at here. What the settings let nobody find is not tried, and says why.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from mailwarden.cli import samples
from mailwarden.verdict.disposition import Disposition, parse_disposition
from mailwarden.verdict.report import SpamScore
from mailwarden.verdict.thresholds import SpamPolicy, judge_score

if TYPE_CHECKING:
    from mailwarden.settings.model import Settings

# What SpamAssassin gives for GTUBE, and requires where nobody says otherwise.
_GTUBE = SpamScore("spamd", Decimal(1_000), Decimal(5))
# Scanners have many names for EICAR; this is ClamAV's, in small letters.
_EICAR_NAME = "eicar-test-signature"
# No deeper and no larger a message is sent to see a limit work, and less that will be kept.
_MOST_LEVELS = 5_000
_MOST_BYTES = 200_000_000
_MOST_KEPT_BYTES = 10_000_000


class Seen(Enum):
    """What became of a test message, seen from outside; the value is for people."""

    PASSED = "passed"
    WARNED = "passed with a warning"
    TAGGED = "tagged as spam"
    MOVED = "passed, field moved"
    STOPPED = "kept or deleted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    CHANGED = "passed, changed"
    UNSCANNED = "passed, not scanned"
    BELIEVED = "passed, field believed"
    READDRESSED = "passed, to another"


_BECOMES = {
    Disposition.ACCEPT: Seen.PASSED,
    Disposition.TAG: Seen.WARNED,
    Disposition.DEFER: Seen.DEFERRED,
    Disposition.QUARANTINE: Seen.STOPPED,
    Disposition.REJECT: Seen.REJECTED,
    Disposition.DELETE: Seen.STOPPED,
}
Writer = Callable[[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Probe:
    """A test message and what must become of it; `why` it is not tried, where that is nothing."""

    name: str
    write: Writer
    expected: Seen | None
    why: str = ""


def probes(settings: "Settings") -> Iterator[Probe]:
    """All test messages for a recipient with these settings: the original's, then our refusals."""
    asked = settings.dispositions
    yield Probe("harmless", samples.clean, Seen.PASSED)
    yield _forbidden_name(settings)
    eicar, spam = _eicar(settings), _gtube(settings)
    yield _scanned("EICAR in sneaky.txt", samples.eicar_attached, "clamd", eicar, settings)
    yield _scanned("GTUBE", samples.gtube, "spamd", spam, settings)
    # Only a gate that scores spam itself moves the fields of others aside.
    forged = samples.forged_spam_status
    yield _scanned("forged X-Spam-Status", forged, "spamd", Seen.MOVED, settings)
    yield _formed("malformed", samples.blank_before_colon, asked.malformed, settings)
    yield _formed("ambiguous", samples.lost_boundary, asked.ambiguous, settings)
    yield _formed("ambiguous-text", samples.lost_boundary_of_text, asked.ambiguous_text, settings)
    yield Probe("encrypted", samples.encrypted_zip, _becomes(asked.encrypted))
    yield Probe("unopened", samples.unopened_zip, _becomes(asked.unopened))
    yield _over_limit(settings)
    yield _oversize(settings)


def _becomes(word: str) -> Seen:
    return _BECOMES[parse_disposition(word)]


def _forbidden_name(settings: "Settings") -> Probe:
    name, write = "Eicar.com, zeros", samples.forbidden_attachment
    if "com" not in settings.attachments.forbidden_extensions:
        return Probe(name, write, None, "com is not in attachments.forbidden_extensions")
    return Probe(name, write, _becomes(settings.dispositions.policy))


def _scanned(
    name: str,
    write: Writer,
    scanner: str,
    expected: Seen,
    settings: "Settings",
) -> Probe:
    if not {scanner, "test-patterns"} & set(settings.scanners):
        return Probe(name, write, None, f"{scanner} is not among the scanners")
    return Probe(name, write, expected)


def _eicar(settings: "Settings") -> Seen:
    if any(fragment in _EICAR_NAME for fragment in settings.viruses.delete):
        return Seen.STOPPED
    return _becomes(settings.dispositions.virus)


def _gtube(settings: "Settings") -> Seen:
    spam = settings.spam
    policy = SpamPolicy(spam.quarantine_above, spam.delete_above, spam.delta, spam.reject)
    asked = judge_score(_GTUBE, policy, may_reject=True)
    return Seen.TAGGED if asked is Disposition.TAG else _BECOMES[asked]


def _formed(name: str, write: Writer, word: str, settings: "Settings") -> Probe:
    """What is odd in form, and found by its anomaly's code."""
    structure, code = settings.structure, _CODES[name]
    if not structure.enabled:
        return Probe(name, write, None, "structure.enabled is false")
    if code in structure.passed:
        return Probe(name, write, None, f"structure.passed lets {code} pass")
    return Probe(name, write, _becomes(word))


_CODES = {
    "malformed": "blank-before-colon",
    "ambiguous": "multipart-without-parts",
    "ambiguous-text": "multipart-without-parts",
}


def _over_limit(settings: "Settings") -> Probe:
    levels = settings.limits.depth + 1
    write = partial(samples.too_deep, levels=levels)
    if levels > _MOST_LEVELS:
        return Probe("over-limit", write, None, f"limits.depth is more than {_MOST_LEVELS}")
    return Probe("over-limit", write, _becomes(settings.dispositions.over_limit))


def _oversize(settings: "Settings") -> Probe:
    """One byte too many; not so many that they would fill the quarantine test by test."""
    most, asked = settings.limits.message_bytes, parse_disposition(settings.dispositions.oversize)
    write = partial(samples.oversized, size_bytes=most + 1)
    keeps_nothing = asked in (Disposition.REJECT, Disposition.DEFER, Disposition.DELETE)
    if most > (_MOST_BYTES if keeps_nothing else _MOST_KEPT_BYTES):
        return Probe("oversize", write, None, f"limits.message_bytes is {most}: too much to send")
    return Probe("oversize", write, _BECOMES[asked])
