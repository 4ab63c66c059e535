"""The addresses of one service: a limit on connections, idle reuse, and fail-over.

A conversation is a coroutine over one `Connection`; it is tried at each address in turn, those
that failed lately last, so it must be safe to repeat (asking a scanner is).
An address has failed when it is gone, slow, or does not speak the protocol.
"""

import asyncio
import collections
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mailwarden.net.connection import Connection, PeerGoneError, PeerSlowError
from mailwarden.settings.addresses import Address
from mailwarden.wire.errors import PeerError

# A dead peer is tried last for so long, so that not every message pays for finding out.
AVOID_SECONDS = 10.0

T = TypeVar("T")
Failure = PeerGoneError | PeerSlowError | PeerError


@dataclass(frozen=True, slots=True)
class Limits:
    """`connections` at once (all addresses together), `attempt_seconds` for one address.

    `idle` connections are kept for reuse by conversations that ask for it, `idle_seconds` long.
    """

    connections: int
    attempt_seconds: float
    idle: int = 0
    idle_seconds: float = 20.0


class Peers:
    """Holds conversations with whichever address of a service answers."""

    def __init__(self, addresses: Sequence[Address], limits: Limits) -> None:
        self._addresses = tuple(addresses)  # at least one
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.connections)
        self._idle: collections.deque[tuple[float, Connection]] = collections.deque()
        self._avoid_until: dict[Address, float] = {}
        self._is_closed = False

    async def converse(
        self,
        conversation: Callable[[Connection, float], Awaitable[T]],
        deadline: float,
        *,
        reusable: bool = False,
    ) -> T:
        """Hold `conversation(connection, deadline)` and return what it returns.

        `reusable` says that after a whole conversation the connection can serve another.
        A conversation that raises `PeerError` is tried at the next address too; one that leaves
        its connection unfit for another closes it.
        Raises the last address's `PeerGoneError`, `PeerSlowError` or `PeerError`, and whatever
        else the conversation raises.
        """
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise PeerSlowError(f"no free connection to {self._addresses[0]} in time") from None
        try:
            return await self._try_addresses(conversation, deadline, reusable=reusable)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Close the idle connections, and from now on every other one when its talk is over."""
        self._is_closed = True
        while self._idle:
            self._idle.pop()[1].close()

    async def _try_addresses(
        self,
        conversation: Callable[[Connection, float], Awaitable[T]],
        deadline: float,
        *,
        reusable: bool,
    ) -> T:
        now = asyncio.get_running_loop().time
        places = self._places(reusable=reusable)
        place = next(places)
        while True:
            attempt = min(deadline, now() + self._limits.attempt_seconds)
            try:
                return await self._hold(place, conversation, attempt, reusable=reusable)
            except (PeerGoneError, PeerSlowError, PeerError) as error:
                self._note_failure(place, error)
                following = next(places, None)
                if following is None or now() >= deadline:
                    raise
                place = following

    def _places(self, *, reusable: bool) -> Iterator[Connection | Address]:
        """Where to try, in order; what failed is known when the next is chosen."""
        if reusable and (idle := self._take_idle()):
            yield idle
        yield from self._in_order(asyncio.get_running_loop().time())

    def _take_idle(self) -> Connection | None:
        oldest = asyncio.get_running_loop().time() - self._limits.idle_seconds
        while self._idle:
            since, connection = self._idle.pop()
            if since >= oldest and connection.is_quiet:
                return connection
            connection.close()
        return None

    def _in_order(self, now: float) -> list[Address]:
        return sorted(self._addresses, key=lambda address: self._avoid_until.get(address, 0) > now)

    async def _hold(
        self,
        place: Connection | Address,
        conversation: Callable[[Connection, float], Awaitable[T]],
        deadline: float,
        *,
        reusable: bool,
    ) -> T:
        connection = await _connected(place, deadline)
        try:
            result = await conversation(connection, deadline)
        except BaseException:
            connection.close()
            raise
        self._avoid_until.pop(connection.address, None)
        self._keep_or_close(connection, reusable=reusable)
        return result

    def _keep_or_close(self, connection: Connection, *, reusable: bool) -> None:
        if reusable and not self._is_closed and len(self._idle) < self._limits.idle:
            self._idle.append((asyncio.get_running_loop().time(), connection))
        else:
            connection.close()

    def _note_failure(self, place: Connection | Address, error: Failure) -> None:
        if not isinstance(place, Connection):
            address = place
        elif isinstance(error, PeerSlowError):
            address = place.address
        else:
            return  # closed while idle says nothing about the peer
        self._avoid_until[address] = asyncio.get_running_loop().time() + AVOID_SECONDS


async def _connected(place: Connection | Address, deadline: float) -> Connection:
    if isinstance(place, Connection):
        return place
    return await Connection.open(place, deadline)
