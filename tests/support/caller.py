"""The client's side of the gate protocol, packet by packet, as no honest client would do it too.

with Caller(path) as caller:
    caller.ask(memory_file(b"..."), memory_file(b"..."))
    verdict = caller.hear_verdict()
"""

import contextlib
import fcntl
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mailwarden.wire.gate import (
    PACKET_BYTES,
    Accepted,
    Alive,
    Answer,
    Exit,
    Queue,
    Received,
    Submit,
    Submitted,
    encode_request,
    encode_submitted,
    parse_answer,
)

# Longer than any wait of a test; what takes longer is a failure.
PATIENCE_SECONDS = 30.0
F_GET_SEALS = 1034
MESSAGE = b"Subject: a message\r\n\r\nwith a body\n"
ENVELOPE = b"Fsender@example.org\0Tone@example.net\0Ttwo@example.net\0\0"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that the daemon said: `answers` in order, and for Q what came with it.

    `seals` are those of the two files, 0 where there are none; `copies` came before the last word.
    """

    answers: tuple[Answer, ...]
    message: bytes = b""
    envelope: bytes = b""
    seals: tuple[int, int] = (0, 0)
    copies: tuple["Verdict", ...] = ()

    @property
    def is_queued(self) -> bool:
        """The last word was to queue the message."""
        return self.answers[-1:] == (Queue(),)

    @property
    def code(self) -> int:
        """The exit code that was told; -1 when the daemon went away without one."""
        last = self.answers[-1] if self.answers else None
        return last.code if isinstance(last, Exit) else -1


class Caller:
    """One connection to the door; raises `OSError` when nobody listens."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(PATIENCE_SECONDS)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def ask(self, message: int, envelope: int, **variables: bytes) -> None:
        """Send the request; the descriptors are closed here, as they are the daemon's now."""
        self.say(encode_request(variables), (message, envelope))

    def say(self, packet: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send any packet with any descriptors, which are closed here."""
        try:
            socket.send_fds(self._socket, [packet], descriptors)
        finally:
            for descriptor in set(descriptors):
                os.close(descriptor)

    def hear(self) -> Answer | None:
        """The next packet; nothing when the daemon closed."""
        packet = self._socket.recv(PACKET_BYTES)
        return parse_answer(packet) if packet else None

    def hear_until(self, answer: Answer) -> None:
        """Skip what comes before this answer."""
        while (heard := self.hear()) != answer:
            assert heard, f"the daemon closed before {answer}"

    def hear_verdict(self, codes: Sequence[int] = ()) -> Verdict:
        """Everything up to the last word, or to the end; `codes` are those of submitted copies."""
        answers: list[Answer] = []
        copies: list[Verdict] = []
        left = list(codes)
        while True:
            try:
                packet, descriptors, _, _ = socket.recv_fds(self._socket, PACKET_BYTES, 8)
            except ConnectionResetError:
                return Verdict(tuple(answers))
            if not packet:
                return Verdict(tuple(answers))
            answers.append(parse_answer(packet))
            match answers[-1]:
                case Queue():
                    return _queued(tuple(answers), descriptors)
                case Exit():
                    return Verdict(tuple(answers), copies=tuple(copies))
                case Submit():
                    copies.append(_queued((), descriptors))
                    self._socket.send(encode_submitted(Submitted(left.pop(0) if left else 0)))
                case Accepted() | Alive() | Received():
                    continue

    def close(self) -> None:
        """Go away."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def submit(
    path: Path, message: bytes = MESSAGE, envelope: bytes = ENVELOPE, **variables: bytes
) -> Verdict:
    """Hand over one message in memory files and hear the verdict."""
    with Caller(path) as caller:
        caller.ask(memory_file(message), memory_file(envelope), **variables)
        return caller.hear_verdict()


def memory_file(octets: bytes) -> int:
    """A descriptor of a regular file, its offset at the beginning."""
    descriptor = os.memfd_create("caller", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(octets)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


@contextlib.contextmanager
def fed_pipe(octets: bytes) -> Iterator[int]:
    """The reading end of a pipe into which a thread writes, to the end or until nobody reads."""
    reader, writer = os.pipe()
    thread = threading.Thread(target=_write_all, args=(writer, octets), daemon=True)
    thread.start()
    yield reader
    thread.join(PATIENCE_SECONDS)


def open_descriptors(pid: int | str = "self") -> int:
    """How many descriptors a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _write_all(descriptor: int, octets: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), open(descriptor, "wb") as stream:
        stream.write(octets)


def _queued(answers: tuple[Answer, ...], descriptors: Sequence[int]) -> Verdict:
    message, envelope = descriptors
    contents = _contents(message), _contents(envelope)
    return Verdict(answers, contents[0][0], contents[1][0], (contents[0][1], contents[1][1]))


def _contents(descriptor: int) -> tuple[bytes, int]:
    """Everything from where the file stands, which must be its beginning; and its seals."""
    assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    try:
        seals = fcntl.fcntl(descriptor, F_GET_SEALS)
    except OSError:
        seals = 0
    with open(descriptor, "rb") as file:
        return file.read(), seals
