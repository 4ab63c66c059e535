import base64
import binascii
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.transfer import (
    IDENTITY,
    MOST_DECODINGS,
    Decoded,
    decode,
    decodings,
    is_decodable,
)

ENCODINGS = ["base64", "quoted-printable", "uuencode", "yenc", "", "x-nonsense"]


@pytest.mark.parametrize(
    ("encoding", "octets", "decoded", "is_clean"),
    [
        ("", b"a=41", b"a=41", True),
        ("7bit", b"a=41", b"a=41", True),
        ("8bit", b"\xff", b"\xff", True),
        ("binary", b"\0", b"\0", True),
        ("x-unknown", b"a=41", b"a=41", False),
        ("base64", b"", b"", True),
        ("base64", b"aGVsbG8=", b"hello", True),
        ("base64", b"aGVs\r\nbG8=\r\n", b"hello", True),
        ("base64", b"aGVsbG8", b"hello", True),
        ("base64", b"aGVs!bG8=", b"hello", False),
        ("base64", b"aA==aA==", b"hh", False),
        (
            "base64",
            b"aA==\nThis list is moderated\n",
            b"h" + base64.b64decode(b"Thislistismoderated="),
            False,
        ),
        ("base64", b"aGVsb", b"hel", True),
        ("base64", b"====", b"", False),
        ("base64", b"\xff\xfe", b"", False),
        ("quoted-printable", b"a=41=\nb=\r\nc", b"aAbc", True),
        ("quoted-printable", b"a=zz", b"a=zz", False),
        ("quoted-printable", b"a=\rhidden\nb", b"a=\rhidden\nb", False),
        ("uuencode", b"#86)C\n", b"abc", True),
        ("uuencode", b"begin 644 a\n#86)C\n`\nend\n", b"abc", True),
        ("uuencode", b"\x7f\n", b"", False),
        ("yenc", b"=ybegin size=1\n\x8b\n=yend\n", b"a", True),
        ("yenc", b"\x8b\n", b"a", False),
    ],
)
def test_octets_are_decoded_as_far_as_they_go(
    encoding: str, octets: bytes, decoded: bytes, is_clean: bool
) -> None:
    assert decode(octets, encoding) == Decoded(decoded, is_clean)


@given(st.binary())
def test_what_was_encoded_is_decoded_cleanly(octets: bytes) -> None:
    for encoding, body in (
        ("base64", base64.encodebytes(octets)),
        ("quoted-printable", binascii.b2a_qp(octets, istext=False)),
    ):
        assert decode(body, encoding) == Decoded(octets, is_clean=True)
        assert decodings(body, encoding) == (octets,)


@given(st.binary(), st.sampled_from(ENCODINGS))
def test_any_octets_decode_without_an_error(octets: bytes, encoding: str) -> None:
    usual, *others = decodings(octets, encoding)
    assert usual == decode(octets, encoding).octets
    assert len(usual) <= len(octets) * 2
    assert len({usual, *others}) == len(others) + 1 <= MOST_DECODINGS


def test_a_broken_body_gives_what_every_reader_makes_of_it() -> None:
    assert set(decodings(b"QQ==Qg==", "base64")) >= {b"AB", b"A"}
    assert set(decodings(b"==41", "quoted-printable")) >= {b"=41", b"A"}


def test_names_that_are_decoded_are_known() -> None:
    assert all(map(is_decodable, ["base64", "quoted-printable", "uuencode", "yenc", *IDENTITY]))
    assert not is_decodable("x-unknown")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_ten_clean_megabytes_are_quick(encoding: str) -> None:
    octets = b"QUJD" * 2_500_000
    before = time.process_time()
    decode(octets, encoding)
    assert time.process_time() - before < 4
