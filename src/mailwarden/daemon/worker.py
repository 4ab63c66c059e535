"""One worker process: an event loop, a door, and a heartbeat to the supervisor.

The supervisor's pipe tells in both directions: beats go up, and when it breaks the supervisor is
gone, so the worker drains and ends, too.
"""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mailwarden.daemon.journal import LogJournal, make_log
from mailwarden.daemon.wiring import Gate, build_gate
from mailwarden.logs.qmail_scanner import open_logs
from mailwarden.ports.scanner import Scanner
from mailwarden.sandbox.program import NurseryGoneError
from mailwarden.settings.model import Settings

READY = b"R"
BEAT = b"B"
# Versions for headers and logs; a freshclam run shows within this time.
_REFRESH_SECONDS = 600.0
# A scanner that is away at the start may not keep the door closed.
_FIRST_REFRESH_SECONDS = 5.0
_BEATS_PER_HANG = 4
# What waits there waits for the disk, or looks at one of the few large messages.
_THREADS = 8


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What a worker is given: settings, listening sockets, the pipe to the supervisor."""

    settings: Settings
    listeners: Sequence[socket.socket]
    pipe: int


def run_worker(task: WorkerTask) -> None:
    """Work until SIGTERM or until the supervisor is gone; returns when drained."""
    gc.freeze()
    _allow_descriptors()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_work(task))


def _allow_descriptors() -> None:
    """Have as many descriptors as the administrator allows: a waiting message costs three."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Uvloop's loop where that extra is installed, else asyncio's own."""
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return asyncio.new_event_loop


def _started_threads() -> ThreadPoolExecutor:
    """Threads for what would hold the loop up, all started now; raises `RuntimeError`.

    An executor that cannot start a thread (out of memory or tasks) raises, and yet does the work
    as soon as another thread is free: a message would be kept whose client had heard of a failure.
    """
    threads = ThreadPoolExecutor(_THREADS)
    all_there = threading.Barrier(_THREADS)  # who waits there is busy, so that the next is started
    for _ in range(_THREADS):
        threads.submit(all_there.wait)
    return threads


async def _work(task: WorkerTask) -> None:
    asyncio.get_running_loop().set_default_executor(_started_threads())
    log = make_log(task.settings.log).bind(worker=os.getpid())
    debug = task.settings.spam.debug
    logs = open_logs(
        task.settings.log, lambda text: log.error("logs", detail=text), spam_debug=debug
    )
    journal = LogJournal(log, logs, spam_debug=debug)
    gate = build_gate(task.settings, journal, lambda text: log.error("store", detail=text))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        chores = [group.create_task(_beat(task, stop))]
        await _refresh(gate.scanners, _FIRST_REFRESH_SECONDS)
        if lack := await _unpacking_lacks(gate):
            log.warning("unpack", detail=lack)
        chores.append(group.create_task(_refresh_often(gate.scanners)))
        await _serve(task, gate, stop)
        for chore in chores:
            chore.cancel()
    await gate.close()
    if logs:
        logs.close()


async def _unpacking_lacks(gate: Gate) -> str:
    """Have the helper processes ready before the first message; what they lack, else empty."""
    try:
        missing = (await gate.unpacker.start()).missing
    except NurseryGoneError as error:
        return str(error)
    return f"helper processes run without {', '.join(missing)}" if missing else ""


async def _serve(task: WorkerTask, gate: Gate, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for listener in task.listeners:
        loop.add_reader(listener, gate.door.accept, listener)
    _tell(task.pipe, READY)
    await stop.wait()
    for listener in task.listeners:
        loop.remove_reader(listener)
        listener.close()  # the last of us to close it turns waiting clients away at once
    await gate.door.drain(task.settings.daemon.drain_seconds)


async def _beat(task: WorkerTask, stop: asyncio.Event) -> None:
    while True:
        await asyncio.sleep(task.settings.daemon.hang_seconds / _BEATS_PER_HANG)
        if not _tell(task.pipe, BEAT):
            stop.set()


async def _refresh_often(scanners: Sequence[Scanner]) -> None:
    while True:
        await asyncio.sleep(_REFRESH_SECONDS)
        await _refresh(scanners, _REFRESH_SECONDS)


async def _refresh(scanners: Sequence[Scanner], seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    async with asyncio.TaskGroup() as group:
        for scanner in scanners:
            group.create_task(scanner.refresh(deadline))


def _tell(pipe: int, word: bytes) -> bool:
    try:
        os.write(pipe, word)
    except BlockingIOError:
        return True  # the supervisor is behind with reading, not gone
    except OSError:
        return False
    return True
