"""Base64, clean and broken, as every reader decodes it.

Clean bodies, nearly all, take one call. Readers of broken ones differ about junk (skip it, stop at
it, skip its line) and about padding before the end (begin anew, go on, stop, take it for zero).
Source: RFC 2045 section 6.8, RFC 4648 section 5, with the tolerance of RFC 7103 section 7.
"""

import binascii
import re
from collections.abc import Callable, Iterator

import pybase64

# Honest software glues a handful of encodings together. What follows after so many is noise; it is
# decoded as one, because each costs more than a microsecond.
_STREAMS = 1_000
# The other readings of a broken body cost up to a microsecond for each octet together. What lies
# behind its beginning is decoded in the usual way only; broken it is called anyway.
ODD_BYTES = 1_000_000

_QUANTUM = 4
_BLANKS = b" \t\r\n"
_ALPHABET = rb"A-Za-z0-9+/"
_LETTERS = bytes(range(0x30, 0x3A)) + bytes(range(0x41, 0x5B)) + bytes(range(0x61, 0x7B)) + b"+/"
_NO_LETTERS = bytes(octet for octet in range(256) if octet not in _LETTERS)
_NO_BASE64 = _NO_LETTERS.replace(b"=", b"")
_PADDING = re.compile(rb"=+")
_JUNK = re.compile(rb"[^%s=\s]" % _ALPHABET)
_JUNK_TO_LINE_END = re.compile(rb"[^%s=\s][^\n]*+" % _ALPHABET)
_LINE_WITH_JUNK = re.compile(rb"(?m)^[%s= \t\r]*+[^%s=\s][^\n]*+" % (_ALPHABET, _ALPHABET))
_BLANK_LINE = re.compile(rb"\n[ \t]*+\r?\n")
_PADDED_QUANTUM = re.compile(rb".{4}", re.DOTALL)
_URL_ALPHABET = bytes.maketrans(b"-_", b"+/")


def clean_base64(octets: bytes) -> bytes | None:
    """Decode what everybody decodes alike, blanks anywhere and no padding included; else None.

    Readers that decode line by line lose what is left over in a line of another length than 4n.
    """
    # What honest software writes first: a fifth of the time that all blanks take.
    without_crlf = octets.replace(b"\r\n", b"") if b"\r" in octets else octets
    packed = without_crlf.replace(b"\n", b"")
    line_feeds = (len(octets) - len(without_crlf)) // 2 + len(without_crlf) - len(packed)
    decoded = _strictly(packed) or _nearly_clean(octets)
    return decoded if decoded is not None and _has_whole_lines(octets, line_feeds) else None


def _strictly(packed: bytes) -> bytes | None:
    try:
        return pybase64.b64decode(packed, validate=True)
    except binascii.Error:
        return None


def _nearly_clean(octets: bytes) -> bytes | None:
    packed = octets.translate(None, _BLANKS)
    if not packed.endswith(b"="):
        packed = _completed(packed)
    return _strictly(packed)


def _has_whole_lines(octets: bytes, line_feeds: int) -> bool:
    """Whether every line but the last one has whole quanta; quick where lines are equally long.

    `line_feeds` is how many there are: to count them takes longer than to decode.
    """
    length = octets.find(b"\n") + 1
    if not length:
        return True
    line_end = 2 if octets[length - 2 : length - 1] == b"\r" else 1
    full_lines = octets[length - 1 :: length]
    if not (length - line_end) % _QUANTUM and full_lines.count(b"\n") >= line_feeds - 1:
        return True
    lines = octets.rstrip(_BLANKS).split(b"\n")[:-1]
    return not any(len(line.translate(None, _BLANKS)) % _QUANTUM for line in lines)


def usual_base64(octets: bytes) -> bytes:
    """Skip what is no base64, and begin anew after each padding: readers that stop see less."""
    *streams, rest = _PADDING.split(octets.translate(None, _NO_BASE64), maxsplit=_STREAMS)
    streams.append(rest.replace(b"=", b""))
    return b"".join(map(_decoded, streams))


def broken_base64(octets: bytes) -> Iterator[bytes]:
    """Yield what each reader makes of a broken body, the usual first; some may be alike."""
    yield usual_base64(octets)
    octets = octets[:ODD_BYTES]
    readings: list[Callable[[bytes], bytes]] = []
    if b"=" in octets:
        readings += _PADDING_READINGS
    if _JUNK.search(octets):
        readings += _JUNK_READINGS
    for reading in (*readings, *_LINE_READINGS):
        yield reading(octets)


def _decoded(stream: bytes) -> bytes:
    """Decode letters of the alphabet, without padding."""
    return pybase64.b64decode(_completed(stream), validate=True)


def _completed(packed: bytes) -> bytes:
    """Some programs leave the padding out, returned mail is cut; nothing can hide in that."""
    if len(packed) % _QUANTUM == 1:  # six bits are no octet
        return packed[:-1]
    return packed + {2: b"==", 3: b"="}.get(len(packed) % _QUANTUM, b"")


def _without_padding(octets: bytes) -> bytes:
    return _decoded(octets.translate(None, _NO_LETTERS))


def _up_to_padding(octets: bytes) -> bytes:
    return _decoded(octets.partition(b"=")[0].translate(None, _NO_LETTERS))


def _padding_as_zero(octets: bytes) -> bytes:
    return _decoded(octets.translate(None, _NO_BASE64).replace(b"=", b"A"))


def _padding_in_each_quantum(octets: bytes) -> bytes:
    """Take so many octets off a quantum as it has equals signs, wherever they stand."""
    packed = octets.translate(None, _NO_BASE64)
    return b"".join(
        _decoded(quantum.replace(b"=", b"A"))[: _QUANTUM - 1 - quantum.count(b"=")]
        if b"=" in quantum
        else _decoded(quantum)
        for quantum in _PADDED_QUANTUM.findall(packed)
    )


def _up_to_junk(octets: bytes) -> bytes:
    junk = _JUNK.search(octets)
    return usual_base64(octets[: junk.start()] if junk else octets)


def _without_lines_of_junk(octets: bytes) -> bytes:
    """Skip header fields, boundaries, `begin-base64` and what else is text."""
    return usual_base64(_LINE_WITH_JUNK.sub(b"", octets))


def _without_ends_of_lines(octets: bytes) -> bytes:
    return usual_base64(_JUNK_TO_LINE_END.sub(b"", octets))


def _url_alphabet(octets: bytes) -> bytes:
    return usual_base64(octets.translate(_URL_ALPHABET))


def _after_blank_line(octets: bytes) -> bytes:
    blank = _BLANK_LINE.search(octets.lstrip(_BLANKS))
    return usual_base64(octets.lstrip(_BLANKS)[blank.end() :] if blank else octets)


def _line_by_line(octets: bytes) -> bytes:
    """Drop what is left over at the end of each line."""
    lines = (line.translate(None, _NO_LETTERS) for line in octets.split(b"\n"))
    return b"".join(_decoded(line[: len(line) // _QUANTUM * _QUANTUM]) for line in lines)


_PADDING_READINGS = (_without_padding, _up_to_padding, _padding_as_zero, _padding_in_each_quantum)
_JUNK_READINGS = (_up_to_junk, _without_lines_of_junk, _without_ends_of_lines, _url_alphabet)
_LINE_READINGS = (_after_blank_line, _line_by_line)
