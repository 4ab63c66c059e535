"""A report as a mail: the text, and the page beside it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid

from mailwarden.reports.document import ReportDocument
from mailwarden.reports.page import report_page
from mailwarden.reports.text import text_lines

# qmail-queue and sendmail take lines that end in LF alone.
_POLICY = SMTP.clone(linesep="\n", cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Heading:
    """From whom to whom; `at` is seconds since the epoch."""

    recipient: str
    sender: str
    sender_name: str
    at: float


def report_letter(document: ReportDocument, heading: Heading) -> bytes:
    """The whole message; it says of itself that no human wrote it (RFC 3834)."""
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = formataddr((heading.sender_name, heading.sender))
    letter["To"] = heading.recipient
    letter["Subject"] = f"Mail report of {document.hostname}: {document.range_words}"
    letter["Date"] = format_datetime(datetime.fromtimestamp(heading.at, UTC))
    letter["Message-ID"] = make_msgid(domain=document.hostname)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content("\n".join(text_lines(document)) + "\n")
    letter.add_alternative(report_page(document), subtype="html")
    return letter.as_bytes()
