"""Little servers that do what a test says, for peers that are confused, slow or hostile.

    async def rubbish(peer: Peer) -> None:
        await peer.read_until(b"\\0")
        await peer.say(b"?")

    async with scripted(rubbish) as address: ...

Each connection runs the script; when the script ends, the connection is closed.
"""

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from mailwarden.settings.addresses import Address, TcpAddress, UnixAddress

_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Peer:
    """The server's end of one connection; `number` counts connections from 1."""

    number: int
    _socket: socket.socket

    async def read(self) -> bytes:
        """Some bytes; empty when the other side closed."""
        return await asyncio.get_running_loop().sock_recv(self._socket, _READ_BYTES)

    async def read_until(self, end: bytes) -> bytes:
        """Everything until what was read ends with `end`, or the other side closed."""
        octets = b""
        while not octets.endswith(end):
            more = await self.read()
            if not more:
                break
            octets += more
        return octets

    async def say(self, octets: bytes) -> None:
        """Send `octets`."""
        await asyncio.get_running_loop().sock_sendall(self._socket, octets)

    async def hang(self) -> None:
        """Do nothing until the test ends."""
        await asyncio.get_running_loop().create_future()


Script = Callable[[Peer], Awaitable[None]]


@contextlib.asynccontextmanager
async def scripted(script: Script, kind: type[Address] = UnixAddress) -> AsyncIterator[Address]:
    """A server that runs `script` on each connection until the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="mws", dir="/tmp"))
    listener, address = _listen(folder, kind)
    talks: list[tuple[socket.socket, asyncio.Task[None]]] = []
    accepting = asyncio.create_task(_accept(listener, script, talks))
    try:
        yield address
    finally:
        tasks = [accepting, *(task for _, task in talks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for stream in (listener, *(stream for stream, _ in talks)):
            stream.close()
        shutil.rmtree(folder)


def _listen(folder: Path, kind: type[Address]) -> tuple[socket.socket, Address]:
    if kind is TcpAddress:
        listener = socket.create_server(("127.0.0.1", 0))
        address: Address = TcpAddress("127.0.0.1", listener.getsockname()[1])
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / "s"))
        listener.listen()
        address = UnixAddress(str(folder / "s"))
    listener.settimeout(0)
    return listener, address


async def _accept(
    listener: socket.socket,
    script: Script,
    talks: list[tuple[socket.socket, asyncio.Task[None]]],
) -> None:
    while True:
        stream, _ = await asyncio.get_running_loop().sock_accept(listener)
        peer = Peer(len(talks) + 1, stream)
        talks.append((stream, asyncio.create_task(_talk(peer, stream, script))))


async def _talk(peer: Peer, stream: socket.socket, script: Script) -> None:
    with stream, contextlib.suppress(ConnectionError):
        await script(peer)
