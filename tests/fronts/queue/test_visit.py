"""One connection of a client, without the door around it."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.fronts.queue.visit import TroubleError, Visit
from mailwarden.net.intake import Intake
from mailwarden.verdict.reply import Trouble
from mailwarden.wire.gate import Accepted, Exit, encode_answer, encode_request
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
