"""What two settings may not say together.

Each rule is a row: the settings that it reads, when they contradict each other, what to say.
Single values were checked before, by `model`; nothing here looks at the machine.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path, PurePath

from mailwarden.settings.model import Settings
from mailwarden.settings.per_recipient import ScannerName

# How long mailwarden-queue waits for a verdict when MAILWARDEN_TIMEOUT is not set.
CLIENT_TIMEOUT_SECONDS = 300.0
_HOUR_SECONDS = 3_600
# What the quarantine has of its own: facts about messages, and copies that are to be queued.
_RESERVED_FOLDERS = ("envelopes", "undelivered")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Settings that cannot hold together: their dotted keys, what is wrong, what would be right."""

    keys: tuple[str, ...]
    message: str
    suggestion: str

    @property
    def involved(self) -> frozenset[str]:
        """The settings that it is about, and their tables."""
        return frozenset({*self.keys, *(key.partition(".")[0] for key in self.keys)})


@dataclass(frozen=True, slots=True)
class _Rule:
    """A row; `message` is a format over `s`, the settings.

    `for_profiles` is false where a profile may well differ from what is right for everybody.
    """

    keys: tuple[str, ...]
    is_broken: Callable[[Settings], bool]
    message: str
    suggestion: str
    for_profiles: bool = True


def contradictions(settings: Settings) -> tuple[Contradiction, ...]:
    """Everything that these settings say against each other, in the order of the rules."""
    return tuple(
        Contradiction(rule.keys, rule.message.format(s=settings), rule.suggestion)
        for rule in _RULES
        if rule.is_broken(settings)
    )


def contradictions_of_profile(
    effective: Settings, said: Mapping[str, object], names: Mapping[str, str]
) -> tuple[Contradiction, ...]:
    """What effective settings say against each other because of what a profile says of them.

    `said` has its settings by the site's keys, `names` what they are called where it stands.
    To switch something off contradicts nothing: who forbids the deletion of spam that is
    rejected for others need not forbid the rejection, too.
    """
    return tuple(
        Contradiction(
            rule.keys,
            _renamed(rule.message, names).format(s=effective),
            _renamed(rule.suggestion, names),
        )
        for rule in _RULES
        if rule.for_profiles and any(map(said.get, rule.keys)) and rule.is_broken(effective)
    )


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Call settings by other names, but not in `{s.spam.delta}`, where their values come."""
    keys = "|".join(map(re.escape, names))
    return re.sub(rf"(?<![\w.])(?:{keys})(?![\w.])", lambda found: names[found[0]], text)


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


def _names_no_program(s: Settings) -> bool:
    return bool(s.outbox.command) and not PurePath(s.outbox.command[0]).is_absolute()


def _has_recipients_of_its_own(s: Settings) -> bool:
    """`-t` takes addresses from the message, beside or instead of ours; `-f` is ours to say."""
    return any(word == "-t" or word.startswith("-f") for word in s.outbox.command[1:])


_SENDERS = frozenset({"sender", "psender"})
_RECIPIENTS = frozenset({"recips", "precips"})


def _tells_nobody(s: Settings) -> bool:
    """Senders and recipients are told where they are ours, and nobody is."""
    notices = s.notices
    told = set(notices.notify)
    if notices.admin or notices.local_domains:
        return False
    return bool(told & _RECIPIENTS) or (bool(told & _SENDERS) and not notices.outside_senders)


def _gives_up_before_it_sends(s: Settings) -> bool:
    return s.outbox.gather_seconds >= s.outbox.keep_hours * _HOUR_SECONDS


def _is_same_file(s: Settings) -> bool:
    files = s.per_domain
    if files.scanners_file is None or files.settings_file is None:
        return False
    return normpath(files.scanners_file.path) == normpath(files.settings_file.path)


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
        for_profiles=False,
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
    _Rule(
        ("spam.forward", "spam.quarantine_above"),
        lambda s: bool(s.spam.forward) and s.spam.quarantine_above == 0,
        "spam.forward is sent quarantined spam, and no spam is ever quarantined, "
        "for spam.quarantine_above is 0, which is off",
        "set spam.quarantine_above, or leave spam.forward out",
    ),
    _Rule(
        ("spam.forward_verbose", "spam.forward"),
        lambda s: s.spam.forward_verbose and not s.spam.forward,
        "spam.forward_verbose is about what is forwarded, and spam.forward is empty",
        "set spam.forward, or leave spam.forward_verbose out",
    ),
    _Rule(
        ("spam.maildir",),
        lambda s: s.spam.maildir in _RESERVED_FOLDERS,
        "spam.maildir is {s.spam.maildir}, which the quarantine needs for itself",
        "give the Maildir for spam another name",
    ),
    _Rule(
        ("notices.notify",),
        lambda s: "none" in s.notices.notify and len(s.notices.notify) > 1,
        "notices.notify has none beside others",
        "write none alone, or the others",
    ),
    _Rule(
        ("notices.notify", "notices.local_domains", "notices.admin"),
        _tells_nobody,
        "notices.notify has senders or recipients, who are told in domains of ours only, and "
        "there are none, for notices.local_domains and notices.admin are empty",
        "set notices.local_domains",
    ),
    _Rule(
        ("outbox.command",),
        _names_no_program,
        "outbox.command does not begin with a program's whole path",
        "write it as /usr/sbin/sendmail, for nobody looks for it",
    ),
    _Rule(
        ("outbox.command",),
        _has_recipients_of_its_own,
        'outbox.command has -t or -f, and `-f "" -- recipient` is added to it',
        "take -t and -f out of outbox.command",
    ),
    _Rule(
        ("outbox.gather_seconds", "outbox.keep_hours"),
        _gives_up_before_it_sends,
        "outbox.gather_seconds ({s.outbox.gather_seconds:g}) is not below outbox.keep_hours "
        "({s.outbox.keep_hours}), so notices would be given up before they are sent",
        "lower outbox.gather_seconds, or raise outbox.keep_hours",
    ),
    _Rule(
        ("log.crypto", "log.details"),
        lambda s: s.log.crypto and not s.log.details,
        "log.crypto is said in the records of log.details, and there are none",
        'set log.details = ["syslog"], or leave log.crypto out',
    ),
    _Rule(
        ("log.directory", "spool.directory"),
        lambda s: _is_within(s.log.directory, s.spool.directory),
        "log.directory ({s.log.directory}) is in spool.directory ({s.spool.directory}), "
        "which holds nothing that lasts",
        "move log.directory out of spool.directory",
    ),
    _Rule(
        ("log.directory", "quarantine.directory"),
        lambda s: _is_within(s.log.directory, s.quarantine.directory),
        "log.directory ({s.log.directory}) is in quarantine.directory "
        "({s.quarantine.directory}), which holds Maildirs and envelopes only",
        "move log.directory out of quarantine.directory",
    ),
    _Rule(
        ("archive.directory", "spool.directory"),
        lambda s: _is_within(s.archive.directory, s.spool.directory),
        "archive.directory ({s.archive.directory}) is in spool.directory "
        "({s.spool.directory}), which holds nothing that lasts",
        "move archive.directory out of spool.directory",
    ),
    _Rule(
        ("archive.directory", "quarantine.directory"),
        lambda s: _is_within(s.archive.directory, s.quarantine.directory),
        "archive.directory ({s.archive.directory}) is in quarantine.directory "
        "({s.quarantine.directory}), where only what was kept back belongs",
        "keep archive.directory and quarantine.directory side by side",
    ),
    _Rule(
        ("per_domain.scanners_file", "per_domain.settings_file"),
        _is_same_file,
        "per_domain.scanners_file and per_domain.settings_file are the same file",
        "name the file once: per_domain.settings_file may have other settings than scanners",
    ),
)
