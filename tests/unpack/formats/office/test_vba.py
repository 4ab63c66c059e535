"""Visual Basic: the compressed container, the list of modules, what runs by itself."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import OverLimitError, UnpackLimits
from mailwarden.unpack.formats.office.vba import (
    Module,
    decompress,
    is_automatic,
    modules,
    names_automatic_procedure,
    source_of,
)
from mailwarden.unpack.members import UnreadableError
from support.office import meter, packed_vba, vba_directory

# The worked example of [MS-OVBA] 3.2.2.
EXAMPLE = bytes.fromhex(
    "012fb000236161616263646582660070616768696a013808616b6c00306d6e6f"
    "7006710270041072737475761077 78797a003c"
)
# The highest compression of [MS-OVBA] 3.2.3: 73 times the same letter.
REPEATED = bytes.fromhex("0103b002614500")


def test_the_standards_example_is_unpacked() -> None:
    assert (
        decompress(EXAMPLE, meter()) == b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"
    )
    assert decompress(REPEATED, meter()) == b"a" * 73


def test_a_chunk_that_is_not_compressed_is_taken_as_it_is() -> None:
    assert decompress(b"\x01\xff\x3f" + b"a" * 4096, meter()) == b"a" * 4096


def test_several_chunks_are_joined() -> None:
    assert decompress(packed_vba(b"Sub x()\r\n" * 2000), meter()) == b"Sub x()\r\n" * 2000


@pytest.mark.parametrize(
    "container",
    [b"", b"\x02", b"\x01\x03\xb0\x01\x45\x00\x00", b"\x01\x05\xb0\x02a\xff\xff\0\0\0\0\0"],
)
def test_what_is_no_container_or_copies_from_nowhere_is_unreadable(container: bytes) -> None:
    with pytest.raises(UnreadableError):
        decompress(container, meter())


def test_unpacking_stops_at_the_limit() -> None:
    limits = UnpackLimits(bytes_produced=10_000, files=9, depth=9, ratio=9, seconds=9)
    with pytest.raises(OverLimitError):
        decompress(packed_vba(bytes(100_000)), meter(limits))


@given(st.binary(max_size=2000))
def test_any_bytes_are_unpacked_or_unreadable(octets: bytes) -> None:
    with suppress(UnreadableError):
        decompress(b"\x01" + octets, meter())


@given(st.binary(max_size=10_000))
def test_what_was_packed_comes_out(octets: bytes) -> None:
    assert decompress(packed_vba(octets), meter()) == octets


def test_the_directory_names_modules_with_their_places() -> None:
    assert modules(vba_directory({"ThisDocument": 17, "Modül1": 4})) == (
        Module("ThisDocument", "ThisDocument", 17),
        Module("Modül1", "Modül1", 4),
    )


@given(st.binary(max_size=500))
def test_any_bytes_give_a_list_of_modules(octets: bytes) -> None:
    assert isinstance(modules(vba_directory({"a": 1}) + octets), tuple)


def test_a_source_is_found_without_its_place() -> None:
    stream = b"compiled" + packed_vba(b'Attribute VB_Name = "m"\r\n')
    assert source_of(stream, None, meter()) == b'Attribute VB_Name = "m"\r\n'
    assert source_of(stream, 3, meter()) == b'Attribute VB_Name = "m"\r\n'


def test_a_module_without_source_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        source_of(b"compiled only", 3, meter())


@pytest.mark.parametrize(
    "source",
    [
        b"Sub AutoOpen()",
        b"private sub  document_open ( )",
        b"Public Sub _\r\n Workbook_Open()",
        b"Sub Auto_Close()",
        b"Private Sub InkPicture1_Painted(ByVal h As Long)",
        b"Function AutoExec()",
    ],
)
def test_procedures_that_run_by_themselves_are_known(source: bytes) -> None:
    assert is_automatic("Module1", source)


@pytest.mark.parametrize(
    "source",
    [b"Sub Button1_Click()", b"Sub AutoOpened()", b"x = AutoOpen", b"Sub Format()", b""],
)
def test_procedures_that_somebody_starts_are_not(source: bytes) -> None:
    assert not is_automatic("Module1", source)


def test_a_module_can_have_the_name_that_runs() -> None:
    assert is_automatic("autoopen", b"Sub Main()")


def test_identifiers_tell_what_a_replaced_source_does_not() -> None:
    assert names_automatic_procedure(b"\x08\0Shell\x0d\0Document_Open\x80")
    assert not names_automatic_procedure(b"\x08\0Shell\x0d\0NoDocument_Opener\x80")
