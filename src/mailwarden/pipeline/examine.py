"""Looking at a message and deciding, without changing anything.

The message is taken apart and checked; then virus scanners see it together with what came out of
it, then spam scoring is asked where it can still change the decision: what is already deferred,
quarantined, rejected or deleted is not scored.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mailwarden.message.encoded_words import decode_words
from mailwarden.message.headers import Header, value_of
from mailwarden.message.leaves import leaves
from mailwarden.message.readings import Readings, read_every_way
from mailwarden.pipeline.extraction import Extraction, SortedLeaf, extract, sort_leaves
from mailwarden.pipeline.options import PathOptions
from mailwarden.ports.scanner import Payload, Question, Scanner, Wave
from mailwarden.ports.unpacker import Unpacker
from mailwarden.unpack.contents import Contents
from mailwarden.verdict.arrival import Arrival
from mailwarden.verdict.attachments import check_attachments
from mailwarden.verdict.decide import SPAM_KEY, Decision, decide
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.message_facts import message_facts
from mailwarden.verdict.record import Record
from mailwarden.verdict.release_mark import NAME as RELEASE_MARK
from mailwarden.verdict.release_mark import read_mark
from mailwarden.verdict.report import Answer, Finding, Kind, Report, SpamScore
from mailwarden.verdict.scoring import is_bounce, is_scored
from mailwarden.verdict.structure import END_OF_LINE, check_reading_limits, check_structure

# A message of 800 KB that is odd in every way takes 2.5 s, an ordinary one of 5 KB 0.1 ms.
_LOOP_BYTES = 100_000
# Rules take 0.015 ms for each item; while they do, nothing else runs in this worker.
_MANY_ITEMS = 200
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
    """What was seen in process: every reading, the leaves to open, and what is wrong in form."""

    readings: Readings
    leaves: tuple[SortedLeaf, ...]
    findings: tuple[Finding, ...]
    released: frozenset[str]

    @property
    def header(self) -> Header:
        return self.readings.primary.root.header


class Examiner:
    """Asks all checks and scanners about a message; one for each worker.

    `release_key` verifies the marks of released messages; `clock` gives seconds, monotonic.
    """

    def __init__(
        self,
        options: PathOptions,
        scanners: Sequence[Scanner],
        unpacker: Unpacker,
        release_key: bytes,
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._scanners = tuple(scanners)
        self._unpacker = unpacker
        self._release_key = release_key
        self._clock = clock

    async def examine(self, arrival: Arrival, payload: Payload, deadline: float) -> Examination:
        """Look at everything and decide; `deadline` is on the event loop's clock."""
        started = self._clock()
        until = _scanners_until(deadline)
        look = await self._look(arrival)
        with await self._extract(look, until) as extraction:
            report = await self._report(Question(arrival, payload), look, extraction, until)
        record = Record(
            arrival,
            report,
            self._decide(arrival, report, look.released),
            _subject_of(arrival, look.header),
            self._clock() - started,
        )
        return Examination(record, look.header)

    async def _report(
        self, question: Question, look: _Look, extraction: Extraction, deadline: float
    ) -> Report:
        """Check what came out, and ask the scanners as far as it makes sense."""
        arrival = question.arrival
        report = Report(
            look.findings,
            tuple(dict.fromkeys(extraction.faults)),
            anomalies=look.readings.anomalies,
        )
        if self._is_oversize(arrival):
            return report
        findings = await self._check_attachments(arrival, look, extraction.contents)
        report = replace(report, findings=findings + report.findings)
        whole = replace(question, extracted=tuple(extraction.parts))
        report = await self._ask(Wave.VIRUS, report, whole, deadline)
        if self._is_worth_scoring(arrival, look, report):
            report = await self._ask(Wave.SPAM, report, question, deadline)
        return report

    async def _check_attachments(
        self, arrival: Arrival, look: _Look, contents: Contents
    ) -> tuple[Finding, ...]:
        """Apply the rules; those of large archives in a thread."""
        rules = self._options.attachments
        parts = look.readings.primary.walk() if rules.field_names else ()
        facts = message_facts(arrival, (part.header for part in parts), rules.field_names)
        if len(contents.items) > _MANY_ITEMS:
            return await asyncio.to_thread(check_attachments, contents, rules, facts)
        return check_attachments(contents, rules, facts)

    async def _extract(self, look: _Look, deadline: float) -> Extraction:
        options = self._options
        return await extract(
            look.leaves,
            self._unpacker,
            options.unpacking,
            deadline,
            redundant=options.settings.unpacking.redundant,
        )

    async def _look(self, arrival: Arrival) -> _Look:
        """Run the checks in process; those of large messages in a thread."""
        if arrival.size_bytes > _LOOP_BYTES:
            return await asyncio.to_thread(self._look_now, arrival)
        return self._look_now(arrival)

    def _look_now(self, arrival: Arrival) -> _Look:
        readings = read_every_way(arrival.raw, self._options.reading)
        released = self._released(arrival, readings.primary.root.header)
        if self._is_oversize(arrival):
            detail = f"the message has {arrival.size_bytes} bytes"
            size = Finding("limits", Kind.OVERSIZE, "message-size", detail=detail)
            return _Look(readings, (), (size,), released)
        sorted_leaves = sort_leaves(leaves(readings), arrival.raw)
        findings = self._check_structure(arrival, readings, sorted_leaves)
        return _Look(readings, sorted_leaves, findings, released)

    def _is_oversize(self, arrival: Arrival) -> bool:
        return arrival.size_bytes > self._options.settings.limits.message_bytes

    def _check_structure(
        self, arrival: Arrival, readings: Readings, found: Sequence[SortedLeaf]
    ) -> tuple[Finding, ...]:
        """Check the form; limits that the reading hit count for exempt clients, too."""
        structure = self._options.settings.structure
        if not structure.enabled or arrival.origin.is_exempt_from_structure_checks:
            return check_reading_limits(readings)
        passed = frozenset(structure.passed) | (END_OF_LINE if structure.ignore_eol else set())
        return check_structure(readings, [one.leaf for one in found], passed)

    def _released(self, arrival: Arrival, header: Header) -> frozenset[str]:
        keys: frozenset[str] = frozenset()
        for field in header.all(RELEASE_MARK)[:_MOST_MARKS]:
            value = value_of(arrival.raw, field)
            keys |= read_mark(self._release_key, value, arrival.raw, field.end, arrival.at)
        return keys

    def _is_worth_scoring(self, arrival: Arrival, look: _Look, report: Report) -> bool:
        if not is_scored(arrival.origin) or SPAM_KEY in look.released:
            return False
        sender = look.header.first(b"from")
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
