"""The octets of PDF streams: the filters of ISO 32000-1 section 7.4 that are not for images.

LZW, predictors and whatever else is not here are unsupported, which is a finding.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator, Mapping

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.pdf.pdf_syntax import Value
from mailwarden.unpack.members import UnreadableError, UnsupportedError

# Honest streams have one or two; more only multiply the work.
_FILTERS = 8
_PIECE_BYTES = 65_536

_BLANKS = b"\0\t\n\f\r "
_NOT_HEX = re.compile(rb"[^0-9A-Fa-f]+")
_RUN_END = 128


def decode_stream(packed: bytes, dictionary: Mapping[str, Value], meter: Meter) -> bytes:
    """Undo a stream's filters; raises `UnsupportedError`, `UnreadableError`, `OverLimitError`."""
    names = _filter_names(_first(dictionary, "Filter", "F"))
    if len(names) > _FILTERS:
        raise UnsupportedError(f"a stream with more than {_FILTERS} filters")
    if _has_predictor(_first(dictionary, "DecodeParms", "DP")):
        raise UnsupportedError("a stream with a predictor")
    if not names:
        meter.count_bytes(len(packed))
    for name in names:
        decoder = _DECODERS.get(name)
        if decoder is None:
            raise UnsupportedError("a stream with a filter that is not known")
        packed = meter.collect(decoder(packed))
    return packed


def _first(dictionary: Mapping[str, Value], key: str, short_key: str) -> Value:
    return dictionary.get(key, dictionary.get(short_key) if key not in dictionary else None)


def _filter_names(value: Value) -> tuple[str, ...]:
    match value:
        case None:
            return ()
        case str():
            return (value,)
        case list():
            return tuple(each if isinstance(each, str) else "?" for each in value)
        case _:
            return ("?",)


def _has_predictor(value: Value) -> bool:
    each = value if isinstance(value, list) else [value]
    return any(isinstance(one, dict) and one.get("Predictor", 1) != 1 for one in each)


def _flate(packed: bytes) -> Iterator[bytes]:
    """Inflate in pieces. A stream that is cut short gives what is there, as readers have it."""
    inflating = zlib.decompressobj()
    rest = packed
    try:
        while not inflating.eof:
            piece = inflating.decompress(rest, _PIECE_BYTES)
            rest = inflating.unconsumed_tail
            if not piece and not rest:
                return
            yield piece
    except zlib.error as error:
        raise UnreadableError("a stream's compression is broken") from error


def _ascii_hex(packed: bytes) -> Iterator[bytes]:
    digits = _NOT_HEX.sub(b"", packed.partition(b">")[0])
    yield binascii.unhexlify(digits + b"0" * (len(digits) % 2))


def _ascii_85(packed: bytes) -> Iterator[bytes]:
    text = packed.lstrip(_BLANKS).removeprefix(b"<~").partition(b"~")[0]
    try:
        yield base64.a85decode(text, ignorechars=_BLANKS)
    except ValueError as error:
        raise UnreadableError("a stream's ASCII85 is broken") from error


def _run_length(packed: bytes) -> Iterator[bytes]:
    kept = bytearray()
    position = 0
    while position < len(packed) and (length := packed[position]) != _RUN_END:
        if length < _RUN_END:
            kept += packed[position + 1 : position + 2 + length]
            position += 2 + length
        else:
            kept += packed[position + 1 : position + 2] * (257 - length)
            position += 2
        if len(kept) >= _PIECE_BYTES:
            yield bytes(kept)
            kept.clear()
    yield bytes(kept)


_DECODERS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    "FlateDecode": _flate,
    "Fl": _flate,
    "ASCIIHexDecode": _ascii_hex,
    "AHx": _ascii_hex,
    "ASCII85Decode": _ascii_85,
    "A85": _ascii_85,
    "RunLengthDecode": _run_length,
    "RL": _run_length,
}
