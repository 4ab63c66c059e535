"""The whole gate: the installed client, the daemon on settings of the test's own, a strict queue.

    with gate(["clamd"], {"clamd": {"addresses": [clamd.address]}}) as running:
        assert running.run(message, envelope) == 0

Everything lives in a short folder that other users can enter, because SMTP servers run as them.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support import queue_program
from support.strict_queue import StrictQueue, strict_queue
from support.waiting import wait_until

_START_SECONDS = 30
_STOP_SECONDS = 30

Value = str | int | float | Sequence[str]
Sections = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Gate:
    """A running daemon with its client, its quarantine and the queue behind it."""

    pid: int
    folder: Path
    queue: StrictQueue

    @property
    def client(self) -> Path:
        """mailwarden-queue, where every user can run it."""
        return self.folder / "mailwarden-queue"

    @property
    def socket(self) -> Path:
        """The daemon's socket for the client."""
        return self.folder / "queue.sock"

    @property
    def environment(self) -> dict[str, str]:
        """What an SMTP server's environment needs so that its QMAILQUEUE can be the client."""
        return {
            "MAILWARDEN_SOCKET": str(self.socket),
            "MAILWARDEN_QMAIL_QUEUE": str(self.queue.program),
            **self.queue.environment,
        }

    def run(self, message: bytes, envelope: bytes, **variables: str) -> int:
        """Hand a message to the client as an SMTP server does; its exit code."""
        environment = {**self.environment, **variables}
        return queue_program.run([self.client], environment, message=message, envelope=envelope)

    def quarantined(self, maildir: str) -> list[bytes]:
        """The messages in one of the quarantine's Maildirs: viruses, policy or spam."""
        new = self.folder / "quarantine" / maildir / "new"
        return [path.read_bytes() for path in sorted(new.iterdir())]

    def is_quarantine_empty(self) -> bool:
        """No message, nothing half-done and no slip in quarantine."""
        files = (path for path in (self.folder / "quarantine").rglob("*") if path.is_file())
        return not any(files)

    def clear(self) -> None:
        """Empty queue and quarantine, for the next test on the same daemon."""
        for entry in (self.queue.folder / "new").iterdir():
            shutil.rmtree(entry)
        for path in (self.folder / "quarantine").rglob("*"):
            if path.is_file():
                path.unlink()

    def log(self) -> str:
        """What the daemon said so far."""
        return (self.folder / "log").read_text()

    def worker_pids(self) -> list[int]:
        """The worker processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


@contextlib.contextmanager
def gate(
    scanners: Sequence[str] = (),
    sections: Sections | None = None,
    prepare: Callable[[Path], object] | None = None,
    more: str = "",
    *,
    outbox: bool = False,
) -> Iterator[Gate]:
    """A daemon that asks `scanners`, with these sections of settings, until the end of the test.

    `prepare` is called with the gate's folder before the daemon starts; `more` is TOML for the end
    of the settings file, such as `[[profile]]` tables; with `outbox`, notices are sent, too.
    """
    folder = Path(tempfile.mkdtemp(prefix="mwg", dir="/tmp"))
    try:
        folder.chmod(0o755)
        shutil.copy(installed("mailwarden-queue"), folder)
        settings = folder / "mailwarden.toml"
        settings.write_text(_toml(scanners, _sections(folder, sections or {})) + more)
        if prepare:
            prepare(folder)
        with (
            strict_queue("c") as queue,
            _daemon(settings, folder / "log", () if outbox else ("--without-outbox",)) as process,
        ):
            running = Gate(process.pid, folder, queue)
            _wait_until_ready(running, process)
            yield running
            assert process.poll() is None, f"the daemon ended by itself:\n{running.log()}"
    finally:
        shutil.rmtree(folder)


def installed(program: str) -> Path:
    """A program that the package installs, beside the interpreter that runs the tests."""
    path = Path(sys.executable).with_name(program)
    assert path.exists(), f"{path} is missing: make setup installs it"
    return path


@contextlib.contextmanager
def _daemon(settings: Path, log: Path, options: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    kept = ("PATH", "PYTHONPATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [installed("mailwarden"), "--config", settings, "serve", *options],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            env={name: os.environ[name] for name in kept if name in os.environ},
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            code = process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    assert code == 0, f"the daemon did not stop well ({code}):\n{log.read_text()}"


def _wait_until_ready(running: Gate, process: subprocess.Popen[bytes]) -> None:
    def is_ready() -> bool:
        assert process.poll() is None, f"the daemon did not start:\n{running.log()}"
        return "event=ready" in running.log()

    wait_until(is_ready, _START_SECONDS, "the daemon is ready")


def _sections(folder: Path, given: Sections) -> Sections:
    own: Sections = {
        "queue": {"socket": str(folder / "queue.sock"), "users": ["*"]},
        "daemon": {"workers": 2, "drain_seconds": 5},
        "headers": {"hostname": "gate.example.net"},
        "quarantine": {
            "directory": str(folder / "quarantine"),
            "release_key": str(folder / "release.key"),
        },
        "store": {"database": str(folder / "mailwarden.db")},
        "spool": {"directory": str(folder / "spool")},
    }
    names = dict.fromkeys([*own, *given])
    return {name: {**own.get(name, {}), **given.get(name, {})} for name in names}


def _toml(scanners: Sequence[str], sections: Sections) -> str:
    lines = [f"scanners = {json.dumps(scanners)}"]
    for name, settings in sections.items():
        lines.append(f"[{name}]")
        # JSON's strings, numbers, booleans and arrays are TOML's too.
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(lines) + "\n"
