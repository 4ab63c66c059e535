"""A notice as a mail: fields, addresses, encodings; no value adds a field or ends a part."""

import email
from email.policy import default

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwarden.notify.content import MailRecord, NoticeContent
from mailwarden.notify.letter import Letter, admin_address, write_letter
from mailwarden.verdict.telling import Audience

LETTER = Letter("bob@example.net", "A subject", "text\n", "<p>html</p>\n", 1)
CONTENT = NoticeContent(
    Audience.ADMIN,
    admin="antivirus@example.net",
    admin_name="Antivirus",
    hostname="mx1.internal",
    record=MailRecord(id="20261122-154500-k3f9q2ab", message_id="<17.abc@example.org>"),
)
NOW = 1_795_362_360.0
FIELDS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Precedence",
    "X-Auto-Response-Suppress", "References", "X-Mailwarden-Notice", "MIME-Version",
    "Content-Type",
]  # fmt: skip


def fields(letter: Letter = LETTER, **changes: object) -> dict[str, str]:
    """The header as a mail program reads it; no name twice."""
    content = msgspec.structs.replace(CONTENT, **changes)
    raw = write_letter(letter, content, NOW, "new-1")
    message = email.message_from_bytes(raw, policy=default)
    assert len(set(message.keys())) == len(message.keys())
    return {name: str(value) for name, value in message.items()}


def replaced(letter: Letter = LETTER, **changes: object) -> Letter:
    values = {name: getattr(letter, name) for name in Letter.__slots__}
    return Letter(**{**values, **changes})


def test_a_notice_to_the_administrator_is_a_mail_of_a_program() -> None:
    raw = write_letter(LETTER, CONTENT, NOW, "20261122-154600-new1")
    header = raw.partition(b"\n\n")[0].decode("ascii")
    assert header == (
        'From: "Antivirus" <antivirus@example.net>\n'
        "To: <bob@example.net>\n"
        "Subject: A subject\n"
        "Date: Sun, 22 Nov 2026 15:46:00 +0000\n"
        "Message-ID: <20261122-154600-new1@example.net>\n"
        "Auto-Submitted: auto-generated\n"
        "Precedence: bulk\n"
        "X-Auto-Response-Suppress: All\n"
        "References: <17.abc@example.org>\n"
        "X-Mailwarden-Notice: 20261122-154500-k3f9q2ab; to=admin; messages=1\n"
        "MIME-Version: 1.0\n"
        'Content-Type: multipart/alternative; boundary="=_20261122-154600-new1"'
    )


def test_what_the_sender_hears_is_an_answer_to_the_message() -> None:
    told = fields(audience=Audience.SENDER)
    assert told["Auto-Submitted"] == "auto-replied"
    assert told["In-Reply-To"] == told["References"] == "<17.abc@example.org>"
    assert "In-Reply-To" not in fields(audience=Audience.RECIPIENTS)


def test_a_summary_answers_no_single_message() -> None:
    told = fields(replaced(count=2), audience=Audience.SENDER)
    assert "References" not in told
    assert "In-Reply-To" not in told
    assert told["X-Mailwarden-Notice"].endswith("; to=sender; messages=2")


def test_an_odd_message_id_is_not_answered() -> None:
    record = MailRecord(message_id="<a@b>\nBcc: all@example.org")
    assert "References" not in fields(record=record)


def test_without_an_administrator_the_postmaster_writes() -> None:
    content = msgspec.structs.replace(CONTENT, admin="", admin_name="")
    assert admin_address(content) == "postmaster@mx1.internal"
    told = fields(admin="", admin_name="")
    assert told["From"] == "postmaster@mx1.internal"
    assert told["Message-ID"] == "<new-1@mx1.internal>"


@pytest.mark.parametrize(
    "name", ['The "A" Team \\ more', "Müller, Groß & Söhne", "管理者", "a <b@c>", "x" * 100]
)
def test_any_name_stands_before_the_address_as_it_is(name: str) -> None:
    raw = write_letter(LETTER, msgspec.structs.replace(CONTENT, admin_name=name), NOW, "new-1")
    message = email.message_from_bytes(raw, policy=default)
    (address,) = message["From"].addresses
    assert (address.display_name, address.addr_spec) == (name, CONTENT.admin)


def test_a_name_that_hides_something_is_quoted_with_its_escapes() -> None:
    assert fields(admin_name="Ann\u202e\\")["From"].startswith(r'"Ann\\u202e\\"')


@pytest.mark.parametrize("subject", ["Eine Nachricht wurde aufgehalten: ü", "請求書" * 40])
def test_a_subject_of_any_script_is_whole_and_in_short_ascii_lines(subject: str) -> None:
    raw = write_letter(replaced(subject=subject), CONTENT, NOW, "new-1")
    assert email.message_from_bytes(raw, policy=default)["Subject"] == subject
    header = raw.partition(b"\n\n")[0]
    assert header.isascii()
    assert max(map(len, header.split(b"\n"))) <= 90


@pytest.mark.parametrize(
    "address", ["josé@example.net", "a b@example.net", "a@b\nBcc: c@d", "<a@b>", "", "a"]
)
def test_an_address_that_no_field_can_hold_stands_in_the_envelope_only(address: str) -> None:
    told = fields(replaced(recipient=address))
    assert told["To"] == "undisclosed-recipients:;"
    assert list(told) == FIELDS


def test_the_prefix_of_our_field_is_the_settings_one_where_it_is_one() -> None:
    assert "X-Antivirus-MYDOMAIN-Notice" in fields(prefix="X-Antivirus-MYDOMAIN")
    assert "X-Mailwarden-Notice" in fields(prefix="Bcc: a@b\nX")


@settings(deadline=None)  # the first one waits for imports and templates
@given(st.text(max_size=40), st.sampled_from(["subject", "recipient", "admin_name", "id"]))
def test_no_value_adds_a_field(text: str, place: str) -> None:
    hostile = text + "\nBcc: all@example.org\r\n\r\nbody" + text
    letter, changes = LETTER, dict[str, object]()
    match place:
        case "subject" | "recipient":
            letter = replaced(LETTER, **{place: hostile})
        case "admin_name":
            changes = {place: hostile}
        case _:
            changes = {"record": MailRecord(id=hostile, message_id=hostile)}
    told = fields(letter, **changes)
    assert set(told) <= set(FIELDS)
    assert "Bcc" not in told


@pytest.mark.parametrize(
    "text",
    [
        "plain\n",
        "--=_new-1\nContent-Type: x\n\n--=_new-1--\n",
        "ü" * 500,
        "x" * 5_000 + "\n",
        ".\n",
    ],
)
def test_any_text_comes_out_whole_in_short_ascii_lines(text: str) -> None:
    raw = write_letter(replaced(text=text, html=text), CONTENT, NOW, "new-1")
    message = email.message_from_bytes(raw, policy=default)
    parts = list(message.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [part.get_content().rstrip("\n") for part in parts] == [text.rstrip("\n")] * 2
    assert raw.isascii()
    assert b"\r" not in raw
    assert max(map(len, raw.split(b"\n"))) <= 90


def test_text_that_is_mostly_not_ascii_is_base64() -> None:
    raw = write_letter(replaced(text="請求書" * 50), CONTENT, NOW, "new-1")
    assert raw.count(b"Content-Transfer-Encoding: base64") == 1
    assert raw.count(b"Content-Transfer-Encoding: quoted-printable") == 1
