"""What a notice may show, and to whom."""

from typing import get_args

import pytest

from mailwarden.notify.content import contents_of
from mailwarden.notify.languages import voices_of
from mailwarden.notify.wording import _UNCHECKED, _WORDS, ShownMail, shown_mail, what_of
from mailwarden.settings.per_recipient import Language
from mailwarden.verdict.report import Kind
from support.notices import ADMIN, ID, errand_of, record_json_of

(ENGLISH,) = voices_of("en_GB")
HEADER = "Received: from x by mx1.internal.example.net\n"


def shown(audience: str, to: str = ADMIN, **changes: object) -> ShownMail:
    record = record_json_of(**changes)
    (content,) = contents_of([errand_of(audience, to, record, header=HEADER)])
    return shown_mail(content, to, ENGLISH)


def facts(audience: str, to: str = ADMIN, **changes: object) -> dict[str, str]:
    return dict(shown(audience, to, **changes).facts)


def test_the_administrator_sees_all() -> None:
    spam = {"score": 12.34, "required": 5, "tests": ["GTUBE"]}
    assert facts("admin", spam=spam) == {
        "Reason": "Virus: Eicar-Test-Signature",
        "Details": "clamd found virus Eicar-Test-Signature in eicar.com",
        "Date": ENGLISH.moment(1_795_362_300.0),
        "From": "ann@example.org",
        "To": "bob@example.net, eve@example.net",
        "Subject": "Your invoice",
        "Message-ID": "<17.abc@example.org>",
        "Size": "1.2 kB",
        "Files": "eicar.com (0.1 kB)",
        "Client": "192.0.2.7",
        "Scanners": "clamdscan: 1.4.6/27.",
        "Spam score": "12.34 points, 5 make spam",
        "Reference": ID,
    }
    assert shown("admin").header == ("Received: from x by mx1.internal.example.net",)
    assert shown("admin").kept_as == ID


def test_others_see_what_they_need_to_know_the_message_again() -> None:
    assert set(facts("sender")) == {"Date", "From", "To", "Subject", "Reference"}
    for audience in ("sender", "recipients"):
        told = shown(audience, "bob@example.net")
        assert "mx1.internal" not in str(told)
        assert "clamd" not in str(told)
        assert (told.header, told.kept_as) == ((), "")


def test_a_recipient_sees_no_other_recipient() -> None:
    told = shown("recipients", "bob@example.net")
    assert dict(told.facts)["To"] == "bob@example.net"
    assert "eve" not in str(told)


def test_what_a_rule_says_is_told_to_all_and_why_a_scanner_failed_only_to_the_administrator() -> (
    None
):
    rule = {"reason": "policy:exe", "detail": "Programs are not allowed here."}
    assert facts("recipients", **rule)["Details"] == "Programs are not allowed here."
    fault = {"reason": "fault:clamd", "detail": "clamd could not answer"}
    assert "Details" not in facts("recipients", **fault)
    assert facts("admin", **fault)["Details"] == "clamd could not answer"


def test_with_debug_the_administrator_sees_the_tests_with_their_points() -> None:
    spam = {"score": 7.0, "required": 5.0, "tests": ["A", "B"], "points": [["A", 2.5], ["B", 4.5]]}
    for audience, debug, expected in (
        ("admin", True, "A 2.5, B 4.5"),
        ("admin", False, None),
        ("recipients", True, None),
    ):
        errand = errand_of(audience, record=record_json_of(spam=spam), debug=debug)
        (content,) = contents_of([errand])
        told = dict(shown_mail(content, ADMIN, ENGLISH).facts)
        assert told.get("Spam tests") == expected


def test_tests_without_points_are_named() -> None:
    spam = {"score": 7.0, "required": 5.0, "tests": ["A", "B"]}
    (content,) = contents_of([errand_of(record=record_json_of(spam=spam), debug=True)])
    assert dict(shown_mail(content, ADMIN, ENGLISH).facts)["Spam tests"] == "A, B"


def test_many_recipients_and_files_are_counted() -> None:
    recipients = [{"address": f"u{number}@example.net"} for number in range(1_010)]
    told = facts("admin", recipients=recipients, files=[["a", 1]] * 21)
    assert told["To"].endswith("u9@example.net, and 1,000 more")
    assert told["Files"].endswith("a (0 kB), and 1 more")


def test_recipients_that_the_errand_left_out_are_counted() -> None:
    recipients = [{"address": f"u{number}@example.net"} for number in range(20)]
    told = facts("admin", recipients=recipients, recipient_count=100_000)
    assert told["To"].endswith("u9@example.net, and 99,990 more")


def test_an_empty_sender_and_odd_bytes_can_be_read() -> None:
    assert facts("admin", sender="")["From"] == "<>"
    told = facts("admin", sender="\udcff\n@example.org", subject="a\r\nb\x1b", message_id="")
    assert told["From"] == r"\xff\n@example.org"
    assert told["Subject"] == r"a\r\nb\x1b"
    assert "Message-ID" not in told


def test_every_kind_of_finding_has_words() -> None:
    kinds = {kind.value for kind in Kind} - {"unscored"}  # which blocks nothing
    assert kinds | {"spam", "fault"} == set(_WORDS)
    assert shown("sender", reason="something-new:x").sentence == _UNCHECKED.sentence


@pytest.mark.parametrize("language", get_args(Language))
def test_every_reason_is_said_in_every_language(language: str) -> None:
    for voice in voices_of(language):
        for kind in _WORDS:
            (content,) = contents_of([errand_of(record=record_json_of(reason=f"{kind}:A%(b)s"))])
            told = shown_mail(content, ADMIN, voice)
            assert told.sentence
            assert "A%(b)s" in told.what
        assert what_of("spam", voice) == voice.gettext("Spam")


def test_a_name_of_a_virus_is_text_and_nothing_else() -> None:
    told = shown("admin", reason="virus:{{ 7*7 }} %(admin)s\n<b>")
    assert told.what == r"Virus: {{ 7*7 }} %(admin)s\n<b>"
    assert told.sentence == r"A virus was found in it: {{ 7*7 }} %(admin)s\n<b>"
