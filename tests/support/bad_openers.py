"""Openers that do what none should, for the nursery's real children: `support.bad_openers:FORMATS`.

A payload is a gzip's first three octets and a word that says what to do: `misbehaving("hang")`.
What an opener observes it yields as a member's octets.
"""

import ctypes
import fcntl
import mmap
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Member, Opened
from mailwarden.unpack.openers import Format

_MAGIC = b"\x1f\x8b\x08"
_F_GET_SEALS = 1034


def misbehaving(word: str, argument: str = "") -> bytes:
    """A payload that makes the opener do something."""
    return _MAGIC + f"{word} {argument}".encode()


def open_badly(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Do what the payload says; yields what was observed."""
    word, _, argument = octets.removeprefix(_MAGIC).decode("latin-1").partition(" ")
    meter.count_member()
    said = _DEEDS[word](argument).encode()
    meter.count_bytes(len(said))
    yield Member(("said",), said)


def _observed(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return type(error).__name__
    return "done"


def _say(argument: str) -> str:
    return argument


def _crash(_: str) -> str:
    return ctypes.string_at(0).decode()


def _abort(_: str) -> str:
    os.abort()


def _hang(_: str) -> str:
    while True:
        pass


def _sleep(_: str) -> str:
    time.sleep(1000)
    return "woken"


def _eat(_: str) -> str:
    return str(len([bytes(50_000_000) for _ in range(1000)]))


def _fail(_: str) -> str:
    return {"a": "b"}["secret text of the message"]


def _read(path: str) -> str:
    return _observed(lambda: os.close(os.open(path, os.O_RDONLY)))


def _write(path: str) -> str:
    return _observed(lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)))


def _chmod(path: str) -> str:
    return _observed(lambda: Path(path).chmod(0o700))


def _litter(_: str) -> str:
    for number in range(200):
        Path("folder").mkdir()
        os.chdir("folder")
        Path(f"file{number}").write_bytes(b"x")
    Path("link").symlink_to("/etc")
    return "littered"


def _connect(address: str) -> str:
    kind = socket.AF_INET if ":" in address else socket.AF_UNIX

    def attempt() -> None:
        with socket.socket(kind, socket.SOCK_STREAM) as stream:
            host, _, port = address.partition(":")
            stream.connect((host, int(port)) if port else address)

    return _observed(attempt)


def _signal(pid: str) -> str:
    return _observed(lambda: os.kill(int(pid), signal.SIGTERM))


def _trace(pid: str) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    return "done" if libc.ptrace(16, int(pid), 0, 0) == 0 else os.strerror(ctypes.get_errno())


def _leave_group(_: str) -> str:
    return _observed(os.setsid)


def _leave_child(_: str) -> str:
    child = os.fork()
    if child == 0:
        time.sleep(1000)
    return str(child)


def _keep_mapping(_: str) -> str:
    output = mmap.mmap(_output(), 4096)
    if os.fork() == 0:
        while True:
            output[0] = 1
    return "mapped"


def _descriptors(_: str) -> str:
    return " ".join(str(number) for number in range(64) if _is_open(number))


def _is_open(number: int) -> bool:
    return _observed(lambda: os.fstat(number)) == "done"


def _environment(_: str) -> str:
    return " ".join(sorted(os.environ))


def _folder(_: str) -> str:
    return str(Path.cwd())


def _tool(text: str) -> str:
    """A program reads, by name, what it has as its standard input."""
    octets = os.memfd_create("archive")
    os.write(octets, text.encode())
    command = ["lsar", "/dev/stdin"]
    with subprocess.Popen(command, stdin=octets, stdout=subprocess.PIPE) as program:
        return program.communicate()[0].decode()


def _lie(text: str) -> str:
    os.write(_output(), text.encode("latin-1"))
    os._exit(0)


def _output() -> int:
    """The memory file that is not sealed."""
    for number in range(3, 64):
        if _is_open(number) and fcntl.fcntl(number, _F_GET_SEALS) == 0:
            return number
    raise AssertionError("no output")


_DEEDS: dict[str, Callable[[str], str]] = {
    "say": _say,
    "crash": _crash,
    "abort": _abort,
    "hang": _hang,
    "sleep": _sleep,
    "eat": _eat,
    "fail": _fail,
    "read": _read,
    "write": _write,
    "chmod": _chmod,
    "litter": _litter,
    "connect": _connect,
    "signal": _signal,
    "trace": _trace,
    "leave-group": _leave_group,
    "leave-child": _leave_child,
    "keep-mapping": _keep_mapping,
    "descriptors": _descriptors,
    "environment": _environment,
    "folder": _folder,
    "tool": _tool,
    "lie": _lie,
}

FORMATS = {"gzip": Format(open_badly)}
