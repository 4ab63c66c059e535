"""Arrivals from bytes, examinations by the real examiner, and fakes of the path's ports.

    found = await examine(raw, scanners=(ScriptedScanner(VIRUS_ANSWER),))

The fakes of `Quarantine` and `Records` keep the same contract as the real ones
(`tests/pipeline/test_keeping_contract.py`).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal

from mailwarden.message.edits import Edit, apply_edits
from mailwarden.message.raw import Raw
from mailwarden.pipeline.examine import Examination, Examiner
from mailwarden.pipeline.options import PathOptions, path_options
from mailwarden.pipeline.writing import edits_for
from mailwarden.ports.keeping import KeepingError
from mailwarden.ports.scanner import Payload, Question, Scanner, Wave
from mailwarden.settings.model import Settings
from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.errand import Errand
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Answer, Fault, Finding, Kind, SpamScore
from mailwarden.wire.envelope import Envelope
from support.unpacking import InProcessUnpacker

RELEASE_KEY = b"k" * 32
# 2 May 2007 17:10:37 UTC, as in the sample of facts 4.1.
AT = 1_178_125_837.0
STRANGER: Mapping[str, bytes] = {"TCPREMOTEIP": b"192.0.2.7"}
SENDER = b"ann@sender.example"
RECIPIENTS = (b"bob@recipient.example",)

VIRUS = Finding("clamd", Kind.VIRUS, "Eicar-Test-Signature")
CLEAN = Answer()
INFECTED = Answer(findings=(VIRUS,))
AWAY = Answer(faults=(Fault("clamd", "no usable answer"),))


def score_of(score: str, required: str = "5", *tests: str) -> SpamScore:
    """A spam score as spamd gives it in 'fast' mode."""
    return SpamScore("spamd", Decimal(score), Decimal(required), tests)


def scored(score: str, required: str = "5", *tests: str) -> Answer:
    """What spamd answers with in 'fast' mode."""
    return Answer(score=score_of(score, required, *tests))


def settings_of(**sections: object) -> Settings:
    """Settings as a file would give them, with a host name that is the same everywhere."""
    headers = sections.pop("headers", {})
    assert isinstance(headers, dict)
    named = {"hostname": "mx.recipient.example", **headers}
    return Settings.model_validate({**sections, "headers": named})


def arrival_of(
    raw: Raw,
    *,
    variables: Mapping[str, bytes] = STRANGER,
    sender: bytes = SENDER,
    recipients: Sequence[bytes] = RECIPIENTS,
    size_bytes: int | None = None,
) -> Arrival:
    """One message from a stranger; with `size_bytes`, `raw` is only its beginning."""
    return Arrival(
        id="20070502-171037-abcdefgh",
        envelope=Envelope(sender, tuple(recipients)),
        origin=Origin(variables, uid=201, pid=7304),
        raw=raw,
        size_bytes=len(raw) if size_bytes is None else size_bytes,
        at=AT,
    )


class ScriptedScanner:
    """A scanner that gives one answer, or raises; what it was asked stays in `questions`.

    `meeting` is entered while it scans: a barrier shows that scanners are asked together.
    """

    def __init__(
        self,
        answer: Answer | Exception,
        wave: Wave = Wave.VIRUS,
        name: str = "clamd",
        version: str = "clamdscan: 1.4.6/27.",
        meeting: AbstractAsyncContextManager[object] | None = None,
    ) -> None:
        self.name = name
        self.wave = wave
        self.version = version
        self.questions: list[Question] = []
        self.deadlines: list[float] = []
        self._answer = answer
        self._meeting = meeting or nullcontext()

    async def scan(self, question: Question, deadline: float) -> Answer:
        self.questions.append(question)
        self.deadlines.append(deadline)
        async with self._meeting:
            if isinstance(self._answer, Exception):
                raise self._answer
            return self._answer

    async def refresh(self, deadline: float) -> None:
        """Nobody is there to be asked."""

    async def close(self) -> None:
        """Nothing is open."""


def spam_scanner(answer: Answer) -> ScriptedScanner:
    """A scanner of the second wave, as spamd is."""
    return ScriptedScanner(answer, Wave.SPAM, "spamd", "spamassassin: 4.0.1.")


class MemoryPayload:
    """The bytes that were kept of a message; nobody here wants a descriptor."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    @property
    def size_bytes(self) -> int:
        return len(self._octets)

    def lend(self) -> AbstractContextManager[int]:
        raise AssertionError("no scanner of these tests asks for a descriptor")

    def chunk(self, start: int, size: int) -> bytes:
        return self._octets[start : start + size]


def examiner_of(options: PathOptions, scanners: Sequence[Scanner]) -> Examiner:
    """The real examiner, with the clock of the machine."""
    return Examiner(options, scanners, InProcessUnpacker(), RELEASE_KEY, time.monotonic)


async def examine(
    raw: bytes | Arrival,
    *,
    settings: Settings | None = None,
    scanners: Sequence[Scanner] = (),
    seconds: float = 60.0,
) -> Examination:
    """Let the real examiner look; `seconds` is the time that it has."""
    arrival = raw if isinstance(raw, Arrival) else arrival_of(raw)
    options = path_options(settings or settings_of())
    deadline = asyncio.get_running_loop().time() + seconds
    payload = MemoryPayload(arrival.raw[:])
    return await examiner_of(options, scanners).examine(arrival, payload, deadline)


async def written(
    raw: bytes | Arrival, *, settings: Settings | None = None, scanners: Sequence[Scanner] = ()
) -> bytes:
    """The whole message as it would be delivered, whatever was decided."""
    settings = settings or settings_of()
    found = await examine(raw, settings=settings, scanners=scanners)
    return apply_edits(found.record.arrival.raw, edits_for(found.record, found.header, settings))


@dataclass(slots=True)
class MemoryQuarantine:
    """Keeps messages in memory; a full one raises `KeepingError` and keeps nothing."""

    is_full: bool = False
    cannot_commit: bool = False
    messages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    half_done: set[str] = field(default_factory=set)

    async def stage(self, record: Record, payload: Payload, maildir: str) -> "MemoryStaged":
        if self.is_full or record.kept_as in self.messages:
            raise KeepingError("quarantine: No space left on device")
        self.half_done.add(record.kept_as)
        return MemoryStaged(self, record, payload.chunk(0, payload.size_bytes), maildir)


@dataclass(frozen=True, slots=True)
class MemoryStaged:
    """A message on its way into a `MemoryQuarantine`."""

    quarantine: MemoryQuarantine
    record: Record
    octets: bytes
    maildir: str

    async def commit(self) -> None:
        if self.quarantine.cannot_commit:
            raise KeepingError("quarantine: Input/output error")
        self.quarantine.messages[self.record.kept_as] = (self.maildir, self.octets)
        self.quarantine.records[self.record.kept_as] = self.record
        self.quarantine.half_done.discard(self.record.kept_as)

    async def discard(self) -> None:
        self.quarantine.messages.pop(self.record.kept_as, None)
        self.quarantine.half_done.discard(self.record.kept_as)


@dataclass(slots=True)
class MemoryOutbox:
    """Errands in memory; a broken one refuses what must last."""

    is_broken: bool = False
    errands: list[Errand] = field(default_factory=list)

    def send(self, errand: Errand) -> None:
        self.errands.append(errand)

    async def send_durably(self, errand: Errand) -> None:
        if self.is_broken:
            raise KeepingError("errand not written: database is locked")
        self.errands.append(errand)


@dataclass(slots=True)
class MemoryCourier:
    """Queues copies in memory; `codes` are the exit codes to come (0 when there are no more).

    An exception in place of a code is raised.
    """

    codes: list[int | Exception] = field(default_factory=list)
    queued: list[tuple[tuple[Edit, ...], Envelope]] = field(default_factory=list)

    async def submit(self, edits: Sequence[Edit], envelope: Envelope) -> int:
        code = self.codes.pop(0) if self.codes else 0
        if isinstance(code, Exception):
            raise code
        if not code:
            self.queued.append((tuple(edits), envelope))
        return code


@dataclass(slots=True)
class MemoryRecords:
    """Remembers in memory; a broken one loses what is noted and refuses what must last."""

    is_broken: bool = False
    noted: list[Record] = field(default_factory=list)
    durable: list[Record] = field(default_factory=list)

    def note(self, record: Record) -> None:
        if not self.is_broken:
            self.noted.append(record)

    async def note_durably(self, record: Record) -> None:
        if self.is_broken:
            raise KeepingError("record not written: database is locked")
        self.durable.append(record)
