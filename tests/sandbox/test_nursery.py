"""What becomes of the nursery when its daemon dies without a word."""

import signal
import subprocess
import sys
from pathlib import Path

import mailwarden
from support import bad_openers
from support.daemon_process import children_of, is_alive
from support.waiting import wait_until

_SECONDS = 30.0
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


def _children(pid: int) -> list[int]:
    return [child for child in children_of(pid) if is_alive(child)]


def _sleeping(daemon: int) -> list[int]:
    """The nursery and its child, when they are there."""
    return [pid for nursery in _children(daemon) for pid in (nursery, *_children(nursery))]


def test_a_nursery_whose_daemon_was_killed_ends_with_children_and_folder(tmp_path: Path) -> None:
    daemon = subprocess.Popen(
        [sys.executable, "-c", _DAEMON, str(tmp_path)],
        env={"PYTHONPATH": ":".join(map(str, _SOURCES))},
    )
    try:
        wait_until(lambda: len(_sleeping(daemon.pid)) == 2, _SECONDS, "a child sleeps")
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
        wait_until(lambda: len(_sleeping(daemon.pid)) == 2, _SECONDS, "a child sleeps")
        nursery, child = _sleeping(daemon.pid)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            subprocess.run(["kill", f"-{number.name[3:]}", str(nursery)], check=True)
        assert _sleeping(daemon.pid) == [nursery, child]
    finally:
        daemon.kill()
        daemon.wait()
    wait_until(lambda: not is_alive(nursery), _SECONDS, "the nursery has ended")
