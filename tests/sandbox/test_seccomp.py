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
from support.forked import in_fork

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
