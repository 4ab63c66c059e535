"""Files embedded by OLE."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.office.ole_objects import open_native, open_object
from mailwarden.unpack.formats.office.ole_objects import package as read_package
from mailwarden.unpack.members import Entry, Trait, UnreadableError
from support.office import found, meter, native, ole1_object, package


def test_a_packed_file_has_all_its_names() -> None:
    opened = found(open_native(native("rechnung-日本.exe", b"MZ"), meter()))
    assert opened.traits == {Trait.EMBEDDED_OBJECT}
    assert opened.members[0].names == (
        "rechnung-日本.exe",
        "C:\\sent\\rechnung-日本.exe",
        "rechnung-??.exe",
        "C:\\sent\\rechnung-??.exe",
    )
    assert opened.members[0].octets == b"MZ"


def test_a_packed_link_has_names_and_no_octets() -> None:
    link = b"\x02\0calc.exe\0C:\\calc.exe\0\0\0\x01\0"
    opened = found(open_native(struct.pack("<I", len(link)) + link, meter()))
    assert opened.traits == {Trait.EMBEDDED_OBJECT, Trait.EXTERNAL_LINK}
    assert opened.members[0].names == ("calc.exe", "C:\\calc.exe")
    assert opened.members[0].entry is Entry.LINK


def test_what_other_programs_keep_is_passed_on_as_it_is() -> None:
    opened = found(open_native(b"\x03\0\0\0abc", meter()))
    assert opened.members[0].octets == b"abc"
    assert opened.names == ("Ole10Native",)


def test_an_object_with_header_is_named_by_its_class() -> None:
    opened = found(open_object(ole1_object("Equation.3", b"formula"), meter()))
    assert opened.traits == {Trait.EMBEDDED_OBJECT}
    assert (opened.names, opened.members[0].octets) == (("Equation.3",), b"formula")


def test_an_object_of_the_packager_is_the_file_that_was_packed() -> None:
    opened = found(open_object(ole1_object("Package", package("a.js", b"x()")), meter()))
    assert (opened.members[0].names[0], opened.members[0].octets) == ("a.js", b"x()")


def test_an_object_that_was_cut_short_is_passed_on_as_far_as_it_goes() -> None:
    opened = found(open_object(ole1_object("A", b"formula")[:-3], meter()))
    assert opened.members[0].octets == b"form"


def test_a_linked_object_is_a_link() -> None:
    linked = struct.pack("<III", 0x0501, 1, 0) + bytes(8)
    assert found(open_object(linked, meter())).traits == {Trait.EXTERNAL_LINK}


def test_without_a_header_a_compound_file_is_looked_for() -> None:
    opened = found(open_object(b"\xff" * 20 + b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", meter()))
    assert opened.members[0].octets == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest"


@given(st.binary(max_size=200))
def test_any_bytes_are_passed_on(octets: bytes) -> None:
    assert found(open_object(octets, meter())).traits
    assert found(open_native(b"\0\0\0\0\x02\0" + octets, meter())).members
    with pytest.raises(UnreadableError):
        read_package(b"\x03" + octets)
