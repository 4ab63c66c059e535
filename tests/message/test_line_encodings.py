import binascii
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.line_encodings import uudecode, yenc_decode


def uuencoded(octets: bytes) -> bytes:
    return b"".join(binascii.b2a_uu(octets[at : at + 45]) for at in range(0, len(octets), 45))


def yencoded(octets: bytes) -> bytes:
    letters = b"".join(map(yenc_letter, octets))
    return b"=ybegin line=128 size=%d name=a\r\n" % len(octets) + letters + b"\r\n=yend\r\n"


def yenc_letter(octet: int) -> bytes:
    letter = (octet + 42) % 256
    is_critical = letter in b"\0\r\n="
    return bytes([ord("="), (letter + 64) % 256]) if is_critical else bytes([letter])


@given(st.binary())
def test_what_was_uuencoded_comes_back_with_and_without_a_frame(octets: bytes) -> None:
    lines = uuencoded(octets)
    assert uudecode(lines) == (octets, True)
    assert uudecode(b"text\nbegin 644 a.bin\n" + lines + b"`\nend\ntext\n") == (octets, True)


def test_blanks_at_the_end_of_a_line_may_be_missing() -> None:
    assert uudecode(b"#86)C\r\n#86(\n") == (b"abcab\0", True)


def test_one_letter_does_not_stand_for_a_whole_line() -> None:
    assert uudecode(b"M\n" * 9) == (b"", False)


def test_lines_that_are_none_are_left_out_and_said() -> None:
    assert uudecode(b"#86)C\nThis is \x7fno line\n#86)C\n") == (b"abcabc", False)


@given(st.binary())
def test_what_was_yencoded_comes_back(octets: bytes) -> None:
    assert yenc_decode(b"text\r\n" + yencoded(octets)) == (octets, True)


def test_parts_of_yenc_are_joined_without_their_control_lines() -> None:
    part = b"=ybegin part=1 line=128 size=2 name=a\n=ypart begin=1 end=1\n\x8b\n=yend size=1\n"
    assert yenc_decode(part + part) == (b"aa", True)


def test_yenc_without_a_frame_is_decoded_and_said() -> None:
    assert yenc_decode(b"\x8b=\x6a\n") == (b"a\0", False)


@given(st.binary())
def test_any_octets_give_no_more_than_they_are(octets: bytes) -> None:
    assert len(uudecode(octets)[0]) <= len(octets) * 2
    assert len(yenc_decode(octets)[0]) <= len(octets)


@pytest.mark.parametrize("piece", [b"M\n", b"begin 644 a\n", b"end\n", b"=", b"=y", b"=ybegin \n"])
def test_three_megabytes_decode_in_linear_time(piece: bytes) -> None:
    octets = piece * (3_000_000 // len(piece))
    before = time.process_time()
    uudecode(octets)
    yenc_decode(octets)
    assert time.process_time() - before < 16
