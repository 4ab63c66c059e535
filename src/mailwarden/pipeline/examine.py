"""Looking at a message and deciding, without changing anything.

Checks first, then virus scanners together, then spam scoring where it can still change the
decision: what is already deferred, quarantined, rejected or deleted is not scored.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mailwarden.message.encoded_words import decode_words
from mailwarden.message.headers import Header, value_of
from mailwarden.message.parts import Reading, read_message
from mailwarden.pipeline.options import PathOptions
from mailwarden.ports.scanner import Payload, Question, Scanner, Wave
from mailwarden.unpack.opening import open_parts
from mailwarden.verdict.arrival import Arrival
from mailwarden.verdict.attachments import check_attachments
from mailwarden.verdict.decide import SPAM_KEY, Decision, decide
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.release_mark import NAME as RELEASE_MARK
from mailwarden.verdict.release_mark import read_mark
from mailwarden.verdict.report import Answer, Finding, Kind, Report, SpamScore
from mailwarden.verdict.scoring import is_bounce, is_scored
from mailwarden.verdict.structure import check_reading_limits, check_structure

# Scanners must be done before the message's own deadline, so that what follows still has time.
_MARGIN_SECONDS = 2.0
_MARGIN_SHARE = 0.1
# A subject in a record is for people; the message keeps its own.
_SUBJECT_CHARACTERS = 200
# Released messages carry one mark; each costs a digest of the message, so few are believed.
_MOST_MARKS = 3


@dataclass(frozen=True, slots=True)
class Examination:
    """What was seen and decided about one message; `header` is its own, taken apart."""

    record: Record
    header: Header


@dataclass(frozen=True, slots=True)
class _Look:
    """What the checks in process saw."""

    reading: Reading
    findings: tuple[Finding, ...]
    released: frozenset[str]


class Examiner:
    """Asks all checks and scanners about a message; one for each worker.

    `release_key` verifies the marks of released messages; `clock` gives seconds, monotonic.
    """

    def __init__(
        self,
        options: PathOptions,
        scanners: Sequence[Scanner],
        release_key: bytes,
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._scanners = tuple(scanners)
        self._release_key = release_key
        self._clock = clock

    async def examine(self, arrival: Arrival, payload: Payload, deadline: float) -> Examination:
        """Look at everything and decide; `deadline` is on the event loop's clock."""
        started = self._clock()
        look = await self._look(arrival)
        report = Report(look.findings, anomalies=look.reading.anomalies)
        if arrival.size_bytes <= self._options.settings.limits.message_bytes:
            question = Question(arrival, payload)
            until = _scanners_until(deadline)
            report = await self._ask(Wave.VIRUS, report, question, until)
            if self._is_worth_scoring(arrival, look, report):
                report = await self._ask(Wave.SPAM, report, question, until)
        record = Record(
            arrival,
            report,
            self._decide(arrival, report, look.released),
            _subject_of(arrival, look.reading.root.header),
            self._clock() - started,
        )
        return Examination(record, look.reading.root.header)

    async def _look(self, arrival: Arrival) -> _Look:
        """Run the checks in process; those of large messages in a thread."""
        if arrival.size_bytes > self._options.settings.limits.memory_bytes:
            return await asyncio.to_thread(self._look_now, arrival)
        return self._look_now(arrival)

    def _look_now(self, arrival: Arrival) -> _Look:
        options, raw = self._options, arrival.raw
        reading = read_message(raw, options.reading)
        released = self._released(arrival, reading.root.header)
        if arrival.size_bytes > options.settings.limits.message_bytes:
            detail = f"the message has {arrival.size_bytes} bytes"
            size = Finding("limits", Kind.OVERSIZE, "message-size", detail=detail)
            return _Look(reading, (size,), released)
        contents = open_parts(raw, reading, options.opening)
        findings = check_attachments(contents, options.attachments)
        return _Look(reading, findings + self._check_structure(arrival, reading), released)

    def _check_structure(self, arrival: Arrival, reading: Reading) -> tuple[Finding, ...]:
        """Check the form; limits that the reading hit count for exempt clients, too."""
        structure = self._options.settings.structure
        if structure.enabled and not arrival.origin.is_exempt_from_structure_checks:
            return check_structure(arrival.raw, reading, ignore_eol=structure.ignore_eol)
        return check_reading_limits(reading)

    def _released(self, arrival: Arrival, header: Header) -> frozenset[str]:
        keys: frozenset[str] = frozenset()
        for field in header.all(RELEASE_MARK)[:_MOST_MARKS]:
            value = value_of(arrival.raw, field)
            keys |= read_mark(self._release_key, value, arrival.raw, field.end, arrival.at)
        return keys

    def _is_worth_scoring(self, arrival: Arrival, look: _Look, report: Report) -> bool:
        if not is_scored(arrival.origin) or SPAM_KEY in look.released:
            return False
        sender = look.reading.root.header.first(b"from")
        from_field = value_of(arrival.raw, sender) if sender else b""
        if self._options.settings.spam.skip_bounces and is_bounce(arrival, from_field):
            return False
        return self._decide(arrival, report, look.released).disposition < Disposition.DEFER

    def _decide(self, arrival: Arrival, report: Report, released: frozenset[str]) -> Decision:
        return decide(report, self._options.profile, arrival.origin, released)

    async def _ask(self, wave: Wave, report: Report, question: Question, deadline: float) -> Report:
        """Ask the scanners of one wave in parallel and join their answers in fixed order."""
        asked = [scanner for scanner in self._scanners if scanner.wave is wave]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(scanner.scan(question, deadline)) for scanner in asked]
        for scanner, task in zip(asked, tasks, strict=True):
            report = _join(report, scanner.version, task.result())
        return report


def _scanners_until(deadline: float) -> float:
    """When scanners must be done, on the loop's clock: before the message's own deadline."""
    now = asyncio.get_running_loop().time()
    return deadline - min(_MARGIN_SECONDS, (deadline - now) * _MARGIN_SHARE)


def _join(report: Report, version: str, answer: Answer) -> Report:
    return replace(
        report,
        findings=report.findings + answer.findings,
        faults=report.faults + answer.faults,
        score=_worse(report.score, answer.score),
        asked=report.asked if version in report.asked else (*report.asked, version),
    )


def _worse(first: SpamScore | None, second: SpamScore | None) -> SpamScore | None:
    """Of two spam scanners, believe the one whose score is further above what it requires."""
    if first is None or second is None:
        return first or second
    return max(first, second, key=lambda score: score.score - score.required)


def _subject_of(arrival: Arrival, header: Header) -> str:
    field = header.first(b"subject")
    return decode_words(value_of(arrival.raw, field))[:_SUBJECT_CHARACTERS] if field else ""
