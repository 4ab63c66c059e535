"""Compound files as documents."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError, UnpackLimits
from mailwarden.unpack.formats.office.ole import open_ole
from mailwarden.unpack.members import Trait, UnreadableError, UnsupportedError
from support.office import biff, compound_file, look, meter, native, vba_project

WORD = b"\xec\xa5" + bytes(5000)
SAMPLE = compound_file(
    {
        "WordDocument": WORD,
        "0Table": bytes(100),
        "Current User": bytes(20),
        "PowerPoint Document": bytes(100),
        "Workbook": biff((0x0085, b"\0\0\0\0\0\x01\x01\0a")),
        "ObjectPool/_1/\x01Ole10Native": native("a.exe", b"MZ"),
        "ObjectPool/_1/\x01Ole": struct.pack("<II", 1, 1),
        "__attach_version1.0_#00000000/__substg1.0_37010102": b"MZ",
        "__substg1.0_1000001F": b"t\0",
        **vba_project({"Module1": b"Sub AutoOpen()"}, "Macros/"),
    }
)


def test_an_honest_document_has_no_traits_and_no_members() -> None:
    opened = look(open_ole, compound_file({"WordDocument": WORD, "1Table": b"", "Data": b"x"}))
    assert not opened.traits
    assert not opened.members


def test_everything_in_a_document_is_told() -> None:
    opened = look(open_ole, SAMPLE)
    assert opened.traits == {
        Trait.MACROS,
        Trait.AUTO_MACROS,
        Trait.XLM_MACROS,
        Trait.EMBEDDED_OBJECT,
        Trait.EXTERNAL_LINK,
    }
    assert opened.member("a.exe").octets == b"MZ"


@pytest.mark.parametrize("name", ["Package", "CONTENTS", "Workbook", "WordDocument"])
def test_what_is_embedded_is_passed_on(name: str) -> None:
    opened = look(open_ole, compound_file({f"ObjectPool/_1/{name}": b"inside"}))
    assert opened.traits == {Trait.EMBEDDED_OBJECT}
    assert opened.member(name).octets == b"inside"


def test_macros_of_an_embedded_document_are_found() -> None:
    streams = vba_project({"ThisWorkbook": b"Sub Workbook_Open()"}, "MBD1/_VBA_PROJECT_CUR/")
    assert look(open_ole, compound_file(streams)).traits == {Trait.MACROS, Trait.AUTO_MACROS}


def test_an_object_that_is_a_link_says_so_at_the_root_too() -> None:
    octets = compound_file({"\x01Ole": struct.pack("<II", 0x02000001, 1)})
    assert look(open_ole, octets).traits == {Trait.EXTERNAL_LINK}


def test_more_members_than_may_be_are_over_the_limit() -> None:
    octets = compound_file({f"S{place}/Package": b"x" for place in range(20)})
    limits = UnpackLimits(bytes_produced=1000, files=10, depth=9, ratio=9, seconds=9)
    with pytest.raises(OverLimitError):
        list(open_ole(octets, meter(limits)))


def test_other_octets_are_unreadable() -> None:
    with pytest.raises(UnreadableError):
        list(open_ole(b"PK\x03\x04", meter()))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 4), st.binary(min_size=1, max_size=4))))
def test_any_damage_gives_something_or_a_named_error(changes: list[tuple[int, bytes]]) -> None:
    octets = bytearray(SAMPLE)
    for offset, change in changes:
        octets[offset : offset + len(change)] = change
    with suppress(UnreadableError, UnsupportedError, OverLimitError):
        look(open_ole, bytes(octets))
