"""Messages as people store them: single files, mboxes, Maildirs, folders, standard input.

What is read is copied, to memory or to an unnamed file: whoever owns the folder may change or cut
a file while it is looked at.
"""

import contextlib
import errno
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mailwarden.net.payload import HeldPayload, MemoryPayload, SpoolPayload, write_all

STANDARD_INPUT = "-"
# `From ann@sender.example Mon Mar  3 10:00:00 2025` (RFC 4155); a sentence has no time of day.
_FROM_LINE = re.compile(rb"From [^\n]*\d\d:\d\d")
_BLANK_LINES = (b"\n", b"\r\n")
# An mbox is read in pieces of at most this: a line may be as long as the file.
_LINE_BYTES = 65_536
_COPY_BYTES = 1_048_576
_MAILDIR = ("cur", "new", "tmp")


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """Where a message is: a whole file, or the bytes from `start` to `end` of an mbox.

    `number` counts from 1 where a file holds several, else it is 0.
    """

    path: str
    start: int = 0
    end: int = sys.maxsize
    number: int = 0

    @property
    def name(self) -> str:
        """The path as given, with `#number` for one of several."""
        return f"{self.path}#{self.number}" if self.number else self.path


def stored_messages(paths: Sequence[str]) -> Iterator[StoredMessage]:
    """Every message below `paths`, in the order given, inside a folder by name.

    Whatever cannot be looked at is among them, so that `open_message` says why.
    """
    for path in paths:
        if path == STANDARD_INPUT:
            yield StoredMessage(path)
        else:
            for file in _files(Path(path)):
                yield from _in_file(str(file))


def open_message(stored: StoredMessage, memory_bytes: int) -> HeldPayload:
    """A copy of the message's bytes, in memory up to `memory_bytes`; raises `OSError`."""
    if stored.path == STANDARD_INPUT:
        return _standard_input(memory_bytes)
    with _open(stored.path) as file:
        file.seek(stored.start)
        payload = _copy(file, memory_bytes, stored.end - stored.start)
    if stored.number and payload.size_bytes < stored.end - stored.start:
        payload.close()
        raise OSError(errno.EIO, "the mbox was changed meanwhile")
    return payload


def _files(root: Path) -> Iterator[Path]:
    """All files below a folder, and what is neither file nor folder; each folder only once."""
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        path = waiting.pop()
        try:
            children = _children(path, seen) if path.is_dir() else None
        except OSError:
            children = None  # opening it will fail for the same reason, and that is told
        if children is None:
            yield path
        else:
            waiting.extend(reversed(children))


def _children(folder: Path, seen: set[tuple[int, int]]) -> list[Path]:
    """What is to be looked at in a folder: nothing in one that a link led to before."""
    facts = folder.stat()
    if (facts.st_dev, facts.st_ino) in seen:
        return []
    seen.add((facts.st_dev, facts.st_ino))
    children = sorted(folder.iterdir())
    if all((folder / name).is_dir() for name in _MAILDIR):
        # tmp holds what is not delivered yet; a Maildir's own files are a mail program's notes.
        return [child for child in children if child.name != "tmp" and child.is_dir()]
    return children


def _in_file(path: str) -> Iterator[StoredMessage]:
    spans = _mbox_spans(path)
    if len(spans) > 1:
        for number, (start, end) in enumerate(spans, 1):
            yield StoredMessage(path, start, end, number)
    elif spans:
        # A single message with the line that separated it from others; it is not the message's.
        yield StoredMessage(path, start=spans[0][0])
    else:
        yield StoredMessage(path)


def _mbox_spans(path: str) -> list[tuple[int, int]]:
    """Where each message of an mbox starts and ends; nothing for a file that is none."""
    starts: list[int] = []
    ends: list[int] = []
    position = blank_bytes = 0
    try:
        with _open(path) as file:
            while line := file.readline(_LINE_BYTES):
                if (blank_bytes or not position) and _FROM_LINE.match(line):
                    ends.append(position - blank_bytes)
                    starts.append(position + len(line))
                if not starts:
                    return []
                blank_bytes = len(line) if line in _BLANK_LINES else 0
                position += len(line)
    except OSError:
        return []  # it is told when the message is opened
    ends.append(position)
    return list(zip(starts, ends[1:], strict=True))


def _open(path: str) -> BinaryIO:
    """Open a regular file; a FIFO is refused at once instead of waited for; raises `OSError`."""
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "neither a file nor a folder")
    return file


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _standard_input(memory_bytes: int) -> HeldPayload:
    """One message; the line that separates messages in an mbox is left out here, too."""
    stream = sys.stdin.buffer
    line = stream.readline(_LINE_BYTES)
    return _copy(stream, memory_bytes, begin=b"" if _FROM_LINE.match(line) else line)


def _copy(
    file: BinaryIO, memory_bytes: int, most_bytes: int = sys.maxsize, begin: bytes = b""
) -> HeldPayload:
    """Copy `begin` and then at most `most_bytes` of a file from where it stands."""
    head = begin + file.read(min(most_bytes, memory_bytes + 1))
    if len(head) <= memory_bytes:
        return MemoryPayload(head)
    with contextlib.ExitStack() as unless_whole:
        copy = unless_whole.enter_context(tempfile.TemporaryFile(buffering=0))
        write_all(copy.fileno(), head)
        left = most_bytes - len(head) + len(begin)
        while piece := file.read(min(_COPY_BYTES, left)):
            write_all(copy.fileno(), piece)
            left -= len(piece)
        payload = SpoolPayload(copy, copy.tell())
        unless_whole.pop_all()
    return payload
