"""Looking at a message and deciding, without changing anything.

The message is taken apart and checked; then virus scanners see it together with what came out of
it, then spam scoring is asked where it can still change the decision: what is already deferred,
quarantined, rejected or deleted is not scored.
Recipients are grouped by their settings; each scanner is asked once, spam scoring once for each
scoring user, and each group gets its own report and decision.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from mailwarden.message.encoded_words import decode_words
from mailwarden.message.headers import Header, value_of
from mailwarden.pipeline.extraction import Extraction, extract
from mailwarden.pipeline.helper_fields import helper_fields
from mailwarden.pipeline.look import Look, is_oversize, look_at
from mailwarden.pipeline.options import Group, PathOptions, RecipientOptions, group_recipients
from mailwarden.ports.scanner import Payload, Question, Scanner, Wave
from mailwarden.ports.unpacker import Unpacker
from mailwarden.unpack.budget import Limit, Spent
from mailwarden.unpack.contents import Contents
from mailwarden.verdict.arrival import Arrival
from mailwarden.verdict.attachments import check_attachments, crypto_of
from mailwarden.verdict.decide import SPAM_KEY, Decision, decide
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.message_facts import message_facts
from mailwarden.verdict.record import Record, join_records
from mailwarden.verdict.report import Answer, Finding, Kind, Report, SpamScore
from mailwarden.verdict.rules import AttachmentRules
from mailwarden.verdict.scoring import is_bounce, is_scored
from mailwarden.verdict.telling import is_list_mail

# A message of 800 KB that is odd in every way takes 2.5 s, an ordinary one of 5 KB 0.1 ms.
_LOOP_BYTES = 100_000
# Rules take 0.015 ms for each item; while they do, nothing else runs in this worker.
_MANY_ITEMS = 200
# Scanners must be done before the message's own deadline, so that what follows still has time.
_MARGIN_SECONDS = 2.0
_MARGIN_SHARE = 0.1
# A subject in a record is for people; the message keeps its own.
_SUBJECT_CHARACTERS = 200
_MESSAGE_ID_BYTES = 250
# Each costs spamd 200 ms of CPU; a sender may name thousands of recipients in one message.
_MOST_SCORING_USERS = 50
# What logs and notices say of a message's files; a hostile one has thousands.
_LISTED_FILES = 50


@dataclass(frozen=True, slots=True)
class Share:
    """What was seen and decided for one group of recipients, and their settings."""

    record: Record
    options: RecipientOptions


@dataclass(frozen=True, slots=True)
class Examination:
    """What was seen and decided about one message; `header` is its own, taken apart."""

    shares: tuple[Share, ...]
    header: Header

    @property
    def record(self) -> Record:
        """The record of the whole message."""
        return join_records([share.record for share in self.shares])


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One group's report as it grows; each is itself only, however alike."""

    group: Group
    report: Report
    is_closed: bool = False  # too large for them: nobody looks further

    def asks(self, scanner: Scanner) -> bool:
        return not self.is_closed and scanner.name not in self.group.options.unasked


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
        groups = group_recipients(self._options, arrival.envelope.recipients)
        look = await self._look(arrival, groups)
        with await self._extract(look, groups, until) as extraction:
            cases = await self._report(Question(arrival, payload), look, groups, extraction, until)
            contents = extraction.contents
        whole = Record(
            arrival=arrival,
            report=Report(),
            decision=Decision(Disposition.ACCEPT),
            subject=_subject_of(arrival, look.header),
            seconds=self._clock() - started,
            message_id=_message_id_of(arrival, look.header),
            files=_files_of(contents),
            crypto=",".join(crypto_of(contents.items)),
            is_list_mail=is_list_mail(look.header, arrival.raw, arrival.envelope.sender),
        )
        return Examination(tuple(_share(whole, case, look) for case in cases), look.header)

    async def _report(
        self,
        question: Question,
        look: Look,
        groups: Sequence[Group],
        extraction: Extraction,
        deadline: float,
    ) -> Sequence[_Case]:
        """Check what came out, and ask the scanners as far as it makes sense."""
        arrival = question.arrival
        faults = tuple(dict.fromkeys(extraction.faults))
        cases = [
            _Case(
                group,
                Report(
                    findings,
                    faults if group.options.looks_inside else (),
                    look.readings.anomalies,
                ),
                is_closed=is_oversize(arrival, group),
            )
            for group, findings in zip(groups, look.findings, strict=True)
        ]
        if all(case.is_closed for case in cases):
            return cases
        cases = await self._check_contents(arrival, look, extraction, cases)
        whole = replace(question, extracted=tuple(extraction.parts))
        cases = await self._ask_for_viruses(cases, look, whole, deadline)
        if self._options.settings.spamd.helper_fields:
            on_top = helper_fields(arrival.envelope.sender, extraction.contents)
            question = replace(question, on_top=on_top)
        return await self._ask_for_scores(cases, look, question, deadline)

    async def _look(self, arrival: Arrival, groups: Sequence[Group]) -> Look:
        """Run the checks in process; those of large messages in a thread."""
        wanted = (arrival, groups, self._options, self._release_key)
        if arrival.size_bytes > _LOOP_BYTES:
            return await asyncio.to_thread(look_at, *wanted)
        return look_at(*wanted)

    async def _extract(self, look: Look, groups: Sequence[Group], deadline: float) -> Extraction:
        """Take the leaves apart, if somebody is to see what is inside."""
        options = self._options
        looks_inside = any(group.options.looks_inside for group in groups)
        return await extract(
            look.leaves if looks_inside else (),
            self._unpacker,
            options.unpacking,
            deadline,
            redundant=options.settings.unpacking.redundant,
        )

    async def _check_contents(
        self, arrival: Arrival, look: Look, extraction: Extraction, cases: Sequence[_Case]
    ) -> list[_Case]:
        """Apply the rules, each set of them once, and each group's own limits."""
        open_cases = (case for case in cases if not case.is_closed)
        rules = {id(one): one for one in (case.group.options.attachments for case in open_cases)}
        contents = extraction.contents
        told = {one.detail for one in contents.unopened}
        found = {
            key: await _check_attachments(arrival, look, contents, one)
            for key, one in rules.items()
        }
        return [
            case
            if case.is_closed
            else _with_findings(
                case,
                (
                    *found[id(case.group.options.attachments)],
                    *_over_limits(case, extraction.spent, told),
                ),
            )
            for case in cases
        ]

    async def _ask_for_viruses(
        self, cases: Sequence[_Case], look: Look, question: Question, deadline: float
    ) -> list[_Case]:
        """Ask each virus scanner that somebody wants, once, all together."""
        is_text_only = look.is_text_only
        asking = {
            case: None
            for case in cases
            if not (is_text_only and case.group.options.settings.viruses.skip_text_only)
        }
        answers = await self._ask(Wave.VIRUS, asking, question, deadline)
        return [_join_answers(case, answers) if case in asking else case for case in cases]

    async def _ask_for_scores(
        self, cases: Sequence[_Case], look: Look, question: Question, deadline: float
    ) -> Sequence[_Case]:
        """Ask for a score for each scoring user; nobody when the message has to wait anyway."""
        arrival = question.arrival
        decided = [_decide(arrival, case, look).disposition for case in cases]
        if Disposition.DEFER in decided:
            return cases
        worth = [
            case
            for case, disposition in zip(cases, decided, strict=True)
            if disposition < Disposition.DEFER and _is_worth_scoring(arrival, case, look)
        ]
        by_user = _by_scoring_user(worth, self._options.settings.spam.user)
        answers = await _together(
            {
                user: self._ask(Wave.SPAM, theirs, replace(question, user=user), deadline)
                for user, theirs in by_user.items()
            }
        )
        users = {case: user for user, theirs in by_user.items() for case in theirs}
        return [
            _join_answers(case, answers[users[case]]) if case in users else case for case in cases
        ]

    async def _ask(
        self, wave: Wave, cases: Collection[_Case], question: Question, deadline: float
    ) -> Mapping[Scanner, Answer]:
        """Ask the scanners of one wave that some case wants, in parallel; in fixed order."""
        asked = [
            scanner
            for scanner in self._scanners
            if scanner.wave is wave and any(case.asks(scanner) for case in cases)
        ]
        return await _together({one: one.scan(question, deadline) for one in asked})


Key = TypeVar("Key")
Value = TypeVar("Value")


async def _together(work: Mapping[Key, Coroutine[None, None, Value]]) -> Mapping[Key, Value]:
    """Do all at once, in fixed order; what is alone needs no task of its own."""
    if len(work) <= 1:
        return {key: await one for key, one in work.items()}
    async with asyncio.TaskGroup() as group:
        tasks = {key: group.create_task(one) for key, one in work.items()}
    return {key: task.result() for key, task in tasks.items()}


async def _check_attachments(
    arrival: Arrival, look: Look, contents: Contents, rules: AttachmentRules
) -> tuple[Finding, ...]:
    """Apply the rules; those of large archives in a thread."""
    parts = look.readings.primary.walk() if rules.field_names else ()
    facts = message_facts(arrival, (part.header for part in parts), rules.field_names)
    if len(contents.items) > _MANY_ITEMS:
        return await asyncio.to_thread(check_attachments, contents, rules, facts)
    return check_attachments(contents, rules, facts)


def _over_limits(case: _Case, spent: Spent, told: Collection[str]) -> Iterable[Finding]:
    """What these recipients' limits say of what was spent under the widest ones.

    A widest limit that was hit is `told` already (`verdict.attachments`).
    """
    limits = case.group.options.settings.unpacking
    for limit, name, most, needed in (
        (Limit.BYTES, "unpacked_bytes", limits.unpacked_bytes, spent.bytes_produced),
        (Limit.FILES, "files", limits.files, spent.files),
    ):
        if needed > most and limit not in told:
            detail = f"{needed} are unpacked where unpacking.{name} allows {most}"
            yield Finding("unpack", Kind.OVER_LIMIT, limit, detail=detail)


def _with_findings(case: _Case, findings: tuple[Finding, ...]) -> _Case:
    return replace(case, report=replace(case.report, findings=findings + case.report.findings))


def _is_worth_scoring(arrival: Arrival, case: _Case, look: Look) -> bool:
    if case.is_closed or not is_scored(arrival.origin) or SPAM_KEY in look.released:
        return False
    sender = look.header.first(b"from")
    from_field = value_of(arrival.raw, sender) if sender else b""
    skips_bounces = case.group.options.settings.spam.skip_bounces
    return not (skips_bounces and is_bounce(arrival, from_field))


def _by_scoring_user(cases: Iterable[_Case], site_user: str) -> Mapping[str, Sequence[_Case]]:
    """Who is scored by whose settings; where there are too many users, the rest by the site's."""
    by_user: dict[str, list[_Case]] = {}
    for case in cases:
        user = _scoring_user(case)
        is_room = user in by_user or len(by_user) < _MOST_SCORING_USERS
        by_user.setdefault(user if is_room else site_user, []).append(case)
    return by_user


def _scoring_user(case: _Case) -> str:
    """Whose settings spamd scores by: the one recipient's, or those of the whole group."""
    spam, recipients = case.group.options.settings.spam, case.group.recipients
    if spam.user_is_recipient and len(recipients) == 1:
        return recipients[0].decode("utf-8", "replace")
    return spam.user


def _share(whole: Record, case: _Case, look: Look) -> Share:
    """The record of one group: as if the message had come for its recipients alone."""
    arrival = whole.arrival
    if case.group.recipients != arrival.envelope.recipients:
        envelope = replace(arrival.envelope, recipients=case.group.recipients)
        arrival = replace(arrival, envelope=envelope)
    decision = _decide(whole.arrival, case, look)
    record = replace(whole, arrival=arrival, report=case.report, decision=decision)
    return Share(record, case.group.options)


def _decide(arrival: Arrival, case: _Case, look: Look) -> Decision:
    return decide(case.report, case.group.options.profile, arrival.origin, look.released)


def _scanners_until(deadline: float) -> float:
    """When scanners must be done, on the loop's clock: before the message's own deadline."""
    now = asyncio.get_running_loop().time()
    return deadline - min(_MARGIN_SECONDS, (deadline - now) * _MARGIN_SHARE)


def _join_answers(case: _Case, answers: Mapping[Scanner, Answer]) -> _Case:
    report = case.report
    for scanner, answer in answers.items():
        if case.asks(scanner):
            report = _join(report, scanner.version, answer)
    return replace(case, report=report)


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


def _message_id_of(arrival: Arrival, header: Header) -> str:
    field = header.first(b"message-id")
    value = value_of(arrival.raw, field).strip() if field else b""
    return value[:_MESSAGE_ID_BYTES].decode("utf-8", "replace")


def _files_of(contents: Contents) -> tuple[tuple[str, int], ...]:
    """Names and sizes of what has a name, the first ones."""
    named = ((item.names[0], item.size_bytes or 0) for item in contents.items if item.names)
    return tuple(file for file, _ in zip(named, range(_LISTED_FILES), strict=False))
