"""Old PowerPoint presentations."""

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError
from mailwarden.unpack.formats.office.presentation import open_presentation, user_traits
from mailwarden.unpack.members import Trait, UnreadableError
from support.office import PLENTY, compound_file, found, meter, native, vba_project

OBJECT = compound_file({"\x01Ole10Native": native("a.exe", b"MZ")})


def record(kind: int, content: bytes, version_instance: int = 0) -> bytes:
    return struct.pack("<HHI", version_instance, kind, len(content)) + content


def packed(octets: bytes) -> bytes:
    content = struct.pack("<I", len(octets)) + zlib.compress(octets)
    return record(0x1011, content, version_instance=0x10)


def test_objects_are_members_packed_or_not() -> None:
    presentation = record(0x03E8, packed(OBJECT), version_instance=0x0F) + record(0x1011, OBJECT)
    opened = found(open_presentation(presentation, meter()))
    assert opened.traits == {Trait.EMBEDDED_OBJECT}
    assert [member.octets for member in opened.members] == [OBJECT, OBJECT]


def test_a_project_says_what_its_macros_mean_for_the_presentation() -> None:
    project = compound_file(vba_project({"Module1": b"Sub Auto_Open()\r\n"}))
    opened = found(open_presentation(packed(project), meter()))
    assert opened.traits == {Trait.MACROS, Trait.AUTO_MACROS}


@pytest.mark.parametrize(("has_macros", "traits"), [(0, set()), (1, {Trait.MACROS})])
def test_the_mark_of_macros_is_read(has_macros: int, traits: set[Trait]) -> None:
    mark = record(0x0400, struct.pack("<III", 1, has_macros, 2))
    assert found(open_presentation(mark, meter())).traits == traits


def test_an_object_that_is_no_compound_file_is_passed_on() -> None:
    opened = found(open_presentation(record(0x1011, b"other"), meter()))
    assert opened.members[0].octets == b"other"


def test_a_bomb_is_over_the_limit() -> None:
    with pytest.raises(OverLimitError):
        list(open_presentation(packed(bytes(2 * PLENTY.bytes_produced)), meter()))


def test_what_cannot_be_unpacked_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        list(open_presentation(record(0x1011, b"sizebroken", version_instance=0x10), meter()))


def test_the_user_stream_tells_encryption() -> None:
    assert user_traits(bytes(12) + b"\x5f\xc0\x91\xe3") == ()
    assert user_traits(bytes(12) + b"\xdf\xc4\xd1\xf3") == (Trait.ENCRYPTED,)


@given(st.binary(max_size=300))
def test_any_bytes_give_members_or_a_named_error(octets: bytes) -> None:
    with suppress(UnreadableError):
        found(open_presentation(octets + packed(OBJECT)[: len(octets)], meter()))
