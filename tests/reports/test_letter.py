"""The report as a mail."""

import email
from email.message import EmailMessage
from email.policy import default

from mailwarden.reports.event import Event, EventKind
from mailwarden.reports.letter import Heading, report_letter
from mailwarden.verdict.disposition import Disposition
from support.old_logs import AT
from support.report_documents import a_day, document

HEADING = Heading("boss@example.org", "admin@example.org", "Antivirus MÜLLER", AT)


def parsed(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_mail_has_the_text_and_the_page() -> None:
    letter = parsed(report_letter(document(*a_day()), HEADING))
    text, page = letter.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert text.get_content().startswith("      2 W32/X\n")
    assert page.get_content_type() == "text/html"
    assert "<h1>Mail report of mx.example.org</h1>" in page.get_content()


def test_the_mail_says_who_it_is_from_and_that_no_human_wrote_it() -> None:
    letter = parsed(report_letter(document(*a_day()), HEADING))
    assert letter["From"] == "Antivirus MÜLLER <admin@example.org>"
    assert letter["To"] == "boss@example.org"
    assert letter["Subject"] == (
        "Mail report of mx.example.org: 2026-11-22 21:30 to 2026-11-22 22:30"
    )
    assert letter["Date"] == "Sun, 22 Nov 2026 21:30:00 +0000"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].endswith("@mx.example.org>")


def test_lines_end_in_lf_and_are_short_ascii_whatever_names_say() -> None:
    virus = Event(disposition=Disposition.REJECT, kind=EventKind.VIRUS, name="ü" * 300, at=AT)
    octets = report_letter(document(virus), HEADING)
    assert b"\r" not in octets
    assert octets.isascii()
    assert max(map(len, octets.split(b"\n"))) <= 998
