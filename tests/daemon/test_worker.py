"""One worker process: signals, limits and the supervisor's pipe."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from mailwarden.daemon.worker import BEAT, READY, _tell
from mailwarden.scanners.test_patterns import EICAR
from mailwarden.wire.gate import encode_request
from support.caller import ENVELOPE, MESSAGE, memory_file, submit
from support.daemon_process import daemon, is_alive
from support.waiting import wait_until

# Each thread takes so much of the address space.
_STACK_BYTES = 64 * 1_048_576
ONE = {"daemon": {"workers": 1, "drain_seconds": 5.0}}


def test_a_worker_pays_no_heed_to_the_supervisor_s_signal() -> None:
    with daemon(ONE) as running:
        (worker,) = running.worker_pids()
        os.kill(worker, signal.SIGHUP)
        assert submit(running.socket).is_queued
        assert running.worker_pids() == [worker]


def test_a_worker_that_somebody_stops_is_replaced() -> None:
    with daemon(ONE) as running:
        (worker,) = running.worker_pids()
        os.kill(worker, signal.SIGTERM)
        wait_until(lambda: not is_alive(worker), 20, "the worker has ended")
        assert submit(running.socket).is_queued


def test_a_worker_may_have_as_many_descriptors_as_the_hard_limit_says() -> None:
    with daemon(ONE, launcher=("prlimit", "--nofile=256:2000")) as running:
        (worker,) = running.worker_pids()
        assert resource.prlimit(worker, resource.RLIMIT_NOFILE) == (2_000, 2_000)


def test_a_worker_without_free_descriptors_rests_and_then_goes_on() -> None:
    with daemon(ONE) as running:
        (worker,) = running.worker_pids()
        assert submit(running.socket).is_queued
        limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (4, limits[1]))
        used = processor_seconds(worker)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as waiting:
            waiting.settimeout(20)
            waiting.connect(str(running.socket))
            running.wait_for_log("Too many open files", times=2)
            time.sleep(0.5)
            assert running.log().count("Too many open files") < 6
            assert processor_seconds(worker) - used < 0.3
            resource.prlimit(worker, resource.RLIMIT_NOFILE, limits)
            files = memory_file(MESSAGE), memory_file(ENVELOPE)
            socket.send_fds(waiting, [encode_request({})], files)
            for file in files:
                os.close(file)
            assert waiting.recv(1) == b"A"
        assert running.worker_pids() == [worker]


def test_a_worker_keeps_messages_when_no_thread_can_be_started_any_more() -> None:
    with daemon(ONE, launcher=("prlimit", f"--stack={_STACK_BYTES}:{_STACK_BYTES}")) as running:
        (worker,) = running.worker_pids()
        assert submit(running.socket).is_queued
        most = address_space_bytes(worker) + _STACK_BYTES // 2
        resource.prlimit(worker, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        assert submit(running.socket, EICAR).code == 0
        (kept,) = (running.folder / "quarantine" / "viruses" / "new").iterdir()
        assert kept.read_bytes() == EICAR
        assert "event=bug" not in running.log()


def test_the_last_records_are_written_before_a_worker_ends() -> None:
    with daemon(ONE) as running:
        for _ in range(20):
            assert submit(running.socket).is_queued
        assert submit(running.socket, EICAR).code == 0
        assert running.stop() == 0
        database = running.folder / "mailwarden.db"
        query = "SELECT disposition, count(*) FROM records GROUP BY 1"
        found = subprocess.run(
            [sys.executable, "-c", _QUERY, str(database), query],
            capture_output=True,
            check=True,
            timeout=30,
            text=True,
        )
    assert found.stdout.split() == ["accept", "20", "quarantine", "1"]


_QUERY = """
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):
    print(*row)
"""


def test_a_broken_pipe_says_that_the_supervisor_is_gone() -> None:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    assert _tell(writing, READY)
    assert _tell(writing, BEAT)
    assert os.read(reading, 10) == READY + BEAT
    os.close(reading)
    assert not _tell(writing, BEAT)
    os.close(writing)


def test_a_full_pipe_only_says_that_the_supervisor_is_busy() -> None:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    os.write(writing, b"x" * 65_536)
    assert _tell(writing, BEAT)
    os.close(reading)
    os.close(writing)


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def address_space_bytes(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[0]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
