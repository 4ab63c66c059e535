"""Doing what was decided: keep first, then tell, then record, and say what the door must answer.

    stage what goes into quarantine      on the disk, synced, but not there yet
    record what is deleted               synced
    queue the first copy                 if the queue refuses: nothing was done, its answer is ours
    commit what was staged               from here on the message is dealt with
    queue the other copies               one that the queue refuses is kept and tried again
    tell                                 synced, too, so that a crash after success loses no notice
    record, answer

A message that is one copy for all is handed to the client, which becomes the queue program.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailwarden.message.edits import Edit, apply_edits
from mailwarden.message.headers import Header
from mailwarden.net.payload import MemoryPayload
from mailwarden.pipeline.examine import Examination, Share
from mailwarden.pipeline.options import PathOptions
from mailwarden.pipeline.telling import Told, errands_for, redelivery
from mailwarden.pipeline.writing import edits_for
from mailwarden.ports.courier import Courier
from mailwarden.ports.keeping import Archive, KeepingError, Maildir, Quarantine, Records, Staged
from mailwarden.ports.outbox import Outbox
from mailwarden.ports.scanner import Payload
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.errand import Errand
from mailwarden.verdict.merge import settle
from mailwarden.verdict.record import Record, join_records
from mailwarden.verdict.report import Finding, Kind, SpamScore
from mailwarden.wire.envelope import Envelope

# The sender waits while copies are queued one by one, some 10 ms each on a slow disk; more are left
# to the outbox.
_MOST_COPIES_NOW = 100
# What qmail takes for a refusal for good (qmail-queue(8)).
_PERMANENT_CODES = range(11, 41)
_PASSING = Disposition.ACCEPT, Disposition.TAG
# A database takes a row within milliseconds; no message waits for a locked one to tell somebody.
_TELLING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Deliver:
    """Queue the message with these edits, to its own envelope."""

    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """Answer success: every copy is queued, in quarantine, or deleted and a record says so."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a permanent refusal and this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Defer:
    """Answer with a temporary refusal and this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Passed:
    """Answer with the exit code of the queue program, which did not take the message."""

    code: int


Outcome = Deliver | Kept | Refuse | Defer | Passed


@dataclass(frozen=True, slots=True)
class Done:
    """What to answer, and what is remembered of the message."""

    outcome: Outcome
    record: Record


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy for the queue: the same edits for all of its recipients."""

    edits: tuple[Edit, ...]
    record: Record

    @property
    def envelope(self) -> Envelope:
        """Who gets this copy."""
        return self.record.arrival.envelope


@dataclass(frozen=True, slots=True)
class Keepers:
    """Those who keep and send, for the performer."""

    quarantine: Quarantine
    records: Records
    outbox: Outbox
    archive: Archive | None = None


class Performer:
    """Does what a decision says."""

    def __init__(self, options: PathOptions, keepers: Keepers) -> None:
        self._options = options
        self._keepers = keepers

    async def perform(self, examination: Examination, payload: Payload, courier: Courier) -> Done:
        """Keep what must be kept, tell, record, and return what to answer.

        Raises `KeepingError` or `CourierGoneError`: then nothing is in quarantine, and the sender
        has to try again; a copy that the queue took already will be there twice.
        """
        shares = _settled(examination.shares)
        record = join_records([share.record for share in shares])
        if _is_cut(shares, payload):
            return Done(Defer(self._options.settings.rejection.defer), record)
        match record.decision.disposition:
            case Disposition.DEFER:
                outcome: Outcome = Defer(_lead(shares).options.settings.rejection.defer)
            case Disposition.REJECT if _is_all(shares, Disposition.REJECT):
                outcome = Refuse(_rejection(_lead(shares)))
                for errand in errands_for(_told(shares), examination.header):
                    self._keepers.outbox.send(errand)
            case _:
                return await self._carry_out(shares, examination.header, payload, courier)
        self._keepers.records.note(record)
        return Done(outcome, record)

    async def _carry_out(
        self, shares: Sequence[Share], header: Header, payload: Payload, courier: Courier
    ) -> Done:
        """Pass on, quarantine and delete, each group's copy as decided."""
        record = join_records([share.record for share in shares])
        copies = _copies([share for share in shares if _passes(share)], header)
        await self._archive_copies(copies, payload)
        if len(copies) == 1 and all(map(_passes, shares)):
            self._keepers.records.note(record)
            return Done(Deliver(copies[0].edits), record)
        kept = _with_ids(shares)
        staged: list[Staged] = []
        try:
            code = await self._keep(kept, payload, copies[:1], courier, staged)
            for number, copy in enumerate(copies[1:] if not code else (), 1):
                await self._queue_or_keep(copy, number, courier)
        except BaseException:  # whatever it was: the sender tries again, and all comes again
            await self._undo(shares, staged, Disposition.DEFER)
            raise
        if code:
            record = await self._undo(shares, staged, _answered(code))
            return Done(Passed(code), record)
        await self._tell(kept, header)
        record = join_records([share.record for share in kept])
        if not _is_any(shares, Disposition.DELETE):
            self._keepers.records.note(record)
        return Done(Kept(), record)

    async def _keep(
        self,
        shares: Sequence[Share],
        payload: Payload,
        first: Sequence[Copy],
        courier: Courier,
        staged: list[Staged],
    ) -> int:
        """Keep all that must be kept together with the first copy for the queue.

        Returns the queue program's exit code, 0 where there is no copy; otherwise, and when it
        raises, what is in `staged` has to be discarded.
        """
        for maildir, kept in _by_maildir(shares):
            staged.append(await self._keepers.quarantine.stage(kept, payload, maildir))
        if _is_any(shares, Disposition.DELETE):
            await self._keepers.records.note_durably(
                join_records([share.record for share in shares])
            )
        for copy in first:
            if code := await courier.submit(copy.edits, copy.envelope):
                return code
        for one in staged:
            await one.commit()
        return 0

    async def _undo(
        self, shares: Sequence[Share], staged: Sequence[Staged], disposition: Disposition
    ) -> Record:
        """Forget what was kept; on record is that nothing of the message was taken."""
        for one in staged:
            await one.discard()
        record = _not_taken(shares, disposition)
        self._keepers.records.note(record)
        return record

    async def _queue_or_keep(self, copy: Copy, number: int, courier: Courier) -> None:
        """Queue a further copy; one that the queue refuses, or one too many, is kept for later.

        A client that goes away is no refusal: it answers no success, so the sender tries again.
        """
        is_now = number < _MOST_COPIES_NOW
        if is_now and not await courier.submit(copy.edits, copy.envelope):
            return
        record = replace(copy.record, kept_as=f"{copy.record.arrival.id}-q{number}")
        # A large one is mapped, and copying it takes longer than the other messages may wait.
        edited = await asyncio.to_thread(apply_edits, record.arrival.raw, copy.edits)
        staged = await self._keepers.quarantine.stage(
            record, MemoryPayload(edited), Maildir.UNDELIVERED
        )
        try:
            await staged.commit()
            await self._keepers.outbox.send_durably(redelivery(record))
        except KeepingError:
            await staged.discard()  # nobody would ever queue it
            raise

    async def _archive_copies(self, copies: Sequence[Copy], payload: Payload) -> None:
        if copies and self._keepers.archive:
            await self._keepers.archive.keep(
                join_records([copy.record for copy in copies]), payload
            )

    async def _tell(self, shares: Sequence[Share], header: Header) -> None:
        """Have everybody told who is to be told: on the disk before success is answered.

        A database that cannot take it now gets it later, and nobody waits for that.
        """
        await asyncio.gather(*(self._send(errand) for errand in errands_for(_told(shares), header)))

    async def _send(self, errand: Errand) -> None:
        try:
            async with asyncio.timeout(_TELLING_SECONDS):
                await self._keepers.outbox.send_durably(errand)
        except (KeepingError, TimeoutError):
            self._keepers.outbox.send(errand)


def _settled(shares: Sequence[Share]) -> tuple[Share, ...]:
    decisions = settle([share.record.decision for share in shares])
    if len(shares) == 1:
        return tuple(shares)  # alone it gets what was decided
    return tuple(
        replace(share, record=replace(share.record, decision=decision))
        for share, decision in zip(shares, decisions, strict=True)
    )


def _answered(code: int) -> Disposition:
    """What the sender hears of the queue program's exit code (facts 1.2)."""
    return Disposition.REJECT if code in _PERMANENT_CODES else Disposition.DEFER


def _not_taken(shares: Sequence[Share], disposition: Disposition) -> Record:
    """What is remembered when the queue did not take the message: the same for everybody."""
    waiting = (
        replace(share.record, decision=replace(share.record.decision, disposition=disposition))
        for share in shares
    )
    return join_records(list(waiting))


def _told(shares: Sequence[Share]) -> list[Told]:
    return [Told(share.record, share.options.settings) for share in shares]


def _copies(shares: Sequence[Share], header: Header) -> tuple[Copy, ...]:
    """The copies for the queue: recipients whose edits are equal share one."""
    by_edits: dict[tuple[Edit, ...], list[Record]] = {}
    for share in shares:
        edits = edits_for(share.record, header, share.options.settings)
        by_edits.setdefault(edits, []).append(share.record)
    return tuple(Copy(edits, join_records(records)) for edits, records in by_edits.items())


def _with_ids(shares: Sequence[Share]) -> tuple[Share, ...]:
    """The same with an id in quarantine for each that goes there; one for each Maildir."""
    ids: dict[str, str] = {}
    return tuple(share if not _is_kept(share) else _with_id(share, ids) for share in shares)


def _with_id(share: Share, ids: dict[str, str]) -> Share:
    message_id = share.record.arrival.id
    number = len(ids) + 1
    name = message_id if number == 1 else f"{message_id}-{number}"
    kept_as = ids.setdefault(_maildir(share), name)
    return replace(share, record=replace(share.record, kept_as=kept_as))


def _by_maildir(shares: Sequence[Share]) -> list[tuple[str, Record]]:
    """What goes into each Maildir: one copy, for all whose copy goes there."""
    by_maildir: dict[str, list[Record]] = {}
    for share in filter(_is_kept, shares):
        by_maildir.setdefault(_maildir(share), []).append(share.record)
    return [(maildir, join_records(records)) for maildir, records in by_maildir.items()]


def _maildir(share: Share) -> str:
    main = share.record.decision.main
    match main.cause if main else None:
        case SpamScore():
            return share.options.settings.spam.maildir
        case Finding(kind=Kind.VIRUS):
            return Maildir.VIRUSES
        case _:
            return Maildir.POLICY


def _rejection(share: Share) -> str:
    texts = share.options.settings.rejection
    main = share.record.decision.main
    match main.cause if main else None:
        case SpamScore():
            return texts.spam
        case Finding(kind=Kind.VIRUS):
            return texts.virus
        case Finding(kind=Kind.OVERSIZE):
            return texts.oversize
        case _:
            return texts.policy


def _lead(shares: Sequence[Share]) -> Share:
    """The share whose reason is told."""
    record = join_records([share.record for share in shares])
    return next((one for one in shares if one.record.decision == record.decision), shares[0])


def _passes(share: Share) -> bool:
    return share.record.decision.disposition in _PASSING


def _is_kept(share: Share) -> bool:
    return share.record.decision.disposition is Disposition.QUARANTINE


def _is_all(shares: Sequence[Share], disposition: Disposition) -> bool:
    return all(share.record.decision.disposition is disposition for share in shares)


def _is_any(shares: Sequence[Share], disposition: Disposition) -> bool:
    return any(share.record.decision.disposition is disposition for share in shares)


def _is_cut(shares: Sequence[Share], payload: Payload) -> bool:
    """Part of an oversized message was not kept, so it may be refused but never passed on."""
    is_cut = any(payload.size_bytes < share.record.arrival.size_bytes for share in shares)
    return is_cut and any(_passes(share) or _is_kept(share) for share in shares)
