import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.budget import Budget, Limit, OverLimitError, UnpackLimits
from mailwarden.unpack.formats.archives.libarchive_filter import (
    open_compress,
    open_lz4,
    open_lzip,
    open_zstd,
)
from mailwarden.unpack.members import Member, Opener, UnreadableError
from support.native_archives import packed
from support.office import look, meter

KINDS: list[tuple[Opener, str]] = [
    (open_zstd, "zstd"),
    (open_compress, "compress"),
    (open_lz4, "lz4"),
    (open_lzip, "lzip"),
]
TEXT = bytes(range(256)) * 400


@pytest.mark.parametrize(("opener", "name"), KINDS)
def test_what_was_packed_comes_out_again_without_a_name(opener: Opener, name: str) -> None:
    (member,) = look(opener, packed(TEXT, name)).members
    assert member == Member((), TEXT)


def test_a_stream_of_nothing_holds_nothing() -> None:
    assert look(open_zstd, packed(b"", "zstd")).members == (Member((), b""),)


@pytest.mark.parametrize(("opener", "name"), KINDS)
def test_something_else_is_unreadable(opener: Opener, name: str) -> None:
    with pytest.raises(UnreadableError, match=f"it is not a stream of {name}"):
        look(opener, b"plain text and nothing else")


# compress(1) marks no end: a shorter stream is a whole one too.
@pytest.mark.parametrize(("opener", "name"), [kind for kind in KINDS if kind[1] != "compress"])
@pytest.mark.parametrize("left", [0.9, 0.5])
def test_a_stream_that_is_cut_is_never_all_there(opener: Opener, name: str, left: float) -> None:
    whole = packed(TEXT, name)
    try:
        (member,) = look(opener, whole[: int(len(whole) * left)]).members
    except UnreadableError:
        return
    assert member.unopened
    assert member.octets is not None
    assert TEXT.startswith(member.octets)


@pytest.mark.parametrize(("opener", "name"), KINDS)
def test_a_bomb_is_stopped_at_the_limit(opener: Opener, name: str) -> None:
    limits = UnpackLimits(bytes_produced=1_000_000, files=5, depth=5, ratio=10**9, seconds=60.0)
    bomb = packed(bytes(20_000_000), name)
    with pytest.raises(OverLimitError) as raised:
        list(opener(bomb, Budget(limits, lambda: 0.0).meter(len(bomb))))
    assert raised.value.limit is Limit.BYTES


@given(
    st.sampled_from((b"\x28\xb5\x2f\xfd", b"\x1f\x9d\x90", b"\x04\x22\x4d\x18", b"LZIP\x01", b"")),
    st.binary(max_size=300),
)
def test_any_bytes_give_a_member_or_the_named_error(signature: bytes, octets: bytes) -> None:
    for opener, _ in KINDS:
        with contextlib.suppress(UnreadableError):
            list(opener(signature + octets, meter()))
