"""Errands of notices, as the pipeline makes them, and their mails taken apart again."""

import email
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default

from mailwarden.notify.rendering import render
from mailwarden.verdict.errand import Errand, ErrandKind
from mailwarden.verdict.record import Json

ADMIN = "antivirus@example.net"
ID = "20261122-154500-k3f9q2ab"
AT = 1_795_362_300.0


def record_json_of(**changes: object) -> Json:
    """A record as `record_json` writes it: a virus, quarantined."""
    return {
        "id": ID,
        "at": AT,
        "disposition": "quarantine",
        "reason": "virus:Eicar-Test-Signature",
        "detail": "clamd found virus Eicar-Test-Signature in eicar.com",
        "sender": "ann@example.org",
        "recipients": [
            {"address": "bob@example.net", "disposition": "quarantine"},
            {"address": "eve@example.net", "disposition": "quarantine"},
        ],
        "subject": "Your invoice",
        "message_id": "<17.abc@example.org>",
        "files": [["eicar.com", 69]],
        "kept_as": ID,
        "size_bytes": 1_234,
        "origin": "192.0.2.7",
        "spam": None,
        "scanners": ["clamdscan: 1.4.6/27."],
        **changes,
    }


def errand_of(
    audience: str = "admin", to: str = ADMIN, record: Json | None = None, **changes: object
) -> Errand:
    """A notice of one message; `changes` are of its content."""
    record = record_json_of() if record is None else record
    content: Json = {
        "audience": audience,
        "language": "en_GB",
        "admin": ADMIN,
        "admin_name": "Antivirus MYDOMAIN",
        "templates": "",
        "prefix": "X-Mailwarden",
        "debug": False,
        "hostname": "mx1.internal.example.net",
        "record": record,
        "header": "Received: from x by mx1.internal.example.net\n\twith SMTP\nFrom: Ann\n",
        **changes,
    }
    at = record.get("at", AT)
    assert isinstance(at, float)
    return Errand("an-errand", at, ErrandKind.NOTICE, to, "virus:Eicar-Test-Signature", content)


@dataclass(frozen=True, slots=True)
class Mail:
    """A notice as a mail program sees it."""

    raw: bytes
    message: EmailMessage
    text: str
    html: str

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])


def mail_of(*errands: Errand, now: float = AT + 60, new_id: str = "20261122-154600-new1") -> Mail:
    """Render, and read by the standard library."""
    raw = render(errands, now, new_id)
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return Mail(raw, message, _part(message, "plain"), _part(message, "html"))


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content
