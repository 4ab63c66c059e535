import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.formats.archives.rar_listing import list_rar
from mailwarden.unpack.members import Entry, Trait, UnreadableError
from support.native_archives import (
    RAR_AFTER,
    RAR_BEFORE,
    RAR_VOLUME,
    Rarred,
    rar3,
    rar5,
    rar5_block,
    rar5_file,
)
from support.office import meter

TEXT = Rarred(b"a.txt", b"hello")


def test_a_list_says_what_the_headers_say() -> None:
    for archive in (rar3(TEXT), rar5(rar5_file(b"a.txt", b"hello"))):
        listing = list_rar(archive, meter())
        (entry,) = listing.entries
        assert (entry.names, entry.entry, entry.size_bytes) == (("a.txt",), Entry.FILE, 5)
        assert (entry.checksum, entry.is_encrypted, entry.is_split) == (0x3610A686, False, False)
        assert listing.is_whole
        assert not listing.are_names_encrypted


def test_a_member_that_began_in_another_volume_is_listed() -> None:
    archive = rar3(
        Rarred(b"b", b"x", RAR_BEFORE), TEXT, Rarred(b"c", b"y", RAR_AFTER), flags=RAR_VOLUME
    )
    listing = list_rar(archive, meter())
    assert [entry.is_split for entry in listing.entries] == [True, False, True]
    assert listing.traits == [Trait.VOLUME]


def test_an_old_version_of_a_file_is_listed() -> None:
    listing = list_rar(rar3(Rarred(b"a.txt;1", b"old", flags=0x0800), TEXT), meter())
    assert len(listing.entries) == 2


def test_a_second_stream_of_a_file_is_hidden_data() -> None:
    listing = list_rar(rar3(Rarred(b"a", b"x", block=b"STM")), meter())
    assert listing.traits == [Trait.HIDDEN_DATA]


def test_both_readings_of_a_name_are_there() -> None:
    (entry,) = list_rar(rar3(Rarred(b"d\\\x84.exe", b"x")), meter()).entries
    assert "d\\ä.exe" in entry.names


def test_a_packed_comment_starts_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr("subprocess.Popen.__init__", start)
    assert list_rar(rar3(Rarred(b"a", b"x", block=b"CMT")), meter()).is_whole


@pytest.mark.parametrize(
    "archive", [rar5(rar5_block(b"\x42\x00")), rar5(end=False), rar3(TEXT)[:-1]]
)
def test_a_list_without_its_proper_end_is_not_whole(archive: bytes) -> None:
    assert not list_rar(archive, meter()).is_whole


def test_something_else_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        list_rar(b"plain text", meter())


@given(st.sampled_from((b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00", b"")), st.binary())
def test_any_bytes_give_a_list_or_the_named_error(signature: bytes, octets: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        list_rar(signature + octets, meter())


@given(st.binary())
def test_any_header_with_the_right_checksum_gives_a_list_or_the_named_error(header: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        list_rar(rar5(rar5_block(header)), meter())
