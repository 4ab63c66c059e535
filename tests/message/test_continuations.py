import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.continuations import (
    GAP,
    ORDER,
    PERCENT,
    TWICE,
    Joined,
    Piece,
    join_pieces,
    undo_escapes,
)


def plain(section: int, octets: bytes) -> Piece:
    return Piece(section, is_extended=False, octets=octets)


def extended(section: int, octets: bytes) -> Piece:
    return Piece(section, is_extended=True, octets=octets)


@pytest.mark.parametrize(
    ("pieces", "usual"),
    [
        ([plain(0, b"a."), plain(1, b"exe")], Joined("", b"a.exe", "")),
        ([plain(1, b"exe"), plain(0, b"a.")], Joined("", b"a.exe", "")),
        (
            [extended(0, b"utf-8''%C3"), extended(1, b"%A4"), plain(2, b".exe")],
            Joined("", b"\xc3\xa4.exe", "utf-8"),
        ),
        ([plain(0, b"%41"), extended(1, b"%41")], Joined("", b"%41A", "")),
    ],
)
def test_the_reading_of_the_rfc_comes_first(pieces: list[Piece], usual: Joined) -> None:
    assert next(join_pieces(pieces)) == usual


@pytest.mark.parametrize(
    ("pieces", "other"),
    [
        ([plain(0, b"a."), plain(0, b"b."), plain(1, b"exe")], Joined(TWICE, b"b.exe", "")),
        ([plain(0, b"a."), plain(0, b"b."), plain(1, b"exe")], Joined(TWICE, b"a.b.exe", "")),
        ([plain(1, b"a."), plain(0, b"exe")], Joined(ORDER, b"a.exe", "")),
        ([plain(0, b"a.exe"), plain(2, b".txt")], Joined(GAP, b"a.exe", "")),
        ([plain(1, b"a.exe")], Joined(GAP, b"", "")),
        ([plain(0, b"a%2E"), plain(1, b"exe")], Joined(PERCENT, b"a.exe", "")),
        ([plain(1, b"''a%2E"), plain(0, b"exe")], Joined(PERCENT, b"a.exe", "")),
    ],
)
def test_readers_differ_about_odd_pieces(pieces: list[Piece], other: Joined) -> None:
    assert other in list(join_pieces(pieces))


@pytest.mark.parametrize(
    ("value", "undone"),
    [
        (b"utf-8'en'%e2%82%ac", ("€".encode(), "utf-8")),
        (b"''a%20b", (b"a b", "")),
        (b"a%20b", (b"a b", "")),
        (b"a'b", (b"a'b", "")),
        (b"%zz", (b"%zz", "")),
    ],
)
def test_escapes_are_undone_with_and_without_a_charset(
    value: bytes, undone: tuple[bytes, str]
) -> None:
    assert undo_escapes(value) == undone


@given(
    st.lists(
        st.builds(Piece, st.integers(0, 3), st.booleans(), st.binary(max_size=9)),
        min_size=1,
        max_size=20,
    )
)
def test_any_pieces_are_joined_in_a_few_ways(pieces: list[Piece]) -> None:
    joined = list(join_pieces(pieces))
    assert 2 <= len(joined) <= 12
    assert joined[0].code == ""
