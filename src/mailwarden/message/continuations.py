"""Parameters in pieces and with escapes, `name*0*=utf-8''a%2E; name*1=exe`, joined in every way.

Readers differ about pieces in the wrong order, with gaps and double numbers, and about escapes
where no asterisk announces them.
Source: RFC 2231 sections 3 and 4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

GAP = "parameter-continuation-gap"
ORDER = "parameter-continuation-order"
TWICE = "parameter-continuation-twice"
ACROSS = "parameter-continuation-across-fields"
PERCENT = "parameter-percent-encoding"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a parameter: its number, whether escapes are announced, its octets."""

    section: int
    is_extended: bool
    octets: bytes


@dataclass(frozen=True, slots=True)
class Joined:
    """A whole value: its octets and charset (empty when none is named).

    `code` is the habit by which it differs from the RFC's reading, empty for that one itself.
    """

    code: str
    octets: bytes
    charset: str


def join_pieces(pieces: Sequence[Piece]) -> Iterator[Joined]:
    """Yield every way to join at least one piece, RFC 2231's first."""
    for order_code, ordered in _orders(pieces):
        yield _joined(order_code, ordered, [piece.is_extended for piece in ordered])
        yield _joined(PERCENT, ordered, [True] * len(ordered))


def _orders(pieces: Sequence[Piece]) -> Iterator[tuple[str, list[Piece]]]:
    in_order = sorted(pieces, key=lambda piece: piece.section)
    first = {piece.section: piece for piece in reversed(in_order)}
    last = {piece.section: piece for piece in in_order}
    numbers = sorted(first)
    yield "", [first[number] for number in numbers]
    if len(first) < len(pieces):
        yield TWICE, [last[number] for number in numbers]
        yield TWICE, in_order
    if in_order != list(pieces):
        yield ORDER, list(pieces)
    without_gap = [number for place, number in enumerate(numbers) if number == numbers[0] + place]
    if len(without_gap) < len(numbers):
        yield GAP, [first[number] for number in without_gap]
    if numbers[0] != 0:
        yield GAP, []


def _joined(code: str, pieces: Sequence[Piece], are_extended: Sequence[bool]) -> Joined:
    if not pieces:
        return Joined(code, b"", "")
    octets, charset = pieces[0].octets, ""
    if are_extended[0]:
        octets, charset = undo_escapes(octets)
    rest = (
        unquote_to_bytes(piece.octets) if is_extended else piece.octets
        for piece, is_extended in zip(pieces[1:], are_extended[1:], strict=True)
    )
    return Joined(code, octets + b"".join(rest), charset)


def undo_escapes(value: bytes) -> tuple[bytes, str]:
    """Take `utf-8'en'%e2%82%ac` apart; without its two quotes it is a value without charset."""
    charset, quote, rest = value.partition(b"'")
    _, second, text = rest.partition(b"'")
    if not quote or not second:
        return unquote_to_bytes(value), ""
    return unquote_to_bytes(text), charset.decode("ascii", "replace").lower()
