"""Doing what was decided: keep first, then record, then say what the door must answer."""

from dataclasses import dataclass

from mailwarden.message.edits import Edit
from mailwarden.pipeline.examine import Examination
from mailwarden.pipeline.options import PathOptions
from mailwarden.pipeline.writing import edits_for
from mailwarden.ports.keeping import Maildir, Quarantine, Records
from mailwarden.ports.scanner import Payload
from mailwarden.verdict.decide import Cause
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Fault, Finding, Kind, SpamScore


@dataclass(frozen=True, slots=True)
class Deliver:
    """Queue the message with these edits, to its own envelope."""

    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """Answer success: it is in quarantine, or was deleted and a record says so."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a permanent refusal and this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Defer:
    """Answer with a temporary refusal and this text."""

    text: str


Outcome = Deliver | Kept | Refuse | Defer


class Performer:
    """Does what a decision says."""

    def __init__(self, options: PathOptions, quarantine: Quarantine, records: Records) -> None:
        self._options = options
        self._quarantine = quarantine
        self._records = records

    async def perform(self, examination: Examination, payload: Payload) -> Outcome:
        """Keep what must be kept, record, and return what to answer; raises `KeepingError`.

        A deletion is on record, synced, before success can be answered.
        """
        record = examination.record
        if _is_cut(record, payload):
            return Defer(self._options.settings.rejection.defer)
        outcome: Outcome
        match record.decision.disposition:
            case Disposition.DELETE:
                await self._records.note_durably(record)
                return Kept()
            case Disposition.QUARANTINE:
                await self._quarantine.keep(record, payload, self._maildir(examination))
                outcome = Kept()
            case Disposition.REJECT:
                outcome = Refuse(self._rejection(examination))
            case Disposition.DEFER:
                outcome = Defer(self._options.settings.rejection.defer)
            case Disposition.TAG | Disposition.ACCEPT:
                outcome = Deliver(edits_for(examination, self._options.settings))
        self._records.note(record)
        return outcome

    @staticmethod
    def _maildir(examination: Examination) -> Maildir:
        match _main_cause(examination):
            case SpamScore():
                return Maildir.SPAM
            case Finding(kind=Kind.VIRUS):
                return Maildir.VIRUSES
            case _:
                return Maildir.POLICY

    def _rejection(self, examination: Examination) -> str:
        texts = self._options.settings.rejection
        match _main_cause(examination):
            case SpamScore():
                return texts.spam
            case Finding(kind=Kind.VIRUS):
                return texts.virus
            case Finding(kind=Kind.OVERSIZE):
                return texts.oversize
            case Finding() | Fault() | None:
                return texts.policy


def _is_cut(record: Record, payload: Payload) -> bool:
    """Part of an oversized message was not kept, so it may be refused but never passed on."""
    passes_on = Disposition.ACCEPT, Disposition.TAG, Disposition.QUARANTINE
    is_cut = payload.size_bytes < record.arrival.size_bytes
    return is_cut and record.decision.disposition in passes_on


def _main_cause(examination: Examination) -> Cause | None:
    main = examination.record.decision.main
    return main.cause if main else None
