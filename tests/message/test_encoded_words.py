import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.encoded_words import (
    codec_name,
    decode_odd_words,
    decode_text,
    decode_words,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"", ""),
        (b"plain", "plain"),
        (b"=?utf-8?B?w6Q=?=", "ä"),
        (b"=?UTF-8?q?=C3=A4_b?=", "ä b"),
        (b"=?iso-8859-1?Q?=E4?= tail", "ä tail"),
        (b"head =?utf-8?Q?x?=", "head x"),
        (b"=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
        (b"=?utf-8?Q?a?=\r\n\t=?iso-8859-1?B?Yg==?=", "ab"),
        (b"=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "ä"),
        (b"=?utf-8*en?Q?a?=", "a"),
        (b"=?utf-8?B?w6Q?=", "ä"),
        (b"=?no-such-charset?Q?=C3=A4?=", "ä"),
        (b"=?base64?Q?=E4?=", "ä"),
        (b"=?unicode_escape?Q?a?=", "a"),
        (b"=?utf-8?X?a?=", "=?utf-8?X?a?="),
        (b"=?utf-8?Q?a", "=?utf-8?Q?a"),
        (b"caf\xe9", "café"),
        ("café".encode(), "café"),
        (b"=?utf-16?B?ZgBpAGwAZQA=?=", "file"),
    ],
)
def test_values_read_as_people_see_them(value: bytes, text: str) -> None:
    assert decode_words(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"=?utf-8?Q?a.exe", "a.exe"),
        (b"=?utf-8?Q?a?b?=", "a?b"),
        (b"=? utf-8 ? q ?a?=", "a"),
        (b"=?UTF-8*en?b?w6Q?= =?utf-8?Q?b?=", "äb"),
        (b"=?utf-8?Q?a_b?=", "a_b"),
        (b"plain", "plain"),
    ],
)
def test_some_clients_decode_more_than_that(value: bytes, text: str) -> None:
    assert decode_odd_words(value) == text


def test_charsets_have_one_name_whatever_they_are_called() -> None:
    assert codec_name("UTF8") == codec_name("utf-8") != ""
    assert codec_name("no-such-charset") == codec_name("base64") == ""


def test_a_charset_that_lies_replaces_what_it_cannot_say() -> None:
    assert decode_text(b"a\xff", "us-ascii") == "a\N{REPLACEMENT CHARACTER}"


@given(st.binary(), st.sampled_from(["", "utf-7", "utf-16", "koi8-r", "idna", "x" * 50, "\0"]))
def test_any_bytes_in_any_charset_give_text_that_utf_8_can_write(
    octets: bytes, charset: str
) -> None:
    decode_text(octets, charset).encode("utf-8")


@given(
    st.lists(st.sampled_from([b"=?", b"?=", b"?", b"utf-7", b"Q", b"B", b"+2AA-", b" ", b"\xff"]))
)
def test_any_value_gives_text_that_utf_8_can_write(pieces: list[bytes]) -> None:
    decode_words(b"".join(pieces)).encode("utf-8")
    decode_odd_words(b"".join(pieces)).encode("utf-8")


@pytest.mark.parametrize("piece", [b"=?", b"=?a?q?", b"=?a?q?b?= ", b"?=", b"=?a?b?!", b" "])
def test_a_megabyte_of_almost_encoded_words_takes_linear_time(piece: bytes) -> None:
    before = time.process_time()
    decode_words(piece * (1_000_000 // len(piece)))
    decode_odd_words(piece * (1_000_000 // len(piece)))
    assert time.process_time() - before < 8
