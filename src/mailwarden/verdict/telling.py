"""Whom to tell about a blocked message, and whom never: pure.

How a notice reads is in `notify.rendering`; how many may be sent, and joining, is the outbox's.
The sender's address of bad mail is forged more often than not, and whoever answers it sends junk to
a stranger (backscatter): of what may not be told to whom, every doubt means silence.
Sources: facts 2.1 (--notify, --local-domains, --silent-viruses) and 4.7, RFC 3834 section 2.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from mailwarden.message.headers import Header, value_of
from mailwarden.message.raw import Raw
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Finding, Kind, SpamScore

# A message to more of ours than that went to a list of them; the administrator can tell the list.
RECIPIENTS_TOLD = 50
# RFC 5321 section 4.5.3.1.3: 256 with the angle brackets.
_ADDRESS_CHARACTERS = 254
# What could end an address in a header field or on a command line, or hides in it.
_NOT_IN_AN_ADDRESS = re.compile(r'[\s"(),:;<>\\\[\]]')

# Under which name `NoticePolicy.silent` knows spam (the patch's entry in silent_viruses).
_SPAM_NAME = "spam"

# What a mailing list's program writes into the header of what it sends, whatever the value.
_LIST_FIELDS = (
    b"list-id",  # RFC 2919
    b"list-post",  # RFC 2369, with the next three
    b"list-help",
    b"list-unsubscribe",
    b"list-owner",
    b"mailing-list",  # ezmlm
    b"x-mailing-list",  # majordomo's and the Linux kernel's lists
    b"x-loop",  # procmail's lists and answering programs, against each other
)
_BULK_PRECEDENCES = (b"bulk", b"list", b"junk")

# The part before the @ of addresses under which lists send, and why nobody is to be told there.
_LIST_ADDRESSES: tuple[tuple[str, str], ...] = (
    (r"owner-.+|.+-owner", "the owner of a list: majordomo, ezmlm, Mailman"),
    (r".+-request", "a list's address for commands"),
    (r"(?:.+[-_.])?bounces?(?:[-+_=.].*)?", "takes failed deliveries: Mailman, newsletters"),
    (r".+-return(?:-.*)?", "ezmlm's lists: list-return-123-user=example.org"),
    (r".+-errors", "takes failed deliveries: old lists"),
    (r"sentto-.+", "the sender of group mail"),
    (r"majordomo?|listserv|listproc|listmaster|mailman|sympa|lyris|ezmlm", "a list's program"),
)
_PROGRAM_ADDRESSES: tuple[tuple[str, str], ...] = (
    (r"mailer[-_.]?daemon|daemon", "what sends bounces"),
    (r"postmaster|hostmaster|abuse", "answers from here could go round between two machines"),
    (
        r"(?:.+[-_.+])?(?:no|do[-_.]?not)[-_.]?reply(?:[-_.+=].*)?",
        "says itself: nobody reads it",
    ),
    (r"nobody|www|www-data|apache|httpd?", "a web server's form"),
)
_IS_LIST = re.compile("|".join(pattern for pattern, _ in _LIST_ADDRESSES))
_IS_PROGRAM = re.compile("|".join(pattern for pattern, _ in _PROGRAM_ADDRESSES))


class Audience(StrEnum):
    """As whom somebody is told; each has a text of its own."""

    SENDER = "sender"
    RECIPIENTS = "recipients"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """Who wants to be told, as the settings of one group of recipients say.

    `notify` has the words of `--notify` (facts 4.7); `admin` is empty where nobody is to be told
    as administrator. `local_domains` and `silent` are in lower case. With `outside_senders`,
    senders are told that are not known to be ours.
    """

    notify: frozenset[str]
    admin: str = ""
    local_domains: frozenset[str] = frozenset()
    outside_senders: bool = False
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """One address that is to be told."""

    audience: Audience
    address: str


def whom_to_tell(record: Record, policy: NoticePolicy) -> tuple[Notice, ...]:
    """Say who hears of one group's copy of a message: the administrator first, nobody twice.

    Of a deleted message nobody hears, not even the administrator; of a rejected one only the
    administrator, as the sender hears it in SMTP.
    """
    match record.decision.disposition:
        case Disposition.QUARANTINE:
            candidates = (*_admin(record, policy), *_sender(record, policy))
            return _once((*candidates, *_recipients(record, policy)))
        case Disposition.REJECT:
            return tuple(_admin(record, policy))
        case Disposition.ACCEPT | Disposition.TAG | Disposition.DEFER | Disposition.DELETE:
            return ()


def is_list_mail(header: Header, raw: Raw, sender: bytes) -> bool:
    """A message came from a mailing list or from a program, by its header or its sender.

    The first field of a name counts: a list's program writes above what it got.
    """
    return _says_so(header, raw) or bool(_IS_LIST.fullmatch(_local_part(sender)))


def _says_so(header: Header, raw: Raw) -> bool:
    # Each message is asked, and few have any of these: to look for the octets costs a tenth.
    octets = header.block.lower()
    if any(name in octets and header.first(name) for name in _LIST_FIELDS):
        return True
    if b"precedence" in octets and _first_word(header, raw, b"precedence") in _BULK_PRECEDENCES:
        return True
    # RFC 3834 section 5
    return b"auto-submitted" in octets and (
        _first_word(header, raw, b"auto-submitted") not in (b"", b"no")
    )


def _first_word(header: Header, raw: Raw, name: bytes) -> bytes:
    """The word before parameters and comments, `auto-replied; owner-email="..."`."""
    field = header.first(name)
    words = re.split(rb"[\s;(]", value_of(raw, field).lower(), maxsplit=1) if field else [b""]
    return words[0]


def _admin(record: Record, policy: NoticePolicy) -> Iterator[Notice]:
    """Yield the administrator where one of the words asks for it."""
    words = {"admin", "all"}
    if not record.is_list_mail:
        words.add("nmladm")
        if not _virus_names(record):
            words.add("nmlvadm")
    if policy.admin and not words.isdisjoint(policy.notify):
        yield Notice(Audience.ADMIN, policy.admin)


def _sender(record: Record, policy: NoticePolicy) -> Iterator[Notice]:
    """Yield the sender where it asks for it, is known to be ours, and a person."""
    if not _is_wanted(record, policy, "sender", "psender") or _is_silent(record, policy):
        return
    sender = record.arrival.envelope.sender
    address = _deliverable(sender)
    if address and _may_hear(record, policy) and not _is_robot(sender):
        yield Notice(Audience.SENDER, address)


def _recipients(record: Record, policy: NoticePolicy) -> Iterator[Notice]:
    """Yield the recipients in local domains, the first ones.

    In small letters, as qmail delivers there: else `Ann@`, `aNn@` ... were many people, each with
    an hour's share of notices (outbox.per_hour).
    """
    if _is_wanted(record, policy, "recips", "precips"):
        domains = _domains(policy)
        recipients = dict.fromkeys(map(bytes.lower, record.arrival.envelope.recipients))
        addresses = map(_deliverable, recipients)
        local = (address for address in addresses if address and _domain(address) in domains)
        for address in islice(local, RECIPIENTS_TOLD):
            yield Notice(Audience.RECIPIENTS, address)


def _is_wanted(record: Record, policy: NoticePolicy, always: str, of_policy: str) -> bool:
    if not policy.notify.isdisjoint({always, "all"}):
        return True
    return of_policy in policy.notify and _is_policy(record)


def _is_policy(record: Record) -> bool:
    """It was blocked for what it is made of: neither a virus nor spam."""
    main = record.decision.main
    is_spam = main is not None and isinstance(main.cause, SpamScore)
    return not is_spam and not _virus_names(record)


def _is_silent(record: Record, policy: NoticePolicy) -> bool:
    names = [*_virus_names(record), *_spam_names(record)]
    return any(fragment in name for fragment in policy.silent for name in names)


def _virus_names(record: Record) -> list[str]:
    """The name of every virus that asked for something, in lower case."""
    causes = (reason.cause for reason in record.decision.reasons if reason.disposition)
    found = (cause for cause in causes if isinstance(cause, Finding) and cause.kind is Kind.VIRUS)
    return [finding.name.lower() for finding in found]


def _spam_names(record: Record) -> list[str]:
    """Spam's one name where the score asked for something, whatever else was found."""
    reasons = record.decision.reasons
    is_spam = any(one.disposition and isinstance(one.cause, SpamScore) for one in reasons)
    return [_SPAM_NAME] if is_spam else []


def _may_hear(record: Record, policy: NoticePolicy) -> bool:
    """The sender's address is not likely to be forged, or the administrator wants it all the same.

    An infected machine of ours forges, too: so a sender has to be in one of our domains as well.
    What QS_SPAMASSASSIN marks comes from our machines and yet from outside: fetchmail brought it.
    """
    origin = record.arrival.origin
    is_ours = origin.is_relay_client or origin.is_localhost
    sender = record.arrival.envelope.sender.decode("utf-8", "replace")
    is_known = is_ours and not origin.asks_spam_scoring and _domain(sender) in _domains(policy)
    return not record.is_list_mail and (is_known or policy.outside_senders)


def _domains(policy: NoticePolicy) -> frozenset[str]:
    """Our own domains: those named, else the administrator's."""
    return policy.local_domains or frozenset({_domain(policy.admin)} - {""})


def _is_robot(address: bytes) -> bool:
    local_part = _local_part(address)
    return bool(_IS_LIST.fullmatch(local_part) or _IS_PROGRAM.fullmatch(local_part))


def _local_part(address: bytes) -> str:
    return address.rpartition(b"@")[0].decode("utf-8", "replace").lower()


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _deliverable(address: bytes) -> str:
    """An address as text, or nothing where it is empty, odd, `#@[]` or could hide something."""
    try:
        text = address.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    local_part, at, domain = text.partition("@")
    is_whole = bool(local_part and at and domain) and "@" not in domain
    is_clean = text.isprintable() and not _NOT_IN_AN_ADDRESS.search(text)
    return text if is_whole and is_clean and len(text) <= _ADDRESS_CHARACTERS else ""


def _once(notices: tuple[Notice, ...]) -> tuple[Notice, ...]:
    """Each address as what it was named first."""
    first: dict[str, Notice] = {}
    for notice in notices:
        first.setdefault(notice.address.lower(), notice)
    return tuple(first.values())
