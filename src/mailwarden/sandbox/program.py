"""One nursery as the daemon has it: a process, a socket to it, a folder for its children."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mailwarden.net.descriptors import readable, send_packet
from mailwarden.sandbox.confinement import CLEAN_ENVIRONMENT
from mailwarden.sandbox.folders import PREFIX, remove_tree
from mailwarden.sandbox.messages import MOST_GREETING_BYTES, Protection, decode_protection

# Importing every opener takes half a second, on a machine that has just started far more.
_START_SECONDS = 30.0
# From the end of its socket on it has only to kill its children.
_END_SECONDS = 5.0


class NurseryGoneError(Exception):
    """There is no nursery to unpack anything; the text says why."""


@dataclass(frozen=True, slots=True)
class NurseryProgram:
    """What to start: children get folders of their own in `folder` (the spool).

    `formats` names the table of openers as `module:attribute`. Of the daemon's environment the
    program sees nothing but where Python finds modules.
    """

    folder: Path
    formats: str = "mailwarden.unpack.openers:FORMATS"
    environment: Mapping[str, str] = field(default_factory=lambda: CLEAN_ENVIRONMENT)


class RunningNursery:
    """A started nursery; `bury` it at the end, whoever ended it."""

    def __init__(
        self, process: subprocess.Popen[bytes], tasks: socket.socket, folder: Path
    ) -> None:
        self._process = process
        self._tasks = tasks
        self._folder = folder
        self.protection = Protection(0, has_seccomp=False)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def greeted(self) -> None:
        """Wait until it can work and has said what protects it; raises `NurseryGoneError`."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                await readable(self._tasks.fileno())
            greeting = self._tasks.recv(MOST_GREETING_BYTES)
            self.protection = decode_protection(greeting)
        except TimeoutError:
            raise NurseryGoneError("the helper process did not start in time") from None
        except (OSError, msgspec.DecodeError) as error:
            raise NurseryGoneError("the helper process did not start") from error

    def give(self, packet: bytes, descriptors: Sequence[int]) -> None:
        """Hand a task over; raises `NurseryGoneError`."""
        try:
            send_packet(self._tasks, packet, descriptors)
        except OSError as error:
            raise NurseryGoneError("the helper process is gone") from error

    async def bury(self) -> None:
        """End it and its children, wait for it, and remove its folder."""
        self._tasks.close()
        ended = os.pidfd_open(self._process.pid)
        try:
            async with asyncio.timeout(_END_SECONDS):
                await readable(ended)
        except TimeoutError:
            self._process.kill()
            await readable(ended)
        finally:
            os.close(ended)
        self._process.wait()
        await asyncio.to_thread(remove_tree, self._folder)


def start_nursery(program: NurseryProgram) -> RunningNursery:
    """Start a nursery; raises `NurseryGoneError` when the machine has no room for one."""
    try:
        return _started(program)
    except OSError as error:
        raise NurseryGoneError(f"the helper process: {error.strerror}") from error


def _started(program: NurseryProgram) -> RunningNursery:
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=program.folder))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(0)
    try:
        with theirs:
            process = subprocess.Popen(
                _command(program, folder, theirs),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={**program.environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[theirs.fileno()],
            )
    except OSError:
        ours.close()
        with suppress(OSError):
            folder.rmdir()
        raise
    return RunningNursery(process, ours, folder)


def _command(program: NurseryProgram, folder: Path, theirs: socket.socket) -> list[str]:
    module = "mailwarden.sandbox.nursery"
    # -P: nothing is imported from the working directory, -s: nor from a user's own site.
    command = [sys.executable, "-P", "-s", "-m", module]
    return [*command, str(theirs.fileno()), str(folder), program.formats]
