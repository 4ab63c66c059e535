"""A thousand slow senders cost descriptors and small buffers, and keep nobody waiting.

qmail-smtpd starts its queue program when DATA begins and feeds it as the network delivers, so each
slow sender holds a client and a connection to the daemon for minutes (DESIGN section 2).
"""

import contextlib
import os
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.gate import Gate, gate
from support.waiting import wait_until

SENDERS = 1_000
ENVELOPE = b"Fsender@example.org\0Tone@example.net\0\0"
BEGINNING = b"From: a@example.org\nSubject: slow\n\n" + b"trickle\n" * 250
DROP = b"another drop\n"
# The connection, the message and the envelope.
DESCRIPTORS_A_SENDER = 3
# A task, a buffer of what has arrived, and what the allocator rounds up.
MEMORY_BYTES_A_SENDER = 60_000
# Databases, threads and the like, opened when first needed.
SLACK_DESCRIPTORS = 20
QUICK_SECONDS = 2.0
_ARRIVE_SECONDS = 60.0
_FINISH_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Sender:
    """A client process that is being fed."""

    pid: int
    message: int
    envelope: int


@pytest.fixture(autouse=True)
def _many_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_thousand_slow_senders_cost_descriptors_and_small_buffers() -> None:
    with gate() as running:
        _pass_one(running)  # so that everything is loaded that a message needs
        memory_before, descriptors_before = _memory_bytes(running), _descriptors(running)
        with contextlib.ExitStack() as stack:
            senders = [stack.enter_context(_sender(running)) for _ in range(SENDERS)]
            _feed(senders, BEGINNING)
            wanted = descriptors_before + SENDERS * DESCRIPTORS_A_SENDER
            wait_until(
                lambda: _descriptors(running) >= wanted, _ARRIVE_SECONDS, "all have connected"
            )
            _feed(senders, DROP)
            assert _descriptors(running) <= wanted + SLACK_DESCRIPTORS
            memory = _memory_bytes(running) - memory_before
            assert memory / SENDERS < MEMORY_BYTES_A_SENDER

            assert _pass_one(running) < QUICK_SECONDS
            running.clear()

            assert _finish(senders) == [0] * SENDERS
        queued = running.queue.messages()
        assert len(queued) == SENDERS
        assert all(one.message.endswith(BEGINNING + DROP) for one in queued)
        wait_until(
            lambda: _descriptors(running) <= descriptors_before + SLACK_DESCRIPTORS,
            10,
            "descriptors are closed",
        )


def test_senders_above_the_limit_are_deferred_and_the_others_served() -> None:
    limits = {"limits": {"receiving": 10}, "daemon": {"workers": 1}}
    with gate([], limits) as running, contextlib.ExitStack() as stack:
        before = _descriptors(running)
        senders = [stack.enter_context(_sender(running)) for _ in range(10)]
        wait_until(
            lambda: _descriptors(running) >= before + 10 * DESCRIPTORS_A_SENDER,
            _ARRIVE_SECONDS,
            "all have connected",
        )
        assert running.run(BEGINNING, ENVELOPE) == 71
        _feed(senders, BEGINNING)
        assert _finish(senders) == [0] * 10
        assert running.run(BEGINNING, ENVELOPE) == 0


def test_senders_that_go_away_leave_nothing() -> None:
    with gate() as running:
        most = _descriptors(running) + SLACK_DESCRIPTORS
        with contextlib.ExitStack() as stack:
            senders = [stack.enter_context(_sender(running)) for _ in range(50)]
            _feed(senders, BEGINNING)
            wait_until(lambda: _descriptors(running) > most, _ARRIVE_SECONDS, "they connected")
        wait_until(lambda: _descriptors(running) <= most, 10, "their descriptors are closed")
        assert running.queue.is_empty()


def _pass_one(running: Gate) -> float:
    start = time.monotonic()
    assert running.run(BEGINNING, ENVELOPE) == 0
    return time.monotonic() - start


@contextlib.contextmanager
def _sender(running: Gate) -> Iterator[Sender]:
    message_reader, message_writer = os.pipe2(os.O_CLOEXEC)
    envelope_reader, envelope_writer = os.pipe2(os.O_CLOEXEC)
    pid = os.posix_spawn(
        running.client,
        [str(running.client)],
        running.environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, message_reader, 0),
            (os.POSIX_SPAWN_DUP2, envelope_reader, 1),
        ],
    )
    os.close(message_reader)
    os.close(envelope_reader)
    sender = Sender(pid, message_writer, envelope_writer)
    try:
        yield sender
    finally:
        for descriptor in (sender.message, sender.envelope):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(sender.pid, 0)


def _feed(senders: list[Sender], octets: bytes) -> None:
    for sender in senders:
        os.write(sender.message, octets)


def _finish(senders: list[Sender]) -> list[int]:
    """End every message and give its envelope; the clients' exit codes."""
    start = time.monotonic()
    for sender in senders:
        os.close(sender.message)
        os.write(sender.envelope, ENVELOPE)
        os.close(sender.envelope)
    codes = [os.waitstatus_to_exitcode(os.waitpid(sender.pid, 0)[1]) for sender in senders]
    assert time.monotonic() - start < _FINISH_SECONDS
    return codes


def _memory_bytes(running: Gate) -> int:
    """What the workers hold for themselves alone."""
    return sum(map(_private_bytes, running.worker_pids()))


def _private_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1_024 for line in lines if line.startswith("Private_"))


def _descriptors(running: Gate) -> int:
    folders = (Path(f"/proc/{pid}/fd") for pid in running.worker_pids())
    return sum(1 for folder in folders for _ in folder.iterdir())
