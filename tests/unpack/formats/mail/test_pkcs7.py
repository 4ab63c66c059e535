"""S/MIME and other PKCS #7: what was signed is opened as mail clients show it."""

import base64
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.mail.pkcs7 import open_pkcs7
from mailwarden.unpack.members import UnreadableError, UnsupportedError
from support.opening import LIMITS, opened

SIGNED = bytes.fromhex("2a864886f70d010702")
DATA = bytes.fromhex("2a864886f70d010701")
ENVELOPED = bytes.fromhex("2a864886f70d010703")
COMPRESSED = bytes.fromhex("2a864886f70d0109100109")

MAIL = b"Content-Type: text/plain\r\n\r\nhello"


def element(tag: int, content: bytes) -> bytes:
    size = len(content).to_bytes(4, "big")
    return bytes((tag, 0x84)) + size + content


def open_element(tag: int, content: bytes) -> bytes:
    """An element whose length is not given."""
    return bytes((tag, 0x80)) + content + b"\0\0"


def content_info(kind: bytes, string: bytes | None, *, is_open: bool = False) -> bytes:
    make = open_element if is_open else element
    content = b"" if string is None else make(0xA0, string)
    encapsulated = make(0x30, b"\x06\x09" + DATA + content)
    algorithms = make(0x31, b"")
    body = make(0x30, b"\x02\x01\x01" + algorithms + encapsulated + make(0x31, b""))
    return make(0x30, bytes((6, len(kind))) + kind + make(0xA0, body))


def pieces(octets: Iterable[bytes]) -> bytes:
    return open_element(0x24, b"".join(element(4, one) for one in octets))


@pytest.mark.parametrize(
    "octets",
    [
        content_info(SIGNED, element(4, MAIL)),
        content_info(SIGNED, pieces((MAIL[:9], MAIL[9:])), is_open=True),
        content_info(SIGNED, element(0x24, element(4, MAIL[:9]) + element(4, MAIL[9:]))),
        content_info(SIGNED, open_element(0x24, pieces((MAIL[:9],)) + pieces((MAIL[9:],)))),
        base64.encodebytes(content_info(SIGNED, element(4, MAIL))),
        b"-----BEGIN PKCS7-----\n"
        + base64.encodebytes(content_info(SIGNED, element(4, MAIL)))
        + b"-----END PKCS7-----\n",
        content_info(COMPRESSED, element(4, zlib.compress(MAIL))),
    ],
    ids=["whole", "open", "pieces", "pieces of pieces", "base64", "pem", "compressed"],
)
def test_what_was_signed_is_a_mail(octets: bytes) -> None:
    outcome = opened(open_pkcs7, octets)
    (member,) = outcome.members
    assert (member.octets, member.media_type, outcome.error) == (MAIL, "message/rfc822", None)


def test_a_signed_file_is_not_taken_for_a_mail() -> None:
    (member,) = opened(open_pkcs7, content_info(SIGNED, element(4, b"%PDF-1.7 x"))).members
    assert (member.octets, member.media_type) == (b"%PDF-1.7 x", "")


@pytest.mark.parametrize(
    "octets", [content_info(SIGNED, None), content_info(ENVELOPED, element(4, MAIL))]
)
def test_a_signature_alone_and_what_is_encrypted_hold_nothing(octets: bytes) -> None:
    outcome = opened(open_pkcs7, octets)
    assert (outcome.members, outcome.error) == ((), None)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"0\x80",
        content_info(SIGNED, element(4, MAIL))[:-40],
        content_info(COMPRESSED, element(4, b"no zlib")),
        content_info(SIGNED, b"\x24\x80" * 200),
        b"0\x80\x06\x09" + SIGNED + b"\xa0\x80\x30\x80" + b"\x30\x80" * 1_000_000,
    ],
)
def test_what_cannot_be_followed_is_unreadable(octets: bytes) -> None:
    assert isinstance(opened(open_pkcs7, octets).error, UnreadableError)


@given(
    st.binary()
    | st.lists(
        st.sampled_from(
            [b"0\x80", b"0\x84", b"\x06\x09" + SIGNED, b"\xa0\x80", b"\x24\x80", b"\x04\x01x",
             b"\0\0", b"\x02\x01\x01", b"1\0"]
        )
    ).map(b"".join)
)  # fmt: skip
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    error = opened(open_pkcs7, octets, LIMITS).error
    assert error is None or isinstance(error, UnreadableError | UnsupportedError | OverLimitError)
