"""Descriptors and credentials over a Unix socket of packets (SOCK_SEQPACKET); readiness."""

import array
import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_CREDENTIALS = struct.Struct("3i")
# More than any packet of ours carries, so that too many are seen (and closed), not cut off.
_MOST_DESCRIPTORS = 8


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED)."""

    pid: int
    uid: int
    gid: int


class DescriptorsError(Exception):
    """Not the descriptors that were expected; whatever came was closed."""


def peer_of(connection: socket.socket) -> Peer:
    """Who connected; raises `OSError`."""
    size = _CREDENTIALS.size
    octets = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return Peer(*_CREDENTIALS.unpack(octets))


async def receive_packet(
    connection: socket.socket, size_bytes: int, descriptors: int
) -> tuple[bytes, tuple[int, ...]]:
    """Receive one packet with exactly `descriptors` descriptors attached (an empty one is the end).

    Raises `DescriptorsError` when there are fewer, more, or the packet is longer, and `OSError`.
    """
    while True:
        try:
            return take_packet(connection, size_bytes, descriptors)
        except BlockingIOError:
            await readable(connection.fileno())


async def readable(descriptor: int) -> None:
    """Wait until something can be read, the end included; raises `OSError` for what has no wait."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _resolve, ready)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


async def writable(descriptor: int) -> None:
    """Wait until something can be written; raises `OSError` for what has no wait."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(descriptor, _resolve, ready)
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


def take_packet(
    connection: socket.socket, size_bytes: int, descriptors: int
) -> tuple[bytes, tuple[int, ...]]:
    """Receive one packet that is there already; otherwise as `receive_packet`."""
    number = array.array("i")
    space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * number.itemsize)
    packet, ancillary, flags, _ = connection.recvmsg(size_bytes, space, socket.MSG_CMSG_CLOEXEC)
    for level, kind, octets in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            number.frombytes(octets[: len(octets) - len(octets) % number.itemsize])
    received = tuple(number)
    if not packet:
        close_all(received)  # an empty packet looks like the end, and may still carry some
        return packet, ()
    if flags & (socket.MSG_CTRUNC | socket.MSG_TRUNC) or len(received) != descriptors:
        close_all(received)
        raise DescriptorsError(f"expected a packet with {descriptors} descriptors")
    return packet, received


def send_packet(connection: socket.socket, packet: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send one packet at once; raises `OSError`, also when the peer lets packets pile up."""
    if not descriptors:
        connection.send(packet, socket.MSG_NOSIGNAL)
        return
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    connection.sendmsg([packet], rights, socket.MSG_NOSIGNAL)


def close_all(descriptors: Sequence[int]) -> None:
    """Close descriptors that we own."""
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
