"""Packets with descriptors: exactly those that were expected, and none left open."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from mailwarden.net.descriptors import (
    DescriptorsError,
    close_all,
    peer_of,
    receive_packet,
    send_packet,
    take_packet,
)
from support.caller import memory_file, open_descriptors

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
        yield ours, theirs


def send(theirs: socket.socket, packet: bytes, count: int) -> None:
    files = [memory_file(b"%d" % number) for number in range(count)]
    socket.send_fds(theirs, [packet], files)
    close_all(files)


def test_the_peer_is_who_the_kernel_says(pair: Pair) -> None:
    peer = peer_of(pair[0])
    assert (peer.pid, peer.uid, peer.gid) == (os.getpid(), os.geteuid(), os.getegid())


def test_a_packet_comes_with_its_descriptors_in_order(pair: Pair) -> None:
    send(pair[1], b"packet", 2)
    packet, descriptors = take_packet(pair[0], 100, 2)
    assert packet == b"packet"
    assert [os.pread(one, 10, 0) for one in descriptors] == [b"0", b"1"]
    assert not any(os.get_inheritable(one) for one in descriptors)
    close_all(descriptors)


@pytest.mark.parametrize(
    ("packet", "count"),
    [(b"x", 0), (b"x", 1), (b"x", 3), (b"x", 8), (b"x", 9), (b"x", 250), (b"x" * 101, 2)],
)
def test_anything_else_is_refused_and_closed(pair: Pair, packet: bytes, count: int) -> None:
    before = open_descriptors()
    send(pair[1], packet, count)
    with pytest.raises(DescriptorsError):
        take_packet(pair[0], 100, 2)
    assert open_descriptors() == before


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_an_empty_packet_is_the_end_and_its_descriptors_are_closed(pair: Pair, count: int) -> None:
    before = open_descriptors()
    send(pair[1], b"", count)
    assert take_packet(pair[0], 100, 2) == (b"", ())
    assert open_descriptors() == before


async def test_the_end_is_an_empty_packet(pair: Pair) -> None:
    pair[1].close()
    assert await receive_packet(pair[0], 100, 2) == (b"", ())


async def test_a_packet_is_waited_for(pair: Pair) -> None:
    receiving = asyncio.create_task(receive_packet(pair[0], 100, 1))
    await asyncio.sleep(0.01)
    assert not receiving.done()
    send(pair[1], b"late", 1)
    packet, descriptors = await asyncio.wait_for(receiving, 10)
    assert packet == b"late"
    close_all(descriptors)


async def test_a_wait_that_was_given_up_leaves_the_packet_where_it_is(pair: Pair) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await receive_packet(pair[0], 100, 2)
    send(pair[1], b"still here", 2)
    packet, descriptors = take_packet(pair[0], 100, 2)
    assert packet == b"still here"
    close_all(descriptors)


def test_what_is_sent_arrives_and_the_descriptors_stay_ours(pair: Pair) -> None:
    file = memory_file(b"content")
    send_packet(pair[0], b"bare")
    send_packet(pair[0], b"with", (file,))
    assert pair[1].recv(100) == b"bare"
    packet, descriptors, _, _ = socket.recv_fds(pair[1], 100, 2)
    assert packet == b"with"
    assert os.pread(descriptors[0], 100, 0) == os.pread(file, 100, 0) == b"content"
    close_all([file, *descriptors])


def test_a_peer_that_lets_packets_pile_up_is_not_waited_for(pair: Pair) -> None:
    sent = 0
    with contextlib.suppress(BlockingIOError):
        for sent in range(100_000):  # noqa: B007 - counted
            send_packet(pair[0], b"K")
    assert sent < 100_000 - 1


def test_a_peer_that_is_gone_is_an_os_error_and_no_signal(pair: Pair) -> None:
    pair[1].close()
    with pytest.raises(OSError, match="Broken pipe"):
        send_packet(pair[0], b"K")


def test_closing_twice_does_no_harm() -> None:
    file = memory_file(b"")
    close_all([file])
    close_all([file, -1])
