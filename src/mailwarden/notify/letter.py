"""A notice as a mail: header fields written by us one by one, text and HTML side by side.

Whatever a field says goes through a function for its place, so no value can add a field; the
parts are encoded by the standard library, quoted-printable or base64, so no value can end a part.
Notices answer nobody's answer: RFC 3834 sections 3.1.7 and 5.

`Precedence` is not asked for by RFC 3834 (section 3.1.8 allows it), and we write it: the vacation
programs of qmail's time know it and not `Auto-Submitted`. What we answer is not quoted in Subject,
as section 3.1.5 would have it: a forger would choose the Subject of mail that we send.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from mailwarden.message.field_text import plain_text, unstructured_text
from mailwarden.notify.content import NoticeContent
from mailwarden.notify.foreign_text import clean_message_id, one_line
from mailwarden.verdict.telling import Audience

# RFC 5322 section 3.4.1, without quotes and domain literals.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,190}@[A-Za-z0-9._-]{1,253}")
# Of other addresses, the envelope alone knows: RFC 5322 allows an empty group.
_NOBODY_NAMED = b"undisclosed-recipients:;"
_PREFIX = re.compile(r"X-[A-Za-z0-9-]{1,60}")
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.-]")
_QUOTED = re.compile(rb'([\\"])')


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be mailed to one recipient; `count` is the number of messages it tells about."""

    recipient: str
    subject: str
    text: str
    html: str
    count: int


def write_letter(letter: Letter, content: NoticeContent, now: float, new_id: str) -> bytes:
    """Write the whole mail, lines ended by LF as qmail wants them."""
    fields = b"".join(
        name.encode("ascii") + b": " + value + b"\n"
        for name, value in _fields(letter, content, now, new_id)
    )
    return fields + _body(letter, new_id)


def admin_address(content: NoticeContent) -> str:
    """Whom readers can ask: the administrator, else this host's postmaster."""
    return content.admin or f"postmaster@{content.hostname}"


def _fields(
    letter: Letter, content: NoticeContent, now: float, new_id: str
) -> Iterator[tuple[str, bytes]]:
    admin = _address(admin_address(content))
    domain = admin.rpartition(b"@")[2].rstrip(b">")
    yield "From", _phrase(content.admin_name) + admin
    yield "To", _address(letter.recipient)
    yield "Subject", _unstructured(letter.subject)
    yield "Date", format_datetime(datetime.fromtimestamp(now, UTC)).encode("ascii")
    yield "Message-ID", b"<%s@%s>" % (_id(new_id), domain)
    yield "Auto-Submitted", _auto_submitted(content.audience)
    yield "Precedence", b"bulk"
    yield "X-Auto-Response-Suppress", b"All"  # Exchange
    yield from _references(letter, content)
    yield _notice_field(content), _notice_value(letter, content)


def _auto_submitted(audience: Audience) -> bytes:
    """RFC 3834 section 5: to the sender it is an answer; to others, no answer to theirs."""
    return b"auto-replied" if audience is Audience.SENDER else b"auto-generated"


def _references(letter: Letter, content: NoticeContent) -> Iterator[tuple[str, bytes]]:
    message_id = clean_message_id(content.record.message_id).encode("ascii")
    if message_id and letter.count == 1:
        if content.audience is Audience.SENDER:
            yield "In-Reply-To", message_id
        yield "References", message_id


def _notice_field(content: NoticeContent) -> str:
    prefix = content.prefix if _PREFIX.fullmatch(content.prefix) else "X-Mailwarden"
    return f"{prefix}-Notice"


def _notice_value(letter: Letter, content: NoticeContent) -> bytes:
    """For filters: `20261122-154500-k3f9q2ab; to=admin; messages=1`."""
    said = f"; to={content.audience.value}; messages={letter.count}"
    return _id(content.record.id) + said.encode("ascii")


def _address(address: str) -> bytes:
    return b"<%s>" % address.encode("ascii") if _ADDRESS.fullmatch(address) else _NOBODY_NAMED


def _phrase(name: str) -> bytes:
    """A name before an address, in quotes or as encoded words."""
    name = one_line(name)
    if not name:
        return b""
    text = _unstructured(name)
    return b'"%s" ' % _QUOTED.sub(rb"\\\1", text) if name.isascii() else text + b" "


def _unstructured(text: str) -> bytes:
    """A line, also once decoded, folded between encoded words: RFC 2047 asks for at most 76."""
    return unstructured_text(one_line(text)).replace(b"?= =?", b"?=\n =?")


def _id(text: str) -> bytes:
    return plain_text(_NOT_IN_AN_ID.sub("-", text), 100).encode("ascii")


def _body(letter: Letter, new_id: str) -> bytes:
    message = EmailMessage()
    message.set_content(letter.text, cte=_encoding(letter.text))
    message.add_alternative(letter.html, subtype="html", cte=_encoding(letter.html))
    # No encoded line holds `=_`, so no value can be the boundary.
    message.set_boundary("=_" + _id(new_id).decode("ascii"))
    return message.as_bytes()


def _encoding(text: str) -> str:
    """Whichever is shorter: quoted-printable takes three for each octet that is not ASCII."""
    octets = text.encode("utf-8", "replace")
    foreign = sum(octet > 126 for octet in octets)
    return "base64" if foreign * 6 > len(octets) else "quoted-printable"
