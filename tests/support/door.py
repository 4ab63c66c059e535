"""A `QueueDoor` on a socket of its own, in a thread, with a scanner and keepers of the test's own.

with door(limits={"message_bytes": 1000}) as running:
    verdict = submit(running.path, message, envelope)
"""

import asyncio
import contextlib
import itertools
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailwarden.fronts.queue.door import Moments, QueueDoor
from mailwarden.net.descriptors import Peer
from mailwarden.pipeline.examine import Examiner
from mailwarden.pipeline.options import path_options
from mailwarden.pipeline.perform import Keepers, Performer
from mailwarden.ports.keeping import KeepingError
from mailwarden.ports.scanner import Payload, Question, Wave
from mailwarden.settings.model import Settings
from mailwarden.verdict.record import Record
from mailwarden.verdict.reply import Trouble
from mailwarden.verdict.report import Answer, Finding, Kind
from support.arrivals import MemoryOutbox
from support.caller import PATIENCE_SECONDS
from support.unpacking import InProcessUnpacker

VIRUS = Answer((Finding("scripted", Kind.VIRUS, "Test-Virus"),))
CLEAN = Answer()


class Tape:
    """A journal that remembers."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Record, str]] = []
        self.troubles: list[tuple[Trouble, str]] = []
        self.bugs: list[BaseException] = []

    def passed(self, message_id: str, record: Record, outcome: str) -> None:
        self.messages.append((message_id, record, outcome))

    def troubled(self, message_id: str, trouble: Trouble, detail: str, peer: Peer | None) -> None:
        self.troubles.append((trouble, detail))

    def failed(self, message_id: str, error: BaseException) -> None:
        self.bugs.append(error)


class ScriptedScanner:
    """A virus scanner that answers what the test's `script` says; counts those inside."""

    name = "scripted"
    wave = Wave.VIRUS
    version = "scripted: 1."

    def __init__(self, script: Callable[[Question], Awaitable[Answer]]) -> None:
        self._script = script
        self.inside = 0
        self.most_inside = 0
        self.cancelled = 0

    async def scan(self, question: Question, deadline: float) -> Answer:
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        try:
            return await self._script(question)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.inside -= 1

    async def refresh(self, deadline: float) -> None:
        return

    async def close(self) -> None:
        return


@dataclass(slots=True)
class Shelf:
    """A quarantine in memory; `hold` makes keeping wait, `full` makes it fail."""

    kept: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    full: bool = False
    keeping: threading.Event = field(default_factory=threading.Event)
    hold: threading.Event | None = None

    async def stage(self, record: Record, payload: Payload, maildir: str) -> "ShelfPlace":
        self.keeping.set()
        if self.hold:
            await asyncio.to_thread(self.hold.wait, PATIENCE_SECONDS)
        if self.full:
            raise KeepingError("quarantine: No space left on device")
        return ShelfPlace(self, record.kept_as, payload.chunk(0, payload.size_bytes), maildir)


@dataclass(frozen=True, slots=True)
class ShelfPlace:
    """A message on its way onto the shelf."""

    shelf: Shelf
    kept_as: str
    octets: bytes
    maildir: str

    async def commit(self) -> None:
        self.shelf.kept[self.kept_as] = self.octets, self.maildir

    async def discard(self) -> None:
        self.shelf.kept.pop(self.kept_as, None)


@dataclass(slots=True)
class Book:
    """Records in memory."""

    noted: list[Record] = field(default_factory=list)

    def note(self, record: Record) -> None:
        self.noted.append(record)

    async def note_durably(self, record: Record) -> None:
        self.noted.append(record)


@dataclass(frozen=True, slots=True)
class Running:
    """A door at work, and all that the test may look at."""

    path: Path
    settings: Settings
    door: QueueDoor
    scanner: ScriptedScanner
    tape: Tape
    shelf: Shelf
    book: Book
    loop: asyncio.AbstractEventLoop

    def drain(self, seconds: float) -> None:
        """Drain the door, from outside its thread."""
        draining = asyncio.run_coroutine_threadsafe(self.door.drain(seconds), self.loop)
        draining.result(PATIENCE_SECONDS)

    @property
    def is_idle(self) -> bool:
        """Nobody is being served."""
        return self.door.serving == 0


async def clean(question: Question) -> Answer:
    """A script that finds nothing."""
    return CLEAN


Value = str | int | float | tuple[str, ...]


@contextlib.contextmanager
def door(
    script: Callable[[Question], Awaitable[Answer]] = clean,
    *,
    spool: Path | None = None,
    shelf: Shelf | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    profile: Sequence[Mapping[str, object]] = (),
    **sections: Mapping[str, Value],
) -> Iterator[Running]:
    """A door whose only scanner follows `script`, with these sections of settings."""
    folder = Path(tempfile.mkdtemp(prefix="mwd", dir="/tmp"))
    settings = _settings(folder, spool or folder, profile, sections)
    scanner, tape, book, shelf = ScriptedScanner(script), Tape(), Book(), shelf or Shelf()
    ready = threading.Event()
    result: list[Running] = []
    stop: list[Callable[[], None]] = []

    async def work() -> None:
        options = path_options(settings)
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        numbers = itertools.count(1)
        queue_door = QueueDoor(
            options,
            Examiner(options, [scanner], InProcessUnpacker(), bytes(32), time.monotonic),
            Performer(options, Keepers(shelf, book, MemoryOutbox())),
            tape,
            Moments(time.time, lambda _now: f"test-{next(numbers)}"),
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(settings.queue.socket))
            settings.queue.socket.chmod(0o666)
            listener.listen(512)
            listener.settimeout(0)
            loop.add_reader(listener, queue_door.accept, listener)
            path = settings.queue.socket
            result.append(Running(path, settings, queue_door, scanner, tape, shelf, book, loop))
            stop.append(lambda: _wake(loop, ended))
            ready.set()
            await ended.wait()
            loop.remove_reader(listener)
        await queue_door.drain(1.0)

    def run() -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(work())

    thread = threading.Thread(target=run, daemon=True)
    try:
        folder.chmod(0o755)
        thread.start()
        assert ready.wait(PATIENCE_SECONDS)
        yield result[0]
    finally:
        if stop:
            stop[0]()
        thread.join(PATIENCE_SECONDS)
        shutil.rmtree(folder)


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)


def _settings(
    folder: Path,
    spool: Path,
    profile: Sequence[Mapping[str, object]],
    sections: Mapping[str, Mapping[str, Value]],
) -> Settings:
    own: dict[str, Mapping[str, object]] = {
        "queue": {"socket": folder / "queue.sock", "users": ("*",)},
        "daemon": {"workers": 1},
        "headers": {"hostname": "gate.example.net"},
        "spool": {"directory": spool},
    }
    names = dict.fromkeys([*own, *sections])
    return Settings.model_validate(
        {
            "profile": profile,
            **{name: {**own.get(name, {}), **sections.get(name, {})} for name in names},
        }
    )
