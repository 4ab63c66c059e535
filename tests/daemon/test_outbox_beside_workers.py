"""The outbox as a child of the supervisor: there, replaced, reloaded, and gone with the daemon."""

import os
import re
import signal

from support.daemon_process import Daemon, children_of, daemon, is_alive, write_settings
from support.waiting import wait_until

ONE_WORKER = {"daemon": {"workers": 1}}
SECONDS = 30.0


def outbox_pids(running: Daemon) -> list[int]:
    """Every outbox that became ready, in order."""
    return [int(pid) for pid in re.findall(r"event=outbox-ready outbox=(\d+)", running.log())]


def wait_for_outbox(running: Daemon, times: int = 1) -> int:
    running.wait_for_log("event=outbox-ready", times)
    return outbox_pids(running)[-1]


def test_the_outbox_is_a_child_beside_the_workers() -> None:
    with daemon(ONE_WORKER, outbox=True) as running:
        pid = wait_for_outbox(running)
        assert pid in children_of(running.process.pid)
        assert len(running.worker_pids()) == 2


def test_an_outbox_that_dies_is_replaced_and_the_workers_live_on() -> None:
    with daemon(ONE_WORKER, outbox=True) as running:
        pid = wait_for_outbox(running)
        (worker,) = set(running.worker_pids()) - {pid}
        os.kill(pid, signal.SIGKILL)
        assert wait_for_outbox(running, times=2) != pid
        running.wait_for_log(rf"event=outbox-died worker={pid} code=-9")
        assert is_alive(worker)
        assert "event=worker-died" not in running.log()


def test_a_reload_gives_the_outbox_the_new_settings() -> None:
    with daemon(ONE_WORKER, outbox=True) as running:
        pid = wait_for_outbox(running)
        write_settings(running.folder, {**ONE_WORKER, "log": {"format": "json"}})
        running.tell(signal.SIGHUP)
        running.wait_for_log(r'"event": "outbox-ready"')
        wait_until(lambda: not is_alive(pid), SECONDS, "the old outbox has ended")


def test_when_the_daemon_ends_the_outbox_ends() -> None:
    with daemon(ONE_WORKER, outbox=True) as running:
        pid = wait_for_outbox(running)
        assert running.stop() == 0
        assert not is_alive(pid)
        assert "event=outbox-stopped" in running.log()


def test_an_outbox_that_does_not_end_is_killed_so_that_the_daemon_does() -> None:
    settings = {"daemon": {"workers": 1, "drain_seconds": 0.3}}
    with daemon(settings, outbox=True) as running:
        pid = wait_for_outbox(running)
        os.kill(pid, signal.SIGSTOP)
        assert running.stop() == 0
        assert f"event=outbox-hung worker={pid}" in running.log()


def test_when_the_supervisor_is_killed_the_outbox_ends() -> None:
    with daemon(ONE_WORKER, outbox=True) as running:
        pid = wait_for_outbox(running)
        running.process.kill()
        running.process.wait()
        wait_until(lambda: not is_alive(pid), SECONDS, "the outbox has ended")
