"""The program that forks a child for each payload, and tells the daemon how each one ended.

Some children are forked ahead of need: they are locked in and wait for a task. Each does one.

    python -P -m mailwarden.sandbox.nursery DESCRIPTOR FOLDER MODULE:ATTRIBUTE

DESCRIPTOR is a socket of packets to the daemon, FOLDER is where children get folders of their own,
MODULE:ATTRIBUTE is the table of formats. It reads no mail: a task passes through unread.

It says once what protects its children (`messages.Protection`), then takes tasks. The daemon gives
a task up by closing its socket. When the daemon is gone, so are the nursery and its children.
"""

import gc
import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailwarden.net.descriptors import DescriptorsError, close_all, send_packet, take_packet
from mailwarden.sandbox.child import Cell, run_child
from mailwarden.sandbox.confinement import (
    CLEAN_ENVIRONMENT,
    Confinement,
    prepare_confinement,
    protection,
)
from mailwarden.sandbox.folders import hold, remove_tree
from mailwarden.sandbox.kernel import PR_SET_CHILD_SUBREAPER, prctl
from mailwarden.sandbox.messages import ENDED, EXIT_TEMPORARY, TASK, TASK_DESCRIPTORS, encode

if TYPE_CHECKING:
    from mailwarden.unpack.openers import Format

_WAKE_BYTES = 4096
# A message's payloads come one after the other; the second one hides how long the next fork takes.
WAITING_CHILDREN = 2


def main() -> None:
    """Serve until the daemon closes its end."""
    descriptor, folder, table = sys.argv[1:]
    module, _, attribute = table.partition(":")
    formats: Mapping[str, Format] = getattr(importlib.import_module(module), attribute)
    with socket.socket(fileno=int(descriptor)) as daemon:
        nursery = Nursery(daemon, Path(folder), formats)
        os.environ.clear()
        os.environ.update(CLEAN_ENVIRONMENT)
        gc.collect()
        gc.freeze()  # a child's collector need not touch, and so copy, what is there already
        nursery.serve()


@dataclass(slots=True, eq=False)
class _Child:
    """A child that has not ended: its folder, the socket to it while it waits, that of its task."""

    folder: Path
    line: socket.socket
    asked: socket.socket | None = None


class Nursery:
    """Children by their process ids, and everything that can happen to them."""

    def __init__(
        self, daemon: socket.socket, folder: Path, formats: Mapping[str, "Format"]
    ) -> None:
        self._daemon = daemon
        self._folder = folder
        self._held = hold(folder)  # until this process ends: its children close theirs
        self._formats = formats
        self._confinement: Confinement = prepare_confinement(protection())
        self._children: dict[int, _Child] = {}
        self._waiting: list[_Child] = []
        self._to_fork = WAITING_CHILDREN
        self._forked = 0
        self._leftovers: list[Path] = []
        self._poll = select.poll()

    def serve(self) -> None:
        """Take tasks and see children end, until the daemon is gone."""
        woken = _wake_at_child_ends()
        prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a child's tools leave behind comes to us
        self._poll.register(self._daemon, select.POLLIN)
        self._poll.register(woken, select.POLLIN)
        send_packet(self._daemon, encode(self._confinement.protection))
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll(0 if self._to_fork else None)}
            if not ready:
                self._fork_ahead()
            self._end_given_up(ready)  # first: the next two close sockets and open others
            if woken in ready:
                os.read(woken, _WAKE_BYTES)
                self._see_ended()
            if self._daemon.fileno() in ready and not self._take_task():
                break
        self._end_all()

    def _take_task(self) -> bool:
        """Start a child for the next task; False when the daemon is gone."""
        try:
            packet, descriptors = take_packet(self._daemon, TASK.size, TASK_DESCRIPTORS)
        except (DescriptorsError, BlockingIOError):
            return True
        except OSError:
            return False
        if not packet:
            return False
        *files, asked = descriptors
        try:
            self._start(packet, files, socket.socket(fileno=asked))
        finally:
            close_all(files)
        return True

    def _start(self, packet: bytes, files: list[int], asked: socket.socket) -> None:
        try:
            child = self._given(packet, files)
        except OSError:  # no room for a folder or a process
            _report(asked, EXIT_TEMPORARY)
            return
        child.asked = asked
        self._poll.register(asked, 0)  # tells of nothing but its closing

    def _given(self, packet: bytes, files: list[int]) -> _Child:
        """The child that has the task now: one that waited, or a new one; raises `OSError`."""
        # The oldest is the likeliest to be locked in.
        child = self._waiting.pop(0) if self._waiting else self._fork()
        with child.line as line:
            send_packet(line, packet, files)
        return child

    def _fork_ahead(self) -> None:
        """Fork a child that waits; where there is no room, that is tried again at the next end."""
        self._to_fork -= 1
        with suppress(OSError):
            self._waiting.append(self._fork())

    def _fork(self) -> _Child:
        """A new child, which locks itself in and waits for its task; raises `OSError`."""
        self._forked += 1
        folder = self._folder / str(self._forked)
        folder.mkdir(0o700)
        nursery = os.getpid()
        try:
            line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                pid = os.fork()
                if pid == 0:
                    run_child(Cell(nursery, theirs, folder), self._confinement, self._formats)
        except OSError:
            self._leftovers.append(folder)
            raise
        self._children[pid] = _Child(folder, line)
        return self._children[pid]

    def _see_ended(self) -> None:
        """Wait for whatever has ended; children, and what tools left behind."""
        with suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                with suppress(ProcessLookupError, PermissionError):
                    # Its number is still its own, so its group can be nobody else's.
                    os.killpg(ended.si_pid, signal.SIGKILL)
                _, status = os.waitpid(ended.si_pid, 0)
                if child := self._children.pop(ended.si_pid, None):
                    self._bury(child, os.waitstatus_to_exitcode(status))
        self._leftovers = [folder for folder in self._leftovers if not remove_tree(folder)]

    def _bury(self, child: _Child, status: int) -> None:
        if child.asked:
            self._forget(child.asked)
            _report(child.asked, status)
            self._to_fork = WAITING_CHILDREN - len(self._waiting)
        else:
            self._waiting = [other for other in self._waiting if other is not child]
            child.line.close()
        # Where a tool still writes, its folder goes when that has ended.
        self._leftovers.append(child.folder)

    def _end_given_up(self, ready: set[int]) -> None:
        for pid, child in self._children.items():
            if child.asked and child.asked.fileno() in ready:
                os.kill(pid, signal.SIGKILL)
                self._forget(child.asked)

    def _forget(self, asked: socket.socket) -> None:
        """Hear no more of a task's socket."""
        with suppress(KeyError):
            self._poll.unregister(asked)

    def _end_all(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while self._children:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
                if ended:
                    self._see_ended()
        remove_tree(self._folder)


def _report(asked: socket.socket, status: int) -> None:
    """Tell the daemon how its task ended."""
    with asked, suppress(OSError):  # it may have given the task up
        send_packet(asked, ENDED.pack(status))


def _wake_at_child_ends() -> int:
    """A descriptor that can be read when a child has ended; other signals are the daemon's."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    woken, waking = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    return woken


if __name__ == "__main__":
    main()
