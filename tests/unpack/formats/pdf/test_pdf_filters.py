import base64
import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.pdf.pdf_filters import decode_stream
from mailwarden.unpack.formats.pdf.pdf_syntax import Value
from mailwarden.unpack.members import UnreadableError, UnsupportedError
from support.office import meter

_FLATE: dict[str, Value] = {"Filter": "FlateDecode"}


@pytest.mark.parametrize(
    ("packed", "filters"),
    [
        (b"hello", None),
        (zlib.compress(b"hello"), "FlateDecode"),
        (zlib.compress(b"hello"), ["Fl"]),
        (zlib.compress(b"hello")[:-4], "FlateDecode"),
        (b"68 65 6C\n6c6F>junk", "ASCIIHexDecode"),
        (b"<~" + base64.a85encode(b"hello") + b"~>", "ASCII85Decode"),
        (b"\x01he\xffl\x00o\x80junk", "RunLengthDecode"),
        (zlib.compress(b"hello").hex().encode(), ["AHx", "Fl"]),
    ],
    ids=str,
)
def test_filters_are_undone_in_order(packed: bytes, filters: Value) -> None:
    assert decode_stream(packed, {"Filter": filters}, meter()) == b"hello"


@pytest.mark.parametrize(
    "dictionary",
    [
        {"Filter": "Crypt"},
        {"Filter": 7},
        {"Filter": [7]},
        {"Filter": ["Fl"] * 9},
        {"Filter": "Fl", "DecodeParms": {"Predictor": 12}},
        {"Filter": "Fl", "DecodeParms": [None, {"Predictor": 12}]},
    ],
    ids=str,
)
def test_what_cannot_be_undone_is_said(dictionary: dict[str, Value]) -> None:
    with pytest.raises(UnsupportedError):
        decode_stream(b"", dictionary, meter())


@pytest.mark.parametrize("name", ["Fl", "A85"])
def test_broken_streams_are_unreadable(name: str) -> None:
    with pytest.raises(UnreadableError):
        decode_stream(b"vvvv zzz \xff", {"Filter": name}, meter())


def test_a_bomb_is_over_the_limit() -> None:
    with pytest.raises(OverLimitError):
        decode_stream(zlib.compress(b"\0" * 60_000_000), _FLATE, meter())


@given(st.binary(), st.lists(st.sampled_from(["Fl", "AHx", "A85", "RL", "x"]), max_size=3))
def test_any_bytes_are_decoded_or_refused(packed: bytes, names: list[str]) -> None:
    filters: list[Value] = [*names]
    with contextlib.suppress(UnreadableError, UnsupportedError):
        decode_stream(packed, {"Filter": filters}, meter())
