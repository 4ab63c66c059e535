"""One stream connection to a peer, every wait under a deadline of the event loop's clock.

Raw non-blocking sockets, because asyncio's streams cannot pass descriptors (clamd's FILDES).
Foreign exceptions are mapped here, once: a caller sees `PeerGoneError` or `PeerSlowError`.
"""

import array
import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from mailwarden.net.descriptors import writable
from mailwarden.settings.addresses import Address, UnixAddress

RECEIVE_BYTES = 65_536
# How soon a unix listener whose queue was full is tried again; clamd empties its own in far less.
FULL_QUEUE_SECONDS = 0.005

# A family and where to connect in it, as getaddrinfo gives them.
_Place = tuple[socket.AddressFamily, Any]  # socket.connect takes any family's address


class PeerGoneError(Exception):
    """The peer is absent, refused, or closed the connection; the text names the address."""


class PeerSlowError(Exception):
    """The deadline passed before the peer was done; the text names the address."""


class Connection:
    """A connected stream socket; close it, or use it as an async context manager."""

    def __init__(self, address: Address, stream: socket.socket) -> None:
        self.address = address
        self._socket = stream

    @classmethod
    async def open(cls, address: Address, deadline: float) -> Self:
        """Connect; raises `PeerGoneError` or `PeerSlowError`."""
        async with _bounded(address, deadline):
            if isinstance(address, UnixAddress):
                return cls(address, await _connect_unix(address.path))
            return cls(address, await _connect_tcp(address.host, address.port))

    async def send(self, octets: bytes | memoryview, deadline: float) -> None:
        """Send all of `octets`."""
        async with _bounded(self.address, deadline):
            await asyncio.get_running_loop().sock_sendall(self._socket, octets)

    async def send_descriptor(
        self, descriptor: int, deadline: float, octets: bytes = b"\0"
    ) -> None:
        """Send `octets` (at least one byte) with `descriptor` attached; unix sockets only.

        The other side has the descriptor with the first byte; ours stays open.
        """
        async with _bounded(self.address, deadline):
            sent = await self._send_rights(descriptor, octets)
            await asyncio.get_running_loop().sock_sendall(self._socket, octets[sent:])

    async def _send_rights(self, descriptor: int, octets: bytes) -> int:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        while True:
            try:
                return self._socket.sendmsg([octets], rights)
            except BlockingIOError:
                await writable(self._socket.fileno())

    async def receive(self, deadline: float) -> bytes:
        """Some bytes, at most `RECEIVE_BYTES`; empty when the peer closed its side."""
        async with _bounded(self.address, deadline):
            return await asyncio.get_running_loop().sock_recv(self._socket, RECEIVE_BYTES)

    def end_sending(self) -> None:
        """Close our side for writing; the peer reads to its end and may still answer."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    @property
    def is_quiet(self) -> bool:
        """Nothing arrived and the peer has not closed: an idle connection that may be reused."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close at once; safe to call twice."""
        self._socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@contextlib.asynccontextmanager
async def _bounded(address: Address, deadline: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError:
        raise PeerSlowError(f"{address} did not answer in time") from None
    except OSError as error:
        raise PeerGoneError(f"{address}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    """The system's own words, for people; asyncio says `Connect call failed` and a tuple."""
    if error.errno and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


async def _connect_unix(path: str) -> socket.socket:
    stream = _new_socket(socket.AF_UNIX)
    try:
        while not _is_connected_at_once(stream, path):  # noqa: ASYNC110 - no event tells us
            await asyncio.sleep(FULL_QUEUE_SECONDS)
    except BaseException:
        stream.close()
        raise
    return stream


def _is_connected_at_once(stream: socket.socket, path: str) -> bool:
    # EAGAIN from a unix socket says that the listener's queue is full, not that connecting is in
    # progress (connect(2)); the loop's own sock_connect would take it for a connection.
    try:
        stream.connect(path)
    except BlockingIOError:
        return False
    return True


async def _connect_tcp(host: str, port: int) -> socket.socket:
    failure: OSError = OSError("no address")
    for family, place in await _resolve(host, port):
        stream = _new_socket(family)
        try:
            await asyncio.get_running_loop().sock_connect(stream, place)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            stream.close()
            failure = error
        except BaseException:
            stream.close()
            raise
        else:
            return stream
    raise failure


async def _resolve(host: str, port: int) -> list[_Place]:
    kind = socket.SOCK_STREAM
    # An IP address needs no resolver, whose thread would cost more than the connection.
    try:
        found = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=kind)
    return [(family, place) for family, _, _, _, place in found]


def _new_socket(family: int) -> socket.socket:
    stream = socket.socket(family, socket.SOCK_STREAM)
    stream.settimeout(0)
    return stream
