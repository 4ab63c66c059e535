"""What a file is: by its name, and by its content where the name says nothing.

A name is believed unless the content cannot be that: `qmail-scanner-queue.pl` may be the wrapper in
C that the original installs (facts 1.4), and databases are made from text files beside them.
"""

import re
from enum import Enum

# What tells the kinds apart stands in the beginning.
_LOOKED_AT_BYTES = 65_536


class Kind(Enum):
    """The kinds of input; the value is what people call them."""

    PROGRAM = "an installed qmail-scanner-queue.pl"
    CONFIGURE_LINE = "a configure line of Qmail-Scanner"
    RULES = "a rule file of Qmail-Scanner"
    SCANNERS_PER_DOMAIN = "scanners_per_domain.txt"
    SETTINGS_PER_DOMAIN = "settings_per_domain.txt"
    TCP_RULES = "rules of tcpserver"
    SCANNED_DOMAINS = "qmailscannerdomains"
    SCORED_DOMAINS = "spamassassindomains"
    SIMSCAN_LINE = "a configure line of simscan"
    SIMCONTROL = "simscan's simcontrol"
    ATTACHMENTS = "simscan's ssattach"
    COMPILED = "a compiled program or database"


_NAMES = {
    "qmail-scanner-queue.pl": Kind.PROGRAM,
    "qmail-scanner-queue": Kind.PROGRAM,
    "qs_config.sh": Kind.CONFIGURE_LINE,
    "quarantine-attachments.txt": Kind.RULES,
    "quarantine-events.txt": Kind.RULES,
    "scanners_per_domain.txt": Kind.SCANNERS_PER_DOMAIN,
    "settings_per_domain.txt": Kind.SETTINGS_PER_DOMAIN,
    "tcp.smtp": Kind.TCP_RULES,
    "qmailscannerdomains": Kind.SCANNED_DOMAINS,
    "spamassassindomains": Kind.SCORED_DOMAINS,
    "simcontrol": Kind.SIMCONTROL,
    "ssattach": Kind.ATTACHMENTS,
}
# In the order of trying; each is something that no other kind holds.
_CONTENTS: tuple[tuple[re.Pattern[bytes], Kind], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), kind)
    for pattern, kind in (
        (rb"\A#!\S{0,80}perl(?s:.){0,4000}(?i:qmail-scanner)", Kind.PROGRAM),
        (rb"^[^#\n]*--(?:enable|disable)-[a-z]", Kind.SIMSCAN_LINE),
        (rb"^[^#\n]*--[a-z][a-z-]{1,40}(?:[ =\\\r\n]|\Z)", Kind.CONFIGURE_LINE),
        (rb"^[^#\n]*:(?:allow|deny)(?:[,\r\n]|\Z)", Kind.TCP_RULES),
        (rb"^[^#\n:]*:(?:clam|spam|spam_hits|attach|trophie)=", Kind.SIMCONTROL),
        (rb"^[^#\n\t]+\t+(?:(?:SIZE=)?-?\d+|(?:Virus|Policy)-\S+:)\s*\t", Kind.RULES),
        (rb"^[^#\n:]+:[^\n':]*'", Kind.SETTINGS_PER_DOMAIN),
    )
)


def kind_of(name: str, octets: bytes) -> Kind | None:
    """What a file is; None when nothing tells."""
    beginning = octets[:_LOOKED_AT_BYTES]
    if b"\0" in beginning or name.endswith((".cdb", ".db")):
        return Kind.COMPILED
    if kind := named_kind(name):
        return kind
    return next((kind for pattern, kind in _CONTENTS if pattern.search(beginning)), None)


def named_kind(name: str) -> Kind | None:
    """What a file with this name is, whatever it holds; `tcp.submission` has rules, too."""
    if name.startswith("tcp.") and not name.endswith((".cdb", ".tmp")):
        return Kind.TCP_RULES
    return _NAMES.get(name)
