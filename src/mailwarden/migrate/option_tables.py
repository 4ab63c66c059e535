"""What every option and variable of Qmail-Scanner, with the 'st' patch or without, is here.

A row for each option of facts 2.1 and 2.2, under its folded name (`given.folded`); other spellings
and the names of variables are in `_SAME_AS`, some of them recollections that no document confirms
(a name that no program has does no harm). What an option's value becomes is in `carrying` where it
is simple, else in `option_rows`.
"""

from collections.abc import Iterable, Iterator, Mapping

from mailwarden.migrate import option_rows as rows
from mailwarden.migrate.carrying import (
    Carry,
    as_loss,
    as_name,
    as_nothing,
    as_path,
    as_points,
    as_switch,
    as_text,
    as_whole,
)
from mailwarden.migrate.decisions import Decision, Loss, Outcome
from mailwarden.migrate.given import Given, Options, Origin, folded, merged

# Options that stand alone on the line.
SWITCHES = frozenset({"install", "batch", "skip-setuid-test", "no-QQ-check", "no-qq-check", "help"})

_INSTALLER = "only for installing the original"

_ROWS: Mapping[str, Carry] = {
    "qs-user": as_nothing("the daemon runs as the user mailwarden"),
    "qs-group": as_nothing("the daemon runs with the group mailwarden"),
    "qmaildir": rows.qmail_directory,
    "spooldir": as_nothing("ours is spool.directory; the old one is read and left as it is"),
    "bindir": as_nothing("mailwarden-queue has its own place"),
    "etcdir": as_nothing("the rule files are read where they are"),
    "logdir": as_path(
        "log.directory", "the old logs are written on there; the user mailwarden must be able to"
    ),
    "qmail-queue-binary": as_path(
        "queue.program", "also tell mailwarden-queue: MAILWARDEN_QMAIL_QUEUE in its environment"
    ),
    "qmail-inject-binary": as_nothing("notices go straight to queue.program; see outbox.command"),
    "admin": rows.administrator,
    "domain": rows.domain,
    "admin-fromname": as_text("notices.admin_name", "the name in From of notices"),
    "scanners": rows.scanners,
    "skip-text-msgs": as_switch(
        "viruses.skip_text_only",
        "as the original has it; false is safer: a message of text can carry a virus, too",
    ),
    "notify": rows.notify,
    "local-domains": rows.local_domains,
    "silent-viruses": rows.silent_viruses,
    "lang": rows.language,
    "archive": rows.archive,
    "redundant": as_switch("unpacking.redundant", "scanners see archives and what is in them"),
    "log-details": rows.log_details,
    "log-crypto": as_switch("log.crypto", "signed and encrypted mail is marked in the records"),
    "fix-mime": rows.structure_checks,
    "ignore-eol-check": as_switch("structure.ignore_eol", "CR and NUL in headers"),
    "add-dscr-hdrs": rows.descriptive_headers,
    "dscr-hdrs-text": as_text("headers.prefix", "followers of the old header fields find them"),
    "normalize": as_nothing("names and header fields are always decoded, and read raw as well"),
    "debug": rows.queue_log,
    "minidebug": rows.queue_log_minimal,
    "unzip": as_nothing("archives are always opened here"),
    "max-zip-size": as_whole(
        "unpacking.unpacked_bytes", "ours counts what all archives of a message hold, together"
    ),
    "max-scan-size": rows.largest_message,
    "max-unpacked-files": as_whole("unpacking.files", "the files of all archives together"),
    "block-password-protected": rows.password_protected,
    "virusdir": as_name("viruses", "the Maildir for viruses is called viruses here"),
    "policydir": as_name("policy", "the Maildir for policy events is called policy here"),
    "spamdir": rows.spam_folder,
    "sa-quarantine": as_points("spam.quarantine_above", "points above the required score"),
    "sa-delete": as_points("spam.delete_above", "points above the required score"),
    "sa-reject": as_switch("spam.reject", "rejected in SMTP, where the original did"),
    "sa-delta": as_points("spam.delta", "LOW, MEDIUM and HIGH in the subject"),
    "sa-subject": as_text("spam.subject", "put before the subject of spam"),
    "sa-alt": rows.other_routine,
    "sa-fast": rows.fast_or_verbose,
    "sa-debug": as_switch("spam.debug", "tests and scores in logs and notices"),
    "sa-report": as_switch("spam.report", "X-Spam-Report on spam"),
    "sa-forward": as_text("spam.forward", "quarantined spam is also sent there"),
    "sa-fwd-verbose": as_switch("spam.forward_verbose", "with the X-Spam fields"),
    "sa-skip-md": as_switch("spam.skip_bounces", "bounces are not scored"),
    "sa-socket": rows.spamd_socket,
    "sa-remote": rows.spamd_remote,
    "sa-timeout": rows.spamd_timeout,
    "sa-faulttolerant": rows.spamd_fault,
    "sa-maxsize": as_whole("spamd.max_bytes", "larger messages are not scored"),
    "dlp-monitor": rows.monitored,
    "mime-unpacker": as_nothing("messages are taken apart by our own reader"),
    "virus-to-delete": rows.deletes_viruses,
    "viruses-to-delete": rows.viruses_to_delete,
    "scanners-per-domain": rows.per_domain,
    "settings-per-domain": rows.per_domain,
    "quarantine-reject": as_loss(
        "its meaning is not documented; if it rejected what was quarantined, set "
        'dispositions.virus, policy and malformed to "reject"'
    ),
    "setuidgid-path": as_nothing(_INSTALLER),
    "install": as_nothing(_INSTALLER),
    "batch": as_nothing(_INSTALLER),
    "skip-setuid-test": as_nothing(_INSTALLER),
    "no-qq-check": as_nothing(_INSTALLER),
    "maxtime": as_nothing("limits.message_seconds is what a message may take here"),
}

# Options of other versions (facts 2.1), and what the variables behind options are called.
_SAME_AS: Mapping[str, str] = {
    "user": "admin",
    "admin-description": "admin-fromname",
    "v-fromname": "admin-fromname",
    "v-from": "admin",
    "quarantine-cc": "admin",
    "qmailqueue": "qmail-queue-binary",
    "qmail-queue": "qmail-queue-binary",
    "qmailinject": "qmail-inject-binary",
    "qmail-inject": "qmail-inject-binary",
    "scanners-default": "scanners",
    "scanner": "scanners",
    "skip-text": "skip-text-msgs",
    "notify-addrs": "notify",
    "archiveit": "archive",
    "redundant-scanning": "redundant",
    "bad-mime-checks": "fix-mime",
    "ignore-eol": "ignore-eol-check",
    "descriptive-hdrs": "add-dscr-hdrs",
    "add-descriptive-hdrs": "add-dscr-hdrs",
    "descriptive-hdrs-text": "dscr-hdrs-text",
    "normalize-msgs": "normalize",
    "force-unzip": "unzip",
    "vmaildir": "virusdir",
    "pmaildir": "policydir",
    "smaildir": "spamdir",
    "spamc-subject": "sa-subject",
    "sa-fwd": "sa-forward",
    "sa-hdr-report": "sa-report",
    "spamd-socket": "sa-socket",
    "sa-max-size": "sa-maxsize",
    "qs-spooldir": "spooldir",
}

# What the original does when nothing is said (facts 2.1), where ours differs.
_DEFAULTS: Mapping[str, str] = {
    "scanners": "auto",
    "skip-text-msgs": "yes",
    "notify": "sender,admin",
    "admin": "root",
    "log-details": "syslog",
    "debug": "yes",
    "max-zip-size": "1000000000",
    "block-password-protected": "no",
    "dscr-hdrs-text": "X-Qmail-Scanner",
    "sa-alt": "no",
    "sa-faulttolerant": "no",
}

_ITSELF = "Qmail-Scanner itself"
# What the original does and has no option for, where ours differs.
_ALWAYS = (
    Decision("log.quarantine_log", value=True, why="it always wrote this log", source=_ITSELF),
    Decision(
        "dispositions.ambiguous",
        "tag",
        "it let pass what mail programs read differently; safer: leave this line out",
        _ITSELF,
    ),
    Decision(
        "dispositions.unopened",
        "tag",
        "it let pass what it could not open; safer: leave this line out",
        _ITSELF,
    ),
    Decision(
        "dispositions.over_limit",
        "quarantine",
        "it blocked what was over max-zip-size or max-unpacked-files",
        _ITSELF,
    ),
    Decision(
        "dispositions.oversize",
        "tag",
        "it let large messages pass unscanned; safer: leave this line out, they are rejected then",
        _ITSELF,
    ),
)


def known_options() -> frozenset[str]:
    """Every name that the tables know, aliases included."""
    return frozenset({*_ROWS, *_SAME_AS})


def option_named(name: str, sigil: str = "") -> str:
    """The option that a name, of an option or of a variable, stands for; empty: none."""
    plain = folded(name)
    if sigil == "@" and plain == "virus-to-delete":
        return "viruses-to-delete"
    plain = _SAME_AS.get(plain, plain)
    return plain if plain in _ROWS else ""


def outcomes_of(givens: Iterable[Given]) -> Iterator[Outcome]:
    """What all options together are here, the original's defaults included."""
    defaults = (
        Given(name, text, f"Qmail-Scanner's default for {name}, {text}", Origin.DEFAULT)
        for name, text in _DEFAULTS.items()
    )
    options = merged((*defaults, *givens))
    yield from _ALWAYS
    for given in options.by_name.values():
        yield from _carried(given, options)


def _carried(given: Given, options: Options) -> Iterator[Outcome]:
    try:
        yield from _ROWS[given.option](given, options)
    except ValueError as error:
        yield Loss(given.source, str(error))
