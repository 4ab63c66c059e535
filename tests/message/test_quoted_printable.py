import binascii
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.quoted_printable import (
    _ILLEGAL_ESCAPE,
    _SOFT_BREAK_WITH_BLANKS,
    ODD_BYTES,
    broken_quoted_printable,
    is_clean_quoted_printable,
    usual_quoted_printable,
)


@given(st.lists(st.sampled_from([b"=", b"\r", b"\n", b" ", b"4a", b"Z"])).map(b"".join))
def test_escapes_are_told_apart_as_one_by_one(octets: bytes) -> None:
    lines = _SOFT_BREAK_WITH_BLANKS.sub(b"=", octets)
    expected = binascii.a2b_qp(_ILLEGAL_ESCAPE.sub(b"=3D", lines))
    assert usual_quoted_printable(octets) == expected


def test_broken_escapes_everywhere_take_little_memory() -> None:
    tracemalloc.start()
    for body in (b"= " * 1_000_000, b"==a" * 1_000_000, b"= \n" * 1_000_000):
        usual_quoted_printable(body)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()


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


@pytest.mark.parametrize(
    ("body", "octets"), [(b"==\r", b"==\r"), (b"==41", b"=A"), (b"===3D", b"==="), (b"=", b"")]
)
def test_two_equals_signs_neither_become_one_nor_take_in_what_follows(
    body: bytes, octets: bytes
) -> None:
    assert usual_quoted_printable(body) == octets


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
    assert time.process_time() - before < 16
