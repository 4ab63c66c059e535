"""From a report and a profile to a decision: pure, and the only place where it happens.

Each finding, each fault and the spam score ask for a disposition; the most severe wins.
What was released from quarantine is not caught again for the same reason.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mailwarden.verdict.arrival import Origin
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import Fault, Finding, Kind, Report, SpamScore
from mailwarden.verdict.thresholds import SpamPolicy, judge_score

# What a release forgives that was kept as spam: whatever its score is the next time.
SPAM_KEY = "spam"

# Names of rules and their descriptions are the administrator's; a bound all the same.
_MATCHED_CHARACTERS = 300

Cause = Finding | Fault | SpamScore


@dataclass(frozen=True, slots=True)
class Profile:
    """The effective settings of a recipient, as far as deciding needs them.

    `on_finding` has a disposition for every kind; `on_fault` one for each scanner by
    name, and `Disposition.DEFER` stands for any that is not named. Viruses with one of
    `deleted_viruses` (lower case) in their names are deleted. Policy findings in whose name or
    sentence `monitored` is found are accepted: they are on record, and no more.
    """

    on_finding: Mapping[Kind, Disposition]
    on_fault: Mapping[str, Disposition] = field(default_factory=dict)
    spam: SpamPolicy = field(default_factory=SpamPolicy)
    deleted_viruses: tuple[str, ...] = ()
    monitored: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause, and the disposition that it asks for; `released` ones ask for nothing."""

    cause: Cause
    disposition: Disposition
    released: bool = False

    @property
    def key(self) -> str:
        """What a release forgives: the kind and the name, `virus:Eicar-Test-Signature`."""
        return reason_key(self.cause)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message, with its reasons, the most severe first, viruses before others."""

    disposition: Disposition
    reasons: tuple[Reason, ...] = ()

    @property
    def main(self) -> Reason | None:
        """The reason that decided, or nothing when nothing was found."""
        return self.reasons[0] if self.reasons else None


def decide(
    report: Report, profile: Profile, origin: Origin, released: frozenset[str] = frozenset()
) -> Decision:
    """Decide what becomes of a message; `released` holds the keys of forgiven reasons."""
    reasons = sorted(
        (_forgive(reason, released) for reason in _reasons(report, profile, origin)),
        key=_weight,
        reverse=True,
    )
    most_severe = reasons[0].disposition if reasons else Disposition.ACCEPT
    return Decision(most_severe, tuple(reasons))


def reason_key(cause: Cause) -> str:
    """The kind and name of a cause, the same for the same thing found again."""
    match cause:
        case Finding():
            return f"{cause.kind.value}:{cause.name}"
        case Fault():
            return f"fault:{cause.by}"
        case SpamScore():
            return SPAM_KEY


def _weight(reason: Reason) -> tuple[Disposition, bool]:
    """Of reasons that ask for the same, a virus says most: its attachment's name says less."""
    cause = reason.cause
    return reason.disposition, isinstance(cause, Finding) and cause.kind is Kind.VIRUS


def _reasons(report: Report, profile: Profile, origin: Origin) -> Iterator[Reason]:
    for finding in report.findings:
        asked = _asked_by(finding, profile)
        if asked is Disposition.REJECT and origin.is_never_rejected:
            asked = Disposition.QUARANTINE
        yield Reason(finding, asked)
    for fault in report.faults:
        yield Reason(fault, profile.on_fault.get(fault.by, Disposition.DEFER))
    if report.score:
        may_reject = not origin.is_never_rejected
        yield Reason(report.score, judge_score(report.score, profile.spam, may_reject=may_reject))


def _asked_by(finding: Finding, profile: Profile) -> Disposition:
    name = finding.name.lower()
    if finding.kind is Kind.VIRUS and any(one in name for one in profile.deleted_viruses):
        return Disposition.DELETE
    if finding.kind is Kind.POLICY and _is_monitored(finding, profile.monitored):
        return Disposition.ACCEPT
    return profile.on_finding[finding.kind]


def _is_monitored(finding: Finding, monitored: re.Pattern[str] | None) -> bool:
    texts = (text[:_MATCHED_CHARACTERS] for text in (finding.name, finding.detail))
    return monitored is not None and any(map(monitored.search, texts))


def _forgive(reason: Reason, released: frozenset[str]) -> Reason:
    if reason.key in released:
        return Reason(reason.cause, Disposition.ACCEPT, released=True)
    return reason
