"""What an errand carries about a message, read back with its types.

The outbox keeps errands as JSON (`verdict.errand`, `verdict.record.record_json`); what an older
release wrote may lack what is new, so everything has a default.
"""

from collections.abc import Sequence

import msgspec

from mailwarden.verdict.errand import Errand
from mailwarden.verdict.telling import Audience


class Spam(msgspec.Struct, frozen=True):
    """A spam score; `points` are the tests with what each gave, where the scanner says it."""

    score: float = 0.0
    required: float = 0.0
    tests: tuple[str, ...] = ()
    points: tuple[tuple[str, float], ...] = ()


class Recipient(msgspec.Struct, frozen=True):
    """One recipient of the message."""

    address: str = ""


class MailRecord(msgspec.Struct, frozen=True):
    """The record of one message, as far as notices tell it; `at` is seconds since the epoch.

    `recipients` are the first ones, `recipient_count` is how many there are; 0 where all are here.
    """

    id: str = ""
    at: float = 0.0
    disposition: str = "quarantine"
    reason: str = ""
    detail: str = ""
    sender: str = ""
    recipients: tuple[Recipient, ...] = ()
    recipient_count: int = 0
    subject: str = ""
    message_id: str = ""
    files: tuple[tuple[str, int], ...] = ()
    kept_as: str = ""
    size_bytes: int = 0
    origin: str = ""
    spam: Spam | None = None
    scanners: tuple[str, ...] = ()


class NoticeContent(msgspec.Struct, frozen=True):
    """What a notice is made from; the names are explained at `verdict.errand.Errand`."""

    audience: Audience
    language: str = "en_GB"
    admin: str = ""
    admin_name: str = ""
    templates: str = ""
    prefix: str = "X-Mailwarden"
    debug: bool = False
    hostname: str = "localhost"
    record: MailRecord = MailRecord()
    header: str = ""


def contents_of(errands: Sequence[Errand]) -> tuple[NoticeContent, ...]:
    """Read what notices carry, the oldest errand first; raises `msgspec.ValidationError`."""
    ordered = sorted(errands, key=lambda errand: errand.at)
    return tuple(msgspec.convert(errand.content, NoticeContent) for errand in ordered)
