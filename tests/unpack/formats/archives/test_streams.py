import bz2
import lzma
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Limit, OverLimitError
from mailwarden.unpack.formats.archives.streams import open_bzip2, open_gzip, open_lzma, open_xz
from mailwarden.unpack.members import Opener, Trait, UnreadableError
from support.archives import bzip2_bomb, gzip_bomb, gzip_file, xz_bomb, zip_archive
from support.opening import LIMITS, opened

CONTENT = b"".join(b"%d," % number for number in range(50_000))
PACKED: list[tuple[Opener, bytes]] = [
    (open_gzip, gzip_file(CONTENT)),
    (open_bzip2, bz2.compress(CONTENT)),
    (open_xz, lzma.compress(CONTENT)),
    (open_lzma, lzma.compress(CONTENT, lzma.FORMAT_ALONE)),
]
WITH_SIGNATURE = PACKED[:3]


@pytest.mark.parametrize(("opener", "packed"), PACKED)
def test_a_stream_has_one_member(opener: Opener, packed: bytes) -> None:
    outcome = opened(opener, packed)
    assert [member.octets for member in outcome.members] == [CONTENT]
    assert (outcome.is_clean, outcome.traits) == (True, frozenset())


@pytest.mark.parametrize(("opener", "packed"), WITH_SIGNATURE)
def test_streams_behind_each_other_are_one_content(opener: Opener, packed: bytes) -> None:
    outcome = opened(opener, packed + packed + bytes(8) + packed)
    assert [member.octets for member in outcome.members] == [CONTENT * 3]
    assert (outcome.is_clean, outcome.traits) == (True, frozenset())


@pytest.mark.parametrize(("opener", "packed"), PACKED)
def test_zeros_and_line_ends_behind_a_stream_are_padding_and_all_else_is_hidden(
    opener: Opener, packed: bytes
) -> None:
    for padding in (bytes(512), b"\r\n", b"\n"):
        assert opened(opener, packed + padding).traits == frozenset()
    hidden = opened(opener, packed + zip_archive({"a": b"x"}))
    assert hidden.traits == {Trait.HIDDEN_DATA}
    assert [member.octets for member in hidden.members] == [CONTENT]


@pytest.mark.parametrize(("opener", "packed"), PACKED)
def test_a_stream_that_ends_early_gives_what_came_out_and_is_not_clean(
    opener: Opener, packed: bytes
) -> None:
    for end in range(0, len(packed), len(packed) // 20):
        outcome = opened(opener, packed[:end])
        assert not outcome.is_clean
        for member in outcome.members:
            assert CONTENT.startswith(member.octets or b"-")


def test_a_wrong_checksum_of_gzip_loses_no_content() -> None:
    packed = bytearray(gzip_file(CONTENT))
    packed[-5] ^= 1
    outcome = opened(open_gzip, bytes(packed))
    assert [member.octets for member in outcome.members] == [CONTENT]
    assert not outcome.is_clean


@pytest.mark.parametrize("opener", [open_gzip, open_bzip2, open_xz, open_lzma])
def test_what_is_no_such_stream_is_unreadable(opener: Opener) -> None:
    assert isinstance(opened(opener, b"no stream at all").error, UnreadableError)
    assert isinstance(opened(opener, b"").error, UnreadableError)


def test_a_gzip_file_says_its_names() -> None:
    packed = gzip_file(b"1", "invoice.pdf.exe") + gzip_file(b"2", "../b.txt")
    (member,) = opened(open_gzip, packed).members
    # Python leaves folders out of the name that it writes.
    assert member.names == ("invoice.pdf.exe", "b.txt")
    assert member.octets == b"12"


def test_a_gzip_name_that_leads_out_is_marked() -> None:
    packed = gzip_file(b"1", "0123456").replace(b"0123456", b"../.exe")
    (member,) = opened(open_gzip, packed).members
    assert (member.names, member.traits) == (("../.exe",), (Trait.PATH_TRAVERSAL,))


def test_a_gzip_name_stands_behind_the_extra_field() -> None:
    plain = gzip_file(b"1", "a.exe")
    packed = plain[:3] + b"\x0c" + plain[4:10] + b"\x05\x00extra" + plain[10:]
    (member,) = opened(open_gzip, packed).members
    assert member.names == ("a.exe",)


@pytest.mark.parametrize(
    ("opener", "packed"),
    [(open_gzip, gzip_bomb(200)), (open_bzip2, bzip2_bomb(200)), (open_xz, xz_bomb(200))],
)
def test_a_bomb_stops_at_the_ratio(opener: Opener, packed: bytes) -> None:
    before = time.process_time()
    outcome = opened(opener, packed, replace(LIMITS, ratio=100))
    assert time.process_time() - before < 8
    assert isinstance(outcome.error, OverLimitError)
    assert outcome.error.limit is Limit.RATIO


def test_a_hundred_thousand_empty_streams_take_linear_time() -> None:
    before = time.process_time()
    outcome = opened(open_gzip, gzip_file(b"") * 100_000)
    assert time.process_time() - before < 8
    assert outcome.is_clean


def test_an_announced_window_of_gigabytes_is_refused() -> None:
    packed = bytearray(lzma.compress(CONTENT, lzma.FORMAT_ALONE))
    packed[1:5] = b"\0\0\0\xc0"
    error = opened(open_lzma, bytes(packed)).error
    assert isinstance(error, UnreadableError)
    assert str(error) == "it needs more memory than it may have"


@pytest.mark.parametrize(("opener", "packed"), PACKED)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6))
def test_any_change_gives_a_member_or_the_named_errors(
    opener: Opener, packed: bytes, changes: list[tuple[int, int]]
) -> None:
    changed = bytearray(packed)
    for place, value in changes:
        changed[place % len(changed)] = value
    outcome = opened(opener, bytes(changed))
    assert outcome.members or outcome.error


@pytest.mark.parametrize("cut", range(2, 10))
def test_a_second_stream_of_half_a_head_does_not_lose_the_first(cut: int) -> None:
    whole = gzip_file(b"hello", "a.txt")
    (member,) = opened(open_gzip, whole + whole[:cut]).members
    assert (member.names, member.octets) == (("a.txt",), b"hello")
    assert member.unopened == "it ends too early"
