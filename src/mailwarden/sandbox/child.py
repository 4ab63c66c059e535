"""One payload's process: locks itself in, waits for its task, unpacks, tells, and ends.

Everything here runs in a fork of the nursery; nothing returns to it.
"""

import io
import os
import signal
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn
from zipfile import ZipFile

from mailwarden.net.descriptors import take_packet
from mailwarden.net.payload import write_all
from mailwarden.sandbox.confinement import (
    Confinement,
    confine,
    limit_resources,
    limit_spending,
)
from mailwarden.sandbox.kernel import PR_SET_PDEATHSIG, prctl
from mailwarden.sandbox.messages import (
    EXIT_FAILED,
    EXIT_TEMPORARY,
    MOST_OUTCOME_BYTES,
    OUTCOME_SIZE,
    TASK,
    TASK_FILES,
    Outcome,
    decode_job,
    encode,
)
from mailwarden.unpack.budget import Limit, UnpackLimits
from mailwarden.unpack.contents import Contents, Reason, Span, Unopened
from mailwarden.unpack.walk import Job, unpack_payload

if TYPE_CHECKING:
    from mailwarden.unpack.openers import Format

_STDIN, _STDERR = 0, 2


def _small_zip() -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("a", "")
    return file.getvalue()


# What is rehearsed: the walk and the most frequent container.
_SMALL_ZIP = _small_zip()
_SMALL_JOB = Job("1", ("a.zip",), "", UnpackLimits(1000, files=10, depth=2, ratio=10, seconds=1.0))


@dataclass(frozen=True, slots=True)
class Cell:
    """What a child is born with: its parent's process id, a socket to it, a folder of its own."""

    nursery: int
    line: socket.socket
    folder: Path


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is given: a file of octets and then the job, and a file to write to."""

    octets_bytes: int
    job_bytes: int
    input: int
    output: int


def run_child(cell: Cell, confinement: Confinement, formats: Mapping[str, "Format"]) -> NoReturn:
    """Do the one task that comes through `cell.line`, and end the process."""
    status = EXIT_TEMPORARY
    try:
        _detach(cell.nursery)
        _close_all_but((cell.line.fileno(), *confinement.descriptors))
        limit_resources()
        confine(confinement, cell.folder)
        _rehearse(formats)
        task = _awaited_task(cell.line)
        status = EXIT_FAILED
        octets = os.pread(task.input, task.octets_bytes, 0)
        job = decode_job(os.pread(task.input, task.job_bytes, task.octets_bytes))
        limit_spending(job.limits, task.octets_bytes)
        output = Output(task.output)
        output.tell(unpack(octets, job, formats, output))
        status = 0
    finally:
        os._exit(status)


def unpack(octets: bytes, job: Job, formats: Mapping[str, "Format"], output: "Output") -> Outcome:
    """Unpack what was given; what an opener raises against its contract becomes a word."""
    try:
        return Outcome(unpack_payload(octets, job, formats, _processor_seconds, output.keep))
    except MemoryError:
        pass  # what filled the memory goes with the exception
    except Exception as error:  # noqa: BLE001 - a parser's bug is a fault of the part, never ours
        return Outcome(failure=f"{type(error).__name__} in {_place(error.__traceback__)}")
    return Outcome(is_out_of_memory=True)


def _processor_seconds() -> float:
    """What this process and the programs that it ran took of a processor."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Output:
    """Appends to the memory file: what is kept, and at last the outcome."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._end = 0

    def keep(self, octets: bytes) -> Span:
        """Write octets and say where they lie."""
        write_all(self._descriptor, octets)
        span = Span(self._end, self._end + len(octets))
        self._end = span.end
        return span

    def tell(self, outcome: Outcome) -> None:
        """Write the outcome, after which nothing follows."""
        octets = encode(outcome)
        if outcome.contents and len(octets) > MOST_OUTCOME_BYTES:
            octets = encode(_shortened(outcome.contents))
        write_all(self._descriptor, octets + OUTCOME_SIZE.pack(len(octets)))


def _detach(nursery: int) -> None:
    """Become a group of processes that can be killed as one, and that dies with the nursery."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.setpgid(0, 0)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != nursery:
        os._exit(EXIT_FAILED)


def _close_all_but(kept: Iterable[int]) -> None:
    """Leave nothing open but those, and /dev/null where the daemon has its log."""
    os.dup2(_STDIN, _STDERR)
    end = _STDERR
    for descriptor in sorted(kept):
        os.closerange(end + 1, descriptor)
        end = descriptor
    os.closerange(end + 1, os.sysconf("SC_OPEN_MAX"))


def _rehearse(formats: Mapping[str, "Format"]) -> None:
    """Touch, and so copy, the memory that most tasks touch, while no message waits for it."""
    unpack_payload(_SMALL_ZIP, _SMALL_JOB, formats, _processor_seconds, lambda _: Span(0, 0))


def _awaited_task(line: socket.socket) -> Task:
    """The task, as soon as there is one; afterwards nothing leads back to the nursery."""
    with line:
        packet, files = take_packet(line, TASK.size, TASK_FILES)
    return Task(*TASK.unpack(packet), *files)


def _shortened(contents: Contents) -> Outcome:
    """More than may be told: the payload itself, and that it holds too much."""
    itself, *_ = contents.items
    filename = next(iter(itself.names), "")
    too_many = Unopened(Reason.OVER_LIMIT, itself.file_type, itself.path, filename, Limit.FILES)
    return Outcome(Contents((itself,), (too_many,), contents.spent))


def _place(trace: TracebackType | None) -> str:
    """File and line where it was raised."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    if not trace:
        return "an unknown place"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
