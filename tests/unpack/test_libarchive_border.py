"""The border to libarchive, with what libarchive itself wrote."""

import os
import subprocess
import sys

import pytest

from mailwarden.unpack.libarchive_border import LibarchiveError, Way, reading
from support.native_archives import cpio, lha, seven_zip_with_encrypted_names, written

CPIO = Way(("cpio",))
# What an mtree file is: a list of files that libarchive would open on this machine.
MTREE = b"#mtree\n./passwd type=file contents=/etc/passwd\n"


def test_entries_come_with_their_headers_and_blocks() -> None:
    octets = cpio((b"a.txt", 0o100644, b"hello"), (b"l", 0o120777, b"a.txt"))
    with reading(octets, CPIO) as archive:
        entries = archive.entries()
        first = next(entries)
        assert (first.name, first.size_bytes, first.mode) == (b"a.txt", 5, 0o100000)
        assert [(offset, bytes(block)) for offset, block in archive.blocks() if block] == [
            (0, b"hello")
        ]
        second = next(entries)
        assert (second.name, second.link_target, second.mode) == (b"l", b"a.txt", 0o120000)
        assert list(entries) == []


def test_names_of_utf_16_come_as_utf_8_in_any_locale() -> None:
    with reading(written("7zip", {"żółw.txt": b"x"}), Way(("7zip",))) as archive:
        assert [entry.name for entry in archive.entries()] == ["żółw.txt".encode()]


@pytest.mark.parametrize("formats", [("7zip",), ("cpio",), ("rar", "rar5"), ("xar",)])
def test_only_the_formats_asked_for_are_recognised(formats: tuple[str, ...]) -> None:
    with (
        pytest.raises(LibarchiveError) as raised,
        reading(MTREE, Way(formats)) as archive,
    ):
        list(archive.entries())
    assert raised.value.is_fatal


def test_a_list_that_needs_a_password_is_known() -> None:
    with reading(seven_zip_with_encrypted_names(), Way(("7zip",))) as archive:
        with pytest.raises(LibarchiveError):
            list(archive.entries())
        assert archive.has_encrypted_entries


def test_a_filter_that_does_not_know_the_octets_is_not_there() -> None:
    with reading(b"plain text", Way(("raw",), ("zstd",))) as archive:
        assert not archive.has_filters


def test_a_warning_that_would_come_forever_ends_the_reading() -> None:
    cut = lha(b"a", bytes(180), b"-lz5-", bytes(100))[:-50]
    with reading(cut, Way(("lha",))) as archive:
        next(archive.entries())
        with pytest.raises(LibarchiveError) as raised:
            list(archive.blocks())
    assert not raised.value.is_fatal


def test_a_machine_without_libarchive_is_told_so_in_plain_words() -> None:
    program = (
        "from mailwarden.unpack.libarchive_border import Way, reading\n"
        "from mailwarden.unpack.members import UnsupportedError\n"
        "try:\n"
        "    with reading(b'', Way(('cpio',))): pass\n"
        "except UnsupportedError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LIBARCHIVE": "/nonexistent/libarchive.so"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "the library libarchive is not installed\n"
    assert said.stderr == ""
