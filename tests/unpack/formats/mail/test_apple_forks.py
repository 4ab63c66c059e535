"""Files of a Macintosh with both forks."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.file_types import file_type
from mailwarden.unpack.formats.mail.apple_forks import open_apple_single, open_mac_binary
from mailwarden.unpack.members import Opener, UnreadableError
from support.opening import opened


def apple_single(name: bytes, data: bytes, resource: bytes = b"") -> bytes:
    start = 26 + 3 * 12
    entries = b""
    for kind, octets in ((3, name), (1, data), (2, resource)):
        entries += struct.pack(">III", kind, start, len(octets))
        start += len(octets)
    return struct.pack(">II16xH", 0x00051600, 0x00020000, 3) + entries + name + data + resource


def mac_binary(name: bytes, data: bytes, resource: bytes = b"") -> bytes:
    head = bytearray(128)
    head[1 : 2 + len(name)] = bytes((len(name),)) + name
    head[83:91] = struct.pack(">II", len(data), len(resource))
    head[122:124] = b"\x81\x81"
    return bytes(head) + data + bytes(-len(data) % 128) + resource


@pytest.mark.parametrize(
    ("octets", "word", "opener"),
    [
        (apple_single(b"a.exe", b"MZ", b"icon"), "apple-single", open_apple_single),
        (mac_binary(b"a.exe", b"MZ", b"icon"), "mac-binary", open_mac_binary),
    ],
    ids=["single", "binary"],
)
def test_the_data_fork_has_the_name_of_the_file(octets: bytes, word: str, opener: Opener) -> None:
    assert file_type(octets) == word
    assert opened(opener, octets).octets == {"a.exe": b"MZ", "": b"icon"}


def test_a_fork_that_is_cut_off_is_said_to_be() -> None:
    for octets, opener in (
        (apple_single(b"a", b"data")[:-1], open_apple_single),
        (mac_binary(b"a", b"x" * 200)[:300], open_mac_binary),
    ):
        assert opened(opener, octets).members[0].unopened


@given(st.binary() | st.binary().map(b"\0\x05\x16\0".__add__) | st.binary(min_size=128))
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    for opener in (open_apple_single, open_mac_binary):
        error = opened(opener, octets).error
        assert error is None or isinstance(error, UnreadableError | OverLimitError)
