"""Compound files, and what a header may not make us do."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwarden.unpack.budget import Limit, OverLimitError
from mailwarden.unpack.formats.office.compound_file import open_compound_file
from mailwarden.unpack.members import UnreadableError
from support.office import PLENTY, compound_file, meter

SAMPLE = compound_file({"A": b"small", "S/B": b"large" * 2000, "S/T/C": b""})


def test_all_streams_are_there_with_their_octets() -> None:
    compound = open_compound_file(SAMPLE)
    octets = {stream.path: compound.read(stream, meter()) for stream in compound.streams}
    assert octets == {("A",): b"small", ("S", "B"): b"large" * 2000, ("S", "T", "C"): b""}


def test_names_are_compared_without_case() -> None:
    stream = next(s for s in open_compound_file(SAMPLE).streams if s.storage == ("S",))
    assert stream.name == "b"


@pytest.mark.parametrize(
    ("offset", "number"),
    [
        (30, struct.pack("<H", 40)),  # sectors of a terabyte
        (32, struct.pack("<H", 20)),
        (44, struct.pack("<I", 0x7FFFFFFF)),  # sectors of the table
        (64, struct.pack("<I", 0x7FFFFFFF)),  # sectors of the table of small streams
        (48, struct.pack("<I", 0x7FFFFFFF)),  # where the directory begins
        (0, b"nothing"),
    ],
)
def test_a_header_that_cannot_be_true_is_unreadable(offset: int, number: bytes) -> None:
    with pytest.raises(UnreadableError):
        open_compound_file(SAMPLE[:offset] + number + SAMPLE[offset + len(number) :])


def test_a_stream_larger_than_its_file_is_not_read() -> None:
    announced = struct.pack("<Q", len(b"large" * 2000))
    compound = open_compound_file(SAMPLE.replace(announced, struct.pack("<Q", 0x7FFFFFFF)))
    stream = next(s for s in compound.streams if s.name == "b")
    with pytest.raises(UnreadableError):
        compound.read(stream, meter())


def test_reading_a_stream_counts() -> None:
    compound = open_compound_file(SAMPLE)
    stream = next(s for s in compound.streams if s.name == "b")
    counted = meter(replace(PLENTY, bytes_produced=15_000))
    compound.read(stream, counted)
    with pytest.raises(OverLimitError) as caught:
        compound.read(stream, counted)
    assert caught.value.limit is Limit.BYTES


def test_storages_nested_beyond_reason_are_over_the_limit() -> None:
    with pytest.raises(OverLimitError) as caught:
        open_compound_file(compound_file({"/".join(["S"] * 40): b"x"}))
    assert caught.value.limit is Limit.DEPTH


def test_thousands_of_streams_take_linear_time() -> None:
    compound = open_compound_file(compound_file({f"S{i}": b"x" for i in range(13_000)}))
    assert len(compound.streams) == 13_000


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, len(SAMPLE) - 4), st.binary(min_size=1, max_size=4))),
    st.integers(0, len(SAMPLE)),
)
def test_any_damage_gives_streams_or_a_named_error(
    changes: list[tuple[int, bytes]], cut: int
) -> None:
    octets = bytearray(SAMPLE)
    for offset, change in changes:
        octets[offset : offset + len(change)] = change
    try:
        compound = open_compound_file(bytes(octets[: len(octets) - cut // 4]))
        for stream in compound.streams:
            compound.read(stream, meter())
    except (UnreadableError, OverLimitError):
        pass
