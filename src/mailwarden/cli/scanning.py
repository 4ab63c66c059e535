"""The work of `mailwarden scan`: examine stored messages, some at once, and print them in order."""

import asyncio
import itertools
import json
import secrets
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from mailwarden.cli.loading import TEMPORARY_EXIT, complain
from mailwarden.cli.printing import console, disposition_text, printable, shown
from mailwarden.cli.stored_mail import (
    STANDARD_INPUT,
    StoredMessage,
    open_message,
    stored_messages,
)
from mailwarden.daemon.wiring import (
    build_examiner,
    build_scanners,
    build_unpacker,
    new_message_id,
)
from mailwarden.net.payload import HeldPayload
from mailwarden.pipeline.examine import Examiner
from mailwarden.settings.model import Settings
from mailwarden.settings.profiles import profiles_of
from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record, record_json
from mailwarden.wire.envelope import Envelope

FOUND_EXIT = 1
# Versions are for show here; a scanner that is away is told by each message's fault.
_VERSION_SECONDS = 5.0
# A stored message has no envelope any more, and is taken for one from outside.
_ENVELOPE = Envelope(b"", (b"scan",))
_OUTSIDE = Origin({"TCPREMOTEIP": b"unknown"})
_WORD_COLUMNS = max(len(disposition.word) for disposition in Disposition)
_FOUND = Disposition.QUARANTINE, Disposition.REJECT, Disposition.DELETE

# What came of one message: it was examined, or it could not be read.
Outcome = Record | OSError
Opened = HeldPayload | OSError


class Tally:
    """What came out, counted by disposition; `unreadable` files were not looked at."""

    def __init__(self) -> None:
        self.counts: Counter[Disposition] = Counter()
        self.unreadable = 0

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        if isinstance(outcome, OSError):
            self.unreadable += 1
        else:
            self.counts[outcome.decision.disposition] += 1

    @property
    def exit_code(self) -> int:
        """75 before 1: what could not be judged is not known to be good."""
        if self.unreadable or self.counts[Disposition.DEFER]:
            return TEMPORARY_EXIT
        return FOUND_EXIT if any(self.counts[found] for found in _FOUND) else 0

    def __str__(self) -> str:
        total = sum(self.counts.values()) + self.unreadable
        words = [f"{self.counts[one]} {one.word}" for one in Disposition if self.counts[one]]
        if self.unreadable:
            words.append(f"{self.unreadable} unreadable")
        listed = f": {', '.join(words)}" if words else ""
        return f"{total} {'message' if total == 1 else 'messages'}{listed}"


def scan_messages(
    settings: Settings, paths: Sequence[str], jobs: int, *, as_json: bool, show_all: bool
) -> int:
    """Scan everything below `paths`, `jobs` messages at once; returns the exit status."""
    messages = list(stored_messages(paths))
    with _Screen(len(messages), as_json=as_json, show_all=show_all) as screen:
        # Read here, because the event loop would not let Ctrl-C end the wait for it.
        waited_for = {
            stored: _opened(stored, settings)
            for stored in messages
            if stored.path == STANDARD_INPUT
        }
        tally = asyncio.run(_scan_all(settings, messages, waited_for, jobs, screen))
    if not as_json:
        console().print(str(tally))
    return tally.exit_code


class _Screen:
    """Prints a line for each message, and a bar below where a person looks.

    The bar lives on standard output where that is a terminal, so that lines are put above it;
    else on standard error; nothing of it goes where nobody looks.
    """

    def __init__(self, total: int, *, as_json: bool, show_all: bool) -> None:
        self._as_json = as_json
        self._show_all = show_all
        self._lines = console()
        self._above_bar = self._lines if self._lines.is_terminal else Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._above_bar,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not self._above_bar.is_terminal,
        )
        self._task = self._bar.add_task("scanning", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, stored: StoredMessage, outcome: Outcome) -> None:
        """Print what came of one message."""
        if isinstance(outcome, OSError):
            self._unreadable(f"{printable(stored.name)}: {outcome.strerror or outcome}")
        elif self._as_json:
            fields = record_json(outcome)
            line = json.dumps({"id": fields.pop("id"), "path": stored.name, **fields})
            self._lines.print(Text(line), soft_wrap=True)
        elif outcome.decision.disposition is not Disposition.ACCEPT or self._show_all:
            self._lines.print(_line(stored, outcome), soft_wrap=True)
        self._bar.advance(self._task)

    def _unreadable(self, said: str) -> None:
        if sys.stderr.isatty():
            self._above_bar.print(Text(f"mailwarden: {said}"), soft_wrap=True)
        else:
            complain(said)


def _line(stored: StoredMessage, record: Record) -> Text:
    word = disposition_text(record.decision.disposition.word)
    word.pad_right(_WORD_COLUMNS - len(word))
    detail = shown(f"  {record.detail}", "dim") if record.detail else ""
    return Text.assemble(word, " ", shown(stored.name), detail)


def _opened(stored: StoredMessage, settings: Settings) -> Opened:
    try:
        return open_message(stored, settings.limits.memory_bytes)
    except OSError as error:
        return error


async def _scan_all(
    settings: Settings,
    messages: Sequence[StoredMessage],
    waited_for: dict[StoredMessage, Opened],
    jobs: int,
    screen: _Screen,
) -> Tally:
    """Ask the scanners about all messages, and close their connections in the end."""
    scanners = build_scanners(profiles_of(settings))
    # No message is a released one here: what stands in a folder is to be judged as it is.
    unpacker = build_unpacker(settings, Path(tempfile.gettempdir()))
    examiner = build_examiner(settings, scanners, unpacker, secrets.token_bytes(32))

    async def examine(stored: StoredMessage) -> Outcome:
        opened = waited_for.pop(stored, None) or _opened(stored, settings)
        if isinstance(opened, OSError):
            return opened
        return await _examine(settings, examiner, opened)

    deadline = asyncio.get_running_loop().time() + _VERSION_SECONDS
    try:
        await asyncio.gather(*(scanner.refresh(deadline) for scanner in scanners))
        return await _scan_in_order(examine, messages, jobs, screen)
    finally:
        for scanner in scanners:
            await scanner.close()
        await unpacker.close()


async def _scan_in_order(
    examine: Callable[[StoredMessage], Coroutine[None, None, Outcome]],
    messages: Sequence[StoredMessage],
    jobs: int,
    screen: _Screen,
) -> Tally:
    """Examine some messages ahead, never more than `jobs`, and show them in the order given."""
    tally = Tally()
    async with asyncio.TaskGroup() as group:
        started = ((stored, group.create_task(examine(stored))) for stored in messages)
        running = deque(itertools.islice(started, jobs))
        while running:
            stored, task = running.popleft()
            outcome = await task
            running.extend(itertools.islice(started, 1))
            tally.add(outcome)
            screen.show(stored, outcome)
    return tally


async def _examine(settings: Settings, examiner: Examiner, payload: HeldPayload) -> Record:
    now = time.time()
    arrival = Arrival(
        new_message_id(now), _ENVELOPE, _OUTSIDE, payload.raw, payload.size_bytes, now
    )
    deadline = asyncio.get_running_loop().time() + settings.limits.message_seconds
    try:
        return (await examiner.examine(arrival, payload, deadline)).record
    finally:
        payload.close()
