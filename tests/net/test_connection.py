import array
import asyncio
import contextlib
import os
import re
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mailwarden.net.connection import Connection, PeerGoneError, PeerSlowError
from mailwarden.settings.addresses import Address, TcpAddress, UnixAddress
from support.scripted import Peer, Script, scripted

ENOUGH_SECONDS = 20.0
SHORT_SECONDS = 0.2
# More than any socket's buffers hold.
MUCH = b"m" * 20_000_000

BOTH = pytest.mark.parametrize("kind", [UnixAddress, TcpAddress])


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mwn", dir="/tmp") as name:
        yield Path(name)


async def echo(peer: Peer) -> None:
    while octets := await peer.read():
        await peer.say(octets)


async def hang(peer: Peer) -> None:
    await peer.hang()


async def close(peer: Peer) -> None:
    """Accept and close."""


@BOTH
async def test_what_is_sent_arrives_and_what_is_said_is_received(kind: type[Address]) -> None:
    async with connected(echo, kind) as connection:
        await connection.send(b"hello", soon())
        assert await connection.receive(soon()) == b"hello"


@BOTH
async def test_a_peer_that_closes_gives_an_empty_read(kind: type[Address]) -> None:
    async with connected(close, kind) as connection:
        assert await connection.receive(soon()) == b""


@BOTH
async def test_sending_to_a_peer_that_closed_says_that_it_is_gone(kind: type[Address]) -> None:
    async with connected(close, kind) as connection:
        with pytest.raises(PeerGoneError, match=re.escape(str(connection.address))):
            await connection.send(MUCH, soon())


@BOTH
async def test_a_peer_that_says_nothing_is_slow(kind: type[Address]) -> None:
    async with connected(hang, kind) as connection:
        with pytest.raises(PeerSlowError, match="in time"):
            await connection.receive(soon(SHORT_SECONDS))


@BOTH
async def test_a_peer_that_does_not_read_is_slow(kind: type[Address]) -> None:
    async with connected(hang, kind) as connection:
        with pytest.raises(PeerSlowError):
            await connection.send(MUCH, soon(SHORT_SECONDS))


async def test_a_missing_socket_is_a_gone_peer(folder: Path) -> None:
    with pytest.raises(PeerGoneError, match="No such file"):
        await Connection.open(UnixAddress(f"{folder}/none"), soon())


async def test_a_stale_socket_is_a_gone_peer(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/stale")
    with pytest.raises(PeerGoneError, match="refused"):
        await Connection.open(UnixAddress(f"{folder}/stale"), soon())


async def test_a_closed_port_is_a_gone_peer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(PeerGoneError, match=rf"^tcp:127\.0\.0\.1:{port}: Connection refused$"):
        await Connection.open(TcpAddress("127.0.0.1", port), soon())


async def test_a_port_that_does_not_accept_is_slow() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for stream in crowd:
            stream.settimeout(0)
            stream.connect_ex(("127.0.0.1", port))
        with pytest.raises(PeerSlowError):
            await Connection.open(TcpAddress("127.0.0.1", port), soon(SHORT_SECONDS))
        close_all(crowd)


async def test_a_host_without_an_address_is_a_gone_peer() -> None:
    with pytest.raises(PeerGoneError, match=r"not known|resolution|No address"):
        await Connection.open(TcpAddress("no-such-host.invalid", 1), soon())


async def test_a_host_name_is_looked_up_and_its_next_address_tried() -> None:
    async with scripted(echo, TcpAddress) as address:
        assert isinstance(address, TcpAddress)
        named = TcpAddress("localhost", address.port)  # ::1 too, where nobody listens
        async with await Connection.open(named, soon()) as connection:
            await connection.send(b"x", soon())
            assert await connection.receive(soon()) == b"x"


async def test_a_unix_listener_with_a_full_queue_is_waited_for(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        crowd, address = fill_queue(listener, folder)
        opening = asyncio.create_task(Connection.open(address, soon()))
        await asyncio.wait([opening], timeout=SHORT_SECONDS)
        assert not opening.done()
        for _ in crowd:
            listener.accept()[0].close()
        (await opening).close()
        close_all(crowd)


async def test_a_unix_listener_whose_queue_stays_full_is_slow(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        crowd, address = fill_queue(listener, folder)
        with pytest.raises(PeerSlowError):
            await Connection.open(address, soon(SHORT_SECONDS))
        close_all(crowd)


async def test_a_descriptor_goes_with_the_bytes(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, (folder / "file").open("w+b") as file:
        file.write(b"content")
        file.flush()
        listener.bind(f"{folder}/s")
        listener.listen()
        async with await Connection.open(UnixAddress(f"{folder}/s"), soon()) as connection:
            await connection.send_descriptor(file.fileno(), soon(), b"take\0")
            octets, received = take_descriptor(listener)
    assert octets == b"take\0"
    assert os.pread(received, 100, 0) == b"content"
    os.close(received)


async def test_a_descriptor_waits_until_the_peer_reads() -> None:
    async def read_late(peer: Peer) -> None:
        await started.wait()
        await peer.read_until(b"\0")
        await peer.say(b"done")

    started = asyncio.Event()
    async with connected(read_late) as connection:
        with pytest.raises(PeerSlowError):
            await connection.send(MUCH, soon(SHORT_SECONDS))
        sending = asyncio.create_task(connection.send_descriptor(0, soon()))
        await asyncio.sleep(0)
        assert not sending.done()
        started.set()
        await sending
        assert await connection.receive(soon()) == b"done"


async def test_a_descriptor_for_a_peer_that_does_not_read_is_given_up() -> None:
    async with connected(hang) as connection:
        with pytest.raises(PeerSlowError):
            await connection.send(MUCH, soon(SHORT_SECONDS))
        with pytest.raises(PeerSlowError):
            await connection.send_descriptor(0, soon(SHORT_SECONDS))


async def test_ending_our_side_lets_the_peer_answer() -> None:
    async def answer_at_the_end(peer: Peer) -> None:
        octets = await peer.read_until(b"never")
        await peer.say(b"got " + octets)

    async with connected(answer_at_the_end) as connection:
        await connection.send(b"all", soon())
        connection.end_sending()
        assert await connection.receive(soon()) == b"got all"


async def test_a_connection_is_quiet_while_nothing_was_said() -> None:
    async with connected(hang) as connection:
        assert connection.is_quiet


async def test_a_connection_is_not_quiet_when_something_arrived() -> None:
    async def greet(peer: Peer) -> None:
        await peer.say(b"hi")
        await peer.hang()

    async with connected(greet) as connection:
        assert await connection.receive(soon()) == b"hi"
        assert connection.is_quiet
    async with connected(greet) as connection:
        await readable(connection)
        assert not connection.is_quiet


async def test_a_connection_is_not_quiet_when_the_peer_closed() -> None:
    async with connected(close) as connection:
        assert await connection.receive(soon()) == b""
        assert not connection.is_quiet


async def test_closing_twice_is_closing_once() -> None:
    async with connected(hang) as connection:
        connection.close()
        connection.close()
        assert not connection.is_quiet


async def test_cancellation_passes_through() -> None:
    async with connected(hang) as connection:
        receiving = asyncio.create_task(connection.receive(soon()))
        await asyncio.sleep(0)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving


@contextlib.asynccontextmanager
async def connected(script: Script, kind: type[Address] = UnixAddress) -> AsyncIterator[Connection]:
    """A connection to a server that follows `script`."""
    async with scripted(script, kind) as address:
        with contextlib.closing(await Connection.open(address, soon())) as connection:
            yield connection


async def readable(connection: Connection) -> None:
    """Wait until something waits to be read."""
    async with asyncio.timeout(ENOUGH_SECONDS):
        ready = asyncio.Event()
        asyncio.get_running_loop().add_reader(connection._socket, ready.set)
        await ready.wait()
        asyncio.get_running_loop().remove_reader(connection._socket)


def soon(seconds: float = ENOUGH_SECONDS) -> float:
    return asyncio.get_running_loop().time() + seconds


def fill_queue(listener: socket.socket, folder: Path) -> tuple[list[socket.socket], UnixAddress]:
    """Connections that nobody accepts, as many as the listener's queue takes."""
    listener.bind(f"{folder}/full")
    listener.listen(1)
    crowd: list[socket.socket] = []
    while True:
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(0)
        try:
            stream.connect(f"{folder}/full")
        except BlockingIOError:
            stream.close()
            return crowd, UnixAddress(f"{folder}/full")
        crowd.append(stream)


def close_all(crowd: list[socket.socket]) -> None:
    for stream in crowd:
        stream.close()


def take_descriptor(listener: socket.socket) -> tuple[bytes, int]:
    stream, _ = listener.accept()
    with stream:
        octets, ancillary, _, _ = stream.recvmsg(100, socket.CMSG_SPACE(4))
    return octets, array.array("i", ancillary[0][2])[0]
