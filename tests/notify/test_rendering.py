"""How notices read, to each audience, in each language, one or many at once."""

import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwarden.notify.rendering import SHOWN_MAILS, render
from mailwarden.notify.template_folder import TemplateError
from mailwarden.settings.per_recipient import Language
from mailwarden.verdict.record import Json
from support.notices import ADMIN, AT, ID, errand_of, mail_of, record_json_of

LANGUAGES: tuple[str, ...] = get_args(Language)
AUDIENCES = ("sender", "recipients", "admin")
REASONS = (
    "virus:Eicar", "policy:exe", "spam", "encrypted:zip", "malformed:x", "ambiguous:x",
    "ambiguous-text:x", "unopened:x", "over-limit:x", "fault:clamd", "oversize:x",
)  # fmt: skip
ATTACK = (
    "</td><script>alert('x')</script>\r\nBcc: all@example.org\r\n\r\n{{ 7*7 }}{% raw %}\u202e\0"
)


class Tags(HTMLParser):
    """Which elements a page has, in order, and whether each is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        if tag not in {"br", "meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def virus(number: int, **changes: object) -> Json:
    at = AT + number
    return record_json_of(at=at, id=f"id-{number:05}", subject=f"document {number}", **changes)


def test_a_sender_reads_what_happened_and_what_to_do() -> None:
    mail = mail_of(errand_of("sender", "ann@example.org"))
    assert mail.subject == "Your message was not delivered"
    for said in (
        "your address as the sender",
        "A virus was found in it: Eicar-Test-Signature",
        "check your computer for viruses",
        f"write to {ADMIN} and give the",
        ID,
    ):
        assert said in mail.text.replace("\n", " ")
        assert said in mail.html.replace("\n", " ")
    assert "computer" not in mail_of(errand_of("sender", record=virus(1, reason="spam"))).text


def test_a_recipient_reads_that_a_message_was_held_back() -> None:
    mail = mail_of(errand_of("recipients", "bob@example.net"))
    assert mail.subject == "A message to you was held back"
    assert "sent to you and held it back" in mail.text
    assert "eve@example.net" not in mail.raw.decode() + mail.text + mail.html


@pytest.mark.parametrize("audience", ["sender", "recipients"])
def test_nobody_outside_reads_of_our_machines_or_of_the_header(audience: str) -> None:
    mail = mail_of(errand_of(audience, "bob@example.net"))
    everything = mail.raw.decode() + mail.text + mail.html
    for secret in ("mx1.internal", "Received: from", "clamdscan", "quarantine release"):
        assert secret not in everything


def test_an_administrator_reads_what_to_type() -> None:
    mail = mail_of(errand_of())
    assert mail.subject == "Virus: Eicar-Test-Signature (quarantined)"
    for verb in ("show", "release", "delete"):
        assert f"mailwarden quarantine {verb} {ID}" in mail.text
        assert f"mailwarden quarantine {verb} {ID}" in mail.html
    assert "    | Received: from x by mx1.internal.example.net\n    |     with SMTP\n" in mail.text


def test_of_a_rejected_message_nothing_is_there_to_release() -> None:
    mail = mail_of(errand_of(record=record_json_of(disposition="reject", kept_as="")))
    assert mail.subject == "Virus: Eicar-Test-Signature (rejected)"
    assert "mailwarden quarantine" not in mail.text + mail.html


def test_the_values_of_the_table_stand_under_each_other() -> None:
    lines = mail_of(errand_of("recipients", "bob@example.net")).text.splitlines()
    assert "From:      ann@example.org" in lines
    assert f"Reference: {ID}" in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_fills_in_every_template(language: str) -> None:
    several = [virus(number, reason=reason) for number, reason in enumerate(REASONS)]
    for audience in AUDIENCES:
        for record in several[:2]:
            mail = mail_of(errand_of(audience, record=record, language=language))
            assert not re.search(r"%\(|\{\{|\{%", mail.text + mail.html)
            assert not Tags(mail.html).open
        mail = mail_of(*(errand_of(audience, record=one, language=language) for one in several))
        assert re.search(r"\b11\b", mail.subject) or "11" in mail.subject
        assert not Tags(mail.html).open


def test_two_languages_follow_each_other_in_one_mail() -> None:
    mail = mail_of(errand_of("recipients", "bob@example.net", language="en_PL"))
    assert mail.subject == "A message to you was held back / Zatrzymano wiadomość do Państwa"
    english, polish = mail.text.index("held it back"), mail.text.index("Serwer pocztowy")
    assert english < mail.text.index("=" * 72) < polish
    assert mail.html.index('lang="en-GB"') < mail.html.index('lang="pl-PL"')
    assert mail.html.count("<html") == 1


def test_the_short_form_leaves_out_what_is_not_essential() -> None:
    long = mail_of(errand_of(language="enlt_LT")).text
    short = mail_of(errand_of(language="enlt_LT_short")).text
    assert "Received: from" in long
    assert "Received: from" not in short
    assert "Jame rastas virusas" in mail_of(errand_of("sender", language="enlt_LT_short")).text
    assert len(short) < len(long)


def test_ascii_turkish_is_ascii() -> None:
    for audience in AUDIENCES:
        mail = mail_of(errand_of(audience, language="tr_TR_ascii"))
        assert (mail.text + mail.html + mail.subject).isascii()


def test_several_notices_become_one_summary() -> None:
    records = [virus(number, reason="spam" if number % 4 else "virus:A") for number in range(1_200)]
    mail = mail_of(*(errand_of(record=record) for record in records))
    assert mail.subject == "1,200 messages were blocked"
    assert mail.message["X-Mailwarden-Notice"] == "id-01199; to=admin; messages=1200"
    assert re.search(r"^ +900 +Spam\n +300 +Virus: A$", mail.text, re.MULTILINE)
    assert mail.text.count("Subject: document") == SHOWN_MAILS
    assert "document 1199" in mail.text
    assert "document 1149" not in mail.text
    assert "and 1,150 more" in mail.text
    assert Tags(mail.html).names.count("tr") == 2 + 1 + SHOWN_MAILS
    assert "15:45:00" in mail.text.splitlines()[0]
    assert "16:04:59" in mail.text.partition(":\n")[0].replace("\n", " ")


def test_a_summary_counts_what_has_no_more_than_a_reason() -> None:
    bare = [errand_of(record={"at": AT - 9, "reason": "virus:A"}) for _ in range(60)]
    mail = mail_of(*bare, errand_of(language="de_DE"), errand_of(language="de_DE"))
    assert mail.subject == "62 Nachrichten wurden aufgehalten"


def test_a_summary_to_a_recipient_names_no_other() -> None:
    errands = [errand_of("recipients", "bob@example.net", virus(number)) for number in range(3)]
    assert "eve@example.net" not in mail_of(*errands).text


def test_ten_thousand_notices_are_joined_in_a_moment() -> None:
    errands = [errand_of(record=virus(number)) for number in range(10_000)]
    start = time.process_time()
    mail = mail_of(*errands)
    assert time.process_time() - start < 3.0
    assert mail.subject == "10,000 messages were blocked"
    assert len(mail.raw) < 200_000


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_hostile_message_changes_neither_fields_nor_elements_nor_lines(audience: str) -> None:
    harmless = record_json_of(reason="virus:A", kept_as="")
    hostile = {
        **harmless,
        **dict.fromkeys(("sender", "subject", "detail", "message_id", "origin"), ATTACK),
        "reason": f"virus:{ATTACK}",
        "recipients": [{"address": ATTACK}],
        "files": [[ATTACK, 1]],
        "scanners": [ATTACK],
        "spam": {"score": 1.0, "required": 5.0, "tests": [ATTACK]},
    }
    mail = mail_of(errand_of(audience, record=hostile, header=ATTACK, debug=True))
    usual = mail_of(errand_of(audience, record=harmless, header="a\nb\nc\nd", debug=True))
    assert set(mail.message.keys()) <= {*usual.message.keys()}
    assert "script" not in Tags(mail.html).names
    assert "49" not in mail.text.replace(ID, "")
    assert not any(character in mail.text + mail.html for character in "\u202e\0\r")
    assert not re.search(r"^Bcc", mail.text, re.MULTILINE)


@settings(deadline=None)  # the first one waits for imports and templates
@given(st.text(max_size=30), st.sampled_from(AUDIENCES))
def test_any_text_can_be_told(text: str, audience: str) -> None:
    record = record_json_of(sender=text, subject=text, reason=f"policy:{text}", detail=text)
    raw = render([errand_of(audience, text, record, header=text)], AT, "new-1")
    assert raw.isascii()


def own(tmp_path: Path, **templates: str) -> str:
    for name, text in templates.items():
        (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return str(tmp_path)


def test_an_administrators_own_templates_are_used(tmp_path: Path) -> None:
    folder = own(
        tmp_path,
        subject_txt="Achtung: {{ mail.what }}\n\nBcc: x",
        admin_txt="Von {{ mail.sender }}",
        admin_html="<i>{{ mail.subject }}</i>",
    )
    mail = mail_of(errand_of(record=record_json_of(subject="<b>"), templates=folder))
    assert mail.subject == r"Achtung: Virus: Eicar-Test-Signature\n\nBcc: x"
    assert mail.text.strip() == "Von ann@example.org"
    assert "<i>&lt;b&gt;</i>" in mail.html


@pytest.mark.parametrize("name", ["admin.txt", "admin.html", "subject.txt", "page.html"])
def test_a_broken_template_costs_no_notice_and_the_administrator_reads_of_it(
    tmp_path: Path, name: str
) -> None:
    own(tmp_path, **{name.replace(".", "_"): "{{ nobody }}"})
    heard: list[TemplateError] = []
    errand = errand_of(templates=str(tmp_path))
    render([errand], AT, "new-1", heard.append)
    assert [problem.template for problem in heard] == [name]
    mail = mail_of(errand)
    assert mail.subject == "Virus: Eicar-Test-Signature (quarantined)"
    assert f"Your template {name} failed" in mail.text
    assert f"Your template {name} failed" in mail.html


def test_others_read_nothing_of_a_broken_template(tmp_path: Path) -> None:
    folder = own(tmp_path, sender_txt="{% if %}")
    heard: list[TemplateError] = []
    errand = errand_of("sender", "ann@example.org", templates=folder)
    render([errand], AT, "new-1", heard.append)
    assert len(heard) == 1
    mail = mail_of(errand)
    assert "template" not in mail.text + mail.html
    assert "not deliver it" in mail.text


def test_what_is_wrong_with_our_own_templates_is_never_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mailwarden.notify import rendering

    def broken(*_arguments: object) -> str:
        raise TemplateError("admin.txt", "broken")

    monkeypatch.setattr(rendering, "fill", broken)
    with pytest.raises(TemplateError):
        render([errand_of()], AT, "new-1")
