"""The settings that may differ from recipient to recipient: whole tables of `model`, or parts.

`[[profile]]` tables say what is different for whom; how they become effective is in `profiles`.
"""

import socket
from decimal import Decimal
from typing import Literal

from pydantic import Field

from mailwarden.settings.rule_tables import Regex, RuleFilePath, RuleSettings
from mailwarden.settings.values import (
    AnomalyCode,
    Bytes,
    Count,
    Domain,
    ExitText,
    Extension,
    FieldPrefix,
    FolderName,
    Fragment,
    HostName,
    LevelWord,
    Line,
    ListOf,
    MailAddress,
    OptionalPath,
    Points,
    RecipientPattern,
    Section,
)
from mailwarden.verdict.default_rules import DEFAULT_RULES, STARTED_EXTENSIONS, extension_rules
from mailwarden.verdict.rules import AttachmentRules

OnFinding = Literal["accept", "tag", "defer", "quarantine", "reject", "delete"]
ScannerName = Literal["clamd", "spamd", "test-patterns"]
DEFAULT_SCANNERS: tuple[ScannerName, ...] = ("clamd", "spamd")
Audience = Literal[
    "none", "sender", "recips", "admin", "psender", "precips", "nmladm", "nmlvadm", "all"
]
Language = Literal[
    "af_ZA", "cs_CZ", "da_DK", "de_DE", "en_GB", "en_PL", "enlt_LT", "enlt_LT_short", "es_ES",
    "fr_FR", "it_IT", "ja_JP.EUC", "nl_NL", "no_NO", "pl_PL", "pt_BR", "pt_PT", "sk_SK", "sv_SE",
    "tr_TR", "tr_TR_ascii", "tw_BIG5",
]  # fmt: skip


class RecipientLimitSettings(Section):
    """What one message may cost, for a recipient."""

    message_bytes: Bytes = Field(
        100_000_000,
        description="Largest message that is looked at; larger is `oversize` (max-scan-size).",
    )


class RecipientUnpackingSettings(Section):
    """What looking into archives and documents may cost, for a recipient."""

    unpacked_bytes: Bytes = Field(
        100_000_000, description="Most bytes that are unpacked (max-zip-size)."
    )
    files: Count = Field(10_000, description="Most files that are unpacked (max-unpacked-files).")


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
    levels: ListOf[LevelWord] = Field(
        ("LOW", "MEDIUM", "HIGH"),
        min_length=3,
        max_length=3,
        description="Words in the subject for the three levels of spam.delta, the lowest first.",
    )
    debug: bool = Field(
        default=False,
        description="Write the tests and their scores to the administrator's notices and, where "
        "it is set for everybody, to the logs (sa-debug).",
    )
    report: bool = Field(
        default=False,
        description="Add X-Spam-Report to spam (sa-report).",
    )
    forward: MailAddress = Field(
        "",
        description="Send each quarantined spam, nearly unmodified, to this address, for learning; "
        "empty: to nobody (sa-forward).",
    )
    forward_verbose: bool = Field(
        default=False,
        description="Add the X-Spam fields to what is forwarded (sa-fwd-verbose).",
    )
    maildir: FolderName = Field(
        "spam",
        description="Maildir of the quarantine for spam, beside viruses and policy (spamdir).",
    )
    user: Line = Field(
        "", description="User name for spamd's per-user settings; empty leaves it to spamd."
    )
    user_is_recipient: bool = Field(
        default=False,
        description="Tell spamd the recipient's address as user name, where one recipient has "
        "these settings; where several have, or for more than 50 users, spam.user stands.",
    )
    skip_bounces: bool = Field(
        default=False,
        description="Do not score mail with an empty sender and From: MAILER-DAEMON (SA_SKIP_MD).",
    )


# Facts 2.1: what the original shipped, and `spam`, which the patch added.
_SILENT_VIRUSES = (
    *("klez", "bugbear", "hybris", "yaha", "braid", "nimda", "tanatos", "sobig", "winevar"),
    *("palyh", "fizzer", "gibe", "cailont", "lovelorn", "swen", "dumaru", "sober", "hawawi"),
    *("holar-i", "mimail", "poffer", "bagle", "beagle", "worm.galil", "mydoom", "worm.sco"),
    *("tanx", "novarg", "shimg", "maldal", "@mm", "cissy", "cissi", "qizy", "bugler", "dloade"),
    *("netsky", "spam"),
)


class VirusSettings(Section):
    """What is special about some viruses."""

    delete: ListOf[Fragment] = Field(
        (),
        description="Delete viruses with one of these in their names, small or capital letters, "
        "and tell nobody (virus-to-delete).",
    )
    silent: ListOf[Fragment] = Field(
        _SILENT_VIRUSES,
        description="Never tell the sender of what has one of these in its name; spam stands for "
        "all spam (silent-viruses).",
    )
    skip_text_only: bool = Field(
        default=False,
        description="Do not show virus scanners a message that is nothing but text "
        "(skip-text-msgs).",
    )


class NoticeSettings(Section):
    """Mail that we send about messages."""

    notify: ListOf[Audience] = Field(
        ("nmladm",),
        description="Who is told of a blocked message: psender and precips of policy only, "
        "nmladm not of mailing lists, nmlvadm not of viruses either (notify).",
    )
    admin: MailAddress = Field(
        "", description="The administrator's address; empty: the administrator is not told (admin)."
    )
    admin_name: Line = Field(
        "System Anti-Virus Administrator",
        max_length=100,
        description="Name before the address in From (admin-fromname).",
    )
    local_domains: ListOf[Domain] = Field(
        (),
        description="Only recipients in these domains are told; empty: in the domain of "
        "notices.admin (local-domains).",
    )
    outside_senders: bool = Field(
        default=False,
        description="Tell senders who are not ours, too: their addresses are usually forged.",
    )
    language: Language = Field("en_GB", description="Language of notices (lang).")
    templates: OptionalPath = Field(
        None,
        description="Folder with templates of your own, used in place of ours of the same name.",
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

    monitored: Regex = Field(
        "",
        description="Findings of rules with this in their name or description, a regular "
        "expression, are recorded and block nothing; empty: all block (dlp-monitor).",
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
        description="For a message that has to wait; other troubles are told by their codes.",
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


class ProfileSettings(Section):
    """What is different for some recipients.

    A table says only what differs; the rest is as for everybody.
    The full address is looked for first, then its domain, then `.domain` for each domain above.
    """

    match: ListOf[RecipientPattern] = Field(
        min_length=1,
        description="Whom this is for: user@example.org, example.org, or .example.org for all "
        "domains below.",
        examples=[("example.org",)],
    )
    scanners: ListOf[ScannerName] = Field(
        DEFAULT_SCANNERS, description="Scanners that their messages are shown to; [] for none."
    )
    limits: RecipientLimitSettings = RecipientLimitSettings()
    unpacking: RecipientUnpackingSettings = RecipientUnpackingSettings()
    spam: SpamSettings = SpamSettings()
    viruses: VirusSettings = VirusSettings()
    attachments: AttachmentSettings = AttachmentSettings()
    structure: StructureSettings = StructureSettings()
    dispositions: DispositionSettings = DispositionSettings()
    rejection: RejectionSettings = RejectionSettings()
    headers: HeaderSettings = HeaderSettings()
    notices: NoticeSettings = NoticeSettings()
