"""Doing what was decided: kept before told, on record before gone."""

from dataclasses import replace

import pytest

from mailwarden.message.edits import apply_edits
from mailwarden.pipeline.examine import Examination
from mailwarden.pipeline.options import path_options
from mailwarden.pipeline.perform import (
    Defer,
    Deliver,
    Keepers,
    Kept,
    Outcome,
    Performer,
    Refuse,
)
from mailwarden.ports.keeping import KeepingError, Maildir
from mailwarden.settings.model import Settings
from mailwarden.verdict.decide import Decision, Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import Answer, Fault, Finding, Kind
from support.arrivals import (
    AWAY,
    CLEAN,
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

MESSAGE = b"From: ann@sender.example\nSubject: Hello\n\nbody \0\xff\r\n.\n"
REJECTION = Settings().rejection
ID = arrival_of(b"").id


class Desk:
    """A performer with its keepers, and what it is asked to do."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or settings_of()
        self.quarantine = MemoryQuarantine()
        self.records = MemoryRecords()
        self.outbox = MemoryOutbox()
        self.courier = MemoryCourier()

    async def pass_on(self, answer: Answer, raw: bytes = MESSAGE) -> Outcome:
        """Examine a message of which scanners say `answer`, and do what was decided."""
        scanner = spam_scanner(answer) if answer.score else ScriptedScanner(answer)
        found = await examine(raw, settings=self.settings, scanners=(scanner,))
        return await self.perform(found, MemoryPayload(raw))

    async def perform(self, found: Examination, payload: MemoryPayload) -> Outcome:
        keepers = Keepers(self.quarantine, self.records, self.outbox)
        performer = Performer(path_options(self.settings), keepers)
        return (await performer.perform(found, payload, self.courier)).outcome

    @property
    def is_untouched(self) -> bool:
        return not (self.quarantine.messages or self.records.noted or self.records.durable)


async def decided(disposition: Disposition, raw: bytes = MESSAGE) -> Examination:
    """An examination with a decision of the test's own."""
    found = await examine(raw)
    reason = Reason(Finding("check", Kind.POLICY, "x"), disposition)
    (share,) = found.shares
    record = replace(share.record, decision=Decision(disposition, (reason,)))
    return replace(found, shares=(replace(share, record=record),))


async def test_an_accepted_message_is_delivered_with_its_edits_and_noted() -> None:
    desk = Desk()
    outcome = await desk.pass_on(CLEAN)
    assert isinstance(outcome, Deliver)
    assert apply_edits(MESSAGE, outcome.edits).endswith(MESSAGE)
    assert len(desk.records.noted) == 1
    assert not desk.quarantine.messages


async def test_spam_below_the_limits_is_delivered_tagged() -> None:
    desk = Desk(settings_of(spam={"subject": "SPAM *** "}))
    outcome = await desk.pass_on(scored("6", "5"))
    assert isinstance(outcome, Deliver)
    assert b"Subject: SPAM *** Hello\n" in apply_edits(MESSAGE, outcome.edits)


@pytest.mark.parametrize(
    ("answer", "settings", "maildir"),
    [
        (INFECTED, settings_of(), Maildir.VIRUSES),
        (scored("9"), settings_of(spam={"quarantine_above": 1}), Maildir.SPAM),
        (Answer((Finding("x", Kind.POLICY, "y"),)), settings_of(), Maildir.POLICY),
        (Answer((Finding("x", Kind.MALFORMED, "y"),)), settings_of(), Maildir.POLICY),
        (AWAY, settings_of(clamd={"on_fault": "quarantine"}), Maildir.POLICY),
        (
            Answer((Finding("x", Kind.POLICY, "y"), Finding("x", Kind.VIRUS, "y"))),
            settings_of(),
            Maildir.VIRUSES,
        ),
    ],
)
async def test_a_quarantined_message_is_kept_to_the_byte_in_the_maildir_of_its_reason(
    answer: Answer, settings: Settings, maildir: Maildir
) -> None:
    desk = Desk(settings)
    assert await desk.pass_on(answer) == Kept()
    assert desk.quarantine.messages == {ID: (str(maildir), MESSAGE)}
    assert len(desk.records.noted) == 1


async def test_what_could_not_be_kept_is_not_answered_and_on_record_as_deferred() -> None:
    desk = Desk()
    desk.quarantine.is_full = True
    with pytest.raises(KeepingError, match="No space left"):
        await desk.pass_on(INFECTED)
    assert not desk.quarantine.messages
    assert [record.decision.disposition for record in desk.records.noted] == [Disposition.DEFER]


async def test_a_deletion_is_on_record_for_good_before_it_is_answered() -> None:
    desk = Desk(settings_of(spam={"delete_above": 4}))
    assert await desk.pass_on(scored("9.1")) == Kept()
    (record,) = desk.records.durable
    assert record.decision.disposition is Disposition.DELETE
    assert not desk.records.noted
    assert not desk.quarantine.messages


async def test_a_deletion_that_cannot_be_recorded_does_not_happen() -> None:
    desk = Desk(settings_of(dispositions={"virus": "delete"}))
    desk.records.is_broken = True
    with pytest.raises(KeepingError, match="record not written"):
        await desk.pass_on(INFECTED)
    assert desk.is_untouched


async def test_lost_notes_hold_up_nothing_but_deletions() -> None:
    desk = Desk()
    desk.records.is_broken = True
    assert isinstance(await desk.pass_on(CLEAN), Deliver)
    assert await desk.pass_on(INFECTED) == Kept()
    assert desk.quarantine.messages


@pytest.mark.parametrize(
    ("answer", "settings", "text"),
    [
        (INFECTED, {"dispositions": {"virus": "reject"}}, REJECTION.virus),
        (scored("9.1"), {"spam": {"delete_above": 4, "reject": True}}, REJECTION.spam),
        (
            Answer((Finding("x", Kind.POLICY, "y"),)),
            {"dispositions": {"policy": "reject"}},
            REJECTION.policy,
        ),
        (
            Answer((Finding("x", Kind.ENCRYPTED, "y"),)),
            {"dispositions": {"encrypted": "reject"}},
            REJECTION.policy,
        ),
        (CLEAN, {"limits": {"message_bytes": 10, "memory_bytes": 10}}, REJECTION.oversize),
    ],
)
async def test_a_rejection_says_what_for_and_keeps_nothing(
    answer: Answer, settings: dict[str, object], text: str
) -> None:
    desk = Desk(settings_of(**settings))
    assert await desk.pass_on(answer) == Refuse(text)
    assert not desk.quarantine.messages
    assert len(desk.records.noted) == 1


async def test_a_deferral_keeps_nothing_and_is_noted() -> None:
    desk = Desk()
    assert await desk.pass_on(AWAY) == Defer(REJECTION.defer)
    assert not desk.quarantine.messages
    assert [record.decision.disposition for record in desk.records.noted] == [Disposition.DEFER]


async def test_the_texts_are_the_sites_own() -> None:
    texts = {"virus": "Go away (#5.7.1)", "defer": "Come back (#4.3.0)"}
    desk = Desk(settings_of(dispositions={"virus": "reject"}, rejection=texts))
    assert await desk.pass_on(INFECTED) == Refuse("Go away (#5.7.1)")
    assert await desk.pass_on(AWAY) == Defer("Come back (#4.3.0)")


async def test_no_text_from_a_message_or_scanner_reaches_the_sender() -> None:
    finding = Finding("SECRET", Kind.POLICY, "SECRET", "SECRET", "SECRET", "SECRET")
    fault = Fault("SECRET", "SECRET")
    desk = Desk(settings_of(dispositions={"policy": "reject"}))
    for answer in (Answer((finding,)), Answer(faults=(fault,))):
        assert "SECRET" not in repr(await desk.pass_on(answer))


@pytest.mark.parametrize(
    "disposition", [Disposition.ACCEPT, Disposition.TAG, Disposition.QUARANTINE]
)
async def test_a_message_that_was_cut_is_neither_delivered_nor_kept(
    disposition: Disposition,
) -> None:
    desk = Desk()
    found = await decided(disposition)
    assert await desk.perform(found, MemoryPayload(MESSAGE[:-1])) == Defer(REJECTION.defer)
    assert desk.is_untouched


@pytest.mark.parametrize(
    ("disposition", "outcome"),
    [
        (Disposition.REJECT, Refuse(REJECTION.policy)),
        (Disposition.DELETE, Kept()),
        (Disposition.DEFER, Defer(REJECTION.defer)),
    ],
)
async def test_a_message_that_was_cut_can_still_be_refused_or_deleted(
    disposition: Disposition, outcome: Outcome
) -> None:
    desk = Desk()
    found = await decided(disposition)
    assert await desk.perform(found, MemoryPayload(MESSAGE[:-1])) == outcome
    assert not desk.quarantine.messages
    assert len(desk.records.noted) + len(desk.records.durable) == 1


@pytest.mark.parametrize("disposition", Disposition)
async def test_every_message_that_is_dealt_with_is_on_record_once(
    disposition: Disposition,
) -> None:
    desk = Desk()
    await desk.perform(await decided(disposition), MemoryPayload(MESSAGE))
    assert len(desk.records.noted) + len(desk.records.durable) == 1
