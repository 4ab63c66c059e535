import contextlib
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.outlook.mapi_properties import Cursor, Kind, properties
from mailwarden.unpack.members import UnreadableError

LONG, FLAGS, TIME, GUID = 0x0003, 0x000B, 0x0040, 0x0048


def listed(*items: bytes) -> memoryview:
    return memoryview(pack("<I", len(items)) + b"".join(items))


def text(number: int, *values: bytes, kind: int = Kind.TEXT, name: bytes = b"") -> bytes:
    padded = (pack("<I", len(value)) + value + b"\0" * (-len(value) % 4) for value in values)
    return pack("<HH", kind, number) + name + pack("<I", len(values)) + b"".join(padded)


def test_values_of_variable_length_come_out_and_others_are_stepped_over() -> None:
    found = properties(
        listed(
            pack("<HHI", LONG, 1, 7),
            text(2, b"abc"),
            pack("<HHHH", FLAGS, 3, 1, 0),
            pack("<HHQ", TIME, 4, 9),
            pack("<HH", GUID, 5) + bytes(16),
            text(6, b"data!", kind=Kind.BINARY),
        )
    )
    assert [(one.number, one.kind, bytes(one.content)) for one in found] == [
        (2, Kind.TEXT, b"abc"),
        (6, Kind.BINARY, b"data!"),
    ]


def test_each_of_several_values_comes_out() -> None:
    found = properties(
        listed(
            pack("<HHIII", LONG | 0x1000, 1, 2, 7, 8),
            text(2, b"a", b"bc", kind=Kind.TEXT | 0x1000),
        )
    )
    assert [bytes(one.content) for one in found] == [b"a", b"bc"]


@pytest.mark.parametrize(
    "name",
    [bytes(16) + pack("<II", 0, 99), bytes(16) + pack("<II", 1, 6) + b"a\0b\0\0\0" + b"\0\0"],
)
def test_names_of_properties_are_stepped_over(name: bytes) -> None:
    (one,) = properties(listed(text(0x8001, b"abc", name=name)))
    assert (one.number, bytes(one.content)) == (0x8001, b"abc")


def test_the_last_value_may_lack_its_padding() -> None:
    (one,) = properties(listed(text(2, b"abc")[:-1]))
    assert bytes(one.content) == b"abc"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x01\0\0\0",
        pack("<IHH", 1, 0x7777, 1),
        pack("<IHHII", 1, Kind.TEXT, 1, 1, 0xFFFFFFFF),
        pack("<IHHI", 1, LONG | 0x1000, 1, 0xFFFFFFFF),
    ],
)
def test_a_broken_list_is_unreadable_without_using_what_it_announces(octets: bytes) -> None:
    with pytest.raises(UnreadableError):
        list(properties(memoryview(octets)))


def test_a_cursor_goes_to_the_end_and_no_further() -> None:
    cursor = Cursor(memoryview(b"\x01\x02\x03"))
    assert cursor.number(2) == 0x0201
    assert cursor.left_bytes == 1
    with pytest.raises(UnreadableError):
        cursor.take(2)


@given(st.binary(max_size=300))
def test_any_bytes_give_properties_or_the_named_error(octets: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        list(properties(memoryview(octets)))
