"""Runs a program that speaks qmail-queue's interface, as an SMTP server does.

The program gets exactly the descriptors and variables that the test names, nothing of the test's.
"""

import contextlib
import fcntl
import os
import select
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 60.0
# Where copies of descriptors are kept, so that no target number below is one of them.
_HIGH_DESCRIPTOR = 200
# What the test's interpreter, or the shell that started it in the background, may ignore.
_DEFAULTED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT)

MESSAGE = b"Subject: a message\r\n\r\nwith a body\n"
ENVELOPE = b"Fsender@example.org\0Tone@example.net\0Ttwo@example.net\0\0"


@dataclass(slots=True)
class Running:
    """A started queue program."""

    pid: int
    _writers: list[threading.Thread] = field(default_factory=list)

    def wait(self) -> int:
        """Its exit code, or the negative number of the signal that killed it."""
        process = os.pidfd_open(self.pid)
        try:
            if not select.select([process], [], [], PATIENCE_SECONDS)[0]:
                os.kill(self.pid, signal.SIGKILL)
        finally:
            os.close(process)
        _, status = os.waitpid(self.pid, 0)
        for writer in self._writers:
            writer.join(PATIENCE_SECONDS)
        return os.waitstatus_to_exitcode(status)


def start(
    command: Sequence[str | Path],
    variables: Mapping[str, str],
    *,
    message: bytes | None = MESSAGE,
    envelope: bytes | None = ENVELOPE,
    descriptors: Mapping[int, int] | None = None,
) -> Running:
    """Start `command` with message and envelope on pipes; None leaves that descriptor closed.

    `descriptors` maps a number in the program to a descriptor of ours.
    """
    inherited = dict(descriptors or {})
    writers = []
    with contextlib.ExitStack() as ours:
        for number, octets in ((0, message), (1, envelope)):
            if octets is None or number in inherited:
                continue
            reader, writer = os.pipe()
            ours.callback(os.close, reader)
            inherited[number] = reader
            writers.append(threading.Thread(target=_write, args=(writer, octets), daemon=True))
        if 2 not in inherited:
            inherited[2] = 2
        pid = _spawn(command, variables, inherited)
    for thread in writers:
        thread.start()
    return Running(pid, writers)


def run(
    command: Sequence[str | Path],
    variables: Mapping[str, str],
    *,
    message: bytes | None = MESSAGE,
    envelope: bytes | None = ENVELOPE,
    descriptors: Mapping[int, int] | None = None,
) -> int:
    """Start `command`, wait for it, and return its exit code."""
    running = start(command, variables, message=message, envelope=envelope, descriptors=descriptors)
    return running.wait()


@dataclass(slots=True)
class Pipe:
    """A pipe's two ends; one that was closed is -1."""

    reader: int
    writer: int

    def close_reader(self) -> None:
        """Close the reading end, if it is open."""
        if self.reader >= 0:
            os.close(self.reader)
        self.reader = -1

    def close_writer(self) -> None:
        """Close the writing end, if it is open."""
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = -1


@contextlib.contextmanager
def pipe() -> Iterator[Pipe]:
    """A pipe that is closed at the end."""
    ends = Pipe(*os.pipe())
    try:
        yield ends
    finally:
        ends.close_reader()
        ends.close_writer()


def read_to_end(descriptor: int) -> bytes:
    """Everything until no process holds the writing end any more; fails after a while."""
    octets = b""
    while select.select([descriptor], [], [], PATIENCE_SECONDS)[0]:
        piece = os.read(descriptor, 65_536)
        if not piece:
            return octets
        octets += piece
    raise TimeoutError("a process still holds the writing end")


def _spawn(
    command: Sequence[str | Path], variables: Mapping[str, str], inherited: Mapping[int, int]
) -> int:
    with contextlib.ExitStack() as copies:
        actions = []
        for number, descriptor in inherited.items():
            copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH_DESCRIPTOR)
            copies.callback(os.close, copy)
            actions.append((os.POSIX_SPAWN_DUP2, copy, number))
        unwanted = {0, 1, *_inheritable_descriptors()} - inherited.keys()
        closed = [(os.POSIX_SPAWN_CLOSE, number) for number in unwanted]
        return os.posix_spawn(
            command[0],
            [str(word) for word in command],
            dict(variables),
            file_actions=[*actions, *closed],
            setsigdef=_DEFAULTED,
        )


def _inheritable_descriptors() -> Iterator[int]:
    """What whoever started the tests left open, beside the standard ones."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names, not paths
        with contextlib.suppress(OSError):
            if os.get_inheritable(int(name)):
                yield int(name)


def _write(descriptor: int, octets: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), open(descriptor, "wb") as stream:
        stream.write(octets)
