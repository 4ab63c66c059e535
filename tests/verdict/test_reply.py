"""Exit codes and texts: permanent only where we mean it."""

import pytest

from mailwarden.settings.model import Settings
from mailwarden.verdict.reply import (
    Trouble,
    defer_reply,
    kept_reply,
    reject_reply,
    trouble_reply,
)
from mailwarden.wire.gate import Exit, encode_answer

# qmail.c, qmail_close: these are permanent, whatever else is not 0 is temporary.
PERMANENT = range(11, 41)


def test_success_is_zero() -> None:
    assert kept_reply() == Exit(0)


def test_the_plain_flavour_knows_only_exit_codes() -> None:
    assert reject_reply("plain", "no") == Exit(31)
    assert defer_reply("plain", "later") == Exit(71)


@pytest.mark.parametrize(
    ("flavour", "descriptor", "use_error_fd"),
    [
        ("custom-error", 4, False),
        ("sagredo", 4, True),
        ("indimail", 2, True),
        ("notqmail", 6, False),
    ],
)
def test_other_flavours_are_told_why_and_fall_back_to_the_plain_codes(
    flavour: str, descriptor: int, use_error_fd: bool
) -> None:
    told = Exit(82, 31, descriptor, use_error_fd, b"Dspam (#5.7.1)")
    assert reject_reply(flavour, "spam (#5.7.1)") == told
    told = Exit(82, 71, descriptor, use_error_fd, b"Zlater")
    assert defer_reply(flavour, "later") == told


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_is_temporary_but_an_address_that_no_retry_makes_shorter(
    trouble: Trouble,
) -> None:
    code = trouble_reply(trouble).code
    assert (code in PERMANENT) is (trouble is Trouble.ADDRESS_TOO_LONG)
    assert code


def test_a_deferral_is_never_permanent_and_a_rejection_always_is() -> None:
    for flavour in ("plain", "custom-error", "sagredo", "indimail", "notqmail"):
        refused, deferred = reject_reply(flavour, "x"), defer_reply(flavour, "x")
        assert (refused.fallback or refused.code) in PERMANENT
        assert (deferred.fallback or deferred.code) not in PERMANENT


def test_every_text_of_the_settings_can_be_told_in_one_line() -> None:
    texts = Settings().rejection.model_dump().values()
    for flavour in ("custom-error", "sagredo", "indimail", "notqmail"):
        for text in (*texts, "x" * 200):
            told = reject_reply(flavour, text)
            assert len(told.text) <= 255
            assert b"\n" not in told.text
            encode_answer(told)


def test_a_text_that_is_not_ours_is_our_bug() -> None:
    with pytest.raises(UnicodeEncodeError):
        reject_reply("notqmail", "für Elise")
