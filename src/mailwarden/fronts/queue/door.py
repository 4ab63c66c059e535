"""The door for `mailwarden-queue`: descriptors come in, a verdict goes back (wire.gate).

One task for each connection. Receiving costs a descriptor and a buffer; only a complete message
takes a turn among those being scanned, and its deadline starts then.
A client that goes away before we keep anything ends the task; from then on it is finished first.
"""

import asyncio
import contextlib
import os
import pwd
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, assert_never

from mailwarden.fronts.queue.visit import TroubleError, Visit
from mailwarden.message.edits import Edit, edited_pieces
from mailwarden.net.descriptors import Peer, close_all
from mailwarden.net.intake import Intake
from mailwarden.net.payload import HeldPayload, MemoryPayload, edited_file, sealed_file
from mailwarden.pipeline.examine import Examination, Examiner
from mailwarden.pipeline.options import PathOptions
from mailwarden.pipeline.perform import (
    Defer,
    Deliver,
    Done,
    Kept,
    Outcome,
    Passed,
    Performer,
    Refuse,
)
from mailwarden.ports.courier import CourierGoneError
from mailwarden.ports.keeping import KeepingError
from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.disposition import Disposition, parse_disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.reply import (
    Trouble,
    defer_reply,
    kept_reply,
    passed_reply,
    reject_reply,
    trouble_reply,
)
from mailwarden.wire import gate
from mailwarden.wire.envelope import (
    ENVELOPE_BYTES,
    AbandonedError,
    AddressTooLongError,
    Envelope,
    encode_envelope,
    parse_envelope,
)
from mailwarden.wire.errors import PeerError

# A sender that goes on so far past the largest message is no mailer; it is cut off.
_GIVE_UP_FACTOR = 10
# Out of descriptors; by then some message will have ended.
_ACCEPT_PAUSE_SECONDS = 0.5


class Journal(Protocol):
    """Hears what the door did, with the message's id in every line."""

    def passed(self, message_id: str, record: Record, outcome: str) -> None:
        """A message was dealt with."""
        ...

    def troubled(self, message_id: str, trouble: Trouble, detail: str, peer: Peer | None) -> None:
        """A message or client could not be dealt with; it was answered with the trouble's code."""
        ...

    def failed(self, message_id: str, error: BaseException) -> None:
        """A bug of ours ended the message; it was answered with `Trouble.OUR_BUG`."""
        ...


@dataclass(frozen=True, slots=True)
class Moments:
    """Time and ids, given from outside: `now` is seconds since the epoch."""

    now: Callable[[], float]
    new_id: Callable[[float], str]


class QueueDoor:
    """Serves `mailwarden-queue` on listening sockets until closed."""

    def __init__(
        self,
        options: PathOptions,
        examiner: Examiner,
        performer: Performer,
        journal: Journal,
        moments: Moments,
    ) -> None:
        settings = self._settings = options.settings
        self._examiner = examiner
        self._performer = performer
        self._journal = journal
        self._moments = moments
        self._users = allowed_users(settings.queue.users)
        distinct = options.profiles.distinct()
        self._largest_bytes = max(one.limits.message_bytes for one in distinct)
        self._on_oversize = {parse_disposition(one.dispositions.oversize) for one in distinct}
        share = settings.worker_count
        self._turns = asyncio.Semaphore(max(1, settings.limits.scanning // share))
        self._most_receiving = max(1, settings.limits.receiving // share)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def serving(self) -> int:
        """Connections being served."""
        return len(self._tasks)

    def accept(self, listener: socket.socket) -> None:
        """Take one waiting connection; call it whenever the listener is readable."""
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was quicker
        except OSError as error:
            self._journal.troubled("", Trouble.BUSY, f"accept: {error.strerror}", None)
            self._pause_accepting(listener)
            return
        connection.setblocking(False)  # noqa: FBT003 - the standard library's signature
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _pause_accepting(self, listener: socket.socket) -> None:
        """Let who waits there wait: no descriptor is free, and asking again at once is in vain."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        loop.call_later(_ACCEPT_PAUSE_SECONDS, self._resume_accepting, listener)

    def _resume_accepting(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listener, self.accept, listener)

    async def drain(self, seconds: float) -> None:
        """Wait until all connections are served, at most so long; then let the rest go."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, connection: socket.socket) -> None:
        with connection:
            visit = Visit(connection, self._moments.new_id(self._moments.now()))
            try:
                await self._answer(visit)
            except TroubleError as error:
                visit.say(trouble_reply(error.trouble))
                self._journal.troubled(visit.id, error.trouble, error.detail, visit.peer)
            except asyncio.CancelledError:
                self._let_go(visit)
                raise
            except MemoryError:
                visit.say(trouble_reply(Trouble.OUT_OF_MEMORY))
                self._journal.troubled(visit.id, Trouble.OUT_OF_MEMORY, "", visit.peer)
            except Exception as error:  # noqa: BLE001 - the one place: our bug must not lose mail
                visit.say(trouble_reply(Trouble.OUR_BUG))
                self._journal.failed(visit.id, error)
            finally:
                visit.close()

    def _let_go(self, visit: Visit) -> None:
        """The client went away, or we have to end before its message is dealt with."""
        trouble = Trouble.ABANDONED if visit.client_left else Trouble.BUSY
        detail = "the client went away" if visit.client_left else "the daemon is ending"
        visit.say(trouble_reply(trouble))
        self._journal.troubled(visit.id, trouble, detail, visit.peer)

    async def _answer(self, visit: Visit) -> None:
        await visit.hear_request(self._users)
        if self.serving > self._most_receiving:
            raise TroubleError(Trouble.BUSY, "limits.receiving messages are being received")
        visit.say(gate.Accepted())
        visit.watch_client()
        arrival, payload = await self._receive(visit)
        deadline = asyncio.get_running_loop().time() + self._settings.limits.message_seconds
        try:
            visit.say(gate.Received())
            await self._pass(visit, arrival, payload, deadline)
        finally:
            payload.close()

    async def _receive(self, visit: Visit) -> tuple[Arrival, HeldPayload]:
        """Read the message to its end, then the envelope."""
        limits = self._settings.limits
        most = self._largest_bytes * _GIVE_UP_FACTOR
        keep = self._largest_bytes if self._forgets_oversize(visit.origin) else most
        message = Intake(self._settings.spool.directory, limits.memory_bytes, keep, most)
        try:
            await visit.read(visit.message, message, limits.receive_idle_seconds)
            envelope = await self._receive_envelope(visit)
            payload = message.payload()
        finally:
            message.close()
        arrival = Arrival(
            id=visit.id,
            envelope=envelope,
            origin=visit.origin,
            raw=payload.raw,
            size_bytes=message.size_bytes,
            at=self._moments.now(),
        )
        return arrival, payload

    def _forgets_oversize(self, origin: Origin) -> bool:
        """Nobody will want the bytes of a message over the limit, so they need no room.

        Who the recipients are is not known yet.
        """
        return all(_is_oversize_forgotten(asked, origin) for asked in self._on_oversize)

    async def _receive_envelope(self, visit: Visit) -> Envelope:
        limits = self._settings.limits
        keep = ENVELOPE_BYTES + 1  # one more, so that a longer envelope is seen to be longer
        intake = Intake(
            self._settings.spool.directory, keep, keep, ENVELOPE_BYTES * _GIVE_UP_FACTOR
        )
        await visit.read(visit.envelope, intake, limits.receive_idle_seconds)
        payload = intake.payload()
        try:
            return parse_envelope(payload.chunk(0, payload.size_bytes))
        except AbandonedError as error:
            raise TroubleError(Trouble.ABANDONED, str(error)) from error
        except AddressTooLongError as error:
            raise TroubleError(Trouble.ADDRESS_TOO_LONG, str(error)) from error
        except PeerError as error:
            raise TroubleError(Trouble.BAD_ENVELOPE, str(error)) from error
        finally:
            payload.close()

    async def _pass(
        self, visit: Visit, arrival: Arrival, payload: HeldPayload, deadline: float
    ) -> None:
        async with self._turn():
            examination = await self._examine(arrival, payload, deadline)
            visit.unwatch_client()
        # A queue that hangs holds up its own messages, not those that wait to be scanned.
        await _finish(self._conclude(visit, examination, payload))

    async def _conclude(self, visit: Visit, examination: Examination, payload: HeldPayload) -> None:
        """Keep and answer, never the one without the other."""
        done = await self._perform(visit, examination, payload)
        said = await self._say_outcome(visit, done.outcome, done.record.arrival, payload)
        self._journal.passed(visit.id, done.record, said)

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait, not long, to be among those being scanned."""
        try:
            async with asyncio.timeout(self._settings.limits.wait_seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise TroubleError(Trouble.BUSY, "limits.scanning messages are being scanned") from None
        try:
            yield
        finally:
            self._turns.release()

    async def _examine(
        self, arrival: Arrival, payload: HeldPayload, deadline: float
    ) -> Examination:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._examiner.examine(arrival, payload, deadline)
        except TimeoutError:
            raise TroubleError(Trouble.TIMED_OUT, "limits.message_seconds passed") from None

    async def _perform(self, visit: Visit, examination: Examination, payload: HeldPayload) -> Done:
        courier = VisitCourier(visit, payload, self._settings.spool.directory)
        try:
            return await self._performer.perform(examination, payload, courier)
        except KeepingError as error:
            raise TroubleError(Trouble.CANNOT_WRITE, str(error)) from error
        except CourierGoneError as error:
            raise TroubleError(Trouble.ABANDONED, str(error)) from error

    async def _say_outcome(
        self, visit: Visit, outcome: Outcome, arrival: Arrival, payload: HeldPayload
    ) -> str:
        flavour = self._settings.queue.flavour
        match outcome:
            case Deliver():
                return await self._hand_over(visit, outcome, arrival, payload)
            case Kept():
                reply = kept_reply()
            case Refuse():
                reply = reject_reply(flavour, outcome.text)
            case Defer():
                reply = defer_reply(flavour, outcome.text)
            case Passed():
                reply = passed_reply(outcome.code)
            case _:
                assert_never(outcome)
        return "answered" if visit.say(reply) else "client-gone"

    async def _hand_over(
        self, visit: Visit, outcome: Deliver, arrival: Arrival, payload: HeldPayload
    ) -> str:
        """Give the edited message and the envelope back for qmail-queue."""
        spool = self._settings.spool.directory
        async with _written_copy(payload, outcome.edits, arrival.envelope, spool) as descriptors:
            heard = visit.say(gate.Queue(), descriptors)
        return "handed-over" if heard else "client-gone"


class VisitCourier:
    """Queues copies of one message through the client that brought it (port `Courier`)."""

    def __init__(self, visit: Visit, payload: HeldPayload, spool: Path) -> None:
        self._visit = visit
        self._payload = payload
        self._spool = spool

    async def submit(self, edits: Sequence[Edit], envelope: Envelope) -> int:
        """Have the client queue one copy; returns the queue program's exit code."""
        try:
            async with _written_copy(self._payload, edits, envelope, self._spool) as descriptors:
                return await self._visit.submit(descriptors)
        except TroubleError as error:
            raise KeepingError(error.detail) from error


@contextlib.asynccontextmanager
async def _written_copy(
    payload: HeldPayload, edits: Sequence[Edit], envelope: Envelope, spool: Path
) -> AsyncIterator[list[int]]:
    """Descriptors of the edited message and of its envelope, for a while."""
    pieces = edited_pieces(payload.size_bytes, edits)
    descriptors: list[int] = []
    try:
        if isinstance(payload, MemoryPayload):
            descriptors.append(edited_file(payload, pieces, spool))
        else:  # copying a large one takes longer than the other messages may wait
            descriptors.append(await asyncio.to_thread(edited_file, payload, pieces, spool))
        descriptors.append(sealed_file([encode_envelope(envelope)]))
        yield descriptors
    except OSError as error:
        raise TroubleError(Trouble.CANNOT_WRITE, f"spool {spool}: {error.strerror}") from error
    finally:
        close_all(descriptors)


def _is_oversize_forgotten(asked: Disposition, origin: Origin) -> bool:
    if asked is Disposition.REJECT:
        return not origin.is_never_rejected
    return asked in (Disposition.DEFER, Disposition.DELETE)


async def _finish(work: Coroutine[None, None, None]) -> None:
    """Await `work` to its end even when cancelled meanwhile: nothing half-done is left behind."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        task.result()  # what went wrong there is answered, not that we are ending
        raise


def allowed_users(names: Iterable[str]) -> frozenset[int] | None:
    """The uids of those who may speak, our own among them; None means everybody.

    Names that this machine does not know are left out: nobody can come as them.
    """
    uids = {os.geteuid()}
    for name in names:
        if name == "*":
            return None
        with contextlib.suppress(KeyError):
            uids.add(pwd.getpwnam(name).pw_uid)
    return frozenset(uids)
