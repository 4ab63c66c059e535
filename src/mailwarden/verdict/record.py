"""What is remembered about a message: facts, reasons, times; the one shape for all who ask.

The log line, the database row, the quarantine's slip and `scan --json` are made from it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from mailwarden.message.anomalies import Weight, weight_of
from mailwarden.verdict.arrival import Arrival
from mailwarden.verdict.decide import Cause, Decision, Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import Fault, Finding, Report, SpamScore

Json = dict[str, object]

# A hostile message has thousands; the first ones say enough, and a record must stay small.
_ANOMALIES = 100


@dataclass(frozen=True, slots=True)
class Record:
    """One message, what was found and what was decided; `seconds` is the time that it took.

    `shares` has a record for each group of recipients with the same settings, where there are
    several: each with its own recipients in the envelope, report and decision. What stands here is
    then the most severe one's, and every recipient is in the envelope.
    `files` are names and sizes (bytes) of what is attached and what is in it, the first ones.
    `crypto` says how it is signed or encrypted (`S/MIME`, `PGP` ...), empty when it is not.
    `is_list_mail`: it came from a mailing list or a program. `kept_as` is its id in quarantine.
    """

    arrival: Arrival
    report: Report
    decision: Decision
    subject: str
    seconds: float
    message_id: str = ""
    files: tuple[tuple[str, int], ...] = ()
    crypto: str = ""
    is_list_mail: bool = False
    kept_as: str = ""
    shares: tuple["Record", ...] = ()

    @property
    def reason(self) -> str:
        """Why, in a word or two: the deciding cause's key, or empty when nothing was found."""
        main = self.decision.main
        return main.key if main and main.disposition else ""

    @property
    def detail(self) -> str:
        """Why, in a sentence for people; may hold names from the message."""
        main = self.decision.main
        return explain_cause(main.cause) if main and main.disposition else ""


def join_records(shares: Sequence[Record]) -> Record:
    """One record of a message whose groups of recipients have one each; led by the most severe.

    Of those that are equally severe, one leads whose own reasons asked for it.
    """
    if len(shares) == 1:
        return shares[0]
    lead = max(shares, key=_leads)
    recipients = tuple(chain.from_iterable(one.arrival.envelope.recipients for one in shares))
    envelope = replace(lead.arrival.envelope, recipients=recipients)
    return replace(lead, arrival=replace(lead.arrival, envelope=envelope), shares=tuple(shares))


def _leads(record: Record) -> tuple[Disposition, bool]:
    main = record.decision.main
    asked_for_it = bool(main and main.disposition is record.decision.disposition)
    return record.decision.disposition, asked_for_it


def explain_cause(cause: Cause) -> str:
    """A sentence about one cause."""
    match cause:
        case Finding():
            part = f"part {cause.part}" if cause.part else ""
            where = f" in {cause.filename or part}" if cause.filename or part else ""
            return cause.detail or f"{cause.by} found {cause.kind.value} {cause.name}{where}"
        case Fault():
            again = "may work later" if cause.temporary else "needs you"
            return f"{cause.by} could not answer: {cause.reason} ({again})"
        case SpamScore():
            return f"{cause.by} gave {cause.score} points where {cause.required} make spam"


def text_of(octets: bytes) -> str:
    """Foreign bytes as text that JSON can carry and `bytes_of` turns back exactly."""
    return octets.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes that `text_of` was given."""
    return text.encode("utf-8", "surrogateescape")


def record_json(record: Record) -> Json:
    """The record as JSON (DESIGN section 7), one flat object.

    Of several groups of recipients it has all findings, faults and reasons, the leading group's
    first; the score and the anomalies are that group's.
    """
    arrival, report, decision = record.arrival, record.report, record.decision
    every = (record, *record.shares)  # what is the same for several groups is told once
    findings = dict.fromkeys(one for share in every for one in share.report.findings)
    faults = dict.fromkeys(one for share in every for one in share.report.faults)
    return {
        "id": arrival.id,
        "at": arrival.at,
        "disposition": decision.disposition.word,
        "reason": record.reason,
        "detail": record.detail,
        "sender": text_of(arrival.envelope.sender),
        "recipients": [
            {"address": text_of(address), "disposition": share.decision.disposition.word}
            for share in record.shares or (record,)
            for address in share.arrival.envelope.recipients
        ],
        "subject": record.subject,
        "message_id": record.message_id,
        "files": [[name, size] for name, size in record.files],
        "crypto": record.crypto,
        "is_list_mail": record.is_list_mail,
        "kept_as": record.kept_as,
        "size_bytes": arrival.size_bytes,
        "origin": arrival.origin.address,
        "findings": [_finding_json(finding) for finding in findings],
        "faults": [_fault_json(fault) for fault in faults],
        "anomalies": [
            {"code": odd.code, "part": odd.part} for odd in report.anomalies[:_ANOMALIES]
        ],
        "ambiguous": any(weight_of(odd.code) is not Weight.HARMLESS for odd in report.anomalies),
        "spam": _score_json(report.score) if report.score else None,
        "reasons": [
            {
                "key": reason.key,
                "disposition": reason.disposition.word,
                "released": reason.released,
            }
            for reason in (*decision.reasons, *_other_reasons(record))
        ],
        "scanners": list(report.asked),
        "seconds": round(record.seconds, 6),
    }


def _other_reasons(record: Record) -> Iterable[Reason]:
    """What other groups of recipients have besides the leading one's reasons, each key once."""
    theirs = {one.key: one for share in record.shares for one in share.decision.reasons}
    led = {one.key for one in record.decision.reasons}
    return (one for key, one in theirs.items() if key not in led)


def _finding_json(finding: Finding) -> Json:
    return {
        "by": finding.by,
        "kind": finding.kind.value,
        "name": finding.name,
        "part": finding.part,
        "filename": finding.filename,
    }


def _fault_json(fault: Fault) -> Json:
    return {"by": fault.by, "reason": fault.reason, "temporary": fault.temporary}


def _score_json(score: SpamScore) -> Json:
    return {
        "by": score.by,
        "score": float(score.score),
        "required": float(score.required),
        "tests": list(score.tests),
        "points": [[test, float(points)] for test, points in score.points],
    }
