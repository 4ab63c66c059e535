"""Receiving from descriptors: what is kept, what is counted, what goes wrong."""

import asyncio
import os
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.net.intake import (
    EndlessError,
    Intake,
    SenderIdleError,
    SpoolError,
    receive_all,
)
from mailwarden.net.payload import MemoryPayload, SpoolPayload
from support.caller import fed_pipe, memory_file
from support.tiny_disk import tiny_disk

MEMORY, KEEP, MOST = 100, 300, 1_000


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path, MEMORY, KEEP, MOST)
    yield made
    made.close()


@pytest.mark.parametrize("step", [1, 7, 100, 1_000])
@pytest.mark.parametrize("size_bytes", [0, 1, 99, 100, 101, 299, 300, 301, 1_000])
def test_the_beginning_is_kept_and_all_is_counted(
    intake: Intake, size_bytes: int, step: int
) -> None:
    octets = random.Random(size_bytes).randbytes(size_bytes)  # noqa: S311 - a sample
    for start in range(0, size_bytes, step):
        intake.add(octets[start : start + step])
    payload = intake.payload()
    assert intake.size_bytes == size_bytes
    assert payload.raw[:] == octets[:KEEP]
    assert isinstance(payload, MemoryPayload if size_bytes <= MEMORY else SpoolPayload)
    payload.close()


def test_more_than_any_message_has_is_not_read(intake: Intake) -> None:
    intake.add(b"x" * MOST)
    with pytest.raises(EndlessError):
        intake.add(b"x")


def test_a_full_spool_is_an_error_of_its_own() -> None:
    with tiny_disk(64) as disk:
        intake = Intake(disk, 1_000, 10**9, 10**9)
        intake.add(b"x" * 10_000)
        with pytest.raises(SpoolError, match=r"mwt.*: No space left"):
            intake.add(b"x" * 100_000)
        intake.close()
        assert os.statvfs(disk).f_bfree == os.statvfs(disk).f_blocks


def test_a_missing_spool_is_an_error_of_its_own(tmp_path: Path) -> None:
    intake = Intake(tmp_path / "absent", MEMORY, KEEP, MOST)
    with pytest.raises(SpoolError, match="absent: No such file"):
        intake.add(b"x" * (MEMORY + 1))


def test_a_closed_intake_has_let_go_of_its_file(tmp_path: Path) -> None:
    intake = Intake(tmp_path, MEMORY, KEEP, MOST)
    intake.add(b"x" * (MEMORY + 1))
    intake.close()
    intake.close()


async def test_a_pipe_is_received_whole(tmp_path: Path) -> None:
    octets = os.urandom(2_000_000)
    intake = Intake(tmp_path, 1_000, 10**9, 10**9)
    with fed_pipe(octets) as descriptor:
        await receive_all(descriptor, intake, 10.0)
        os.close(descriptor)
    payload = intake.payload()
    assert payload.raw[:] == octets
    payload.close()


async def test_a_file_lets_others_take_turns(tmp_path: Path) -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(count_turns())
    descriptor = memory_file(bytes(20_000_000))
    intake = Intake(tmp_path, 1_000, 10**9, 10**9)
    await receive_all(descriptor, intake, 10.0)
    others.cancel()
    assert intake.size_bytes == 20_000_000
    assert turns > 10
    intake.close()
    os.close(descriptor)


async def test_a_file_is_let_go_at_once_when_its_message_is_given_up(tmp_path: Path) -> None:
    """A thread went on reading from whatever got the descriptor's number next."""
    descriptor = memory_file(bytes(50_000_000))
    intake = Intake(tmp_path, 1_000, 10**9, 10**9)
    receiving = asyncio.create_task(receive_all(descriptor, intake, 10.0))
    await asyncio.sleep(0)
    threads = threading.active_count()
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    assert 0 < place < 50_000_000
    assert threading.active_count() <= threads
    await asyncio.sleep(0.05)
    assert os.lseek(descriptor, 0, os.SEEK_CUR) == place
    intake.close()
    os.close(descriptor)


async def test_who_pauses_too_long_is_given_up(intake: Intake) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"begun")
    with pytest.raises(SenderIdleError, match=r"0\.05 seconds"):
        await receive_all(reader, intake, 0.05)
    os.close(reader)
    os.close(writer)
    assert intake.size_bytes == 5


async def test_what_cannot_be_read_is_an_os_error(intake: Intake) -> None:
    descriptor = os.open("/dev/null", os.O_WRONLY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        await receive_all(descriptor, intake, 1.0)
    os.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        await receive_all(descriptor, intake, 1.0)


async def test_a_socket_of_packets_is_not_read_for_its_end_may_never_come(intake: Intake) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, pytest.raises(OSError, match="expected a pipe, a file or a stream"):
        await receive_all(ours.fileno(), intake, 10)


async def test_a_stream_socket_is_received_whole(intake: Intake) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(b"message")
        await receive_all(ours.fileno(), intake, 10)
    assert intake.payload().raw[:] == b"message"
