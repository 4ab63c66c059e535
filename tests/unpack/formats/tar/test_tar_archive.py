import io
import tarfile
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Limit, OverLimitError
from mailwarden.unpack.formats.tar.tar_archive import open_tar
from mailwarden.unpack.members import Entry, Trait, UnreadableError
from support.archives import (
    pax_header,
    sparse_tar,
    tar_archive,
    tar_blocks,
    tar_header,
    traversing_tar,
    with_tar_checksum,
)
from support.opening import LIMITS, opened

FILES = {"a.txt": b"hello", "long/" * 60 + "b\xe4.exe": bytes(range(256)) * 4, "empty": b""}
ORDINARY = tar_archive(FILES)
END = bytes(1024)


@pytest.mark.parametrize("layout", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_an_ordinary_archive_gives_its_members_and_no_traits(layout: int) -> None:
    outcome = opened(open_tar, tar_archive(FILES, layout))
    assert outcome.octets == FILES
    assert (outcome.is_clean, outcome.traits) == (True, frozenset())


def test_the_name_of_ustar_has_two_pieces() -> None:
    name = "folder/" * 15 + "b.exe"
    outcome = opened(open_tar, tar_archive({name: b"x"}, tarfile.USTAR_FORMAT))
    assert outcome.octets == {name: b"x"}


def test_the_oldest_kind_has_no_magic_and_marks_folders_in_the_name() -> None:
    def oldest(name: bytes, size_bytes: int) -> bytes:
        block = bytearray(tar_header(name, b"\0", size_bytes))
        block[257:265] = bytes(8)
        return with_tar_checksum(bytes(block))

    # Some programs give folders a size, although nothing follows.
    archive = oldest(b"a/", 1) + oldest(b"a/b", 1) + tar_blocks(b"x") + END
    outcome = opened(open_tar, archive)
    assert outcome.octets == {"a/": None, "a/b": b"x"}
    assert [member.entry for member in outcome.members] == [Entry.FOLDER, Entry.FILE]


def test_an_archive_without_an_end_is_readable() -> None:
    outcome = opened(open_tar, tar_header(b"a", size_bytes=1) + tar_blocks(b"x"))
    assert (outcome.octets, outcome.is_clean) == ({"a": b"x"}, True)


def test_archives_behind_each_other_are_all_opened() -> None:
    outcome = opened(open_tar, tar_archive({"a": b"1"}) + tar_archive({"b": b"2"}))
    assert outcome.octets == {"a": b"1", "b": b"2"}
    assert outcome.traits == {Trait.HIDDEN_DATA}


def test_an_archive_behind_junk_behind_the_end_is_opened() -> None:
    outcome = opened(open_tar, ORDINARY + b"junk" * 1000 + bytes(96) + tar_archive({"b": b"2"}))
    assert outcome.octets == {**FILES, "b": b"2"}
    assert outcome.traits == {Trait.HIDDEN_DATA}
    assert outcome.is_clean


def test_a_broken_header_is_told_and_what_follows_is_found() -> None:
    first = tar_header(b"a", size_bytes=1) + tar_blocks(b"x")
    outcome = opened(open_tar, first + b"broken".ljust(512) + tar_archive({"b": b"2"}))
    assert outcome.octets == {"a": b"x", "b": b"2"}
    assert isinstance(outcome.error, UnreadableError)


@pytest.mark.parametrize("octets", [b"", bytes(10_240), b"no archive at all" * 100])
def test_what_is_no_archive_is_unreadable(octets: bytes) -> None:
    assert isinstance(opened(open_tar, octets).error, UnreadableError)


def test_a_member_that_is_cut_gives_what_is_there_and_is_not_clean() -> None:
    outcome = opened(open_tar, tar_header(b"a", size_bytes=10) + b"hello")
    assert outcome.octets == {"a": b"hello"}
    assert not outcome.is_clean


def test_an_extended_header_that_is_cut_is_told() -> None:
    outcome = opened(open_tar, pax_header((b"path", b"a" * 600))[:700])
    assert isinstance(outcome.error, UnreadableError)


@pytest.mark.parametrize(
    "octets", [b"9 path=ab\n", b"x path=a\n", b"2 \n", b"99999999999999999999"]
)
def test_a_broken_extended_header_is_told_and_the_members_are_found(octets: bytes) -> None:
    extended = tar_header(b"x", b"x", len(octets)) + tar_blocks(octets)
    outcome = opened(open_tar, extended + tar_archive({"a": b"x"}))
    assert outcome.octets == {"a": b"x"}
    assert isinstance(outcome.error, UnreadableError)


def test_all_names_of_a_member_are_candidates() -> None:
    long_name = tar_header(b"././@LongLink", b"L", 6) + tar_blocks(b"b.exe\0")
    archive = long_name + pax_header((b"path", b"c.exe")) + tar_header(b"a.txt") + END
    (member,) = opened(open_tar, archive).members
    assert member.names == ("c.exe", "b.exe", "a.txt")


def test_of_several_long_names_each_counts() -> None:
    names = b"".join(
        tar_header(b"././@LongLink", b"L", 2) + tar_blocks(name) for name in (b"b\0", b"c\0")
    )
    (member,) = opened(open_tar, names + tar_header(b"a") + END).members
    assert member.names == ("c", "b", "a")


def test_a_name_for_all_members_is_a_candidate_of_each() -> None:
    archive = pax_header((b"path", b"z"), kind=b"g") + tar_header(b"a") + tar_header(b"b") + END
    assert [one.names for one in opened(open_tar, archive).members] == [("z", "a"), ("z", "b")]


def test_two_sizes_of_one_member_disagree() -> None:
    # Programs that go by the header find `evil`, the others take it for content.
    inner = tar_header(b"evil") + tar_blocks(b"")
    archive = pax_header((b"size", b"512")) + tar_header(b"a") + inner + END
    outcome = opened(open_tar, archive)
    assert outcome.octets == {"a": inner}
    assert outcome.traits == {Trait.DIRECTORIES_DISAGREE}


def test_links_and_devices_are_marked_and_targets_are_names() -> None:
    archive = b"".join(
        (
            tar_header(b"a/soft", b"2", target=b"../b"),
            tar_header(b"a/out", b"2", target=b"/etc/passwd"),
            tar_header(b"hard", b"1", 7, target=b"../x"),
            tar_header(b"null", b"3"),
            tar_header(b"pipe", b"6"),
            tar_header(b"folder", b"5"),
        )
    )
    members = opened(open_tar, archive + END).members
    assert [(member.names[0], member.entry, member.traits) for member in members] == [
        ("a/soft", Entry.LINK, (Trait.LINK,)),
        ("a/out", Entry.LINK, (Trait.LINK, Trait.PATH_TRAVERSAL)),
        ("hard", Entry.LINK, (Trait.LINK, Trait.PATH_TRAVERSAL)),
        ("null", Entry.DEVICE, (Trait.DEVICE,)),
        ("pipe", Entry.DEVICE, (Trait.DEVICE,)),
        ("folder", Entry.FOLDER, ()),
    ]
    assert members[1].names == ("a/out", "/etc/passwd")


def test_data_of_a_link_is_not_lost() -> None:
    archive = tar_header(b"hard", b"1", 5, target=b"x") + tar_blocks(b"hello") + END
    assert opened(open_tar, archive).octets == {"hard": b"hello"}


def test_traversing_names_are_marked() -> None:
    outcome = opened(open_tar, traversing_tar())
    assert [member.traits for member in outcome.members] == [(Trait.PATH_TRAVERSAL,)] * 5


def test_the_rest_of_a_file_from_another_volume_is_told() -> None:
    outcome = opened(open_tar, tar_header(b"a", b"M", 1) + tar_blocks(b"x") + END)
    assert outcome.traits == {Trait.VOLUME}
    assert outcome.octets == {"a": b"x"}


def test_a_kind_that_nobody_knows_is_a_file() -> None:
    outcome = opened(open_tar, tar_header(b"a", b"Z", 1) + tar_blocks(b"x") + END)
    assert outcome.octets == {"a": b"x"}


@pytest.mark.parametrize("is_old", [False, True])
def test_holes_are_zeros_as_other_programs_see_them(*, is_old: bool) -> None:
    archive = sparse_tar(700_000, is_old=is_old)
    with tarfile.open(fileobj=io.BytesIO(archive)) as seen:
        file = seen.extractfile("sparse")
        assert file is not None
        expected = file.read()
    outcome = opened(open_tar, archive)
    assert outcome.octets == {"sparse": expected}
    assert expected == bytes(699_999) + b"x"
    assert outcome.is_clean


@pytest.mark.parametrize("is_old", [False, True])
def test_holes_of_gigabytes_stop_at_the_ratio(*, is_old: bool) -> None:
    before = time.process_time()
    outcome = opened(open_tar, sparse_tar(8_000_000_000, is_old=is_old))
    assert time.process_time() - before < 4
    assert isinstance(outcome.error, OverLimitError)
    assert outcome.error.limit is Limit.RATIO


@pytest.mark.parametrize(
    "soup",
    [
        tar_header(b"a"),
        pax_header((b"path", b"a")),
        pax_header((b"comment", b"1" * 100_000)),
        tar_header(b"././@LongLink", b"L", 1) + tar_blocks(b"a"),
        b"ustar".rjust(262).ljust(512),
    ],
)
def test_headers_without_end_take_linear_time(soup: bytes) -> None:
    before = time.process_time()
    opened(open_tar, soup * (4_000_000 // len(soup)), replace(LIMITS, files=100_000))
    assert time.process_time() - before < 8


def test_a_broken_map_of_holes_gives_the_data_as_it_stands() -> None:
    archive = pax_header((b"GNU.sparse.map", b"5,1,1,1"), (b"GNU.sparse.size", b"9"))
    archive += tar_header(b"a", size_bytes=2) + tar_blocks(b"xy") + END
    outcome = opened(open_tar, archive)
    assert outcome.octets == {"a": b"xy"}
    assert not outcome.is_clean


def test_members_stop_at_the_limit_of_files() -> None:
    outcome = opened(open_tar, tar_header(b"a") * 2_000)
    assert isinstance(outcome.error, OverLimitError)
    assert len(outcome.members) == 1_000


@given(st.lists(st.tuples(st.integers(0, len(ORDINARY) - 1), st.integers(0, 255)), max_size=6))
def test_whatever_another_program_reads_is_found_or_the_archive_is_not_clean(
    changes: list[tuple[int, int]],
) -> None:
    archive = bytearray(ORDINARY)
    for place, value in changes:
        archive[place] = value
    outcome = opened(open_tar, bytes(archive))
    if outcome.is_clean and not outcome.traits:
        assert set(_as_tarfile_reads(bytes(archive))) <= set(outcome.octets.values()) | {b""}


def _as_tarfile_reads(archive: bytes) -> list[bytes]:
    contents: list[bytes] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as seen:
            for entry in seen:
                file = seen.extractfile(entry) if entry.isreg() else None
                contents += [file.read()] if file else []
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError):
        return contents
    return contents


@given(st.binary(max_size=2_000))
def test_any_bytes_give_members_or_the_named_errors(octets: bytes) -> None:
    opened(open_tar, octets)
    opened(open_tar, tar_header(b"x", b"x", len(octets)) + tar_blocks(octets) + tar_header(b"a"))
