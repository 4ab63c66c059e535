"""One child, forked by the test, on a kernel that offers nothing: what it does with its task.

How it is locked in is shown in `test_unpacker`; a child that is may write nowhere, and so cannot
hand over what was measured of it.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailwarden.net.descriptors import send_packet
from mailwarden.net.payload import sealed_file
from mailwarden.sandbox.child import Cell, run_child
from mailwarden.sandbox.confinement import prepare_confinement
from mailwarden.sandbox.messages import (
    EXIT_FAILED,
    EXIT_TEMPORARY,
    TASK,
    Outcome,
    Protection,
    encode,
)
from mailwarden.sandbox.output import read_outcome
from mailwarden.unpack.budget import UnpackLimits
from mailwarden.unpack.walk import Job
from support.bad_openers import FORMATS, misbehaving

_JOB = Job("1.2", ("a.gz",), "", UnpackLimits(1_000_000, 100, 5, 100, 20.0))


@dataclass(frozen=True, slots=True)
class _Child:
    """A child that waits for its task; `output` is the file that it will write to."""

    pid: int
    line: socket.socket
    output: int

    def give(self, payload: bytes, job: bytes) -> None:
        given = sealed_file([payload, job])
        send_packet(self.line, TASK.pack(len(payload), len(job)), (given, self.output))
        os.close(given)

    def status(self) -> int:
        """How it ended, waited for."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@contextmanager
def _forked(folder: Path, nursery: int) -> Iterator[_Child]:
    confinement = prepare_confinement(Protection(0, has_seccomp=False))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    output = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with ours, theirs:
        pid = os.fork()
        if pid == 0:
            run_child(Cell(nursery, theirs, folder), confinement, FORMATS)
        theirs.close()
        yield _Child(pid, ours, output)
    for descriptor in (output, *confinement.descriptors):
        os.close(descriptor)


def _outcome(folder: Path, payload: bytes) -> Outcome:
    with _forked(folder, os.getpid()) as child:
        child.give(payload, encode(_JOB))
        assert child.status() == 0
        return read_outcome(child.output)


def test_a_child_tells_what_it_found_and_ends(tmp_path: Path) -> None:
    contents = _outcome(tmp_path, misbehaving("say", "hello")).contents
    assert contents
    assert [item.names for item in contents.items] == [("a.gz",), ("said",)]


def test_a_child_tells_that_it_has_no_memory_left(tmp_path: Path) -> None:
    assert _outcome(tmp_path, misbehaving("eat")).is_out_of_memory


def test_a_child_tells_where_an_opener_broke_its_contract(tmp_path: Path) -> None:
    failure = _outcome(tmp_path, misbehaving("fail")).failure
    assert failure.startswith("KeyError in bad_openers.py:")


def test_a_child_whose_task_makes_no_sense_has_failed(tmp_path: Path) -> None:
    with _forked(tmp_path, os.getpid()) as child:
        child.give(b"", b"no job")
        assert child.status() == EXIT_FAILED


def test_a_child_that_cannot_be_locked_in_takes_no_task(tmp_path: Path) -> None:
    with _forked(tmp_path / "missing", os.getpid()) as child:
        assert child.status() == EXIT_TEMPORARY


def test_a_child_that_gets_no_task_ends(tmp_path: Path) -> None:
    with _forked(tmp_path, os.getpid()) as child:
        child.line.close()
        assert child.status() == EXIT_TEMPORARY


def test_a_child_whose_nursery_has_died_meanwhile_ends(tmp_path: Path) -> None:
    with _forked(tmp_path, nursery=os.getppid()) as child:
        assert child.status() == EXIT_FAILED
