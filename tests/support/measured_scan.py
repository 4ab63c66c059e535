"""`mailwarden scan` as a process, with what it and all of its helpers cost."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.commands import command, environment, session_pids

_SETTINGS = 'scanners = ["test-patterns"]\n'
_PATIENCE_SECONDS = 60.0
_SAMPLE_SECONDS = 0.02
_KILOBYTE = 1024
_BLOCK_BYTES = 512


@dataclass(frozen=True, slots=True)
class Measured:
    """What `scan --json` said of one message, and what it cost with everything that it started.

    `wall_seconds` are those of the message alone, `cpu_seconds` and `peak_bytes` those of the whole
    command: start, imports, and the processes that unpack.
    """

    record: dict[str, Any]  # the JSON of one line
    exit_code: int
    stderr: str
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of all findings."""
        return frozenset(finding["kind"] for finding in self.record["findings"])

    @property
    def names(self) -> frozenset[str]:
        """The names of all findings."""
        return frozenset(finding["name"] for finding in self.record["findings"])

    @property
    def faults(self) -> tuple[str, ...]:
        """Why somebody could not answer."""
        return tuple(fault["reason"] for fault in self.record["faults"])


def _unobserved(variables: dict[str, str]) -> dict[str, str]:
    """Without what makes coverage follow into the process, which would count in its time."""
    return {name: value for name, value in variables.items() if not name.startswith("COVERAGE_")}


def measured_scan(message: bytes, folder: Path, settings: str = _SETTINGS) -> Measured:
    """Scan one message; `folder` is the test's own."""
    path, configuration, out = folder / "message.eml", folder / "settings.toml", folder / "out"
    path.write_bytes(message)
    configuration.write_text(settings)
    words = command("--config", configuration, "scan", "--json", path)
    with out.open("wb") as stdout, (folder / "err").open("wb") as stderr:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=_unobserved(environment(TMPDIR=str(folder))),
            start_new_session=True,
        )
        peak, status, usage = _watch(process.pid)
    process.returncode = os.waitstatus_to_exitcode(status)
    told = (folder / "err").read_text()
    (line,) = out.read_text().splitlines() or [f"nothing was printed: {told}"]
    record = json.loads(line)
    return Measured(
        record,
        process.returncode,
        told,
        record["seconds"],
        usage.ru_utime + usage.ru_stime,
        peak,
    )


def _watch(pid: int) -> tuple[int, int, Any]:
    """Sample the memory of a session until its leader ends; the peak, and what `wait4` says."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    peak = 0
    while True:
        waited, status, usage = os.wait4(pid, os.WNOHANG)
        if waited:
            return peak, status, usage
        assert time.monotonic() < deadline, "the scan did not end"
        peak = max(peak, sum(map(_memory_bytes, session_pids(pid))) + _memory_file_bytes(pid))
        time.sleep(_SAMPLE_SECONDS)


def _memory_bytes(pid: int) -> int:
    """The most that belonged to a process until now (proc(5)), less mapped files.

    Of pages that it shares with the process that forked it, each has a share.
    """
    try:
        status = _kilobytes(Path(f"/proc/{pid}/status"))
        shares = _kilobytes(Path(f"/proc/{pid}/smaps_rollup"))
    except OSError:
        return 0  # it has just ended
    of_others = max(0, status.get("RssAnon:", 0) - shares.get("Pss_Anon:", 0))
    own = status.get("VmHWM:", 0) - status.get("RssFile:", 0) - of_others
    return max(0, own) * _KILOBYTE


def _kilobytes(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text().splitlines() if line.endswith(" kB"))
    return {words[0]: int(words[1]) for words in lines}


def _memory_file_bytes(pid: int) -> int:
    """The memory files that a process has open, which are mapped nowhere."""
    return sum(dict(_memory_files(pid)).values())


def _memory_files(pid: int) -> Iterator[tuple[int, int]]:
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            if "memfd:" in str(descriptor.readlink()):
                status = descriptor.stat()
                yield status.st_ino, status.st_blocks * _BLOCK_BYTES
        except OSError:
            continue  # it has just been closed
