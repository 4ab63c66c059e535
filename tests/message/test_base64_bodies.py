import base64
import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.base64_bodies import ODD_BYTES, broken_base64, clean_base64, usual_base64

SECRET = b"a secret that only some readers see"
PACKED = base64.b64encode(SECRET)
QUADS = textwrap.wrap(PACKED.decode(), 4)


def lines(*pieces: str, end: str = "\n") -> bytes:
    return "".join(piece + end for piece in pieces).encode()


@given(st.binary(), st.sampled_from([b"\n", b"\r\n", b" \n", b"\n\n"]))
def test_what_honest_programs_write_is_clean(octets: bytes, line_end: bytes) -> None:
    body = base64.encodebytes(octets).replace(b"\n", line_end)
    assert clean_base64(body) == octets
    assert clean_base64(body.rstrip(b"=\r\n ")) == octets


@pytest.mark.parametrize(
    "body",
    [
        b"aGVs!bG8=",
        b"aA==aA==",
        b"====",
        b"ABC\n\naGVsbG8=",
        b"aGVsXXX\nbG8hXXX\n",
        b"aGVsX\nbG8h\nAAA\n",
    ],
)
def test_what_readers_decode_differently_is_not_clean(body: bytes) -> None:
    assert clean_base64(body) is None


def test_what_is_cut_off_anywhere_is_clean_as_far_as_it_goes() -> None:
    body = b"aGVsbG8h"
    for end in range(1, len(body)):
        assert clean_base64(body[:end]) == b"hello!"[: end * 3 // 4]


@pytest.mark.parametrize("body", [b"QUJD\nQU\n", b"QUJDQUJD\nQUJD\nQUJDQUJD\nQUI=\n", b"Q U J D"])
def test_lines_of_unequal_length_are_clean_when_each_has_whole_quanta(body: bytes) -> None:
    assert clean_base64(body) is not None


@pytest.mark.parametrize(
    "body",
    [
        PACKED[:20] + b"!" + PACKED[20:],
        lines(*(quad + "#junk" for quad in QUADS)),
        lines(*(quad[:3] + "#junk\n" + quad[3:] for quad in QUADS)),
        lines(*(quad + "XXX" for quad in QUADS)),
        lines(*(quad + "X" for quad in QUADS)),
        lines("Subject: x", "", PACKED.decode()),
        lines("begin-base64 644 a.bin", PACKED.decode(), "===="),
        lines("--boundary", "Content-Type: text/plain", PACKED.decode(), "--boundary--"),
        lines("ABC", "", PACKED.decode()),
        PACKED + b"====" + base64.b64encode(b"what comes after"),
        PACKED + b"!AAAA",
        b"=".join(quad.encode() for quad in QUADS),
        b"=" + PACKED,
        b"".join(quad[:2].encode() + b"=" + quad[2:].encode() for quad in QUADS[:-1])
        + QUADS[-1].encode(),
        b"".join(base64.b64encode(SECRET[at : at + 1]) for at in range(len(SECRET))),
        base64.b64encode(SECRET[:10]) + base64.b64encode(SECRET[10:]),
        base64.b64encode(SECRET).rstrip(b"=") + b"=A=A",
    ],
)
def test_a_secret_in_a_broken_body_is_found_by_some_reading(body: bytes) -> None:
    assert clean_base64(body) is None
    assert any(decoded[: len(SECRET)] == SECRET for decoded in broken_base64(body))


def test_padding_in_the_middle_of_a_quantum_stands_for_zero_bits() -> None:
    assert b"PK" in list(broken_base64(b"U=A=\nSw==\n"))
    assert b"PK\x03\x04\x14\x00" in list(broken_base64(b"UEsDBBQ="))
    assert any(decoded.startswith(b"PK\0\0\0\0AB") for decoded in broken_base64(b"UEs=A=AAQUI=!"))


def test_the_alphabet_of_addresses_is_tried() -> None:
    assert b"\xfb\xff\xbf" in list(broken_base64(b"-_-_"))


def test_the_beginning_of_a_long_body_gets_every_reading() -> None:
    body = PACKED[:20] + b"!" + PACKED[20:] + b"=" * ODD_BYTES
    usual, *others = broken_base64(body)
    assert usual == SECRET
    assert max(map(len, others)) <= ODD_BYTES


def test_streams_behind_each_other_are_all_decoded() -> None:
    assert usual_base64(b"QQ==" * 999 + b"Qg==") == b"A" * 999 + b"B"


@given(st.one_of(st.binary(), st.text(alphabet="aQ=\r\n -!").map(str.encode)))
def test_any_body_is_decoded_without_an_error(body: bytes) -> None:
    for decoded in broken_base64(body):
        assert len(decoded) <= len(body)


@pytest.mark.parametrize(
    "piece", [b"=", b"= ", b"=\r", b"A=", b"!", b"QUJDX\n", b" ", b"A!=\n", b"\n"]
)
def test_three_megabytes_take_linear_time(piece: bytes) -> None:
    body = piece * (3_000_000 // len(piece))
    before = time.process_time()
    clean_base64(body)
    list(broken_base64(body))
    assert time.process_time() - before < 16
