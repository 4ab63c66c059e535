"""Changes to a message as values, applied to the original bytes; all else stays byte for byte."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailwarden.message.raw import Raw


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `octets` in place of the bytes from offset `start` up to `end`; equal offsets insert."""

    start: int
    end: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of the original that stay, from `start` up to `end`."""

    start: int
    end: int


def insert(at: int, octets: bytes) -> Edit:
    """Put `octets` before the byte at offset `at`."""
    return Edit(at, at, octets)


def edited_pieces(size_bytes: int, edits: Iterable[Edit]) -> Iterator[Span | bytes]:
    """Yield the edited message as spans of the original and new bytes, in order.

    Edits at the same place keep the order in which they were given.
    Raises `ValueError` when two edits overlap or one lies outside the message.
    """
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not position <= edit.start <= edit.end <= size_bytes:
            raise ValueError("edits overlap or lie outside the message")
        if edit.start > position:
            yield Span(position, edit.start)
        if edit.octets:
            yield edit.octets
        position = edit.end
    if position < size_bytes:
        yield Span(position, size_bytes)


def apply_edits(raw: Raw, edits: Iterable[Edit]) -> bytes:
    """Return the whole edited message; for messages that fit into memory."""
    return b"".join(
        raw[piece.start : piece.end] if isinstance(piece, Span) else piece
        for piece in edited_pieces(len(raw), edits)
    )
