import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.archives.first_whole import attempt
from mailwarden.unpack.formats.archives.iso import open_iso
from mailwarden.unpack.members import Entry, Member, UnreadableError, UnsupportedError
from support.native_archives import written
from support.office import look, meter

MEMBERS = {"a.txt": b"hello", "A long name of a program.exe": b"MZ" * 5000}
IMAGE = written("iso9660", MEMBERS)
SECTOR = 2048
# The descriptor that ends the row, and what an image with UDF has behind it.
END = b"\xffCD001\x01"
UDF = (b"\0BEA01\x01", b"\0NSR02\x01", b"\0TEA01\x01")


def with_udf(image: bytes) -> bytes:
    behind = image.index(END) + SECTOR
    marks = b"".join(mark.ljust(SECTOR, b"\0") for mark in UDF)
    return image[:behind] + marks + image[behind + len(marks) :]


def files(members: tuple[Member, ...]) -> list[Member]:
    return [member for member in members if member.entry is Entry.FILE]


def test_what_was_put_in_comes_out_again_once_though_it_is_in_two_directories() -> None:
    found = files(look(open_iso, IMAGE).members)
    assert {member.names[0]: member.octets for member in found} == MEMBERS
    assert len(found) == len(MEMBERS)


def test_a_name_that_only_one_of_the_directories_has_is_given_too() -> None:
    joliet = "a.txt".encode("utf-16-be")
    assert IMAGE.count(joliet) == 1
    image = IMAGE.replace(joliet, "a.exe".encode("utf-16-be"))
    names = {member.names[0] for member in files(look(open_iso, image).members)}
    assert {"a.exe", "a.txt"} < names


def test_an_image_that_is_udf_as_well_gives_its_members_and_is_not_all_there() -> None:
    made = attempt(open_iso, with_udf(IMAGE), meter())
    names = {item.names[0] for item in made.found if isinstance(item, Member)}
    assert set(MEMBERS) <= names
    assert isinstance(made.error, UnsupportedError)


def test_an_image_of_nothing_but_udf_is_unsupported() -> None:
    image = bytes(16 * SECTOR) + b"".join(mark.ljust(SECTOR, b"\0") for mark in UDF)
    with pytest.raises(UnsupportedError, match="UDF"):
        look(open_iso, image)


def test_an_image_that_is_cut_is_never_all_there() -> None:
    cut = IMAGE[: IMAGE.index(b"MZMZ") + 100]
    try:
        found = files(look(open_iso, cut).members)
    except UnreadableError:
        return
    assert any(member.unopened for member in found)


@given(st.binary(max_size=100))
def test_any_bytes_give_members_or_a_named_error(octets: bytes) -> None:
    for image in (octets, bytes(16 * SECTOR) + octets):
        with contextlib.suppress(UnreadableError, UnsupportedError):
            list(open_iso(image, meter()))
