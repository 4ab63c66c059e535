"""Records of Excel workbooks."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.office.biff import (
    external_link_traits,
    has_automatic_name,
    workbook_traits,
)
from mailwarden.unpack.members import Trait
from support.office import biff, meter

SHEET, MACRO_SHEET = ((0x0085, struct.pack("<IBB", 0, 0, kind) + b"\x01\0a") for kind in (0, 1))
FILE_PASS = (0x002F, b"\x01\0")


def label(name: bytes, flags: int = 0) -> tuple[int, bytes]:
    return 0x0018, struct.pack("<HBBHHHI", flags, 0, len(name), 0, 0, 0, 0) + b"\0" + name


@pytest.mark.parametrize(
    ("records", "traits"),
    [
        ([SHEET], ()),
        ([SHEET, label(b"Print_Area")], ()),
        ([SHEET, label(b"\x01", 0x20)], ()),
        ([MACRO_SHEET], (Trait.XLM_MACROS,)),
        ([label(b"\x01", 0x20), MACRO_SHEET], (Trait.XLM_MACROS, Trait.AUTO_MACROS)),
        ([label(b"Auto_Open1"), MACRO_SHEET], (Trait.XLM_MACROS, Trait.AUTO_MACROS)),
        ([label(b"\x06", 0x20), MACRO_SHEET], (Trait.XLM_MACROS,)),
        ([FILE_PASS, MACRO_SHEET], (Trait.ENCRYPTED,)),
        ([(0x01AE, b"\0\0\x05\0\0cmd\x03x"), (0x0023, b"\0\0")], (Trait.DDE,)),
        ([(0x01AE, b"\0\0\x05\0\0Doc\x03x"), (0x0023, b"\x10\0")], (Trait.EXTERNAL_LINK,)),
        ([(0x01AE, b"\0\0\x05\0\0other.xls"), (0x0023, b"\0\0")], ()),
    ],
)
def test_a_workbook_says_what_it_is(
    records: list[tuple[int, bytes]], traits: tuple[Trait, ...]
) -> None:
    assert workbook_traits(biff(*records), meter()) == traits


def test_only_the_first_part_of_a_workbook_can_say_that_it_is_encrypted() -> None:
    assert workbook_traits(biff(SHEET) + biff(FILE_PASS), meter()) == ()


def test_names_of_the_fifth_version_have_no_flags_before_them() -> None:
    record, content = label(b"\x01", 0x20)
    name = (record, content[:14] + content[15:])
    workbook = biff(name, MACRO_SHEET).replace(struct.pack("<HH", 0x0600, 5), b"\0\x05\x05\0")
    assert workbook_traits(workbook, meter()) == (Trait.XLM_MACROS, Trait.AUTO_MACROS)


@pytest.mark.parametrize(("kind", "traits"), [(0, ()), (1, (Trait.DDE,))])
def test_links_of_binary_workbooks_tell_their_kind(kind: int, traits: tuple[Trait, ...]) -> None:
    assert external_link_traits(b"\xe8\x02\x02" + bytes([kind, 0]), meter()) == traits


def test_names_of_binary_workbooks_are_read() -> None:
    name = "_xlnm.Auto_Open"
    content = bytes(9) + struct.pack("<I", len(name)) + name.encode("utf-16-le")
    assert has_automatic_name(b"\x83\x01\0\x27" + bytes([len(content)]) + content, meter())
    assert not has_automatic_name(b"\x83\x01\0", meter())


@given(st.binary(max_size=500))
def test_any_bytes_give_traits(octets: bytes) -> None:
    assert isinstance(workbook_traits(biff() + octets, meter()), tuple)
    assert isinstance(external_link_traits(octets, meter()), tuple)
    assert isinstance(has_automatic_name(octets, meter()), bool)
