"""One connection of `mailwarden-queue`: what it gives us, and what we say to it (wire.gate)."""

import asyncio
import contextlib
import socket
from collections.abc import Iterable, Iterator, Sequence

from mailwarden.net.descriptors import (
    DescriptorsError,
    Peer,
    close_all,
    peer_of,
    receive_packet,
    send_packet,
)
from mailwarden.net.intake import (
    EndlessError,
    Intake,
    SenderIdleError,
    SpoolError,
    receive_all,
)
from mailwarden.ports.courier import CourierGoneError
from mailwarden.verdict.arrival import Origin
from mailwarden.verdict.reply import Trouble
from mailwarden.wire import gate
from mailwarden.wire.errors import PeerError

# mailwarden-queue speaks at once after connecting; who does not is no client of ours.
_REQUEST_SECONDS = 10.0
_MESSAGE_AND_ENVELOPE = 2
# qmail-queue may wait for a day; by then the sender has long given up, and so would a client that
# is stopped hold its message here for ever. Sendmail's own senders wait for ten minutes (RFC 5321
# section 4.5.3.2.6).
_QUEUE_SECONDS = 600.0


class TroubleError(Exception):
    """A message could not be dealt with; it is answered by the trouble's code."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail


class Visit:
    """One connection of a client: what it gave us, and what we say to it."""

    def __init__(self, connection: socket.socket, message_id: str) -> None:
        self.id = message_id
        self.peer: Peer | None = None
        self.origin = Origin()
        self.message = -1
        self.envelope = -1
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._alive: asyncio.TimerHandle | None = None
        self._is_owed_an_end = False
        self._ended = False
        self.client_left = False

    async def hear_request(self, users: frozenset[int] | None) -> None:
        """Take the client's packet and descriptors; `users` may speak, None means everybody."""
        peer = self.peer = peer_of(self._connection)
        if users is not None and peer.uid not in users:
            raise TroubleError(Trouble.BUSY, f"uid {peer.uid} is not among queue.users")
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                packet, descriptors = await receive_packet(
                    self._connection, gate.PACKET_BYTES, _MESSAGE_AND_ENVELOPE
                )
            if not packet:
                raise TroubleError(Trouble.ABANDONED, "the client went without a word")
            self.message, self.envelope = descriptors
            variables = gate.parse_request(packet)
        except TimeoutError:
            raise TroubleError(Trouble.ABANDONED, "the client said nothing") from None
        except (DescriptorsError, PeerError) as error:
            raise TroubleError(Trouble.ABANDONED, str(error)) from error
        except OSError as error:
            raise TroubleError(Trouble.ABANDONED, f"request: {error.strerror}") from error
        self.origin = Origin(variables, uid=peer.uid, pid=peer.pid)

    def watch_client(self) -> None:
        """Keep telling the client that we live, and end the task when it is gone."""
        self._loop.add_reader(self._connection, self._client_stirred)
        self._alive = self._loop.call_later(gate.KEEPALIVE_SECONDS, self._keep_alive)

    def unwatch_client(self) -> None:
        """From here on the message is finished whether the client waits or not."""
        self._loop.remove_reader(self._connection)

    async def read(self, descriptor: int, intake: Intake, idle_seconds: float) -> None:
        """Read one of the client's descriptors to its end."""
        try:
            await receive_all(descriptor, intake, idle_seconds)
        except (SenderIdleError, EndlessError) as error:
            raise TroubleError(Trouble.ABANDONED, str(error)) from error
        except SpoolError as error:
            raise TroubleError(Trouble.CANNOT_WRITE, str(error)) from error
        except OSError as error:
            raise TroubleError(Trouble.ABANDONED, f"receiving: {error.strerror}") from error

    def say(self, answer: gate.Answer, descriptors: Iterable[int] = ()) -> bool:
        """Send one packet; false when the client cannot hear it, or had its last word already."""
        if self._ended:
            return False
        self._ended = isinstance(answer, gate.Queue | gate.Exit)
        try:
            send_packet(self._connection, gate.encode_answer(answer), tuple(descriptors))
        except OSError:
            return False
        return True

    async def submit(self, descriptors: Sequence[int]) -> int:
        """Have the client queue one copy; returns qmail-queue's exit code, 0 is queued.

        The descriptors, message and envelope, stand at their beginnings and stay ours to close.
        From the first copy on nobody watches the client (`unwatch_client`).
        While qmail-queue runs the client hears nothing and is told nothing.
        Raises `CourierGoneError`, after which, as after a cancellation, no other copy can be
        submitted: only a last word can be said.
        """
        if self._is_owed_an_end:
            raise CourierGoneError("the client has not said how an earlier copy ended")
        self.unwatch_client()
        self._is_owed_an_end = True
        with self._silence():
            if not self.say(gate.Submit(), descriptors):
                raise CourierGoneError("the client is gone")
            code = await self._hear_end()
        self._is_owed_an_end = False
        return code

    def close(self) -> None:
        """Give back what the client gave us."""
        self.unwatch_client()
        self._stop_keeping_alive()
        close_all([one for one in (self.message, self.envelope) if one >= 0])

    async def _hear_end(self) -> int:
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                packet, _ = await receive_packet(self._connection, gate.PACKET_BYTES, 0)
            if not packet:
                raise CourierGoneError("the client went away while it queued a copy")
            return gate.parse_submitted(packet).code
        except TimeoutError:
            raise CourierGoneError("the queue took too long for a copy") from None
        except (DescriptorsError, PeerError) as error:
            raise CourierGoneError(str(error)) from error
        except OSError as error:
            raise CourierGoneError(f"submitting: {error.strerror}") from error

    @contextlib.contextmanager
    def _silence(self) -> Iterator[None]:
        """No keep-alives: they would fill the connection of a client that does not listen."""
        is_kept_alive = self._alive is not None
        self._stop_keeping_alive()
        try:
            yield
        finally:
            if is_kept_alive:
                self._alive = self._loop.call_later(gate.KEEPALIVE_SECONDS, self._keep_alive)

    def _stop_keeping_alive(self) -> None:
        if self._alive:
            self._alive.cancel()
        self._alive = None

    def _keep_alive(self) -> None:
        self.say(gate.Alive())
        self._alive = self._loop.call_later(gate.KEEPALIVE_SECONDS, self._keep_alive)

    def _client_stirred(self) -> None:
        """The client has nothing more to say: whatever made this readable, it is the end."""
        self.unwatch_client()
        self._ended = self.client_left = True
        if self._task:
            self._task.cancel()
