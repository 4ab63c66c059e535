"""Every setting: its name, type, unit, default and one sentence.

Reference, commented sample and JSON schema are made from this file (`mailwarden config describe`).
Where Qmail-Scanner has the same setting, the sentence ends with its name there: `(sa-delete)`.
What two settings may not say together is in `contradictions`; how a file is read, in `load`.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from mailwarden.settings.per_domain_files import PerDomainPath
from mailwarden.settings.per_recipient import (
    DEFAULT_SCANNERS,
    AttachmentSettings,
    DispositionSettings,
    HeaderSettings,
    NoticeSettings,
    ProfileSettings,
    RecipientLimitSettings,
    RecipientUnpackingSettings,
    RejectionSettings,
    ScannerName,
    SpamSettings,
    StructureSettings,
    VirusSettings,
)
from mailwarden.settings.rule_tables import Regex
from mailwarden.settings.values import (
    AbsolutePath,
    AddressText,
    Bytes,
    Count,
    Line,
    ListOf,
    OpenedDepth,
    OptionalDomain,
    ProcessCount,
    Seconds,
    Section,
    SocketPath,
    SpamdAddressText,
    WorkerCount,
)

OnFault = Literal["defer", "quarantine", "tag", "accept"]
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
        description="The real qmail-queue, run by the outbox, `quarantine release` and `selftest`; "
        "mailwarden-queue takes it from its own environment (MAILWARDEN_QMAIL_QUEUE) or build.",
    )
    default_domain: OptionalDomain = Field(
        "",
        description="Domain of recipients that come without one, as qmail's control/envnoathost; "
        "empty: headers.hostname.",
    )
    flavour: Flavour = Field(
        "plain",
        description="How your qmail-smtpd takes a text of ours: plain knows only exit codes.",
    )


class LimitSettings(RecipientLimitSettings):
    """What one message, and all messages together, may cost."""

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


class UnpackingSettings(RecipientUnpackingSettings):
    """What looking into archives and documents may cost, for each message."""

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

    addresses: ListOf[SpamdAddressText] = Field(
        ("auto",),
        min_length=1,
        description="Where spamd listens; the next is tried when one is dead; auto looks for its "
        "socket where it usually is, and else takes tcp:127.0.0.1:783 (sa-socket).",
    )
    mode: Literal["fast", "verbose"] = Field(
        "fast",
        description="fast: spamd scores, we write the X-Spam fields; "
        "verbose: spamd's own header fields are taken over.",
    )
    timeout_seconds: Seconds = Field(
        60.0, description="Time for one address to answer (sa-timeout)."
    )
    max_bytes: Bytes = Field(
        500_000,
        description="Larger messages are not scored, and a header says so; spam is small "
        "(sa-maxsize).",
    )
    helper_fields: bool = Field(
        default=False,
        description="Show spamd X-Envelope-From, X-Qmail-Scanner-Mime-Attachments and -Zip-Files "
        "on top of each message, for rules of yours.",
    )
    connections: Count = Field(4, description="Connections to spamd at once, for each worker.")
    on_fault: OnFault = Field(
        "defer", description="What a message gets that spamd cannot judge (sa-faulttolerant)."
    )


class OutboxSettings(Section):
    """How notices and forwarded copies are sent."""

    command: ListOf[Line] = Field(
        (),
        description='Program like sendmail and its arguments, to which `-i -f "" -- recipient` is '
        "added; empty: queue.program takes the mail.",
    )
    gather_seconds: Seconds = Field(
        60.0, description="Notices of so long, to one address about one thing, become one."
    )
    per_hour: Count = Field(
        30, description="Most notices to one address in an hour; what is more is joined to one."
    )
    keep_hours: Count = Field(
        72, description="How long a notice is tried again before it is given up."
    )


class PerDomainSettings(Section):
    """Qmail-Scanner's files of settings for domains and users, read as they are."""

    scanners_file: PerDomainPath = Field(
        None,
        description="scanners_per_domain.txt, who is asked for whom (scanners-per-domain).",
    )
    settings_file: PerDomainPath = Field(
        None,
        description="settings_per_domain.txt, which is asked before the other "
        "(settings-per-domain).",
    )


class ArchiveSettings(Section):
    """Copies of messages that pass."""

    matching: Regex = Field(
        "",
        description="Keep a copy of each message whose sender or one of whose recipients has this "
        "in its address, a regular expression; empty: of none, .*: of all (archive).",
    )
    directory: AbsolutePath = Field(
        Path("/var/lib/mailwarden/archives"), description="Maildir that holds the copies."
    )


class QuarantineSettings(Section):
    """Where messages are kept."""

    directory: AbsolutePath = Field(
        Path("/var/lib/mailwarden/quarantine"),
        description="Holds the Maildirs viruses, policy, spam, undelivered, and envelopes.",
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
    """The daemon's log, on its standard error, and logs in Qmail-Scanner's formats."""

    format: Literal["json", "text"] = Field(
        "text", description="One JSON object or one text a line."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="info is one line for each message."
    )
    directory: AbsolutePath = Field(
        Path("/var/log/mailwarden"), description="Holds the logs below (logdir)."
    )
    quarantine_log: bool = Field(
        default=False, description="Write a line for each blocked message to quarantine.log."
    )
    details: ListOf[Literal["mailstats", "syslog"]] = Field(
        (),
        description="Write a record for each recipient to mailstats.csv, to syslog, or to both "
        "(log-details).",
    )
    crypto: bool = Field(
        default=False,
        description="Say in these records that a message was signed or encrypted (log-crypto).",
    )
    queue_log: Literal["no", "important", "minidebug", "debug"] = Field(
        "no",
        description="Write qmail-queue.log: what became of blocked and tagged messages, also the "
        "steps of each message, or everything (debug).",
    )
    syslog_socket: AbsolutePath = Field(Path("/dev/log"), description="Where syslog listens.")


class Settings(Section):
    """All settings."""

    scanners: ListOf[ScannerName] = Field(
        DEFAULT_SCANNERS,
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
    viruses: VirusSettings = VirusSettings()
    attachments: AttachmentSettings = AttachmentSettings()
    structure: StructureSettings = StructureSettings()
    dispositions: DispositionSettings = DispositionSettings()
    rejection: RejectionSettings = RejectionSettings()
    headers: HeaderSettings = HeaderSettings()
    notices: NoticeSettings = NoticeSettings()
    outbox: OutboxSettings = OutboxSettings()
    archive: ArchiveSettings = ArchiveSettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    store: StoreSettings = StoreSettings()
    spool: SpoolSettings = SpoolSettings()
    log: LogSettings = LogSettings()
    per_domain: PerDomainSettings = PerDomainSettings()
    profile: ListOf[ProfileSettings] = Field(
        (), description="What is different for some recipients, each a table [[profile]]."
    )

    @property
    def scores_spam(self) -> bool:
        """A spam scanner is among the scanners."""
        return bool({"spamd", "test-patterns"} & set(self.scanners))

    @property
    def worker_count(self) -> int:
        """Worker processes to run."""
        return self.daemon.workers or len(os.sched_getaffinity(0))
