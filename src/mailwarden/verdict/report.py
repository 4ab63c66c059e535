"""What is known about a message after looking: findings, faults, anomalies, the spam score.

A scanner or check gives one `Answer`; the pipeline joins all answers to one `Report`.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mailwarden.message.anomalies import Anomaly


class Kind(StrEnum):
    """What sort of thing a finding is; each kind has its own disposition in the settings."""

    VIRUS = "virus"
    POLICY = "policy"
    MALFORMED = "malformed"
    AMBIGUOUS = "ambiguous"  # readers take it differently, and more than text is involved
    AMBIGUOUS_TEXT = "ambiguous-text"
    ENCRYPTED = "encrypted"
    OVER_LIMIT = "over-limit"
    UNOPENED = "unopened"  # a format or method that cannot be opened here
    OVERSIZE = "oversize"  # the message as a whole is larger than limits.message_bytes
    UNSCORED = "unscored"  # spam scoring was skipped by a limit; asks for nothing but a header


@dataclass(frozen=True, slots=True)
class Finding:
    """What a scanner or check says is there.

    `name` is the scanner's word for it (`Eicar-Test-Signature`), `part` the path of the part
    (`1.2/invoice.zip/a.exe`, empty for the whole message), `filename` the name that gave it away,
    `detail` one sentence for people. All may come from the message: never print them unescaped.
    """

    by: str
    kind: Kind
    name: str
    part: str = ""
    filename: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A scanner or check could not answer.

    `reason` is our own text (never the peer's, never content); `temporary` says whether a later
    try may succeed.
    """

    by: str
    reason: str
    temporary: bool = True


@dataclass(frozen=True, slots=True)
class SpamScore:
    """A spam scanner's opinion: `score` points where `required` make it spam.

    `tests` are the names of the rules that hit, `text` the scanner's report for people (lines),
    `fields` the header fields that the scanner itself would write ('verbose'), whole with their
    line ends as LF, in order, `points` the tests with what each gave, as far as the scanner told.
    """

    by: str
    score: Decimal
    required: Decimal
    tests: tuple[str, ...] = ()
    text: str = ""
    fields: tuple[bytes, ...] = ()
    points: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one scanner or check says about one message; empty means: looked, found nothing."""

    findings: tuple[Finding, ...] = ()
    faults: tuple[Fault, ...] = ()
    score: SpamScore | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, faults, anomalies and scores of one message.

    `asked` names every scanner that was asked, with its version (`clamdscan: 1.4.6/27`),
    in the order of asking.
    """

    findings: tuple[Finding, ...] = ()
    faults: tuple[Fault, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    score: SpamScore | None = None
    asked: tuple[str, ...] = ()
