"""Mail that we have to send after a message was dealt with: notices, forwarded spam, late copies.

An errand is what is to be sent, not yet how it reads: who sends it (the outbox) writes the text.
"""

from dataclasses import dataclass
from enum import StrEnum

from mailwarden.verdict.record import Json


class ErrandKind(StrEnum):
    """What is to be done."""

    NOTICE = "notice"  # tell somebody about a message
    FORWARD = "forward"  # send a quarantined spam to the address that learns from it (sa-forward)
    REDELIVER = "redeliver"  # queue a copy that the queue did not take while others did


@dataclass(frozen=True, slots=True)
class Errand:
    """One errand; `at` is seconds since the epoch, `id` unique.

    `recipient` is the one address that it goes to (of a REDELIVER: empty, its envelope is kept
    with it). `topic` joins what says the same to the same address: `virus:Eicar-Signature`.

    `content` of a NOTICE: `audience` (`sender`, `recipients` or `admin`), `language`, `admin`,
    `admin_name`, `templates` (a folder or empty), `prefix` (of header fields), `debug` (tell the
    spam tests), `hostname`, `record` (`verdict.record.record_json`, of what decided alone, with the
    first recipients and their number, `recipient_count`), `header` (the message's own header, its
    beginning, as `verdict.record.text_of` text).
    Of a FORWARD: `kept_as` (an id in quarantine), `fields` (whole header fields to put on top, as
    text with LF).
    Of a REDELIVER: `kept_as`.
    """

    id: str
    at: float
    kind: ErrandKind
    recipient: str
    topic: str
    content: Json
