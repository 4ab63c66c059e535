import base64
import binascii
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.transfer import Decoded, decode


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
        ("base64", b"aGVsb", b"hel", False),
        ("base64", b"====", b"", False),
        ("base64", b"\xff\xfe", b"", False),
        ("quoted-printable", b"a=41=\nb=\r\nc", b"aAbc", True),
        ("quoted-printable", b"a= \t\r\nb", b"ab", True),
        ("quoted-printable", b"a=", b"a", True),
        ("quoted-printable", b"a=zz", b"a=zz", False),
        ("quoted-printable", b"a=\rhidden\nb", b"a=\rhidden\nb", False),
        ("quoted-printable", b"a_b", b"a_b", True),
    ],
)
def test_octets_are_decoded_as_far_as_they_go(
    encoding: str, octets: bytes, decoded: bytes, is_clean: bool
) -> None:
    assert decode(octets, encoding) == Decoded(decoded, is_clean)


@given(st.binary())
def test_what_was_encoded_is_decoded_cleanly(octets: bytes) -> None:
    assert decode(base64.encodebytes(octets), "base64") == Decoded(octets, is_clean=True)
    quoted = binascii.b2a_qp(octets, istext=False)
    assert decode(quoted, "quoted-printable") == Decoded(octets, is_clean=True)


@given(st.binary(), st.sampled_from(["base64", "quoted-printable", "", "x-nonsense"]))
def test_any_octets_decode_without_an_error(octets: bytes, encoding: str) -> None:
    assert len(decode(octets, encoding).octets) <= len(octets)


def test_streams_of_base64_behind_each_other_are_all_decoded() -> None:
    assert decode(b"QQ==" * 999 + b"Qg==", "base64").octets == b"A" * 999 + b"B"


@given(st.text(alphabet="aQ=\r\n -!").map(str.encode))
def test_broken_base64_decodes_without_an_error(octets: bytes) -> None:
    decode(octets, "base64")


@pytest.mark.parametrize("piece", [b"=", b"= ", b"=\r", b"A=", b"!", b"QUJD\n", b" "])
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_three_megabytes_decode_in_linear_time(piece: bytes, encoding: str) -> None:
    before = time.process_time()
    decode(piece * (3_000_000 // len(piece)), encoding)
    assert time.process_time() - before < 2
