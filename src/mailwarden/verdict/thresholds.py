"""What follows from a spam score: the relative thresholds of the original's page.

    s <  R        not spam
    R <= s        spam: tag
    s >  R + q    quarantine            (q > 0)
    s >  R + x    delete, or reject     (x > 0, and x > q when both are set)

R is the required score that the spam scanner returned for this message, so that a user's own R
shifts all limits with it. "Exceeds" is strictly greater. Source: facts 3.9.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import SpamScore


class Level(Enum):
    """How far a spam score is above the required one, the lowest first; `spam.levels` has words."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(frozen=True, slots=True)
class SpamPolicy:
    """Points above R: `quarantine_above` q, `delete_above` x, `delta` d; 0 is off."""

    quarantine_above: Decimal = Decimal(0)
    delete_above: Decimal = Decimal(0)
    delta: Decimal = Decimal(0)
    reject: bool = False


def is_spam(score: SpamScore) -> bool:
    """The score has reached the required one."""
    return score.score >= score.required


def level_of(score: SpamScore, delta: Decimal) -> Level | None:
    """LOW below R+d, MEDIUM below R+2d, else HIGH; nothing when d is off or it is no spam."""
    if not delta or not is_spam(score):
        return None
    if score.score < score.required + delta:
        return Level.LOW
    if score.score < score.required + 2 * delta:
        return Level.MEDIUM
    return Level.HIGH


def judge_score(score: SpamScore, policy: SpamPolicy, *, may_reject: bool) -> Disposition:
    """What a score asks for; deletes instead of rejecting where a rejection is not wanted."""
    if not is_spam(score):
        return Disposition.ACCEPT
    over = score.score - score.required
    if policy.delete_above and over > policy.delete_above:
        return Disposition.REJECT if policy.reject and may_reject else Disposition.DELETE
    if policy.quarantine_above and over > policy.quarantine_above:
        return Disposition.QUARANTINE
    return Disposition.TAG
