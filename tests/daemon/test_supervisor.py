"""The daemon as a process: reloaded, drained, killed and hung, with clients at the door."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.scanners.test_patterns import EICAR
from mailwarden.wire.gate import Accepted
from support.caller import ENVELOPE, MESSAGE, Caller, memory_file, open_descriptors, submit
from support.daemon_process import (
    Daemon,
    Sections,
    children_of,
    daemon,
    daemon_folder,
    is_alive,
    is_listening,
    start_daemon,
    write_settings,
)
from support.waiting import wait_until

QUICK = {"daemon": {"workers": 2, "hang_seconds": 2.0, "drain_seconds": 10.0}}
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
# Nobody may write where the figures of coverage are gathered, and would complain into the log.
UNMEASURED = ("env", "-u", "COVERAGE_PROCESS_START", "-u", "COVERAGE_PROCESS_CONFIG", *NOBODY)


@contextlib.contextmanager
def slow_caller(running: Daemon) -> Iterator[tuple[Caller, int]]:
    """A client whose message has begun and not ended; and where to write the rest."""
    reader, writer = os.pipe()
    with Caller(running.socket) as caller:
        caller.ask(reader, memory_file(ENVELOPE))
        caller.hear_until(Accepted())
        os.write(writer, b"Subject: slow\n\n")
        yield caller, writer


def test_messages_pass_and_viruses_stay() -> None:
    with daemon() as running:
        assert submit(running.socket).message.endswith(MESSAGE)
        assert submit(running.socket, b"Subject: x\n\n" + EICAR).code == 0
        (kept,) = (running.folder / "quarantine/viruses/new").iterdir()
        assert kept.read_bytes() == b"Subject: x\n\n" + EICAR
        running.wait_for_log("event=message", times=2)
        assert f"id={kept.name}" in running.log()
        assert running.stop() == 0
        assert "Traceback" not in running.log()


def test_root_is_warned_that_mail_is_hostile() -> None:
    with daemon() as running:
        assert ("event=running-as-root" in running.log()) is (os.geteuid() == 0)


def test_stopping_removes_the_socket() -> None:
    with daemon() as running:
        assert running.stop() == 0
        assert not running.socket.exists()


# Reload.


def test_a_reload_swaps_the_workers_and_refuses_nobody_meanwhile() -> None:
    with daemon() as running:
        before = set(running.worker_pids())
        outcomes: list[bool] = []
        enough = threading.Event()

        def keep_sending() -> None:
            while not enough.is_set():
                outcomes.append(submit(running.socket).is_queued)

        senders = [threading.Thread(target=keep_sending, daemon=True) for _ in range(3)]
        for sender in senders:
            sender.start()
        for generation in (2, 3):
            name = f"generation{generation}.example.net"
            write_settings(running.folder, {"headers": {"hostname": name}})
            running.tell(signal.SIGHUP)
            running.wait_until_ready(generation)
        wait_until(lambda: len(running.worker_pids()) == 2, 20, "the old workers have ended")
        enough.set()
        for sender in senders:
            sender.join(20)
        assert len(outcomes) > 10
        assert all(outcomes), f"{outcomes.count(False)} of {len(outcomes)} were refused"
        assert not before & set(running.worker_pids())
        assert b"by generation3.example.net" in submit(running.socket).message
        wait_until(lambda: not running.zombies(), 10, "all that ended are buried")


def test_a_reload_lets_the_old_workers_finish() -> None:
    with daemon() as running, slow_caller(running) as (caller, writer):
        write_settings(running.folder, {"headers": {"hostname": "second.example.net"}})
        running.tell(signal.SIGHUP)
        running.wait_until_ready(2)
        # An old worker may take one more message before it hears that it is to end.
        wait_until(
            lambda: b"by second.example.net" in submit(running.socket).message,
            20,
            "the new workers serve alone",
        )
        os.close(writer)
        assert b"by first.example.net" in caller.hear_verdict().message
        wait_until(lambda: len(running.worker_pids()) == 2, 20, "the old workers have ended")


@pytest.mark.parametrize(
    ("sections", "detail"),
    [
        ({"daemon": {"wokers": 3}}, "wokers"),
        ({"queue": {"socket": "/tmp/another.sock"}}, "needs a restart"),
        ({"spool": {"directory": "/proc/no/spool"}}, "/proc/no"),
        ({"store": {"database": "/dev/null"}}, "/dev/null"),
    ],
)
def test_a_reload_of_bad_settings_keeps_the_old(sections: Sections, detail: str) -> None:
    with daemon() as running:
        before = running.worker_pids()
        write_settings(running.folder, sections)
        running.tell(signal.SIGHUP)
        running.wait_for_log("event=reload-refused")
        (line,) = (line for line in running.log().splitlines() if "reload-refused" in line)
        assert detail in line
        assert submit(running.socket).is_queued
        assert running.worker_pids() == before


def test_a_reload_makes_the_folders_that_new_settings_name() -> None:
    with daemon() as running:
        other = running.folder / "other"
        write_settings(running.folder, {"quarantine": {"directory": str(other)}})
        running.tell(signal.SIGHUP)
        running.wait_until_ready(2)
        wait_until(lambda: len(running.worker_pids()) == 2, 20, "the old workers have ended")
        assert submit(running.socket, EICAR).code == 0
        assert len(list((other / "viruses/new").iterdir())) == 1


# Stop.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_messages_in_work_and_refuses_new_ones_at_once(
    number: signal.Signals,
) -> None:
    with daemon() as running, slow_caller(running) as (caller, writer):
        running.tell(number)
        running.wait_for_log("event=draining")
        wait_until(lambda: not is_listening(running.socket), 10, "new connections are refused")
        assert running.process.poll() is None
        os.close(writer)
        assert caller.hear_verdict().is_queued
        assert running.wait() == 0


def test_a_stop_puts_off_who_does_not_end() -> None:
    settings = {"daemon": {"drain_seconds": 0.3}}
    with daemon(settings) as running, slow_caller(running) as (caller, _writer):
        assert running.stop() == 0
        assert caller.hear_verdict().code == 71


# Workers that die.


def test_a_killed_worker_is_replaced_and_its_client_hears_no_success() -> None:
    with daemon({"daemon": {"workers": 1}}) as running:
        (pid,) = running.worker_pids()
        with slow_caller(running) as (caller, _writer):
            os.kill(pid, signal.SIGKILL)
            verdict = caller.hear_verdict()
        assert not verdict.is_queued
        assert verdict.code == -1
        assert submit(running.socket).is_queued
        assert pid not in running.worker_pids()
        wait_until(lambda: not running.zombies(), 10, "all that ended are buried")


def test_a_killed_worker_does_not_touch_the_others_clients() -> None:
    with daemon() as running, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(slow_caller(running)) for _ in range(20)]
        os.kill(running.worker_pids()[0], signal.SIGKILL)
        for _, writer in slow:
            os.close(writer)
        verdicts = [caller.hear_verdict() for caller, _ in slow]
        assert {verdict.code for verdict in verdicts} == {-1}, "queued, or cut off; nothing else"
        wait_until(lambda: len(running.worker_pids()) == 2, 20, "the worker was replaced")
        assert submit(running.socket).is_queued


def test_a_worker_that_is_told_to_end_while_it_is_being_forked_ends() -> None:
    """The signal fell to the supervisor's handler, in the child, and was forgotten there."""
    with daemon({"daemon": {"workers": 1}}) as running:
        (old,) = running.worker_pids()
        os.kill(old, signal.SIGKILL)
        while not (begun := set(children_of(running.process.pid)) - {old}):
            continue  # no pause: the moment is what matters
        fresh = begun.pop()
        os.kill(fresh, signal.SIGTERM)
        wait_until(lambda: not is_alive(fresh), 10, "the new one has ended")
        assert submit(running.socket).is_queued


def test_a_hung_worker_is_replaced() -> None:
    with daemon({"daemon": {"workers": 1, "hang_seconds": 3.0}}) as running:
        (pid,) = running.worker_pids()
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: pid not in running.worker_pids(), 20, "the hung worker was killed")
        assert submit(running.socket).is_queued
        running.wait_for_log("event=worker-hung")


def test_a_worker_that_is_slow_to_start_is_not_taken_for_hung() -> None:
    """Its first question to a scanner that is away may take longer than hang_seconds."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=50)  # accepts, and never answers
    with listener:
        address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        sections: Sections = {
            "clamd": {"addresses": [address]},
            "daemon": {"workers": 1, "hang_seconds": 3},
        }
        with daemon_folder() as folder:
            write_settings(folder, sections)
            settings = folder / "mailwarden.toml"
            settings.write_text(settings.read_text().replace("test-patterns", "clamd"))
            running = start_daemon(folder)
            try:
                running.wait_until_ready()
                assert "worker-hung" not in running.log()
            finally:
                assert running.stop() == 0


def test_workers_that_cannot_live_are_tried_again_ever_more_slowly() -> None:
    with daemon({"daemon": {"workers": 1}}) as running:
        key = running.folder / "release.key"
        octets = key.read_bytes()
        key.write_bytes(b"broken")
        os.kill(running.worker_pids()[0], signal.SIGKILL)
        running.wait_for_log("event=worker-died", times=3)
        assert running.log().count("event=worker-died") < 6
        key.write_bytes(octets)
        assert submit(running.socket).is_queued


def test_no_free_process_is_waited_for() -> None:
    with daemon_folder() as folder:
        own = folder / "own"
        own.mkdir()
        os.chown(own, 65_534, 65_534)
        write_settings(own)
        running = start_daemon(own, launcher=(*UNMEASURED, "prlimit", "--nproc=1:4000"))
        try:
            running.wait_for_log("event=worker-not-started", times=2)
            assert "Traceback" not in running.log()
            more = ["prlimit", f"--pid={running.process.pid}", "--nproc=4000:4000"]
            subprocess.run([*NOBODY, *more], check=True, timeout=30)
            running.wait_until_ready()
            assert submit(running.socket).is_queued
        finally:
            assert running.stop() == 0


def test_workers_end_by_themselves_when_the_supervisor_is_killed() -> None:
    with daemon(QUICK) as running, slow_caller(running) as (caller, writer):
        workers = running.worker_pids()
        running.process.kill()
        running.process.wait()
        wait_until(lambda: not is_listening(running.socket), 10, "the door is closed")
        os.close(writer)
        assert caller.hear_verdict().is_queued, "what was in work is finished first"
        wait_until(lambda: not any(map(is_alive, workers)), 20, "the workers have ended")
        assert running.socket.exists()
        second = start_daemon(running.folder)
        try:
            second.wait_until_ready(2)
            assert submit(running.socket).is_queued, "the stale socket was taken over"
        finally:
            assert second.stop() == 0


# The socket's place, and whose it is.


def test_a_second_daemon_is_refused_and_the_first_goes_on() -> None:
    with daemon() as running:
        second = start_daemon(running.folder)
        assert second.wait() == 75
        running.wait_for_log("another program is listening there; stop it first")
        assert submit(running.socket).is_queued


def test_the_end_of_a_daemon_leaves_its_successor_s_socket_alone() -> None:
    """The first still drains while the second has taken the place."""
    with daemon() as running, slow_caller(running) as (caller, writer):
        running.tell(signal.SIGTERM)
        wait_until(lambda: not is_listening(running.socket), 10, "the first has closed its door")
        second = start_daemon(running.folder)
        try:
            second.wait_until_ready(2)
            os.close(writer)
            assert caller.hear_verdict().is_queued
            assert running.wait() == 0
            assert submit(running.socket).is_queued
        finally:
            assert second.stop() == 0


def test_a_file_in_the_socket_s_place_is_refused_and_kept() -> None:
    with daemon_folder() as folder:
        write_settings(folder)
        (folder / "queue.sock").write_text("precious")
        running = start_daemon(folder)
        assert running.wait() == 75
        assert "is not a socket" in running.log()
        assert (folder / "queue.sock").read_text() == "precious"


def test_a_missing_folder_is_named_with_advice() -> None:
    with daemon_folder() as folder:
        write_settings(folder, {"queue": {"socket": str(folder / "absent/queue.sock")}})
        running = start_daemon(folder)
        assert running.wait() == 75
        assert "its directory is missing" in running.log()
        assert "Traceback" not in running.log()


def test_a_folder_of_another_owner_is_named_with_advice() -> None:
    with daemon_folder() as folder:
        own = folder / "own"
        own.mkdir()
        os.chown(own, 65_534, 65_534)
        write_settings(own, {"queue": {"socket": str(folder / "queue.sock")}})
        running = start_daemon(own, launcher=UNMEASURED)
        assert running.wait() == 75
        assert "Permission denied" in running.log()
        assert "check the directory's owner" in running.log()
        assert "Traceback" not in running.log()


def test_a_quarantine_of_another_owner_is_named() -> None:
    with daemon_folder() as folder:
        write_settings(folder)
        (folder / "quarantine").mkdir(0o700)
        running = start_daemon(folder, launcher=UNMEASURED)
        assert running.wait() == 75
        assert f"{folder}/" in running.log()
        assert "Permission denied" in running.log()
        assert "Traceback" not in running.log()


def test_an_unprivileged_daemon_serves() -> None:
    with daemon_folder() as folder:
        own = folder / "own"
        own.mkdir()
        os.chown(own, 65_534, 65_534)
        write_settings(own)
        running = start_daemon(own, launcher=UNMEASURED)
        try:
            running.wait_until_ready()
            assert submit(running.socket).is_queued
            assert submit(running.socket, EICAR).code == 0
            for path in (own / "quarantine", own / "spool", own / "mailwarden.db"):
                assert path.stat().st_uid == 65_534
                assert path.stat().st_mode & 0o077 == 0
        finally:
            assert running.stop() == 0


# The service manager.


class Manager:
    """A service manager's notification socket."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(30)

    def hear(self, word: str) -> dict[str, str]:
        """The next notification that says `word`; watchdog signs in between are passed over."""
        while True:
            text = self._socket.recv(4_096).decode()
            if text.startswith(word):
                return dict(line.split("=", 1) for line in text.splitlines())

    def close(self) -> None:
        self._socket.close()


def test_the_service_manager_hears_what_happens() -> None:
    with daemon_folder() as folder, contextlib.closing(Manager(folder)) as manager:
        environment = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "2000000"}
        with daemon(environment=environment) as running:
            assert manager.hear("READY=1")["STATUS"] == "2 workers"
            for _ in range(3):
                manager.hear("WATCHDOG=1")
            running.tell(signal.SIGHUP)
            assert int(manager.hear("RELOADING=1")["MONOTONIC_USEC"]) > 0
            manager.hear("READY=1")
            running.settings.write_text("nonsense")
            running.tell(signal.SIGHUP)
            manager.hear("RELOADING=1")
            assert "refused" in manager.hear("READY=1")["STATUS"]
            running.tell(signal.SIGTERM)
            manager.hear("STOPPING=1")
            assert running.wait() == 0


_PASS_AS_3 = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.parametrize("kind", [socket.SOCK_SEQPACKET, socket.SOCK_STREAM])
def test_a_socket_may_come_from_the_service_manager(kind: int) -> None:
    """It comes as the manager made it: blocking, and perhaps of the wrong type."""
    with daemon_folder() as folder, socket.socket(socket.AF_UNIX, kind) as listener:
        place = folder / "passed.sock"
        listener.bind(str(place))
        listener.listen()
        launcher = ["python3", "-c", _PASS_AS_3, str(listener.fileno())]
        write_settings(folder)
        running = start_daemon(folder, launcher=launcher, descriptors=[listener.fileno()])
        if kind == socket.SOCK_STREAM:
            assert running.wait() == 75
            assert "ListenSequentialPacket" in running.log()
            return
        try:
            running.wait_until_ready()
            for _ in range(50):
                assert submit(place).is_queued
            assert not running.socket.exists()
        finally:
            assert running.stop() == 0
        assert place.exists(), "the service manager's socket is its own to remove"


# What it costs.


def test_nothing_is_left_open_after_many_messages() -> None:
    with daemon({"daemon": {"workers": 1}, "limits": {"memory_bytes": 1_000}}) as running:
        (worker,) = running.worker_pids()
        large = b"Subject: large\n\n" + b"x" * 100_000
        for message in (MESSAGE, large, EICAR):
            submit(running.socket, message)
        running.wait_for_log("event=message", times=3)
        before = open_descriptors(worker), open_descriptors(running.process.pid)
        for _ in range(50):
            for message in (MESSAGE, large, EICAR):
                submit(running.socket, message)
        wait_until(
            lambda: (open_descriptors(worker), open_descriptors(running.process.pid)) == before,
            10,
            "as many descriptors as before",
        )
        wait_until(lambda: not running.zombies(), 10, "all that ended are buried")
        assert running.worker_pids() == [worker]
        assert "Traceback" not in running.log()


def test_a_thousand_slow_senders_cost_descriptors_and_small_buffers_only() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most >= 4_096, "this test needs a hard limit (ulimit -Hn) of 4096 descriptors or more"
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8_192), most))
    try:
        with daemon({"daemon": {"workers": 2}}) as running, contextlib.ExitStack() as stack:
            assert submit(running.socket).is_queued
            before = sum(map(resident_kilobytes, running.worker_pids()))
            slow = [stack.enter_context(slow_caller(running)) for _ in range(1_000)]
            for _, writer in slow:
                os.write(writer, b"X-More: of the header\n" * 50)
            assert submit(running.socket).is_queued
            grown = sum(map(resident_kilobytes, running.worker_pids())) - before
            assert grown < 50_000, f"{grown} kB for 1,000 senders"
            for _, writer in slow:
                os.close(writer)
            assert all(caller.hear_verdict().is_queued for caller, _ in slow)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


def resident_kilobytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"{pid} has no memory")
