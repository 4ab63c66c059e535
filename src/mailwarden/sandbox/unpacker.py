"""Takes payloads apart in helper processes: the daemon's side (`ports.unpacker.Unpacker`).

Whatever a helper does ends here: as something that stayed shut when the payload made it fail, as a
temporary fault when it was not the payload's doing.
"""

import asyncio
import os
import signal
import socket
from contextlib import ExitStack
from dataclasses import replace

from mailwarden.net.descriptors import close_all, readable
from mailwarden.net.payload import sealed_file
from mailwarden.ports.unpacker import Unpacked
from mailwarden.sandbox.messages import (
    ENDED,
    EXIT_TEMPORARY,
    TASK,
    Outcome,
    Protection,
    encode,
)
from mailwarden.sandbox.output import OutputStore, read_outcome
from mailwarden.sandbox.program import (
    NurseryGoneError,
    NurseryProgram,
    RunningNursery,
    start_nursery,
)
from mailwarden.unpack.budget import Limit, Spent
from mailwarden.unpack.contents import Contents, Item, Reason, Unopened
from mailwarden.unpack.file_types import file_type
from mailwarden.unpack.walk import Job
from mailwarden.verdict.report import Fault
from mailwarden.wire.errors import PeerError

_BY = "unpack"

# A nursery that cannot live is not started for every message; its messages come again later.
_RESTART_SECONDS = 5.0

# How a child dies whose time is over: the alarm on the wall, or its processor time.
_TIME_SIGNALS = (signal.SIGALRM, signal.SIGXCPU)


class Sandbox:
    """Unpacks in children of one nursery, at most `children` at once, in one event loop."""

    def __init__(self, program: NurseryProgram, children: int = 4) -> None:
        self._program = program
        self._places = asyncio.Semaphore(children)
        self._nursery: RunningNursery | None = None
        self._starting: asyncio.Task[RunningNursery] | None = None
        self._burials: set[asyncio.Task[None]] = set()
        self._not_before = 0.0
        self._is_closed = False

    async def start(self) -> Protection:
        """Start the nursery before the first message needs it, and say what protects it.

        Raises `NurseryGoneError`; `unpack` will try again.
        """
        return (await self._living_nursery()).protection

    async def unpack(self, octets: bytes, job: Job, deadline: float) -> Unpacked:
        """Take one payload apart; never raises for what a helper did; `deadline` is the loop's.

        What this content does to its helper is said by `Contents.unopened`; a fault says that it
        was not looked at, and may be later. Cancelling kills the helper.
        """
        itself = _itself(octets, job)
        try:
            async with asyncio.timeout_at(deadline), self._places:
                return await self._unpack(octets, job, itself)
        except TimeoutError:
            return _fault(itself, "not unpacked before the deadline")
        except NurseryGoneError as error:
            return _fault(itself, str(error))
        except OSError as error:
            return _fault(itself, f"no room to unpack: {error.strerror}")

    async def close(self) -> None:
        """End the helper processes; what is being unpacked becomes a temporary fault."""
        self._is_closed = True
        if self._starting:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        self._discard(self._nursery)
        if self._burials:
            await asyncio.wait(self._burials)

    async def _unpack(self, octets: bytes, job: Job, itself: Item) -> Unpacked:
        with ExitStack() as stack:
            output = os.memfd_create("unpacked", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            owned = [output]
            stack.callback(lambda: close_all(owned))
            now = asyncio.get_running_loop().time
            started = now()
            status = await self._run(octets, job, output)
            unpacked = _charged(_judged(status, output, itself), now() - started)
            if unpacked.store:
                owned.clear()  # the store has it now
            return unpacked

    async def _run(self, octets: bytes, job: Job, output: int) -> int:
        """How the child that did the job ended: an exit code, or a negative signal number."""
        written = encode(job)
        given = sealed_file([octets, written])
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            ours.settimeout(0)
            try:
                nursery = await self._give(
                    TASK.pack(len(octets), len(written)), (given, output, theirs.fileno())
                )
            finally:
                theirs.close()
                os.close(given)
            await readable(ours.fileno())
            if not (packet := ours.recv(ENDED.size)):
                self._discard(nursery)
                raise NurseryGoneError("the helper process was lost while unpacking")
        (status,) = ENDED.unpack(packet)
        return int(status)

    async def _give(self, packet: bytes, descriptors: tuple[int, ...]) -> RunningNursery:
        nursery = await self._living_nursery()
        try:
            nursery.give(packet, descriptors)
        except NurseryGoneError:
            # One that died while it had nothing to do costs no message anything.
            self._discard(nursery)
            nursery = await self._living_nursery()
            nursery.give(packet, descriptors)
        return nursery

    async def _living_nursery(self) -> RunningNursery:
        """The nursery, started by whoever comes first; a caller that gives up stops nobody."""
        if self._nursery:
            return self._nursery
        if self._is_closed:
            raise NurseryGoneError("the helper process has been closed")
        if not self._starting:
            loop = asyncio.get_running_loop()
            if loop.time() < self._not_before:
                raise NurseryGoneError("the helper process has just been lost")
            self._not_before = loop.time() + _RESTART_SECONDS
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._note_started)
        starting = self._starting
        await asyncio.wait([starting])
        if starting.cancelled():
            raise NurseryGoneError("the helper process has been closed")
        return starting.result()

    async def _start(self) -> RunningNursery:
        """Start a nursery and wait until it can work; raises `NurseryGoneError`."""
        nursery = start_nursery(self._program)
        try:
            await nursery.greeted()
        except BaseException:
            self._bury(nursery)
            raise
        self._nursery = nursery
        return nursery

    def _note_started(self, starting: "asyncio.Task[RunningNursery]") -> None:
        self._starting = None
        if not starting.cancelled():
            starting.exception()  # looked at, even when every caller has gone

    def _discard(self, nursery: RunningNursery | None) -> None:
        """Do without this nursery from now on; each of its users may find out by itself."""
        if nursery and nursery is self._nursery:
            self._nursery = None
            self._bury(nursery)

    def _bury(self, nursery: RunningNursery) -> None:
        burial = asyncio.create_task(nursery.bury())
        self._burials.add(burial)
        burial.add_done_callback(self._burials.discard)


def _judged(status: int, output: int, itself: Item) -> Unpacked:
    """What follows from the way in which a child ended."""
    match status:
        case 0:
            return _told(output, itself)
        case _ if -status in _TIME_SIGNALS:
            return _over(itself, Limit.SECONDS)
        case _ if status == -signal.SIGKILL:
            # Not its own doing: the machine had no memory left, or an administrator was at work.
            return _fault(itself, "killed by SIGKILL while unpacking")
        case _ if status < 0:
            return _failed(itself, f"the helper was killed by {_signal_name(-status)}")
        case _ if status == EXIT_TEMPORARY:
            return _fault(itself, "the helper process could not be started or locked in")
        case _:
            return _failed(itself, f"the helper failed with status {status}")


def _charged(unpacked: Unpacked, seconds: float) -> Unpacked:
    """What came out; a helper that could not say what it spent has spent the time that it took.

    Or each of a message's parts could have all of the time, only by ending its helper.
    """
    contents = unpacked.contents
    if contents.spent != Spent():
        return unpacked
    return replace(unpacked, contents=replace(contents, spent=Spent(seconds=seconds)))


def _told(output: int, itself: Item) -> Unpacked:
    try:
        outcome = read_outcome(output)
    except PeerError as error:
        return _failed(itself, str(error))
    match outcome:
        case Outcome(contents=Contents() as contents):
            keeps = any(item.extracted for item in contents.items)
            return Unpacked(contents, OutputStore(output) if keeps else None)
        case Outcome(is_out_of_memory=True):
            return _over(itself, Limit.MEMORY)
        case _:
            return _failed(itself, f"an opener failed: {outcome.failure}")


def _itself(octets: bytes, job: Job) -> Item:
    """What is known of a payload without opening it: rules on it hold whatever a helper does."""
    return Item(
        job.path,
        job.names,
        ("message",),
        len(octets),
        file_type=file_type(octets),
        media_type=job.media_type,
    )


def _over(itself: Item, limit: Limit) -> Unpacked:
    return _shut(itself, Reason.OVER_LIMIT, limit)


def _failed(itself: Item, detail: str) -> Unpacked:
    """This content made the helper fail: it would again, so nobody is told to try later."""
    return _shut(itself, Reason.FAILED, detail)


def _shut(itself: Item, reason: Reason, detail: str) -> Unpacked:
    filename = next(iter(itself.names), "")
    shut = Unopened(reason, itself.file_type or "payload", itself.path, filename, detail)
    return Unpacked(Contents((itself,), (shut,)))


def _fault(itself: Item, reason: str) -> Unpacked:
    return Unpacked(Contents((itself,)), faults=(Fault(_BY, reason),))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
