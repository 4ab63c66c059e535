"""One message, recipients with settings of their own: every combination, every step failing.

Whatever happens, each recipient's copy is in exactly one place when success is answered, and in
none when it is not.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import product

import pytest

from mailwarden.message.edits import apply_edits
from mailwarden.pipeline.examine import Examination
from mailwarden.pipeline.options import path_options
from mailwarden.pipeline.perform import (
    Defer,
    Deliver,
    Done,
    Keepers,
    Kept,
    Passed,
    Performer,
    Refuse,
)
from mailwarden.ports.courier import CourierGoneError
from mailwarden.ports.keeping import KeepingError, Maildir
from mailwarden.settings.model import Settings
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.errand import ErrandKind
from mailwarden.verdict.report import Answer, Finding, Kind
from support.arrivals import (
    INFECTED,
    MemoryCourier,
    MemoryOutbox,
    MemoryPayload,
    MemoryQuarantine,
    MemoryRecords,
    ScriptedScanner,
    arrival_of,
    examine,
    scored,
    settings_of,
    spam_scanner,
)

MESSAGE = b"From: ann@sender.example\nSubject: Hello\n\nbody\n"
FINDING = Answer((Finding("clamd", Kind.POLICY, "odd"),))
COMBINATIONS = [*product(Disposition, repeat=2), *product(Disposition, repeat=3)]
SUCCESS = Deliver | Kept


@dataclass(slots=True)
class Desk:
    """Keepers and a courier in memory, whose steps can be made to fail."""

    quarantine: MemoryQuarantine = field(default_factory=MemoryQuarantine)
    records: MemoryRecords = field(default_factory=MemoryRecords)
    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    courier: MemoryCourier = field(default_factory=MemoryCourier)

    async def perform(self, settings: Settings, found: Examination) -> Done:
        keepers = Keepers(self.quarantine, self.records, self.outbox)
        performer = Performer(path_options(settings), keepers)
        done = await performer.perform(found, MemoryPayload(MESSAGE), self.courier)
        if isinstance(done.outcome, Deliver):  # the client becomes the queue program
            await self.courier.submit(done.outcome.edits, found.record.arrival.envelope)
        return done

    def places(self) -> Counter[bytes]:
        """In how many places each recipient's copy is."""
        queued = [address for _, one in self.courier.queued for address in one.recipients]
        kept = [
            address
            for record in self.quarantine.records.values()
            for address in record.arrival.envelope.recipients
        ]
        deleted = [
            address
            for record in self.records.durable
            for share in record.shares or (record,)
            if share.decision.disposition is Disposition.DELETE
            for address in share.arrival.envelope.recipients
        ]
        return Counter([*queued, *kept, *deleted])


def address_of(number: int) -> bytes:
    return b"bob@domain%d.example" % number


def settings_asking(dispositions: tuple[Disposition, ...]) -> Settings:
    """Settings by which each recipient's domain asks for its own disposition of a finding."""
    profiles = [
        {
            "match": [address_of(number).partition(b"@")[2].decode()],
            "dispositions": {"policy": disposition.word},
            "headers": {"prefix": f"X-Group-{number}"},
        }
        for number, disposition in enumerate(dispositions)
    ]
    return settings_of(profile=profiles)


async def examined(settings: Settings, count: int) -> Examination:
    recipients = [address_of(number) for number in range(count)]
    arrival = arrival_of(MESSAGE, recipients=recipients)
    return await examine(arrival, settings=settings, scanners=(ScriptedScanner(FINDING),))


STEPS = ("queue 1", "queue 2", "queue 3", "gone 1", "gone 2", "stage", "commit", "record")


def broken(step: str) -> Desk:
    """A desk where one step fails."""
    desk = Desk()
    what, _, number = step.partition(" ")
    match what:
        case "queue":
            desk.courier.codes = [*[0] * (int(number) - 1), 53]
        case "gone":
            desk.courier.codes = [*[0] * (int(number) - 1), CourierGoneError("gone")]
        case "stage":
            desk.quarantine.is_full = True
        case "commit":
            desk.quarantine.cannot_commit = True
        case "record":
            desk.records.is_broken = True
    return desk


async def test_each_recipients_copy_is_in_one_place_or_the_client_hears_no_success() -> None:
    for asked in COMBINATIONS:
        settings, desk = settings_asking(asked), Desk()
        done = await desk.perform(settings, await examined(settings, len(asked)))
        if isinstance(done.outcome, SUCCESS):
            assert desk.places() == Counter(map(address_of, range(len(asked)))), asked
        else:
            assert isinstance(done.outcome, Defer | Refuse), asked
            assert not desk.places(), asked
        assert not desk.quarantine.half_done, asked
        assert len(desk.records.noted) + len(desk.records.durable) == 1, asked


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_fails_loses_nothing_and_leaves_nothing_half_done(step: str) -> None:
    for asked in COMBINATIONS:
        settings, desk = settings_asking(asked), broken(step)
        found = await examined(settings, len(asked))
        assert await is_dealt_with_wholly(desk, settings, found), asked
        assert not desk.quarantine.half_done, asked


async def is_dealt_with_wholly(desk: Desk, settings: Settings, found: Examination) -> bool:
    """Success with each copy in one place, or no success with nothing in quarantine."""
    try:
        outcome = (await desk.perform(settings, found)).outcome
    except (KeepingError, CourierGoneError):
        return not desk.quarantine.messages
    if isinstance(outcome, Kept):
        return desk.places() == Counter(found.record.arrival.envelope.recipients)
    return not desk.quarantine.messages


@pytest.mark.parametrize("code", [31, 53, 71, 81, 111])
async def test_when_the_queue_refuses_its_code_is_answered_and_a_retry_leaves_one_copy(
    code: int,
) -> None:
    settings = settings_asking((Disposition.QUARANTINE, Disposition.TAG))
    desk, found = Desk(), await examined(settings, 2)
    desk.courier.codes = [code]
    assert (await desk.perform(settings, found)).outcome == Passed(code)
    assert not desk.quarantine.messages
    assert (await desk.perform(settings, found)).outcome == Kept()
    assert len(desk.quarantine.messages) == 1
    assert [envelope.recipients for _, envelope in desk.courier.queued] == [(address_of(1),)]


async def test_a_later_copy_that_the_queue_refuses_is_kept_as_it_would_be_and_tried_again() -> None:
    settings = settings_asking((Disposition.TAG, Disposition.ACCEPT))
    desk, found = Desk(), await examined(settings, 2)
    desk.courier.codes = [0, 53]
    assert (await desk.perform(settings, found)).outcome == Kept()
    ((kept_as, (maildir, octets)),) = desk.quarantine.messages.items()
    assert maildir == Maildir.UNDELIVERED
    assert octets.endswith(MESSAGE)
    assert len(octets) > len(MESSAGE)
    (errand,) = desk.outbox.errands
    assert (errand.kind, errand.content["kept_as"]) == (ErrandKind.REDELIVER, kept_as)
    assert desk.quarantine.records[kept_as].arrival.envelope.recipients == (address_of(1),)


async def test_recipients_whose_copies_are_equal_share_one() -> None:
    settings = settings_of(
        dispositions={"policy": "accept"},
        profile=[{"match": ["domain0.example"], "viruses": {"delete": ["mydoom"]}}],
    )
    found = await examined(settings, 3)
    done = await Desk().perform(settings, found)
    assert len(found.shares) == 2
    assert isinstance(done.outcome, Deliver)


async def test_quarantined_groups_share_a_copy_in_each_maildir() -> None:
    profiles = [
        {"match": ["domain0.example"], "spam": {"quarantine_above": 1}},
        {"match": ["domain1.example"], "spam": {"quarantine_above": 2}},
        {"match": ["domain2.example"], "spam": {"quarantine_above": 2, "maildir": "own"}},
    ]
    settings = settings_of(profile=profiles)
    recipients = [address_of(number) for number in range(3)]
    found = await examine(
        arrival_of(MESSAGE, recipients=recipients),
        settings=settings,
        scanners=(spam_scanner(scored("9")),),
    )
    desk = Desk()
    assert (await desk.perform(settings, found)).outcome == Kept()
    message_id = found.record.arrival.id
    assert desk.quarantine.messages == {
        message_id: ("spam", MESSAGE),
        f"{message_id}-2": ("own", MESSAGE),
    }
    records = desk.quarantine.records
    assert records[message_id].arrival.envelope.recipients == tuple(recipients[:2])
    assert records[f"{message_id}-2"].arrival.envelope.recipients == tuple(recipients[2:])


async def test_each_group_gets_the_edits_of_its_own_settings() -> None:
    profiles = [{"match": ["domain1.example"], "spam": {"subject": "SPAM *** ", "delta": 1}}]
    settings = settings_of(profile=profiles)
    found = await examine(
        arrival_of(MESSAGE, recipients=[address_of(0), address_of(1)]),
        settings=settings,
        scanners=(spam_scanner(scored("5.5")),),
    )
    desk = Desk()
    await desk.perform(settings, found)
    copies = {
        envelope.recipients: apply_edits(MESSAGE, edits) for edits, envelope in desk.courier.queued
    }
    assert b"\nSubject: Hello\n" in copies[(address_of(0),)]
    assert b"\nSubject: SPAM *** LOW Hello\n" in copies[(address_of(1),)]


async def test_a_mixed_rejection_is_quarantined_and_the_record_says_so_for_each() -> None:
    settings = settings_asking((Disposition.REJECT, Disposition.ACCEPT))
    desk = Desk()
    done = await desk.perform(settings, await examined(settings, 2))
    assert {
        share.arrival.envelope.recipients: share.decision.disposition
        for share in done.record.shares
    } == {
        (address_of(0),): Disposition.QUARANTINE,
        (address_of(1),): Disposition.ACCEPT,
    }


async def test_a_virus_that_one_domain_does_not_look_for_passes_there_alone() -> None:
    settings = settings_of(
        scanners=["clamd"], profile=[{"match": ["domain1.example"], "scanners": []}]
    )
    recipients = [address_of(0), address_of(1)]
    found = await examine(
        arrival_of(MESSAGE, recipients=recipients),
        settings=settings,
        scanners=(ScriptedScanner(INFECTED),),
    )
    desk = Desk()
    assert (await desk.perform(settings, found)).outcome == Kept()
    assert [envelope.recipients for _, envelope in desk.courier.queued] == [(address_of(1),)]
    assert len(desk.quarantine.messages) == 1
