"""Edits: everything that is not edited stays byte for byte."""

import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.edits import Edit, Span, apply_edits, edited_pieces, insert

RAW = b"0123456789"


@st.composite
def messages_and_edits(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    """Any bytes, with edits that neither overlap nor lie outside."""
    raw = draw(st.binary(max_size=60))
    places = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    pairs = zip(places[::2], places[1::2], strict=False)
    return raw, [Edit(start, end, draw(st.binary(max_size=5))) for start, end in pairs]


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([], RAW),
        ([insert(0, b"ab")], b"ab" + RAW),
        ([insert(10, b"ab")], RAW + b"ab"),
        ([insert(5, b"ab")], b"01234ab56789"),
        ([Edit(2, 5, b"-")], b"01-56789"),
        ([Edit(0, 10, b"")], b""),
        ([insert(7, b"b"), insert(3, b"a")], b"012a3456b789"),
        ([insert(3, b"a"), Edit(3, 5, b"-"), insert(5, b"b")], b"012a-b56789"),
    ],
)
def test_edits_change_what_they_name_and_nothing_else(edits: list[Edit], expected: bytes) -> None:
    assert apply_edits(RAW, edits) == expected


def test_edits_at_one_place_keep_their_order_even_when_their_bytes_sort_otherwise() -> None:
    assert apply_edits(b"x", [insert(0, b"b"), insert(0, b"a")]) == b"bax"


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(2, 5, b""), Edit(4, 6, b"")],
        [Edit(2, 5, b""), insert(3, b"x")],
        [Edit(2, 5, b"a"), Edit(2, 5, b"b")],
        [Edit(9, 11, b"")],
        [Edit(-1, 2, b"")],
        [Edit(5, 4, b"")],
        [insert(11, b"x")],
    ],
)
def test_overlapping_and_outside_edits_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlap or lie outside"):
        apply_edits(RAW, edits)


def test_pieces_of_the_original_are_spans_and_none_is_empty() -> None:
    pieces = list(edited_pieces(10, [insert(0, b"a"), Edit(3, 10, b""), insert(0, b"")]))
    assert pieces == [b"a", Span(0, 3)]


def test_a_message_of_no_bytes_can_be_put_something_on_top() -> None:
    assert apply_edits(b"", [insert(0, b"a\n")]) == b"a\n"


def test_a_mapped_message_is_edited_like_one_in_memory() -> None:
    with mmap.mmap(-1, len(RAW)) as mapped:
        mapped[:] = RAW
        assert apply_edits(mapped, [Edit(1, 9, b"..")]) == b"0..9"


@given(messages_and_edits())
def test_taking_the_new_bytes_out_and_putting_the_old_ones_back_gives_the_original(
    given_: tuple[bytes, list[Edit]],
) -> None:
    raw, edits = given_
    restored, position, shift = b"", 0, 0
    output = apply_edits(raw, edits)
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        start = edit.start + shift
        assert output[start : start + len(edit.octets)] == edit.octets
        restored += output[position:start] + raw[edit.start : edit.end]
        position = start + len(edit.octets)
        shift += len(edit.octets) - (edit.end - edit.start)
    assert restored + output[position:] == raw
