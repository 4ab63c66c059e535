"""Each language of the settings speaks, in its own words, numbers and dates."""

import time
from typing import get_args

import pytest

from mailwarden.notify.languages import voices_of
from mailwarden.settings.per_recipient import Language

LANGUAGES: tuple[str, ...] = get_args(Language)
NUMBERS = (0, 1, 2, 3, 5, 11, 12, 21, 22, 101, 112, 1_000_000)
BLOCKED = ("%(count)s message was blocked", "%(count)s messages were blocked")


def tags(language: str) -> list[str]:
    return [voice.tag for voice in voices_of(language)]


def test_each_language_of_the_settings_has_its_own_voices() -> None:
    alone = {language: tags(language) for language in LANGUAGES if len(tags(language)) == 1}
    assert alone["en_GB"] == ["en-GB"]
    assert all(found == ["en-GB"] for found in [alone.pop("en_GB")])
    assert not any(found == ["en-GB"] for found in alone.values())
    assert tags("no_NO") == ["nb-NO"]
    assert tags("ja_JP.EUC") == ["ja-JP"]
    assert tags("tw_BIG5") == ["zh-TW"]


def test_some_say_everything_twice() -> None:
    twice = {language: tags(language) for language in LANGUAGES if len(tags(language)) > 1}
    assert twice == {
        "en_PL": ["en-GB", "pl-PL"],
        "enlt_LT": ["en-GB", "lt-LT"],
        "enlt_LT_short": ["en-GB", "lt-LT"],
    }
    assert [voice.tongue.is_short for voice in voices_of("enlt_LT_short")] == [True, True]
    assert not any(voice.tongue.is_short for voice in voices_of("enlt_LT"))


@pytest.mark.parametrize("language", ["xx_XX", "../../etc", "", "tlh_KL"])
def test_a_language_that_is_unknown_is_english(language: str) -> None:
    assert tags(language) == ["en-GB"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en_GB", ["1 message was", "2 messages were", "5 messages were", "21 messages were"]),
        ("fr_FR", ["1 message a", "2 messages ont", "5 messages ont", "21 messages ont"]),
        ("pl_PL", ["1 wiadomość", "2 wiadomości", "5 wiadomości", "21 wiadomości"]),
        ("cs_CZ", ["Byla zadržena 1", "Byly zadrženy 2", "Bylo zadrženo 5", "Bylo zadrženo 21"]),
        ("sk_SK", ["Bola zadržaná 1", "Boli zadržané 2", "Bolo zadržaných 5", "Bolo zadržaných"]),
        ("ja_JP.EUC", ["1 件", "2 件", "5 件", "21 件"]),
    ],
)
def test_nouns_take_the_form_that_belongs_to_their_number(language: str, said: list[str]) -> None:
    (voice,) = voices_of(language)
    texts = [voice.ngettext(*BLOCKED, number) % {"count": number} for number in (1, 2, 5, 21)]
    assert all(part in text for part, text in zip(said, texts, strict=True)), texts


def test_lithuanian_counts_by_the_last_digit() -> None:
    voice = voices_of("enlt_LT")[1]
    forms = {number: voice.ngettext(*BLOCKED, number).split()[-1] for number in NUMBERS}
    assert forms[1] == forms[21] == forms[101] == "laiškas"
    assert forms[2] == forms[22] == "laiškai"
    assert forms[0] == forms[11] == forms[12] == forms[112] == "laiškų"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_has_a_form(language: str) -> None:
    for voice in voices_of(language):
        for number in NUMBERS:
            assert "%(count)s" in voice.ngettext(*BLOCKED, number)


def test_dates_and_numbers_are_written_as_the_language_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Istanbul")
    time.tzset()
    try:
        (german,) = voices_of("de_DE")
        (turkish,) = voices_of("tr_TR")
        (ascii_turkish,) = voices_of("tr_TR_ascii")
        at = 1_770_900_000.0  # 12 February 2026, 15:40 in Istanbul
        assert german.moment(at) == "12.02.2026, 15:40:00 +0300"
        assert turkish.moment(at) == "12 Şub 2026 15:40:00 +0300"
        assert ascii_turkish.moment(at) == "12 Sub 2026 15:40:00 +0300"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert german.number(1_234.5) == "1.234,5"
    assert german.size(1_234_567) == "1.234,6 kB"


def test_ascii_turkish_has_no_letter_that_is_not_ascii() -> None:
    (voice,) = voices_of("tr_TR_ascii")
    (whole,) = voices_of("tr_TR")
    assert voice.gettext("Spam") == "Istenmeyen posta"
    assert whole.gettext("Spam") == "İstenmeyen posta"
    assert voice.ngettext(*BLOCKED, 2).isascii()
