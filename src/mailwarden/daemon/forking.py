"""Forking a child of the supervisor that shares nothing with it but what it is given."""

import os
import signal
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import structlog


@dataclass(frozen=True, slots=True)
class Child:
    """A child process, and the reading end of the pipe that it writes signs of life to."""

    pid: int
    pipe: int


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a child must give up: the supervisor's signals, and these descriptors of its."""

    signals: Collection[int]
    descriptors: Iterable[int]


def fork_child(
    work: Callable[[int], None],
    inheritance: Inheritance,
    log: structlog.typing.FilteringBoundLogger,
) -> Child:
    """Run `work` in a child, given the writing end of a pipe; raises `OSError`.

    The child never returns; it ends with 0 when `work` did, else with 1 and a line in the log.
    """
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    # Blocked, so that none falls to our own handler in the child and is forgotten there.
    signal.pthread_sigmask(signal.SIG_BLOCK, inheritance.signals)
    try:
        pid = os.fork()
        if pid == 0:
            _become_child(work, inheritance, reading, writing, log)
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, inheritance.signals)
    return Child(pid, reading)


def _become_child(
    work: Callable[[int], None],
    inheritance: Inheritance,
    reading: int,
    writing: int,
    log: structlog.typing.FilteringBoundLogger,
) -> None:
    """In the child: forget the supervisor's signals and pipes, work, and never return."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in inheritance.signals:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, inheritance.signals)
        for ours in (reading, *inheritance.descriptors):
            os.close(ours)
        work(writing)
        code = 0
    except BaseException:
        log.exception("worker-failed", worker=os.getpid())
    finally:
        sys.stderr.flush()
        os._exit(code)
