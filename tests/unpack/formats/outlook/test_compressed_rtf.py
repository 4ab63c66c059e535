"""RTF as Outlook packs it."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.outlook.compressed_rtf import decompress_rtf
from mailwarden.unpack.members import UnreadableError
from support.office import meter

# The worked examples of [MS-OXRTFCP] 3.1 and 3.2: the second copies what it is writing.
EXAMPLE = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
    "0af32068656c090020627705b06c647d0a800fa0"
)
OVERLAPPING = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")


def test_the_standards_examples_are_unpacked() -> None:
    assert decompress_rtf(EXAMPLE, meter()) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert decompress_rtf(OVERLAPPING, meter()) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_what_is_not_compressed_is_taken_as_it_is() -> None:
    packed = struct.pack("<II4sI", 15, 3, b"MELA", 0) + b"abcd"
    assert decompress_rtf(packed, meter()) == b"abc"


@pytest.mark.parametrize("packed", [b"", b"\0" * 15, b"\0" * 20])
def test_what_is_neither_is_unreadable(packed: bytes) -> None:
    with pytest.raises(UnreadableError):
        decompress_rtf(packed, meter())


@given(st.binary(max_size=2000))
def test_any_bytes_are_unpacked(octets: bytes) -> None:
    with suppress(OverLimitError):
        decompress_rtf(EXAMPLE[:16] + octets, meter())
