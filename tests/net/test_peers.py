import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from mailwarden.net.connection import Connection, PeerGoneError, PeerSlowError
from mailwarden.net.peers import Limits, Peers
from mailwarden.settings.addresses import Address, UnixAddress
from mailwarden.wire.errors import PeerError
from support.scripted import Peer, scripted

ENOUGH_SECONDS = 20.0
SHORT_SECONDS = 0.2
NOWHERE = UnixAddress("/nowhere/at/all")
LIMITS = Limits(connections=4, attempt_seconds=ENOUGH_SECONDS)
REUSING = Limits(connections=4, attempt_seconds=ENOUGH_SECONDS, idle=2)


class Server:
    """Counts connections and questions; answers each question "?" with its connection's number."""

    def __init__(self) -> None:
        self.connections = 0
        self.questions = 0
        self.questions_per_connection = 1_000
        self.is_hanging = False

    async def script(self, peer: Peer) -> None:
        self.connections += 1
        for _ in range(self.questions_per_connection):
            if not await peer.read_until(b"?"):
                return
            self.questions += 1
            if self.is_hanging:
                await peer.hang()
            await peer.say(b"%d." % peer.number)


async def ask(connection: Connection, deadline: float) -> bytes:
    await connection.send(b"?", deadline)
    octets = await connection.receive(deadline)
    if not octets:
        raise PeerGoneError("closed")
    return octets


async def find_rubbish(connection: Connection, deadline: float) -> bytes:
    await ask(connection, deadline)
    raise PeerError("rubbish")


async def test_a_conversation_gives_its_answer() -> None:
    async with served(LIMITS) as (peers, _):
        assert await peers.converse(ask, soon()) == b"1."


async def test_each_conversation_has_its_own_connection_unless_it_can_share() -> None:
    async with served(REUSING) as (peers, server):
        await peers.converse(ask, soon())
        await peers.converse(ask, soon())
        assert server.connections == 2


async def test_a_reusable_connection_serves_the_next_conversation() -> None:
    async with served(REUSING) as (peers, server):
        for _ in range(5):
            assert await peers.converse(ask, soon(), reusable=True) == b"1."
        assert (server.connections, server.questions) == (1, 5)


async def test_no_more_connections_are_kept_than_idle_ones_are_allowed() -> None:
    async with served(REUSING) as (peers, server):
        for _ in range(2):
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(peers.converse(ask, soon(), reusable=True))
        assert server.connections == 4 + 2


async def test_a_connection_idle_for_too_long_is_not_used_again() -> None:
    limits = Limits(connections=4, attempt_seconds=ENOUGH_SECONDS, idle=2, idle_seconds=0)
    async with served(limits) as (peers, server):
        await peers.converse(ask, soon(), reusable=True)
        await peers.converse(ask, soon(), reusable=True)
        assert server.connections == 2


async def test_a_connection_that_was_closed_while_idle_is_replaced_unnoticed() -> None:
    async with served(REUSING) as (peers, server):
        server.questions_per_connection = 1
        assert await peers.converse(ask, soon(), reusable=True) == b"1."
        assert await peers.converse(ask, soon(), reusable=True) == b"2."


async def test_a_conversation_that_closes_its_connection_does_not_pass_it_on() -> None:
    async def ask_and_close(connection: Connection, deadline: float) -> bytes:
        octets = await ask(connection, deadline)
        connection.close()
        return octets

    async with served(REUSING) as (peers, _):
        assert await peers.converse(ask_and_close, soon(), reusable=True) == b"1."
        assert await peers.converse(ask, soon(), reusable=True) == b"2."


async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    async with served(LIMITS, NOWHERE) as (peers, server):
        assert await peers.converse(ask, soon()) == b"1."
        assert server.connections == 1


async def test_the_next_address_is_tried_when_one_hangs() -> None:
    hanging = Server()
    hanging.is_hanging = True
    limits = Limits(connections=4, attempt_seconds=SHORT_SECONDS)
    async with scripted(hanging.script) as first, served(limits, first) as (peers, server):
        assert await peers.converse(ask, soon()) == b"1."
        assert (hanging.questions, server.questions) == (1, 1)


async def test_the_next_address_is_tried_when_one_hangs_on_a_reused_connection() -> None:
    first_server = Server()
    limits = Limits(connections=4, attempt_seconds=SHORT_SECONDS, idle=4)
    async with scripted(first_server.script) as first, served(limits, first) as (peers, server):
        assert await peers.converse(ask, soon(), reusable=True) == b"1."
        first_server.is_hanging = True
        assert await peers.converse(ask, soon(), reusable=True) == b"1."
        assert (first_server.questions, server.questions) == (2, 1)


async def test_the_next_address_is_tried_when_one_talks_rubbish() -> None:
    first, second = Server(), Server()
    async with scripted(first.script) as one, scripted(second.script) as other:
        peers = Peers([one, other], LIMITS)
        with pytest.raises(PeerError, match="rubbish"):
            await peers.converse(find_rubbish, soon())
        assert (first.questions, second.questions) == (1, 1)


async def test_an_address_that_failed_is_tried_last_for_a_while() -> None:
    first = Server()
    first.questions_per_connection = 0
    async with scripted(first.script) as address, served(LIMITS, address) as (peers, server):
        await peers.converse(ask, soon())
        await peers.converse(ask, soon())
        assert (first.connections, server.connections) == (1, 2)


async def test_the_last_addresss_failure_is_raised() -> None:
    peers = Peers([NOWHERE, UnixAddress("/nowhere/else")], LIMITS)
    with pytest.raises(PeerGoneError, match="/nowhere/else"):
        await peers.converse(ask, soon())


async def test_what_else_a_conversation_raises_is_raised_and_its_connection_closed() -> None:
    async def fail(connection: Connection, deadline: float) -> bytes:
        seen.append(connection)
        raise ZeroDivisionError

    seen: list[Connection] = []
    async with served(REUSING) as (peers, server):
        with pytest.raises(ZeroDivisionError):
            await peers.converse(fail, soon(), reusable=True)
        assert not seen[0].is_quiet
        assert await peers.converse(ask, soon(), reusable=True) == b"2."
        assert server.connections == 2


async def test_no_more_connections_are_open_than_allowed() -> None:
    async def count(connection: Connection, deadline: float) -> bytes:
        at_once.append(len(open_now))
        open_now.add(connection)
        octets = await ask(connection, deadline)
        open_now.remove(connection)
        return octets

    open_now: set[Connection] = set()
    at_once: list[int] = []
    async with served(LIMITS) as (peers, server):
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(peers.converse(count, soon()))
        assert server.questions == 20
        assert max(at_once) == LIMITS.connections - 1


async def test_waiting_for_a_free_connection_ends_at_the_deadline() -> None:
    limits = Limits(connections=1, attempt_seconds=ENOUGH_SECONDS)
    async with served(limits) as (peers, server):
        server.is_hanging = True
        first = asyncio.create_task(peers.converse(ask, soon()))
        await until(lambda: server.questions == 1)
        with pytest.raises(PeerSlowError, match="no free connection"):
            await peers.converse(ask, soon(SHORT_SECONDS))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        server.is_hanging = False
        assert await peers.converse(ask, soon()) == b"2."


async def test_no_further_address_is_tried_after_the_deadline() -> None:
    hanging = Server()
    hanging.is_hanging = True
    async with scripted(hanging.script) as first, served(LIMITS, first) as (peers, server):
        with pytest.raises(PeerSlowError):
            await peers.converse(ask, soon(SHORT_SECONDS))
        assert server.connections == 0


async def test_closing_closes_idle_connections_and_keeps_no_more() -> None:
    kept: list[Connection] = []

    async def ask_and_note(connection: Connection, deadline: float) -> bytes:
        kept.append(connection)
        return await ask(connection, deadline)

    async with served(REUSING) as (peers, _):
        await peers.converse(ask_and_note, soon(), reusable=True)
        before = [connection.is_quiet for connection in kept]
        await peers.close()
        await peers.converse(ask_and_note, soon(), reusable=True)
        assert (before, [connection.is_quiet for connection in kept]) == ([True], [False, False])


@contextlib.asynccontextmanager
async def served(limits: Limits, *before: Address) -> AsyncIterator[tuple[Peers, Server]]:
    """Peers whose last address is a good server, after the addresses in `before`."""
    server = Server()
    async with scripted(server.script) as address:
        peers = Peers([*before, address], limits)
        try:
            yield peers, server
        finally:
            await peers.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(ENOUGH_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in this loop
            await asyncio.sleep(0)


def soon(seconds: float = ENOUGH_SECONDS) -> float:
    return asyncio.get_running_loop().time() + seconds
