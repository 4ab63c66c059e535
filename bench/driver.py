"""Drives a queue program with many messages at once and measures it from the outside.

Each message is handed over as qmail-smtpd does it: the program is started with two pipes, gets
the message and then the envelope, and its exit is the answer.
"""

import os
import queue
import signal
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_NANOSECONDS = 1_000_000_000
_ENVELOPE = b"Fsender@example.org\0Tuser@example.net\0\0"


@dataclass(frozen=True, slots=True)
class Target:
    """What is measured: a program, its environment, and daemons whose CPU time counts too."""

    program: Path
    environment: Mapping[str, str]
    daemon_pids: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came out; times in seconds.

    `cpu_seconds` is one message's share of all CPU time, `daemon_cpu_seconds` the daemons' part.
    """

    concurrency: int
    messages: int
    failures: int
    elapsed_seconds: float
    latencies_seconds: Sequence[float]
    cpu_seconds: float
    daemon_cpu_seconds: float

    @property
    def messages_a_second(self) -> float:
        """The throughput."""
        return self.messages / self.elapsed_seconds

    def percentile_seconds(self, percent: int) -> float:
        """The latency that `percent` of the messages did not exceed."""
        return statistics.quantiles(self.latencies_seconds, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True, slots=True)
class _Passage:
    code: int
    latency_seconds: float
    cpu_seconds: float


def measure(target: Target, messages: Sequence[bytes], concurrency: int) -> Measurement:
    """Pass all messages through `target`, `concurrency` of them at once."""
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for message in messages:
        waiting.put(message)
    passages: list[_Passage] = []
    threads = [
        threading.Thread(target=_pass_all, args=(target, waiting, passages))
        for _ in range(concurrency)
    ]
    daemons_before = daemon_cpu_seconds(target.daemon_pids)
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    daemons = daemon_cpu_seconds(target.daemon_pids) - daemons_before
    children = sum(passage.cpu_seconds for passage in passages)
    return Measurement(
        concurrency=concurrency,
        messages=len(passages),
        failures=sum(passage.code != 0 for passage in passages),
        elapsed_seconds=elapsed,
        latencies_seconds=[passage.latency_seconds for passage in passages],
        cpu_seconds=(children + daemons) / len(passages),
        daemon_cpu_seconds=daemons / len(passages),
    )


def cpu_seconds_in_turn(targets: Sequence[Target], messages: Sequence[bytes]) -> list[list[float]]:
    """CPU time of each target, its daemons included, for every message, measured in turn.

    Neighbours on the machine disturb all targets alike then.
    """
    columns: list[list[float]] = [[] for _ in targets]
    for message in messages:
        for column, target in zip(columns, targets, strict=True):
            before = daemon_cpu_seconds(target.daemon_pids)
            passage = _pass_one(target, message)
            daemons = daemon_cpu_seconds(target.daemon_pids) - before
            column.append(passage.cpu_seconds + daemons)
    return columns


def daemon_cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time that these processes and all that they started have used so far."""
    return sum(map(_cpu_seconds, _with_descendants(pids)))


def _pass_all(
    target: Target, waiting: "queue.SimpleQueue[bytes]", passages: list[_Passage]
) -> None:
    while True:
        try:
            message = waiting.get_nowait()
        except queue.Empty:
            return
        passages.append(_pass_one(target, message))


def _pass_one(target: Target, message: bytes) -> _Passage:
    start = time.perf_counter()
    message_reader, message_writer = os.pipe2(os.O_CLOEXEC)
    envelope_reader, envelope_writer = os.pipe2(os.O_CLOEXEC)
    pid = os.posix_spawn(
        target.program,
        [str(target.program)],
        dict(target.environment),
        file_actions=[
            (os.POSIX_SPAWN_DUP2, message_reader, 0),
            (os.POSIX_SPAWN_DUP2, envelope_reader, 1),
        ],
        setsigdef=[signal.SIGPIPE],
    )
    os.close(message_reader)
    os.close(envelope_reader)
    _write_and_close(message_writer, message)
    _write_and_close(envelope_writer, _ENVELOPE)
    _, status, usage = os.wait4(pid, 0)
    return _Passage(
        code=os.waitstatus_to_exitcode(status),
        latency_seconds=time.perf_counter() - start,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
    )


def _write_and_close(descriptor: int, octets: bytes) -> None:
    try:
        with open(descriptor, "wb", buffering=0) as pipe:
            rest = memoryview(octets)
            while rest:
                rest = rest[pipe.write(rest) :]
    except BrokenPipeError:
        return  # the program gave up early; its exit code counts as a failure


def _with_descendants(pids: Sequence[int]) -> list[int]:
    found = list(pids)
    for pid in found:  # grows while it is walked
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        found.extend(int(child) for child in children.split())
    return found


def _cpu_seconds(pid: int) -> float:
    """The first field of each thread's schedstat: nanoseconds on a processor."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    fields = [(thread / "schedstat").read_text().split() for thread in threads]
    return sum(int(nanoseconds) for nanoseconds, *_ in fields) / _NANOSECONDS
