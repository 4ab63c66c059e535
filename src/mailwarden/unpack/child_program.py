"""A foreign program that reads octets and writes octets, with its output held in check.

The octets stand in anonymous memory, which the program finds as its standard input, able to seek;
it knows no name from a message. Its output comes through a pipe, and whoever stops reading ends the
program; so does the end of our own process. This is the one file of this ring that may start
programs; it runs in a helper process, whose limits the program inherits.
"""

import ctypes
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress

from mailwarden.unpack.budget import Limit, OverLimitError
from mailwarden.unpack.members import UnreadableError, UnsupportedError

# How programs call the octets on their command lines.
INPUT = "/dev/stdin"
# Of one program; a healthy one needs a tenth of a second, for the largest mail a few.
_SECONDS = 10
# How often the time is looked at while a program is silent.
_TICK_MILLISECONDS = 200
_PIECE_BYTES = 65536
# How long a program may take to die.
_LAST_SECONDS = 1
# unar allocates what an archive of 125 bytes announces. Dictionaries of honest mail have 64 MB.
_ADDRESS_SPACE_BYTES = 400_000_000
# include/uapi/linux/prctl.h
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_LIBC.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
# No folder of anybody's to read preferences from, and names as UTF-8.
_ENVIRONMENT = {"HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}


def output_of(
    arguments: tuple[str, ...], octets: bytes, on_tick: Callable[[], None]
) -> Generator[bytes, None, None]:
    """Run a program on octets and give its output as it comes.

    `on_tick` is called while waiting, and ends the program by raising; so does closing. Raises
    `UnsupportedError` when the program is not installed, `UnreadableError` when it fails,
    `OverLimitError` when it takes too long.
    """
    with _anonymous_file(octets) as descriptor, _started(arguments, descriptor) as program:
        yield from _pieces(program, on_tick)
        program.wait()
        if program.returncode:
            raise UnreadableError(f"{arguments[0]} could not read it")


@contextmanager
def _anonymous_file(octets: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("archive", os.MFD_CLOEXEC)
    try:
        _write(descriptor, octets)
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, octets: bytes) -> None:
    """Fill a file; a limit on the size of files is what is left to be unpacked."""
    rest = memoryview(octets)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        raise OverLimitError(Limit.BYTES) from error
    os.lseek(descriptor, 0, os.SEEK_SET)


@contextmanager
def _started(arguments: tuple[str, ...], descriptor: int) -> Iterator[subprocess.Popen[bytes]]:
    parent = os.getpid()
    try:
        program = subprocess.Popen(
            arguments,
            stdin=descriptor,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            preexec_fn=lambda: _begin(parent),  # noqa: PLW1509 - a helper has no other thread
        )
    except OSError as error:
        raise UnsupportedError(f"{arguments[0]} is not installed or cannot be started") from error
    try:
        yield program
    finally:
        _end(program)


def _begin(parent: int) -> None:
    """What the program does before it takes this process's place."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    _die_with(parent)


def _die_with(parent: int) -> None:
    """Let the kernel kill the program when its parent ends, which no program does by itself.

    It is kept when the program takes this process's place (prctl(2)); what a fork inherits is
    cleared, so that our own parent cannot set it for us.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _end(program: subprocess.Popen[bytes]) -> None:
    """Kill a program.

    A filter of system calls may forbid even that (it is then as if there were no such process), and
    limits of another process as well: then it dies of its pipe, or with our own process.
    """
    program.kill()
    if program.stdout:
        program.stdout.close()
    with suppress(subprocess.TimeoutExpired):
        program.wait(_LAST_SECONDS)


def _pieces(program: subprocess.Popen[bytes], on_tick: Callable[[], None]) -> Iterator[bytes]:
    """What comes out of the pipe, until its end."""
    if program.stdout is None:
        raise UnsupportedError("no pipe to read from")
    descriptor = program.stdout.fileno()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    end = time.monotonic() + _SECONDS
    while True:
        on_tick()
        if time.monotonic() > end:
            raise OverLimitError(Limit.SECONDS)
        if not poll.poll(_TICK_MILLISECONDS):
            continue
        piece = os.read(descriptor, _PIECE_BYTES)
        if not piece:
            return
        yield piece
