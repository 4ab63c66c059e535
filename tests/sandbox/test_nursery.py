"""The nursery as its daemon sees it, and what becomes of it when its daemon dies without a word.

It has the environment of the tests here, so that what it does is measured.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import mailwarden
from mailwarden.net.descriptors import readable, send_packet
from mailwarden.net.payload import sealed_file
from mailwarden.sandbox import program
from mailwarden.sandbox.folders import PREFIX, sweep
from mailwarden.sandbox.messages import ENDED, EXIT_TEMPORARY, TASK, encode
from mailwarden.sandbox.nursery import WAITING_CHILDREN
from mailwarden.sandbox.program import NurseryProgram, RunningNursery, start_nursery
from mailwarden.unpack.budget import UnpackLimits
from mailwarden.unpack.walk import Job
from support import bad_openers
from support.daemon_process import children_of, helpers_at_work, is_alive
from support.waiting import wait_until

_SECONDS = 30.0
_JOB = Job("1", (), "", UnpackLimits(1_000_000, 100, 5, 100, 100.0))
_SOURCES = (Path(mailwarden.__file__).parents[1], Path(bad_openers.__file__).parents[1])

_DAEMON = """
import asyncio, sys
from pathlib import Path
from mailwarden.sandbox.program import NurseryProgram
from mailwarden.sandbox.unpacker import Sandbox
from mailwarden.unpack.budget import UnpackLimits
from mailwarden.unpack.walk import Job
from support.bad_openers import misbehaving

async def main():
    sandbox = Sandbox(NurseryProgram(Path(sys.argv[1]), "support.bad_openers:FORMATS"))
    job = Job("1", (), "", UnpackLimits(1000000, 100, 5, 100, 100.0))
    await sandbox.unpack(misbehaving("sleep"), job, asyncio.get_running_loop().time() + 100)

asyncio.run(main())
"""


@pytest.fixture
async def nursery(tmp_path: Path) -> AsyncIterator[RunningNursery]:
    measured = NurseryProgram(tmp_path, "support.bad_openers:FORMATS", dict(os.environ))
    started = start_nursery(measured)
    await started.greeted()
    yield started
    if is_alive(started.pid):
        await started.bury()
    assert _folders(tmp_path) == []


def _folders(spool: Path) -> list[Path]:
    return list(spool.glob(f"{PREFIX}*"))


def _give(nursery: RunningNursery, word: str) -> socket.socket:
    """Give a task; on the socket comes how it ended."""
    payload, job = bad_openers.misbehaving(word), encode(_JOB)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    given, output = sealed_file([payload, job]), os.memfd_create("output")
    with theirs:
        nursery.give(TASK.pack(len(payload), len(job)), (given, output, theirs.fileno()))
    os.close(given)
    os.close(output)
    return ours


async def _status(asked: socket.socket) -> int:
    with asked:
        async with asyncio.timeout(_SECONDS):
            await readable(asked.fileno())
        (status,) = ENDED.unpack(asked.recv(ENDED.size))
    return int(status)


async def _wait_for_waiting(nursery: RunningNursery) -> set[int]:
    def is_full() -> bool:
        return len(_children(nursery.pid)) == WAITING_CHILDREN

    await asyncio.to_thread(wait_until, is_full, _SECONDS, "children wait")
    return set(_children(nursery.pid))


async def _kill_waiting(nursery: RunningNursery) -> None:
    for pid in await _wait_for_waiting(nursery):
        os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(
        wait_until, lambda: not children_of(nursery.pid), _SECONDS, "they were waited for"
    )


async def test_children_wait_before_there_is_a_task_and_each_does_one(
    nursery: RunningNursery,
) -> None:
    waiting = await _wait_for_waiting(nursery)
    assert await _status(_give(nursery, "say")) == 0
    then = await _wait_for_waiting(nursery)
    assert len(waiting & then) == WAITING_CHILDREN - 1
    assert await _status(_give(nursery, "say")) == 0
    assert not waiting & await _wait_for_waiting(nursery)


async def test_more_tasks_than_waiting_children_are_done_at_once(nursery: RunningNursery) -> None:
    await _wait_for_waiting(nursery)
    sleeping = [_give(nursery, "sleep") for _ in range(WAITING_CHILDREN)]
    assert await _status(_give(nursery, "say")) == 0
    for asked in sleeping:
        asked.close()


async def test_a_child_that_is_killed_while_it_waits_costs_no_task(nursery: RunningNursery) -> None:
    await _kill_waiting(nursery)
    assert await _status(_give(nursery, "say")) == 0
    await _wait_for_waiting(nursery)


async def test_a_task_that_is_given_up_ends_its_child(nursery: RunningNursery) -> None:
    asked = _give(nursery, "sleep")
    await asyncio.to_thread(
        wait_until, lambda: bool(helpers_at_work(nursery.pid)), _SECONDS, "a child sleeps"
    )
    asked.close()
    await asyncio.to_thread(
        wait_until, lambda: not helpers_at_work(nursery.pid), _SECONDS, "it has ended"
    )


async def test_a_crash_is_told_by_its_signal(nursery: RunningNursery) -> None:
    assert await _status(_give(nursery, "crash")) == -signal.SIGSEGV


async def test_a_packet_without_its_descriptors_is_no_task(nursery: RunningNursery) -> None:
    send_packet(nursery._tasks, TASK.pack(1, 1))
    assert await _status(_give(nursery, "say")) == 0


async def test_a_nursery_that_cannot_make_a_folder_says_so(
    nursery: RunningNursery, tmp_path: Path
) -> None:
    await _kill_waiting(nursery)
    (own,) = _folders(tmp_path)
    await asyncio.to_thread(wait_until, lambda: not any(own.iterdir()), _SECONDS, "none is left")
    own.rmdir()
    assert await _status(_give(nursery, "say")) == EXIT_TEMPORARY


async def test_the_folder_of_a_nursery_that_lives_is_never_swept(
    nursery: RunningNursery, tmp_path: Path
) -> None:
    await _wait_for_waiting(nursery)
    (own,) = _folders(tmp_path)
    os.utime(own, (0, 0))
    sweep(tmp_path)
    assert own.is_dir()
    assert await _status(_give(nursery, "say")) == 0


async def test_a_nursery_that_does_not_end_is_killed_with_its_children(
    nursery: RunningNursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = await _wait_for_waiting(nursery)
    monkeypatch.setattr(program, "_END_SECONDS", 0.1)
    os.kill(nursery.pid, signal.SIGSTOP)
    await nursery.bury()
    await asyncio.to_thread(
        wait_until, lambda: not any(map(is_alive, waiting)), _SECONDS, "they have ended"
    )


def _children(pid: int) -> list[int]:
    return [child for child in children_of(pid) if is_alive(child)]


def _sleeping(daemon: int) -> list[int]:
    """The nursery and its children, once one of them has a task."""
    for nursery in _children(daemon):
        if helpers_at_work(nursery):
            return [nursery, *_children(nursery)]
    return []


def test_a_nursery_whose_daemon_was_killed_ends_with_children_and_folder(tmp_path: Path) -> None:
    daemon = subprocess.Popen(
        [sys.executable, "-c", _DAEMON, str(tmp_path)],
        env={"PYTHONPATH": ":".join(map(str, _SOURCES))},
    )
    try:
        wait_until(lambda: bool(_sleeping(daemon.pid)), _SECONDS, "a child sleeps")
        pids = _sleeping(daemon.pid)
    finally:
        daemon.kill()
        daemon.wait()
    wait_until(lambda: not any(map(is_alive, pids)), _SECONDS, "nursery and child have ended")
    assert list(tmp_path.iterdir()) == []


def test_a_nursery_does_not_end_at_the_signals_that_its_daemon_drains_at(tmp_path: Path) -> None:
    daemon = subprocess.Popen(
        [sys.executable, "-c", _DAEMON, str(tmp_path)],
        env={"PYTHONPATH": ":".join(map(str, _SOURCES))},
    )
    try:
        wait_until(lambda: bool(_sleeping(daemon.pid)), _SECONDS, "a child sleeps")
        nursery, *_ = _sleeping(daemon.pid)
        at_work = helpers_at_work(nursery)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            subprocess.run(["kill", f"-{number.name[3:]}", str(nursery)], check=True)
        assert helpers_at_work(nursery) == at_work
    finally:
        daemon.kill()
        daemon.wait()
    wait_until(lambda: not is_alive(nursery), _SECONDS, "the nursery has ended")
