import binascii
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.quoted_printable import (
    ODD_BYTES,
    broken_quoted_printable,
    is_clean_quoted_printable,
    usual_quoted_printable,
)


@given(st.binary())
def test_what_was_encoded_comes_back(octets: bytes) -> None:
    body = binascii.b2a_qp(octets, istext=False)
    assert is_clean_quoted_printable(body)
    assert usual_quoted_printable(body) == octets


@pytest.mark.parametrize(
    ("body", "octets"),
    [
        (b"a=41=\nb=\r\nc", b"aAbc"),
        (b"a= \t\r\nb", b"ab"),
        (b"a=", b"a"),
        (b"=4b=4B", b"KK"),
        (b"a_b", b"a_b"),
    ],
)
def test_what_every_reader_decodes_alike_is_clean(body: bytes, octets: bytes) -> None:
    assert is_clean_quoted_printable(body)
    assert usual_quoted_printable(body) == octets


@pytest.mark.parametrize(
    "body", [b"==50==4B", b"= =50= =4B", b"=XX=50=XX=4B", b"=0X=50=0XK", b"=0P=0K", b"==a50==a4B"]
)
def test_an_illegal_escape_is_kept_or_dropped(body: bytes) -> None:
    assert not is_clean_quoted_printable(body)
    decoded = list(broken_quoted_printable(body))
    assert b"PK" in decoded
    assert decoded[0] == usual_quoted_printable(body) != b"PK"


def test_an_escape_before_a_bare_cr_hides_nothing() -> None:
    assert usual_quoted_printable(b"a=\rhidden\nb") == b"a=\rhidden\nb"


@given(st.one_of(st.binary(), st.text(alphabet="=0aZ \r\n").map(str.encode)))
def test_any_body_is_decoded_without_an_error(body: bytes) -> None:
    for decoded in broken_quoted_printable(body):
        assert len(decoded) <= len(body)


def test_the_beginning_of_a_long_body_gets_every_reading() -> None:
    usual, *others = broken_quoted_printable(b"=ZZ" * ODD_BYTES)
    assert len(usual) == ODD_BYTES * 3
    assert max(map(len, others)) <= ODD_BYTES


@pytest.mark.parametrize("piece", [b"=", b"= ", b"=\r", b"=0", b"=a", b" ", b"\n"])
def test_three_megabytes_take_linear_time(piece: bytes) -> None:
    body = piece * (3_000_000 // len(piece))
    before = time.process_time()
    list(broken_quoted_printable(body))
    assert time.process_time() - before < 4
