"""Every setting: its name, type, unit, default and one sentence.

Reference, commented sample and JSON schema are made from this file (`mailwarden config describe`).
Where Qmail-Scanner has the same setting, the sentence ends with its name there: `(sa-delete)`.
What two settings may not say together is in `contradictions`; how a file is read, in `load`.
"""

import os
import socket
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field

from mailwarden.settings.rule_tables import RuleFilePath, RuleSettings
from mailwarden.settings.values import (
    AbsolutePath,
    AddressText,
    AnomalyCode,
    Bytes,
    Count,
    ExitText,
    Extension,
    FieldPrefix,
    HostName,
    Line,
    ListOf,
    OpenedDepth,
    Points,
    ProcessCount,
    Seconds,
    Section,
    SocketPath,
    WorkerCount,
)
from mailwarden.verdict.default_rules import DEFAULT_RULES, STARTED_EXTENSIONS, extension_rules
from mailwarden.verdict.rules import AttachmentRules

OnFault = Literal["defer", "quarantine", "tag", "accept"]
OnFinding = Literal["accept", "tag", "defer", "quarantine", "reject", "delete"]
ScannerName = Literal["clamd", "spamd", "test-patterns"]
Flavour = Literal["plain", "custom-error", "sagredo", "indimail", "notqmail"]


class QueueSettings(Section):
    """The door for `mailwarden-queue`, and the queue behind us."""

    socket: SocketPath = Field(
        Path("/run/mailwarden/queue.sock"),
        description="Unix socket that mailwarden-queue connects to.",
    )
    users: ListOf[Line] = Field(
        ("root", "qmaild", "vpopmail"),
        description="Users whose mailwarden-queue is served, as the kernel names the peer; "
        '"*" serves every local user. The daemon\'s own user always is.',
    )
    program: AbsolutePath = Field(
        Path("/var/qmail/bin/qmail-queue"),
        description="The real qmail-queue, run by `quarantine release` and `selftest`; "
        "mailwarden-queue takes it from its own environment (MAILWARDEN_QMAIL_QUEUE) or build.",
    )
    flavour: Flavour = Field(
        "plain",
        description="How your qmail-smtpd takes a text of ours: plain knows only exit codes.",
    )


class LimitSettings(Section):
    """What one message, and all messages together, may cost."""

    message_bytes: Bytes = Field(
        100_000_000, description="Largest message that is looked at; larger is `oversize`."
    )
    memory_bytes: Bytes = Field(
        1_000_000, description="Messages above this size go to the spool and are mapped."
    )
    scanning: Count = Field(
        32, description="Messages being scanned at once, in all workers together."
    )
    wait_seconds: Seconds = Field(
        30.0, description="How long a complete message waits for its turn before it is deferred."
    )
    message_seconds: Seconds = Field(
        240.0, description="Time for one message from its end on: wait, checks, scanners, decision."
    )
    receive_idle_seconds: Seconds = Field(
        1_800.0, description="How long a sender may pause; qmail-smtpd itself gives up after 1200."
    )
    receiving: Count = Field(
        4_000, description="Messages being received at once, in all workers together."
    )
    header_bytes: Bytes = Field(
        1_000_000, description="Largest header of a message or part that is taken apart."
    )
    header_fields: Count = Field(10_000, description="Most fields in one header.")
    parts: Count = Field(2_000, description="Most MIME parts in one message.")
    depth: Count = Field(50, description="Deepest nesting of MIME parts.")


class UnpackingSettings(Section):
    """What looking into archives and documents may cost, for each message."""

    unpacked_bytes: Bytes = Field(
        100_000_000, description="Most bytes that are unpacked (max-zip-size)."
    )
    files: Count = Field(10_000, description="Most files that are unpacked (max-unpacked-files).")
    depth: OpenedDepth = Field(
        16, description="Deepest nesting of archives inside archives that is opened."
    )
    ratio: Count = Field(
        250,
        description="Most bytes unpacked for each byte of an archive, counted above 5 MB.",
    )
    seconds: Seconds = Field(
        1.5,
        description="Processor time for unpacking one message, above a second for each 25 MB.",
    )
    helpers: ProcessCount = Field(
        4, description="Helper processes that unpack at once, for each worker."
    )
    redundant: bool = Field(
        default=False,
        description="Show scanners the archives too, not only what is in them (redundant).",
    )
    on_fault: OnFault = Field(
        "defer",
        description="What a message gets that no helper process could look into now: none was "
        "free before the deadline, or none could be started.",
    )


class DaemonSettings(Section):
    """Processes."""

    workers: WorkerCount = Field(0, description="Worker processes; 0 means one for each processor.")
    drain_seconds: Seconds = Field(
        300.0, description="How long messages in work may take after SIGTERM or a reload."
    )
    hang_seconds: Seconds = Field(
        60.0, description="A worker whose loop stands still so long is replaced."
    )


class ClamdSettings(Section):
    """ClamAV's daemon."""

    addresses: ListOf[AddressText] = Field(
        ("unix:/run/clamav/clamd.ctl",),
        min_length=1,
        description="Where clamd listens; the next is tried when one is dead.",
    )
    method: Literal["auto", "fildes", "instream"] = Field(
        "auto", description="auto passes descriptors over unix sockets and streams over TCP."
    )
    timeout_seconds: Seconds = Field(60.0, description="Time for one address to answer.")
    max_bytes: Bytes = Field(
        25_000_000,
        description="Larger messages are an over-limit finding: keep it at or below clamd's "
        "StreamMaxLength and MaxFileSize, above which clamd itself looks away.",
    )
    connections: Count = Field(8, description="Connections to clamd at once, for each worker.")
    on_fault: OnFault = Field("defer", description="What a message gets that clamd cannot judge.")


class SpamdSettings(Section):
    """SpamAssassin's daemon."""

    addresses: ListOf[AddressText] = Field(
        ("tcp:127.0.0.1:783",),
        min_length=1,
        description="Where spamd listens; the next is tried when one is dead.",
    )
    mode: Literal["fast", "verbose"] = Field(
        "fast",
        description="fast: spamd scores, we write the X-Spam fields; "
        "verbose: spamd's own header fields are taken over.",
    )
    user: Line = Field(
        "", description="User name for spamd's per-user settings; empty leaves it to spamd."
    )
    timeout_seconds: Seconds = Field(60.0, description="Time for one address to answer.")
    max_bytes: Bytes = Field(
        500_000, description="Larger messages are not scored (a header says so); spam is small."
    )
    connections: Count = Field(4, description="Connections to spamd at once, for each worker.")
    on_fault: OnFault = Field("defer", description="What a message gets that spamd cannot judge.")


class SpamSettings(Section):
    """What follows from a spam score; all numbers are points above the required score R."""

    quarantine_above: Points = Field(
        Decimal(0), description="Quarantine above R plus this; 0 is off (sa-quarantine)."
    )
    delete_above: Points = Field(
        Decimal(0), description="Delete, or reject, above R plus this; 0 is off (sa-delete)."
    )
    reject: bool = Field(
        default=False,
        description="Above delete_above, reject in SMTP instead of deleting (sa-reject); "
        "never for this machine and clients with SA_ONLYDELETE_HOST.",
    )
    subject: Line = Field(
        # In encoded words, 100 characters of any script still fit a line of 998 (RFC 5322 2.1.1).
        "",
        max_length=100,
        description="Text put before the subject of spam (sa-subject).",
    )
    delta: Points = Field(
        Decimal(0),
        description="LOW below R plus this, MEDIUM below R plus twice this, else HIGH, "
        "after the subject's text; 0 is off (sa-delta).",
    )
    report: bool = Field(
        default=False,
        description="Add X-Spam-Report to spam (sa-report).",
    )
    skip_bounces: bool = Field(
        default=False,
        description="Do not score mail with an empty sender and From: MAILER-DAEMON (SA_SKIP_MD).",
    )


class AttachmentSettings(Section):
    """Which files may not pass; docs/reference/attachment-rules.md explains the rules."""

    forbidden_extensions: ListOf[Extension] = Field(
        tuple(sorted(STARTED_EXTENSIONS)),
        description="Extensions (lower case, no dot) of files that mail programs may start; "
        "looked for in the names of attachments and of archive members.",
    )
    default_rules: bool = Field(
        default=True,
        description="Deny what ordinary mail does without: programs under any name, "
        "macros from outside that start by themselves, names that hide their ending ...",
    )
    rules_files: ListOf[RuleFilePath] = Field(
        (),
        description="Rule files of Qmail-Scanner, quarantine-attachments.txt or "
        "quarantine-events.txt, read as they are when settings are loaded.",
    )
    rules: ListOf[RuleSettings] = Field(
        (),
        description="Rules of your own, tried before all others; each is a table that begins with "
        "[[attachments.rules]], see `mailwarden config describe attachments.rules`.",
    )

    def arranged(self) -> AttachmentRules:
        """All rules, in the order of trying."""
        tables = (table.rule_at(number) for number, table in enumerate(self.rules, 1))
        from_files = (rule for file in self.rules_files for rule in file.rules)
        extensions = extension_rules(self.forbidden_extensions)
        defaults = DEFAULT_RULES if self.default_rules else ()
        return AttachmentRules((*tables, *from_files, *extensions, *defaults))


class StructureSettings(Section):
    """Structure checks: messages whose form hides things."""

    enabled: bool = Field(
        default=True,
        description="Look for broken MIME that other readers may see through; "
        "BMC_WHITELIST exempts a client.",
    )
    ignore_eol: bool = Field(
        default=False,
        description="Let CR and NUL in headers pass (ignore-eol-check).",
    )
    passed: ListOf[AnomalyCode] = Field(
        (),
        description="Codes that are recorded only; docs/reference/anomalies.md explains each.",
    )


class DispositionSettings(Section):
    """What each kind of finding asks for; the most severe wins."""

    virus: OnFinding = Field("quarantine", description="A scanner named a virus.")
    policy: OnFinding = Field("quarantine", description="An attachment rule matched.")
    malformed: OnFinding = Field("quarantine", description="A structure check matched.")
    ambiguous: OnFinding = Field(
        "quarantine",
        description="Mail programs take the message differently, and it is not only text.",
    )
    ambiguous_text: OnFinding = Field(
        "tag", description="Mail programs take the message differently, and it is only text."
    )
    encrypted: OnFinding = Field("quarantine", description="An archive needs a password.")
    unopened: OnFinding = Field(
        "quarantine", description="A file of a format or method that cannot be opened here."
    )
    over_limit: OnFinding = Field(
        "defer", description="A limit was hit, so not everything was looked at."
    )
    oversize: OnFinding = Field(
        "reject",
        description="The message is larger than limits.message_bytes; no retry can succeed.",
    )


class RejectionSettings(Section):
    """What the sending server is told, where queue.flavour can tell it."""

    virus: ExitText = Field(
        "This message was rejected: it carries a virus (#5.7.1)", description="For a virus."
    )
    policy: ExitText = Field(
        "This message was rejected by local policy (#5.7.1)", description="For any other finding."
    )
    spam: ExitText = Field(
        "This message was rejected: it looks like spam (#5.7.1)", description="For spam."
    )
    oversize: ExitText = Field(
        "This message is too large (#5.3.4)", description="For a message over limits.message_bytes."
    )
    defer: ExitText = Field(
        "This message cannot be checked now, try again later (#4.3.0)",
        description="For every temporary failure.",
    )


class HeaderSettings(Section):
    """What is written on top of delivered messages."""

    prefix: FieldPrefix = Field(
        "X-Mailwarden", description="Prefix of our own fields (dscr-hdrs-text)."
    )
    descriptive: Literal["no", "yes", "all"] = Field(
        "no",
        description="Add the sender and result fields; all adds the recipients too, "
        "which shows Bcc (add-dscr-hdrs).",
    )
    received: bool = Field(
        default=True,
        description="Add a Received field, in the shape that SpamAssassin knows.",
    )
    hostname: HostName = Field(
        default_factory=socket.gethostname,
        description="This host's name in our header fields.",
        examples=["mail.example.org"],
    )


class QuarantineSettings(Section):
    """Where messages are kept."""

    directory: AbsolutePath = Field(
        Path("/var/lib/mailwarden/quarantine"),
        description="Holds the Maildirs viruses, policy and spam, and the envelopes beside them.",
    )
    release_key: AbsolutePath = Field(
        Path("/var/lib/mailwarden/release.key"),
        description="Secret that marks released messages; made when first needed.",
    )


class StoreSettings(Section):
    """Records and the quarantine's index."""

    database: AbsolutePath = Field(
        Path("/var/lib/mailwarden/mailwarden.db"), description="SQLite file."
    )


class SpoolSettings(Section):
    """Messages too large for memory, while they are ours."""

    directory: AbsolutePath = Field(
        Path("/var/lib/mailwarden/spool"), description="Holds unnamed files only."
    )


class LogSettings(Section):
    """The daemon's log, on its standard error."""

    format: Literal["json", "text"] = Field(
        "text", description="One JSON object or one text a line."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="info is one line for each message."
    )


class Settings(Section):
    """All settings."""

    scanners: ListOf[ScannerName] = Field(
        ("clamd", "spamd"),
        description="Scanners that every message is shown to; test-patterns knows only the "
        "harmless test strings EICAR and GTUBE.",
    )
    queue: QueueSettings = QueueSettings()
    limits: LimitSettings = LimitSettings()
    unpacking: UnpackingSettings = UnpackingSettings()
    daemon: DaemonSettings = DaemonSettings()
    clamd: ClamdSettings = ClamdSettings()
    spamd: SpamdSettings = SpamdSettings()
    spam: SpamSettings = SpamSettings()
    attachments: AttachmentSettings = AttachmentSettings()
    structure: StructureSettings = StructureSettings()
    dispositions: DispositionSettings = DispositionSettings()
    rejection: RejectionSettings = RejectionSettings()
    headers: HeaderSettings = HeaderSettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    store: StoreSettings = StoreSettings()
    spool: SpoolSettings = SpoolSettings()
    log: LogSettings = LogSettings()

    @property
    def scores_spam(self) -> bool:
        """A spam scanner is among the scanners."""
        return bool({"spamd", "test-patterns"} & set(self.scanners))

    @property
    def worker_count(self) -> int:
        """Worker processes to run."""
        return self.daemon.workers or len(os.sched_getaffinity(0))
