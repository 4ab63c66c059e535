"""Whatever goes into a header field stays one line, ASCII, and inside its place."""

import email.header
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.encoded_words import decode_words
from mailwarden.message.field_text import (
    address_text,
    comment_text,
    host_text,
    plain_text,
    unstructured_text,
)

_ANY = st.one_of(st.text(), st.binary())
_ENCODED_WORD = re.compile(rb"=\?UTF-8\?B\?[A-Za-z0-9+/=]*\?=")


@given(_ANY)
def test_any_text_becomes_printable_ascii_on_one_line(text: str | bytes) -> None:
    for made in (plain_text(text), address_text(text), comment_text(text)):
        assert re.fullmatch(r"[ -~]*", made)


@given(_ANY)
def test_an_address_is_one_token_without_brackets(address: str | bytes) -> None:
    assert not set(address_text(address)) & set(' #[]()<>|\\"\r\n\t')


@given(_ANY)
def test_nothing_inside_a_comment_opens_closes_or_quotes(text: str | bytes) -> None:
    assert not set(comment_text(text)) & set("()\\")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (b"ann@sender.example", "ann@sender.example"),
        (b"", ""),
        (b"#@[]", "!@!!"),  # a double bounce
        (b"x@y>, uid 0) by evil\r\nX-Spam: no", "x@y!,!uid!0!!by!evil??X-Spam:!no"),
        (b"prvs=0123=ann+tag@sender.example", "prvs=0123=ann+tag@sender.example"),
        ("jürgen@sender.example".encode(), "j??rgen@sender.example"),
    ],
)
def test_addresses_keep_what_is_harmless(address: bytes, expected: str) -> None:
    assert address_text(address) == expected


@given(st.text())
def test_a_host_is_one_token_that_says_nothing_else(host: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._:%!-]*", host_text(host))


@pytest.mark.parametrize("host", ["mx_1.sender-2.example", "192.0.2.7", "2001:db8::1%eth0"])
def test_hosts_keep_what_is_harmless(host: str) -> None:
    assert host_text(host) == host


def test_what_is_too_long_is_cut() -> None:
    assert len(plain_text("a" * 100_000)) == 900
    assert len(address_text(b"a" * 100_000)) == 320
    assert len(host_text("a" * 100_000)) == 255
    assert plain_text("abcdef", 3) == "abc"


@pytest.mark.parametrize("text", ["SPAM *** ", "", "a=?b", "(x)"])
def test_plain_subjects_stay_as_they_are(text: str) -> None:
    assert unstructured_text(text) == text.encode()


@pytest.mark.parametrize(
    "text", ["wérbung", "広告 " * 60, "ü" * 200, "\U0001f4a9" * 30, "a" * 80 + "é"]
)
def test_other_subjects_are_read_back_by_us_and_by_the_standard_library(text: str) -> None:
    octets = unstructured_text(text)
    read = email.header.make_header(email.header.decode_header(octets.decode("ascii")))
    assert decode_words(octets) == text == str(read)


@given(st.text(min_size=1).filter(lambda text: not text.isascii()))
def test_encoded_words_are_short_and_whole(text: str) -> None:
    for word in unstructured_text(text).split(b" "):
        assert _ENCODED_WORD.fullmatch(word)
        assert len(word) <= 75
        decode_words(word).encode("utf-8")  # no character was cut in two


def test_a_lone_surrogate_does_not_raise() -> None:
    assert _ENCODED_WORD.fullmatch(unstructured_text("\ud800é"))
