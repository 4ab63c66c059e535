import io
import time
from dataclasses import replace
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, BadZipFile, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Limit, OverLimitError
from mailwarden.unpack.formats.zip.zip_archive import open_zip
from mailwarden.unpack.members import Entry, Trait, UnreadableError
from support.archives import (
    ENCRYPTED_FLAG,
    Zipped,
    deflated,
    many_members_zip,
    overlapping_zip,
    stored,
    traversing_zip,
    zip_archive,
    zip_end,
    zip_of,
    zip_of_one_data,
    zip_of_zips,
    zip_with_two_names,
)
from support.opening import LIMITS, opened

FILES = {"a.txt": b"hello" * 1000, "folder/b.exe": b"", "\xe4.bin": bytes(range(256))}
ORDINARY = zip_archive(FILES)
HELLO = deflated(b"a", b"hello")


@pytest.mark.parametrize("method", [ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA])
def test_an_ordinary_archive_gives_its_members_and_no_traits(method: int) -> None:
    outcome = opened(open_zip, zip_archive(FILES, method))
    assert outcome.octets == FILES
    assert outcome.is_clean
    assert outcome.traits == frozenset()
    assert [member.size_bytes for member in outcome.members] == [5000, 0, 256]


def test_an_archive_written_as_a_stream_has_its_sizes_behind_the_data() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError("a pipe has no place")

    pipe = Pipe()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"hello")
    outcome = opened(open_zip, pipe.getvalue())
    assert (outcome.octets, outcome.traits) == ({"a.txt": b"hello"}, frozenset())


def test_an_empty_archive_is_readable() -> None:
    outcome = opened(open_zip, zip_archive({}))
    assert (outcome.members, outcome.error) == ((), None)


def test_an_archive_in_an_archive_stays_one_member() -> None:
    inner = zip_archive({"inner.txt": b"x"}, ZIP_STORED)
    outcome = opened(open_zip, zip_archive({"inner.zip": inner}, ZIP_STORED))
    assert (outcome.octets, outcome.traits) == ({"inner.zip": inner}, frozenset())


def test_a_comment_is_no_trait() -> None:
    outcome = opened(open_zip, zip_of(stored(b"a", b"x"), comment=b"made by hand"))
    assert (outcome.octets, outcome.traits) == ({"a": b"x"}, frozenset())


@pytest.mark.parametrize("shift", [0, 4096])
def test_a_self_extractor_is_an_ordinary_archive_with_offsets_of_either_kind(shift: int) -> None:
    stub = b"MZ" + bytes(4000) + b"PK\x03\x04" + bytes(86) + b"PK\x05"
    assert len(stub) == 4096 - 1
    outcome = opened(open_zip, stub + b"\0" + zip_of(stored(b"a", b"x"), shift=shift))
    assert (outcome.octets, outcome.traits, outcome.error) == ({"a": b"x"}, frozenset(), None)


def test_the_name_in_either_header_counts_and_the_disagreement_is_told() -> None:
    outcome = opened(open_zip, zip_with_two_names(b"a.txt", b"a.exe"))
    assert [member.names for member in outcome.members] == [("a.txt", "a.exe")]
    assert outcome.octets == {"a.txt": b"hello"}
    assert outcome.traits == {Trait.DIRECTORIES_DISAGREE}


def test_a_method_that_differs_is_tried_both_ways() -> None:
    member = deflated(b"a", b"hello")
    lie = replace(member, method=0, size_bytes=len(member.packed))
    outcome = opened(open_zip, zip_of(member, directory=[(lie, 0)]))
    assert {one.octets for one in outcome.members} == {b"hello", member.packed}
    assert outcome.traits == {Trait.DIRECTORIES_DISAGREE}


def test_a_stored_size_that_differs_gives_both_lengths() -> None:
    member = stored(b"a", b"hello world")
    lie = stored(b"a", b"hello")
    outcome = opened(open_zip, zip_of(member, directory=[(lie, 0)]))
    assert {one.octets for one in outcome.members} == {b"hello", b"hello world"}
    assert outcome.traits == {Trait.DIRECTORIES_DISAGREE}


def test_members_that_no_directory_names_are_found() -> None:
    archive = zip_of(
        stored(b"shown", b"1"), stored(b"hidden", b"2"), directory=[(stored(b"shown", b"1"), 0)]
    )
    outcome = opened(open_zip, archive)
    assert outcome.octets == {"shown": b"1", "hidden": b"2"}
    assert outcome.traits == {Trait.DIRECTORIES_DISAGREE}


def test_a_member_hidden_in_the_packed_bytes_of_another_is_found() -> None:
    # Programs that read from the front see five octets and then another member.
    inner = stored(b"hidden.exe", b"evil")
    outer = stored(b"a.txt", b"hello" + inner.local + inner.packed)
    front = stored(b"a.txt", b"hello")
    archive = zip_of(front, inner, directory=[(outer, 0)])
    outcome = opened(open_zip, archive)
    assert outcome.octets["hidden.exe"] == b"evil"
    assert Trait.DIRECTORIES_DISAGREE in outcome.traits


def test_packed_bytes_behind_the_end_of_a_stream_are_never_ignored() -> None:
    member = deflated(b"a", b"hello")
    longer = replace(
        member,
        packed=member.packed + zip_archive({"hidden.exe": b"evil"}),
        packed_bytes=len(member.packed) + 120,
    )
    outcome = opened(open_zip, zip_of(longer))
    assert not outcome.is_clean
    assert "hidden.exe" in outcome.octets


def test_a_member_that_only_the_directory_shows_is_a_member_without_data() -> None:
    member = stored(b"a", b"x")
    outcome = opened(open_zip, zip_of(member, directory=[(member, 0), (stored(b"b", b"y"), 9)]))
    assert outcome.octets == {"a": b"x", "b": None}
    assert outcome.traits == {Trait.DIRECTORIES_DISAGREE}
    assert not outcome.is_clean


def test_a_directory_that_announces_fewer_members_than_it_holds_is_read_to_its_end() -> None:
    archive = bytearray(ORDINARY)
    end = archive.rindex(b"PK\x05\x06")
    archive[end + 8 : end + 12] = b"\x01\x00\x01\x00"
    outcome = opened(open_zip, bytes(archive))
    assert outcome.octets == FILES
    assert outcome.traits == {Trait.DIRECTORIES_DISAGREE}


def test_a_directory_that_is_not_where_it_should_be_is_looked_for() -> None:
    archive = bytearray(ORDINARY)
    end = archive.rindex(b"PK\x05\x06")
    archive[end + 12 : end + 20] = b"\xf0\0\0\0\xf0\0\0\0"
    outcome = opened(open_zip, bytes(archive))
    assert outcome.octets == FILES
    assert outcome.traits == {Trait.DIRECTORIES_DISAGREE}


def test_archives_behind_each_other_are_all_opened() -> None:
    outcome = opened(open_zip, zip_archive({"a": b"1"}) + zip_archive({"b": b"2"}))
    assert outcome.octets == {"a": b"1", "b": b"2"}
    assert Trait.HIDDEN_DATA in outcome.traits
    assert outcome.error is None


def test_an_archive_in_the_comment_of_another_is_opened() -> None:
    outcome = opened(open_zip, zip_of(stored(b"a", b"1"), comment=zip_archive({"b": b"2"})))
    assert outcome.octets == {"a": b"1", "b": b"2"}
    assert Trait.HIDDEN_DATA in outcome.traits


def test_an_empty_directory_behind_the_real_one_hides_nothing() -> None:
    outcome = opened(open_zip, ORDINARY + zip_end(0, 0, 0))
    assert outcome.octets == FILES
    assert outcome.traits == {Trait.HIDDEN_DATA}


def test_endless_archives_behind_each_other_are_not_all_read() -> None:
    outcome = opened(open_zip, zip_archive({"a": b"1"}) * 100)
    assert isinstance(outcome.error, UnreadableError)
    assert Trait.HIDDEN_DATA in outcome.traits


@pytest.mark.parametrize("end", range(0, len(ORDINARY), 7))
def test_every_cut_of_an_archive_is_unreadable(end: int) -> None:
    assert isinstance(opened(open_zip, ORDINARY[:end]).error, UnreadableError)


def test_members_before_a_cut_are_opened() -> None:
    outcome = opened(open_zip, ORDINARY[: ORDINARY.index(b"PK\x01\x02")])
    assert outcome.octets == FILES
    assert isinstance(outcome.error, UnreadableError)


def test_one_of_several_volumes_says_so() -> None:
    first = b"PK\x07\x08" + ORDINARY[:100]
    outcome = opened(open_zip, first)
    assert outcome.traits == {Trait.VOLUME}
    assert not outcome.is_clean


def test_the_last_of_several_volumes_names_members_of_others() -> None:
    archive = bytearray(zip_of(stored(b"a", b"1"), directory=[(stored(b"b", b"2"), 99)]))
    archive[archive.rindex(b"PK\x05\x06") + 4] = 1
    outcome = opened(open_zip, bytes(archive))
    assert outcome.octets == {"a": b"1", "b": None}
    assert Trait.VOLUME in outcome.traits


def test_an_encrypted_member_is_named_and_marked() -> None:
    outcome = opened(open_zip, zip_of(replace(stored(b"a", b"secret"), flags=ENCRYPTED_FLAG)))
    (member,) = outcome.members
    assert (member.names, member.octets, member.traits) == (("a",), None, (Trait.ENCRYPTED,))
    assert outcome.traits == frozenset()


def test_a_member_that_only_one_header_calls_encrypted_is_opened_and_marked() -> None:
    member = stored(b"a", b"hello")
    lie = replace(member, flags=ENCRYPTED_FLAG)
    outcome = opened(open_zip, zip_of(member, directory=[(lie, 0)]))
    assert outcome.octets == {"a": b"hello"}
    assert outcome.members[0].traits == (Trait.ENCRYPTED,)
    assert outcome.traits == {Trait.DIRECTORIES_DISAGREE}


def test_a_method_that_nobody_knows_is_said() -> None:
    outcome = opened(open_zip, zip_of(replace(stored(b"a", b"hello"), method=97)))
    assert [member.unopened for member in outcome.members] == ["method 97 is not known"]
    assert outcome.octets == {"a": None}


@pytest.mark.parametrize(
    "liar",
    [replace(HELLO, checksum=1), replace(HELLO, size_bytes=4), replace(HELLO, size_bytes=6)],
)
def test_content_that_is_not_as_announced_is_given_and_never_taken_for_all(liar: Zipped) -> None:
    outcome = opened(open_zip, zip_of(liar))
    assert outcome.octets == {"a": b"hello"}
    assert not outcome.is_clean


def test_a_broken_stream_gives_what_came_before_the_fault() -> None:
    content = b"".join(b"%d," % number for number in range(20_000))
    member = deflated(b"a", content)
    half = len(member.packed) // 2
    broken = member.packed[:half] + b"\xff" * 40 + member.packed[half + 40 :]
    outcome = opened(open_zip, zip_of(replace(member, packed=broken)))
    octets = outcome.octets["a"]
    assert octets is not None
    assert octets.startswith(content[:40_000])
    assert not outcome.is_clean


def test_traversing_names_are_marked() -> None:
    outcome = opened(open_zip, traversing_zip())
    assert [member.traits for member in outcome.members] == [(Trait.PATH_TRAVERSAL,)] * 5


def test_a_link_is_marked_and_its_target_is_a_name() -> None:
    link = replace(stored(b"link", b"/etc/passwd"), attributes=0o120777 << 16)
    (member,) = opened(open_zip, zip_of(link)).members
    assert member.names == ("link", "/etc/passwd")
    assert member.entry is Entry.LINK
    assert set(member.traits) == {Trait.LINK, Trait.PATH_TRAVERSAL}


def test_a_link_is_a_file_to_programs_that_know_no_links() -> None:
    link = replace(stored(b"run.js", b"evil()"), attributes=0o120777 << 16)
    assert opened(open_zip, zip_of(link)).octets == {"run.js": b"evil()"}


def test_a_device_is_marked() -> None:
    device = replace(stored(b"null", b""), attributes=0o020666 << 16)
    (member,) = opened(open_zip, zip_of(device)).members
    assert (member.entry, member.traits) == (Entry.DEVICE, (Trait.DEVICE,))


@pytest.mark.parametrize(
    ("name", "attributes"), [(b"a/", 0), (b"a", 0x10), (b"a", 0o040755 << 16), (b"a\\", 0)]
)
def test_folders_are_known_by_name_or_attributes(name: bytes, attributes: int) -> None:
    (member,) = opened(open_zip, zip_of(replace(stored(name, b""), attributes=attributes))).members
    assert (member.entry, member.octets) == (Entry.FOLDER, None)


def test_a_folder_with_content_is_a_file() -> None:
    outcome = opened(open_zip, zip_of(stored(b"evil.exe/", b"MZ")))
    assert [member.entry for member in outcome.members] == [Entry.FILE]
    assert outcome.octets == {"evil.exe/": b"MZ"}


def test_a_name_is_read_in_both_code_pages_and_up_to_its_nul() -> None:
    outcome = opened(open_zip, zip_of(stored(b"a\xc3\xa4.exe\0.txt", b"")))
    assert outcome.members[0].names == (
        "a\xe4.exe",
        "a\xe4.exe\0.txt",
        "a\u251c\xf1.exe",
        "a\u251c\xf1.exe\0.txt",
    )


def test_a_name_in_the_unicode_field_is_a_name() -> None:
    field = b"\x75\x70" + (5 + 6).to_bytes(2, "little") + b"\x01CRC!" + b"\xc3\xa4.exe"
    outcome = opened(open_zip, zip_of(replace(stored(b"_.exe", b""), extra=field)))
    assert outcome.members[0].names == ("\xe4.exe", "_.exe")


def test_zip64_numbers_are_taken_from_their_field() -> None:
    member = stored(b"a", b"hello")
    sizes = (5).to_bytes(8, "little") * 2
    zip64 = replace(
        member,
        size_bytes=0xFFFFFFFF,
        packed_bytes=0xFFFFFFFF,
        extra=b"\x01\x00" + len(sizes).to_bytes(2, "little") + sizes,
    )
    outcome = opened(open_zip, zip_of(zip64, stored(b"b", b"x")))
    assert outcome.octets == {"a": b"hello", "b": b"x"}
    assert (outcome.is_clean, outcome.traits) == (True, frozenset())


def test_one_data_under_thousands_of_names_is_one_member_with_all_of_them() -> None:
    outcome = opened(open_zip, zip_of_one_data(900, bytes(1_000_000)))
    assert len(outcome.members) == 1
    assert len(outcome.members[0].names) == 900
    assert Trait.MEMBERS_OVERLAP in outcome.traits


def test_overlapping_members_are_read_a_few_times_and_no_more() -> None:
    archive = overlapping_zip(250, bytes(10_000_000))
    before = time.process_time()
    outcome = opened(open_zip, archive, replace(LIMITS, bytes_produced=2_000_000_000))
    assert time.process_time() - before < 8
    assert Trait.MEMBERS_OVERLAP in outcome.traits
    assert not outcome.is_clean


def test_a_few_overlapping_members_are_all_read() -> None:
    kernel = b"hello " * 100
    outcome = opened(open_zip, overlapping_zip(3, kernel))
    assert outcome.octets["2"] == kernel
    assert [member.octets is not None for member in outcome.members] == [True] * 3
    assert outcome.is_clean
    assert outcome.traits == {Trait.MEMBERS_OVERLAP}


def test_one_start_with_thousands_of_lengths_is_read_a_few_times_and_no_more() -> None:
    member = stored(b"a", bytes(10_000))
    lies = [(replace(member, packed_bytes=length), 0) for length in range(9_000, 9_900)]
    outcome = opened(open_zip, zip_of(member, directory=lies))
    assert Trait.DIRECTORIES_DISAGREE in outcome.traits
    assert not outcome.is_clean
    assert len(outcome.members) < 20


def test_headers_that_lie_in_each_other_are_read_a_few_times_and_no_more() -> None:
    head = stored(b"a", b"").local[:-3] + b"\xff\xff" + b"a"
    body = head * 3_000
    entries = b"".join(stored(b"a", b"").central(number * len(head)) for number in range(900))
    outcome = opened(open_zip, body + entries + zip_end(900, len(entries), len(body)))
    assert not outcome.is_clean
    assert outcome.members[-1].unopened == "its packed bytes are those of other members too"


def test_a_length_beyond_the_end_covers_no_other_member() -> None:
    far = replace(stored(b"a", b"x"), flags=ENCRYPTED_FLAG, packed_bytes=2_000_000_000)
    outcome = opened(open_zip, zip_of(far, stored(b"b", b"hello")))
    assert outcome.octets == {"a": None, "b": b"hello"}
    assert outcome.traits == {Trait.MEMBERS_OVERLAP}


def test_a_hundred_thousand_members_stop_at_the_limit_of_files() -> None:
    archive = many_members_zip(100_000)
    before = time.process_time()
    outcome = opened(open_zip, archive)
    assert time.process_time() - before < 4
    assert isinstance(outcome.error, OverLimitError)
    assert outcome.error.limit is Limit.FILES
    assert len(outcome.members) == 1_000


def test_names_beyond_the_limit_of_files_are_an_error_even_of_one_data() -> None:
    outcome = opened(open_zip, zip_of_one_data(1_001, b"hello"))
    assert isinstance(outcome.error, OverLimitError)
    assert len(outcome.members) == 1


def test_an_archive_of_archives_costs_its_own_level() -> None:
    outcome = opened(open_zip, zip_of_zips(4, 16, bytes(1_000_000)))
    assert len(outcome.members) == 16
    assert outcome.is_clean


def test_a_bomb_of_one_member_stops_at_the_ratio() -> None:
    outcome = opened(open_zip, zip_archive({"a": bytes(30_000_000)}))
    assert isinstance(outcome.error, OverLimitError)
    assert outcome.error.limit is Limit.RATIO


@pytest.mark.parametrize(
    "soup",
    [
        b"PK\x05\x06" + b"\1" * 18,
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x03\x04" + bytes(22) + b"\x01\0\xf0\xff",
        zip_archive({"a": b""}),
    ],
)
def test_signatures_without_end_take_linear_time(soup: bytes) -> None:
    before = time.process_time()
    outcome = opened(open_zip, soup * (1_000_000 // len(soup)))
    assert time.process_time() - before < 8
    assert outcome.error is not None


def test_headers_that_overlap_take_linear_time() -> None:
    # 5,000 headers whose packed bytes are all the rest, a million octets of empty blocks.
    blocks = b"\0\0\0\xff\xff" * 200_000
    member = replace(deflated(b"a", b""), packed=b"", packed_bytes=2_000_000, size_bytes=9)
    length = len(member.local)
    entries = b"".join(member.central(number * length) for number in range(5_000))
    body = member.local * 5_000 + blocks
    archive = body + entries + zip_end(5_000, len(entries), len(body))
    before = time.process_time()
    outcome = opened(open_zip, archive, replace(LIMITS, files=10_000))
    assert time.process_time() - before < 8
    assert not outcome.is_clean


CHANGES = st.lists(st.tuples(st.integers(0, len(ORDINARY) - 1), st.integers(0, 255)), max_size=6)


@given(CHANGES)
def test_whatever_another_program_reads_is_found_or_the_archive_is_not_clean(
    changes: list[tuple[int, int]],
) -> None:
    archive = bytearray(ORDINARY)
    for place, value in changes:
        archive[place] = value
    outcome = opened(open_zip, bytes(archive))
    if outcome.is_clean and not outcome.traits:
        assert set(_as_zipfile_reads(bytes(archive))) <= set(outcome.octets.values()) | {b""}


def _as_zipfile_reads(archive: bytes) -> list[bytes]:
    contents = []
    try:
        with ZipFile(io.BytesIO(archive)) as seen:
            contents = [seen.read(entry) for entry in seen.infolist()]
    except (BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError, OSError):
        return contents
    except (IndexError, RuntimeError):
        return contents
    return contents


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_around_an_archive_give_members_or_the_named_errors(
    before: bytes, behind: bytes
) -> None:
    assert opened(open_zip, before + ORDINARY + behind).members
    opened(open_zip, before)


def test_each_reading_of_one_member_counts_as_a_member() -> None:
    member = stored(b"a", b"hello")
    shorter = replace(member, packed_bytes=3, size_bytes=3)
    archive = zip_of(member, directory=[(shorter, 0)])
    assert {one.octets for one in opened(open_zip, archive).members} == {b"hello", b"hel"}
    outcome = opened(open_zip, archive, replace(LIMITS, files=1))
    assert len(outcome.members) == 1
    assert isinstance(outcome.error, OverLimitError)
