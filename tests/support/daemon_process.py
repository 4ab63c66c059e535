"""`mailwarden serve` as a process, with everything of its own, for tests that kill and reload it.

with daemon() as running:
    assert submit(running.socket).is_queued
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mailwarden
from support.waiting import wait_until

START_SECONDS = 30.0
STOP_SECONDS = 30.0
_SOURCE = str(Path(mailwarden.__file__).parents[1])
_KEPT = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")

Value = str | int | float | Sequence[str]
Sections = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon's process and its folder."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "queue.sock"

    @property
    def settings(self) -> Path:
        """Its settings file."""
        return self.folder / "mailwarden.toml"

    def log(self) -> str:
        """What it said so far."""
        return (self.folder / "log").read_text()

    def worker_pids(self) -> list[int]:
        """Its living worker processes."""
        return [pid for pid in children_of(self.process.pid) if is_alive(pid)]

    def zombies(self) -> list[int]:
        """Dead workers that nobody has waited for."""
        return [pid for pid in children_of(self.process.pid) if not is_alive(pid)]

    def wait_for_log(self, pattern: str, times: int = 1) -> None:
        """Wait until so many places of the log match."""
        wait_until(
            lambda: len(re.findall(pattern, self.log())) >= times,
            START_SECONDS,
            f"the log says {pattern!r}",
        )

    def wait_until_ready(self, times: int = 1) -> None:
        """Wait until all workers of so many generations have come up."""
        wait_until(
            lambda: self.process.poll() is not None or self.log().count("event=ready") >= times,
            START_SECONDS,
            "the daemon is ready",
        )
        assert self.process.poll() is None, f"the daemon did not start:\n{self.log()}"

    def tell(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and the exit code; killed when that takes too long."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """The exit code, waited for."""
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the daemon did not end:\n{self.log()}") from None


@contextlib.contextmanager
def daemon(
    sections: Sections | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    launcher: Sequence[str] = (),
    descriptors: Sequence[int] = (),
    wait: bool = True,
    outbox: bool = False,
) -> Iterator[Daemon]:
    """A daemon until the end of the test; `launcher` is put before its command.

    Its children are workers alone, unless it is to have an `outbox`.
    """
    with daemon_folder() as folder:
        write_settings(folder, sections)
        running = start_daemon(folder, environment, launcher, descriptors, outbox=outbox)
        try:
            if wait:
                running.wait_until_ready()
            yield running
        finally:
            if running.process.poll() is None:
                running.stop()


@contextlib.contextmanager
def daemon_folder() -> Iterator[Path]:
    """A short folder that every user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="mwd", dir="/tmp"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


def start_daemon(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    launcher: Sequence[str] = (),
    descriptors: Sequence[int] = (),
    *,
    outbox: bool = False,
) -> Daemon:
    """Start a daemon on the settings in `folder`; the caller stops it."""
    options = () if outbox else ("--without-outbox",)
    command = [sys.executable, "-m", "mailwarden", "--config"]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [*launcher, *command, str(folder / "mailwarden.toml"), "serve", *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**kept, "PYTHONPATH": _SOURCE, **(environment or {})},
            pass_fds=descriptors,
        )
    return Daemon(process, folder)


def write_settings(folder: Path, sections: Sections | None = None) -> None:
    """Write settings that keep everything in `folder`."""
    own: Sections = {
        "queue": {"socket": str(folder / "queue.sock"), "users": ["*"]},
        "daemon": {"workers": 2, "drain_seconds": 10},
        "headers": {"hostname": "first.example.net"},
        "quarantine": {
            "directory": str(folder / "quarantine"),
            "release_key": str(folder / "release.key"),
        },
        "store": {"database": str(folder / "mailwarden.db")},
        "spool": {"directory": str(folder / "spool")},
    }
    lines = ['scanners = ["test-patterns"]']
    for name in dict.fromkeys([*own, *(sections or {})]):
        lines.append(f"[{name}]")
        settings = {**own.get(name, {}), **(sections or {}).get(name, {})}
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (folder / "mailwarden.toml").write_text("\n".join(lines))


def children_of(pid: int) -> list[int]:
    """The processes that `pid` started, the dead that were not waited for among them."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(number) for number in text.split()]


def is_alive(pid: int) -> bool:
    """The process runs, and is not merely waited for."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def helpers_at_work(nursery: int) -> list[int]:
    """The children of a nursery that have a task; those that wait for one have no limit of time."""
    return [pid for pid in children_of(nursery) if _has_limited_time(pid)]


def _has_limited_time(pid: int) -> bool:
    try:
        limits = Path(f"/proc/{pid}/limits").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return re.search(r"^Max cpu time +unlimited", limits, re.MULTILINE) is None


def is_listening(path: Path) -> bool:
    """Somebody accepts connections there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        return probe.connect_ex(str(path)) == 0
