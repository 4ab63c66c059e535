"""One connection of a client, without the door around it."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mailwarden.fronts.queue.visit import TroubleError, Visit
from mailwarden.net.descriptors import readable, receive_packet
from mailwarden.net.intake import Intake
from mailwarden.ports.courier import CourierGoneError
from mailwarden.verdict.reply import Trouble
from mailwarden.wire import gate
from mailwarden.wire.gate import (
    PACKET_BYTES,
    Accepted,
    Alive,
    Exit,
    Queue,
    Submit,
    Submitted,
    encode_answer,
    encode_request,
    encode_submitted,
)
from support.caller import memory_file, open_descriptors
from support.tiny_disk import tiny_disk

Pair = tuple[socket.socket, socket.socket]
EVERYBODY = None


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
        yield ours, theirs


def request(theirs: socket.socket, **variables: bytes) -> None:
    files = memory_file(b"message"), memory_file(b"envelope")
    socket.send_fds(theirs, [encode_request(variables)], files)
    for file in files:
        os.close(file)


async def test_the_request_gives_descriptors_and_origin(pair: Pair) -> None:
    before = open_descriptors()
    visit = Visit(pair[0], "one")
    request(pair[1], TCPREMOTEIP=b"192.0.2.1", RELAYCLIENT=b"")
    await visit.hear_request(EVERYBODY)
    assert os.pread(visit.message, 100, 0) == b"message"
    assert os.pread(visit.envelope, 100, 0) == b"envelope"
    assert visit.origin.address == "192.0.2.1"
    assert visit.origin.is_relay_client
    assert (visit.origin.pid, visit.origin.uid) == (os.getpid(), os.geteuid())
    visit.close()
    assert open_descriptors() == before


async def test_a_user_who_is_not_allowed_is_not_even_heard(pair: Pair) -> None:
    visit = Visit(pair[0], "one")
    request(pair[1])
    with pytest.raises(TroubleError, match=r"not among queue\.users") as caught:
        await visit.hear_request(frozenset({os.geteuid() + 1}))
    assert caught.value.trouble is Trouble.BUSY
    assert visit.message == -1
    visit.close()


async def test_nothing_is_said_after_the_last_word(pair: Pair) -> None:
    visit = Visit(pair[0], "one")
    assert visit.say(Accepted())
    assert visit.say(Exit(71))
    assert not visit.say(Exit(0))
    assert pair[1].recv(100) == encode_answer(Accepted())
    assert pair[1].recv(100) == encode_answer(Exit(71))
    visit.close()


async def test_a_client_that_is_gone_cannot_hear(pair: Pair) -> None:
    visit = Visit(pair[0], "one")
    pair[1].close()
    assert not visit.say(Accepted())
    visit.close()


@pytest.mark.parametrize("is_packet", [False, True])
async def test_a_client_that_stirs_ends_its_task(pair: Pair, is_packet: bool) -> None:
    visits: list[Visit] = []

    async def serve() -> None:
        visits.append(Visit(pair[0], "one"))
        visits[0].watch_client()
        await asyncio.sleep(60)

    serving = asyncio.create_task(serve())
    await asyncio.sleep(0)
    if is_packet:
        pair[1].send(b"more")
    else:
        pair[1].close()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 10)
    assert visits[0].client_left
    assert not visits[0].say(Exit(0))
    visits[0].close()


async def test_a_client_that_stirs_when_nobody_watches_ends_nothing(pair: Pair) -> None:
    visit = Visit(pair[0], "one")
    visit.watch_client()
    visit.unwatch_client()
    pair[1].close()
    await asyncio.sleep(0.02)
    assert not visit.client_left
    visit.close()


async def test_a_sender_that_breaks_off_is_no_full_disk(pair: Pair, tmp_path: Path) -> None:
    """Every error after the first byte was taken for a full disk."""
    ours, theirs = socket.socketpair()
    theirs.send(b"never read")
    ours.send(b"half a message")
    ours.close()
    visit = Visit(pair[0], "one")
    with theirs, pytest.raises(TroubleError) as caught:
        await visit.read(theirs.fileno(), Intake(tmp_path, 100, 100, 1_000), 10.0)
    assert caught.value.trouble is Trouble.ABANDONED
    visit.close()


async def test_a_full_spool_is_a_full_disk(pair: Pair) -> None:
    visit = Visit(pair[0], "one")
    message = memory_file(bytes(200_000))
    with tiny_disk(64) as disk:
        intake = Intake(disk, 100, 10**9, 10**9)
        with pytest.raises(TroubleError, match="No space left") as caught:
            await visit.read(message, intake, 10.0)
        intake.close()
    assert caught.value.trouble is Trouble.CANNOT_WRITE
    os.close(message)
    visit.close()


@contextlib.contextmanager
def copy() -> Iterator[tuple[int, int]]:
    """A message and an envelope, given back at the end."""
    files = memory_file(b"message"), memory_file(b"envelope")
    yield files
    for file in files:
        os.close(file)


async def hear_submit(theirs: socket.socket) -> tuple[bytes, bytes]:
    """The client's side: wait for a copy, and give back what is in it."""
    theirs.setblocking(False)  # noqa: FBT003 - the standard library's signature
    packet, files = await asyncio.wait_for(receive_packet(theirs, PACKET_BYTES, 2), 10)
    assert packet == encode_answer(Submit())
    message, envelope = (os.pread(file, 100, 0) for file in files)
    for file in files:
        os.close(file)
    return message, envelope


@pytest.fixture
async def visit(pair: Pair) -> AsyncIterator[Visit]:
    visit = Visit(pair[0], "one")
    yield visit
    visit.close()


async def submitted(visit: Visit, theirs: socket.socket, packet: bytes) -> int:
    """Submit a copy that the client answers with `packet`; an empty one means that it goes away."""
    with copy() as files:
        submitting = asyncio.create_task(visit.submit(files))
        assert await hear_submit(theirs) == (b"message", b"envelope")
        assert not submitting.done()
        if packet:
            theirs.send(packet)
        else:
            theirs.close()
        return await asyncio.wait_for(submitting, 10)


async def test_each_copys_exit_code_is_heard(pair: Pair, visit: Visit) -> None:
    before = open_descriptors()
    for code in (0, 31, 53, 120, 255):
        assert await submitted(visit, pair[1], encode_submitted(Submitted(code))) == code
    assert open_descriptors() == before
    with copy() as files:
        assert visit.say(Queue(), files)


async def test_a_client_that_was_watched_is_heard_all_the_same(pair: Pair, visit: Visit) -> None:
    visit.watch_client()
    assert await submitted(visit, pair[1], encode_submitted(Submitted(31))) == 31
    assert not visit.client_left


@pytest.mark.parametrize("packet", [b"", b"D", b"D\0\0", b"nonsense", bytes(100_000)])
async def test_a_client_that_goes_away_or_speaks_nonsense_is_gone(
    pair: Pair, visit: Visit, packet: bytes
) -> None:
    with pytest.raises(CourierGoneError):
        await submitted(visit, pair[1], packet)
    with copy() as files, pytest.raises(CourierGoneError, match="an earlier copy"):
        await visit.submit(files)


async def test_descriptors_that_come_with_an_end_are_closed(pair: Pair, visit: Visit) -> None:
    before = open_descriptors()
    with copy() as files:
        submitting = asyncio.create_task(visit.submit(files))
        await hear_submit(pair[1])
        socket.send_fds(pair[1], [encode_submitted(Submitted(0))], files)
        with pytest.raises(CourierGoneError):
            await asyncio.wait_for(submitting, 10)
    assert open_descriptors() == before


async def test_a_client_that_is_gone_already_queues_no_copy(pair: Pair, visit: Visit) -> None:
    pair[1].close()
    with copy() as files, pytest.raises(CourierGoneError):
        await visit.submit(files)


async def test_no_copy_is_submitted_after_the_last_word(pair: Pair, visit: Visit) -> None:
    visit.say(Exit(71))
    with copy() as files, pytest.raises(CourierGoneError):
        await visit.submit(files)


async def test_after_a_cancellation_only_a_last_word_can_be_said(pair: Pair, visit: Visit) -> None:
    with copy() as files:
        submitting = asyncio.create_task(visit.submit(files))
        await hear_submit(pair[1])
        submitting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await submitting
        pair[1].send(encode_submitted(Submitted(0)))
        with pytest.raises(CourierGoneError, match="an earlier copy"):
            await visit.submit(files)
    assert visit.say(Exit(71))
    assert pair[1].recv(100) == encode_answer(Exit(71))


async def test_keep_alives_rest_while_a_copy_is_queued(
    pair: Pair, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "KEEPALIVE_SECONDS", 0.02)
    theirs = pair[1]
    visit.watch_client()
    with copy() as files:
        submitting = asyncio.create_task(visit.submit(files))
        await hear_submit(theirs)
        await asyncio.sleep(0.1)
        with pytest.raises(BlockingIOError):
            theirs.recv(PACKET_BYTES)
        theirs.send(encode_submitted(Submitted(0)))
        assert await submitting == 0
    await asyncio.wait_for(readable(theirs.fileno()), 10)
    assert theirs.recv(PACKET_BYTES) == encode_answer(Alive())
