import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.text_types import is_text, text_word


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"Hello.\r\n", "text"),
        ("Grüße".encode(), "text"),
        ("Grüße".encode("latin-1"), "text"),
        ("日本語".encode("iso-2022-jp"), "text"),
        (codecs.BOM_UTF16_LE + "Hello".encode("utf-16-le"), "text"),
        (codecs.BOM_UTF16_BE + "<html>".encode("utf-16-be"), "html"),
        (codecs.BOM_UTF8 + b"<html>", "html"),
        (b"\n <!DOCTYPE HTML PUBLIC", "html"),
        (b"<?xml version='1.0'?><html>", "html"),
        (b"<?xml version='1.0'?><a>", "xml"),
        (b"<?xml version='1.0'?><svg>", "svg"),
        (b"<svg onload=alert(1)>", "svg"),
        (b"<3 you", "text"),
        (b"Received: from a\nFrom: b\n\nHi", "mail"),
        (b"Received: from a\rFrom: b\r\rHi", "mail"),
        (b"X-Own: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n", "mail"),
        (b"From a@b Mon Mar  3\nReceived: from a\nFrom: b\n\nHi", "mbox"),
        (b"From: Ann\nSent: Monday\nTo: Bob\nSubject: Hi\n\nHello", "text"),
        (b"From here on\nMessage-ID: x", "text"),
        (b"Subject: a\n\nReceived: b\nFrom: c\n", "text"),
        (b"a\0b", ""),
        (b"\x01\x02", ""),
        (b"", ""),
        (codecs.BOM_UTF8, ""),
    ],
    ids=str,
)
def test_texts_are_told_apart(head: bytes, word: str) -> None:
    assert text_word(head) == word


def test_control_characters_are_no_text() -> None:
    assert is_text(b"a\tb\x1b\r\n")
    assert not is_text(b"a\x00")


@given(st.binary() | st.binary().map(lambda octets: codecs.BOM_UTF16_LE + octets))
def test_any_bytes_have_a_word_or_none(head: bytes) -> None:
    assert isinstance(text_word(head), str)
