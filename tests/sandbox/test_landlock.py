import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwarden.sandbox.kernel import PR_SET_NO_NEW_PRIVS, prctl
from mailwarden.sandbox.landlock import (
    OWN_FOLDER,
    READ,
    landlock_abi,
    open_places,
    restrict_files,
)
from support.forked import in_fork

# Kernels from 5.13 on have one; what was tested must hold on every one of them.
_ABIS = range(1, landlock_abi() + 1)


def _restricted(attempt: Callable[[], object], folder: Path, abi: int) -> str:
    (own,) = open_places([folder])
    readable = open_places([Path("/usr"), Path("/nowhere")])

    def locked_in() -> None:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        restrict_files(abi, [(own, OWN_FOLDER), *((place, READ) for place in readable)])
        attempt()

    outcome = in_fork(locked_in)
    for descriptor in (own, *readable):
        os.close(descriptor)
    return outcome


def test_this_kernel_has_landlock() -> None:
    assert landlock_abi() >= 1


@pytest.mark.parametrize("abi", _ABIS)
def test_files_are_written_in_the_own_folder_only(tmp_path: Path, abi: int) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    assert _restricted((own / "file").touch, own, abi) == "done"
    assert _restricted((own / "folder").mkdir, own, abi) == "done"
    assert _restricted((other / "file").touch, own, abi) == "Permission denied"
    assert _restricted((other / "folder").mkdir, own, abi) == "Permission denied"
    assert _restricted((own / "file").unlink, own, abi) == "done"


@pytest.mark.parametrize("abi", _ABIS)
def test_files_are_read_where_that_was_given_only(tmp_path: Path, abi: int) -> None:
    assert _restricted(lambda: list(Path("/usr").iterdir()), tmp_path, abi) == "done"
    assert _restricted(Path("/etc/passwd").read_bytes, tmp_path, abi) == "Permission denied"


@pytest.mark.parametrize("abi", _ABIS)
def test_rights_on_a_folder_are_rights_on_everything_in_it(tmp_path: Path, abi: int) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    file = tmp_path / "deep" / "deeper" / "file"
    assert _restricted(file.touch, Path("/"), abi) == "done"
    assert file.exists()


def test_nothing_in_the_own_folder_can_be_executed(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    outcome = _restricted(lambda: subprocess.run([program], check=True), tmp_path, landlock_abi())
    assert outcome == "Permission denied"


def test_neither_tcp_nor_signals_leave_the_process(tmp_path: Path) -> None:
    parent = os.getpid()

    def listen() -> None:
        with socket.create_server(("127.0.0.1", 0)):
            pass

    assert _restricted(listen, tmp_path, 4) == "Permission denied"
    assert _restricted(listen, tmp_path, 3) == "done"

    def signal_parent() -> None:
        os.kill(parent, 0)

    assert _restricted(signal_parent, tmp_path, 6) == "Operation not permitted"
    assert _restricted(signal_parent, tmp_path, 5) == "done"
