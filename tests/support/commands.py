"""Runs the installed `mailwarden` as people do: in a pipe, or on a terminal of their own.

Everything is bounded in time; nothing of this machine's settings is taken over.
"""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.gate import installed
from support.waiting import wait_until

PATIENCE_SECONDS = 60.0
_INHERITED = ("PATH", "PYTHONPATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

Word = str | bytes | Path


def command(*words: Word) -> list[Word]:
    """The installed command with these words."""
    return [installed("mailwarden"), *words]


def python(program: str, *words: Word) -> list[Word]:
    """A line of Python that calls into the package."""
    return [sys.executable, "-c", program, *words]


def without_powers(*words: Word) -> list[Word]:
    """Without root's power to read what its mode forbids."""
    if os.geteuid():
        return [*words]
    return ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs", *words]


def environment(**variables: str) -> dict[str, str]:
    """What a command needs of this process's environment, and these variables."""
    return {**{name: os.environ[name] for name in _INHERITED if name in os.environ}, **variables}


@dataclass(frozen=True, slots=True)
class Done:
    """What a command said and how it ended."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.stdout.decode()

    @property
    def err(self) -> str:
        """Standard error as text."""
        return self.stderr.decode()


def run(
    words: Sequence[Word],
    variables: Mapping[str, str] | None = None,
    *,
    folder: Path | None = None,
) -> Done:
    """Run a program to its end in `folder`, with nothing to read and its output in pipes."""
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(**(variables or {})),
        cwd=folder,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(slots=True)
class Terminal:
    """A program on a terminal; `stdout` may go elsewhere."""

    process: "subprocess.Popen[bytes]"
    _descriptor: int
    _seen: bytearray = field(default_factory=bytearray)

    @property
    def raw(self) -> str:
        """Everything that the terminal got so far, escape sequences included."""
        return self._seen.decode(errors="surrogateescape").replace("\r\n", "\n")

    @property
    def text(self) -> str:
        """The same without escape sequences."""
        return _ESCAPES.sub("", self.raw)

    def wait_for(self, words: str) -> None:
        """Return as soon as the terminal shows these words."""

        def is_shown() -> bool:
            ended = not self.read_some()
            assert words in self.text or not ended, f"ended without {words!r}:\n{self.text}"
            return words in self.text

        wait_until(is_shown, PATIENCE_SECONDS, f"the terminal shows {words!r}")

    def read_some(self) -> bool:
        """Take what was written; false when the program has closed the terminal."""
        try:
            piece = os.read(self._descriptor, 65_536)
        except OSError:  # Linux says EIO when the other side has closed it
            return False
        self._seen += piece
        return bool(piece)

    def finish(self) -> int:
        """Read to the end; returns the exit status."""
        while self.read_some():
            pass
        return self.process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def terminal(
    words: Sequence[Word], columns: int = 80, stdout: int | None = None, **variables: str
) -> Iterator[Terminal]:
    """A program in a session of its own on a terminal of 24 lines; killed in the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        words,
        stdin=theirs,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
        env=environment(TERM="xterm-256color", **variables),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)


def session_pids(session: int) -> list[int]:
    """Every living process of a session (proc(5), field 6 of stat), zombies left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, _group, its_session = path.read_text().rpartition(") ")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append(int(path.parent.name))
    return found
