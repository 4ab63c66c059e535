"""What two settings may not say together.

Each rule is a row: the settings that it reads, when they contradict each other, what to say.
Single values were checked before, by `model`; nothing here looks at the machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path, PurePath

from mailwarden.settings.model import ScannerName, Settings

# How long mailwarden-queue waits for a verdict when MAILWARDEN_TIMEOUT is not set.
CLIENT_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Settings that cannot hold together: their dotted keys, what is wrong, what would be right."""

    keys: tuple[str, ...]
    message: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """A row; `message` is a format over `s`, the settings."""

    keys: tuple[str, ...]
    is_broken: Callable[[Settings], bool]
    message: str
    suggestion: str


def contradictions(settings: Settings) -> tuple[Contradiction, ...]:
    """Everything that these settings say against each other, in the order of the rules."""
    return tuple(
        Contradiction(rule.keys, rule.message.format(s=settings), rule.suggestion)
        for rule in _RULES
        if rule.is_broken(settings)
    )


def _delete_is_not_above_quarantine(s: Settings) -> bool:
    return 0 < s.spam.delete_above <= s.spam.quarantine_above


def _high_is_never_delivered(s: Settings) -> bool:
    return s.spam.delta > 0 and 0 < s.spam.quarantine_above <= 2 * s.spam.delta


def _asked(s: Settings) -> set[ScannerName]:
    """Scanners that take time; the built-in test patterns do not."""
    return set(s.scanners) - {"test-patterns"}


def _clamd_alone_is_too_slow(s: Settings) -> bool:
    seconds = s.limits.wait_seconds + s.clamd.timeout_seconds
    return _asked(s) == {"clamd"} and seconds >= s.limits.message_seconds


def _spamd_alone_is_too_slow(s: Settings) -> bool:
    seconds = s.limits.wait_seconds + s.spamd.timeout_seconds
    return _asked(s) == {"spamd"} and seconds >= s.limits.message_seconds


def _both_waves_are_too_slow(s: Settings) -> bool:
    """Spam scoring begins when virus scanning has ended, so their times add up."""
    seconds = s.limits.wait_seconds + s.clamd.timeout_seconds + s.spamd.timeout_seconds
    return _asked(s) == {"clamd", "spamd"} and seconds >= s.limits.message_seconds


def _is_within(path: Path, directory: Path) -> bool:
    """Whether a path is a directory or lies in it, by name alone (`..` is resolved, links not)."""
    return PurePath(normpath(path)).is_relative_to(normpath(directory))


_RULES: tuple[_Rule, ...] = (
    _Rule(
        ("spam.delete_above", "spam.quarantine_above"),
        _delete_is_not_above_quarantine,
        "spam.delete_above ({s.spam.delete_above}) is not above "
        "spam.quarantine_above ({s.spam.quarantine_above}), "
        "so nothing would ever be quarantined as spam",
        "raise spam.delete_above, or set spam.quarantine_above = 0 to quarantine no spam",
    ),
    _Rule(
        ("spam.delta", "spam.quarantine_above"),
        _high_is_never_delivered,
        "twice spam.delta ({s.spam.delta}) is not below spam.quarantine_above "
        "({s.spam.quarantine_above}), "
        "so no delivered message could ever be marked HIGH",
        "lower spam.delta to less than half of spam.quarantine_above",
    ),
    _Rule(
        ("spam.delta", "spam.subject"),
        lambda s: s.spam.delta > 0 and not s.spam.subject,
        "LOW, MEDIUM and HIGH stand after the subject's text, and spam.subject is empty",
        'set spam.subject (for example "SPAM *** "), or leave spam.delta out',
    ),
    _Rule(
        ("spam.reject", "spam.delete_above"),
        lambda s: s.spam.reject and s.spam.delete_above == 0,
        "nothing can be rejected as spam, for spam.delete_above is 0, which is off",
        "set spam.delete_above, or leave spam.reject out",
    ),
    _Rule(
        ("spam.subject", "spamd.mode"),
        lambda s: bool(s.spam.subject) and s.spamd.mode == "verbose",
        "spam.subject is written in fast mode only, and spamd.mode is verbose, "
        "where spamd itself rewrites the subject",
        'set spamd.mode = "fast", or leave spam.subject to rewrite_header in SpamAssassin',
    ),
    _Rule(
        ("clamd.method", "clamd.addresses"),
        lambda s: (
            s.clamd.method == "fildes" and any(a.startswith("tcp:") for a in s.clamd.addresses)
        ),
        "clamd.method is fildes, and descriptors cannot be passed over TCP",
        'set clamd.method = "auto", which streams over TCP',
    ),
    _Rule(
        ("clamd.timeout_seconds", "limits.message_seconds", "limits.wait_seconds", "scanners"),
        _clamd_alone_is_too_slow,
        "clamd.timeout_seconds ({s.clamd.timeout_seconds:g}) and limits.wait_seconds "
        "({s.limits.wait_seconds:g}) together must be below limits.message_seconds "
        "({s.limits.message_seconds:g})",
        "lower clamd.timeout_seconds",
    ),
    _Rule(
        ("spamd.timeout_seconds", "limits.message_seconds", "limits.wait_seconds", "scanners"),
        _spamd_alone_is_too_slow,
        "spamd.timeout_seconds ({s.spamd.timeout_seconds:g}) and limits.wait_seconds "
        "({s.limits.wait_seconds:g}) together must be below limits.message_seconds "
        "({s.limits.message_seconds:g})",
        "lower spamd.timeout_seconds",
    ),
    _Rule(
        (
            "clamd.timeout_seconds",
            "spamd.timeout_seconds",
            "limits.message_seconds",
            "limits.wait_seconds",
            "scanners",
        ),
        _both_waves_are_too_slow,
        "clamd.timeout_seconds ({s.clamd.timeout_seconds:g}), spamd.timeout_seconds "
        "({s.spamd.timeout_seconds:g}) and limits.wait_seconds ({s.limits.wait_seconds:g}) "
        "together must be below limits.message_seconds ({s.limits.message_seconds:g})",
        "lower the scanners' timeouts",
    ),
    _Rule(
        ("limits.message_seconds",),
        lambda s: s.limits.message_seconds >= CLIENT_TIMEOUT_SECONDS,
        "limits.message_seconds ({s.limits.message_seconds:g}) must be below the "
        f"{CLIENT_TIMEOUT_SECONDS:g} seconds after which mailwarden-queue gives up",
        "lower limits.message_seconds",
    ),
    _Rule(
        ("limits.memory_bytes", "limits.message_bytes"),
        lambda s: s.limits.memory_bytes > s.limits.message_bytes,
        "limits.memory_bytes ({s.limits.memory_bytes}) is more than "
        "limits.message_bytes ({s.limits.message_bytes}), "
        "so nothing would ever go to the spool",
        "lower limits.memory_bytes to at most limits.message_bytes",
    ),
    _Rule(
        ("scanners",),
        lambda s: len(set(s.scanners)) < len(s.scanners),
        "a scanner is listed twice",
        "list each scanner once",
    ),
    _Rule(
        ("quarantine.directory", "spool.directory"),
        lambda s: _is_within(s.quarantine.directory, s.spool.directory),
        "quarantine.directory ({s.quarantine.directory}) is in spool.directory "
        "({s.spool.directory}), "
        "which holds nothing that lasts",
        "keep quarantine.directory and spool.directory side by side",
    ),
    _Rule(
        ("spool.directory", "quarantine.directory"),
        lambda s: (
            _is_within(s.spool.directory, s.quarantine.directory)
            and not _is_within(s.quarantine.directory, s.spool.directory)
        ),
        "spool.directory ({s.spool.directory}) is in quarantine.directory "
        "({s.quarantine.directory}), "
        "which holds Maildirs and envelopes only",
        "keep quarantine.directory and spool.directory side by side",
    ),
    _Rule(
        ("store.database", "spool.directory"),
        lambda s: _is_within(s.store.database, s.spool.directory),
        "store.database ({s.store.database}) is in spool.directory ({s.spool.directory}), "
        "which holds nothing that lasts",
        "move store.database out of spool.directory",
    ),
    _Rule(
        ("quarantine.release_key", "spool.directory"),
        lambda s: _is_within(s.quarantine.release_key, s.spool.directory),
        "quarantine.release_key ({s.quarantine.release_key}) is in "
        "spool.directory ({s.spool.directory}), "
        "which holds nothing that lasts",
        "move quarantine.release_key out of spool.directory",
    ),
    _Rule(
        ("quarantine.release_key", "store.database"),
        lambda s: normpath(s.quarantine.release_key) == normpath(s.store.database),
        "quarantine.release_key ({s.quarantine.release_key}) is also store.database",
        "give the key and the database a file each",
    ),
)
