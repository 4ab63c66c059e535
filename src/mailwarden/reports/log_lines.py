"""The lines of log files, plain or gzip, as text: streamed, and bounded in every way.

A gzip file is known by its content. A field of a mail header is one line, however it is folded.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

# Far above any line of these logs (a message with 500 recipients has 20 kB); the rest is skipped.
LONGEST_LINE_BYTES = 65_536
# A year of a busy server; of a gzip bomb, half a minute's work, and no memory.
MOST_BYTES = 8 * 2**30
_GZIP_MAGIC = b"\x1f\x8b"
_BLOCK_BYTES = 262_144
_FIELDS = (b"Received:", b"received:", b"X-", b"x-")
_BLANKS = (b" ", b"\t")


class LogError(Exception):
    """A file cannot be read, or not to its end; the text says why."""


@contextmanager
def open_log(path: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input for `-`; raises `LogError`."""
    with ExitStack() as opened:
        try:
            stream = _standard_input() if path == "-" else opened.enter_context(_file(path))
            is_gzip = stream.peek(2)[:2] == _GZIP_MAGIC
        except OSError as error:
            raise LogError(error.strerror or "cannot be read") from error
        if is_gzip:
            unpacked = opened.enter_context(gzip.GzipFile(fileobj=stream))
            # Its own readline is a call of Python for each line.
            stream = opened.enter_context(io.BufferedReader(unpacked, _BLOCK_BYTES))
        yield stream


def _file(path: str) -> io.BufferedReader:
    return io.BufferedReader(io.FileIO(path), _BLOCK_BYTES)


def _standard_input() -> io.BufferedReader:
    stream = sys.stdin.buffer
    assert isinstance(stream, io.BufferedReader)  # noqa: S101 - as Python opens it
    return stream


def lines_of(stream: BinaryIO, most_bytes: int = MOST_BYTES) -> Iterator[str]:
    """All lines without their ends; raises `LogError` where the file is damaged or too large.

    Bytes that are no UTF-8 come as surrogates (`verdict.record.text_of` writes them so).
    """
    for octets in _unfolded(_bounded_lines(stream, most_bytes)):
        yield octets.rstrip(b"\r\n").decode("utf-8", "surrogateescape")


def _bounded_lines(stream: BinaryIO, most_bytes: int) -> Iterator[bytes]:
    left = most_bytes
    is_rest = False
    while line := _next_piece(stream):
        left -= len(line)
        if left < 0:
            raise LogError(f"larger than {most_bytes} bytes: the rest was not read")
        if not is_rest:
            yield line
        is_rest = not line.endswith(b"\n")


def _next_piece(stream: BinaryIO) -> bytes:
    """A line, or as much of one as may be."""
    try:
        return stream.readline(LONGEST_LINE_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LogError("damaged gzip file: the rest was not read") from error
    except OSError as error:
        raise LogError(error.strerror or "cannot be read") from error


def _unfolded(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Join what is folded under a header field; all other lines as they are."""
    field = b""
    for line in lines:
        if field and line.startswith(_BLANKS) and len(field) < LONGEST_LINE_BYTES:
            field += line
            continue
        if field:
            yield field
            field = b""
        if line.startswith(_FIELDS):
            field = line
        else:
            yield line
    if field:
        yield field
