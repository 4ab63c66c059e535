import os
import platform
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwarden.sandbox.kernel import PR_SET_NO_NEW_PRIVS, prctl, system_call
from mailwarden.sandbox.seccomp import filter_program, has_seccomp, restrict_calls
from mailwarden.unpack.budget import Limit, OverLimitError
from mailwarden.unpack.child_program import output_of
from support.daemon_process import children_of, is_alive
from support.forked import in_fork
from support.waiting import wait_until

_CLONE_NEWUSER = 0x1000_0000
_CLONE = {"x86_64": 56, "aarch64": 220}[platform.machine()]


def _filtered(attempt: Callable[[], object], *, forbids_signals: bool = False) -> str:
    program = filter_program(forbids_signals=forbids_signals)

    def locked_in() -> None:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        restrict_calls(program)
        attempt()

    return in_fork(locked_in)


def test_this_kernel_takes_filters() -> None:
    assert has_seccomp()


def test_a_machine_whose_calls_have_other_numbers_has_no_filter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert not has_seccomp()


@pytest.mark.parametrize(
    "attempt",
    [
        socket.socket,
        socket.socketpair,
        os.setsid,
        lambda: Path("/nowhere").chmod(0o700),
        lambda: os.chown("/tmp", 0, 0),
        lambda: os.utime("/tmp"),
        lambda: os.truncate("/nowhere", 0),
        lambda: os.pidfd_open(1),
        lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE),
        lambda: os.chroot("/"),
        lambda: system_call(_CLONE, _CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0),
    ],
)
def test_what_no_unpacker_needs_is_forbidden(attempt: Callable[[], object]) -> None:
    assert _filtered(attempt) == "Operation not permitted"


def test_calls_newer_than_the_table_do_not_exist() -> None:
    assert _filtered(lambda: system_call(463)) == "Function not implemented"
    assert _filtered(lambda: system_call(0x4000_0000 | 39)) == "Function not implemented"


def test_programs_can_be_started_and_limits_lowered() -> None:
    run = [sys.executable, "-I", "-c", "import threading; threading.Thread().start()"]
    assert _filtered(lambda: subprocess.run(run, check=True)) == "done"
    assert _filtered(lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))) == "done"
    assert _filtered(lambda: Path("/usr").stat()) == "done"


def test_where_landlock_does_not_keep_signals_inside_the_filter_does() -> None:
    parent = os.getpid()
    for attempt in (lambda: os.kill(parent, 0), lambda: os.killpg(os.getpgid(parent), 0)):
        assert _filtered(attempt, forbids_signals=True) == "No such process"
        assert _filtered(attempt) == "done"


def test_where_signals_are_forbidden_a_silent_program_dies_with_its_process() -> None:
    def tire() -> None:
        raise OverLimitError(Limit.SECONDS)

    def start_and_leave() -> None:
        with pytest.raises(OverLimitError):
            next(output_of(("sleep", "60"), b"", tire))
        (left,) = children_of(os.getpid())
        assert is_alive(left)
        os.write(writing, str(left).encode())

    reading, writing = os.pipe()
    assert _filtered(start_and_leave, forbids_signals=True) == "done"
    left = int(os.read(reading, 100))
    wait_until(lambda: not is_alive(left), 30, "the program has ended")
    os.close(reading)
    os.close(writing)
