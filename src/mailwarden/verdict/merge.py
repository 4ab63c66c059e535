"""Many groups of recipients, one answer: decisions that can be carried out together.

An SMTP server hears one answer for a message, whatever its groups of recipients get (DESIGN
section 3). So one group that must wait makes all wait, and a rejection is answered only when every
group rejects: otherwise the rejecting groups' copy goes to quarantine.
"""

from collections.abc import Sequence
from dataclasses import replace

from mailwarden.verdict.decide import Decision
from mailwarden.verdict.disposition import Disposition


def settle(asked: Sequence[Decision]) -> tuple[Decision, ...]:
    """What becomes of each group's copy, in the order given; the reasons stay their own."""
    dispositions = {decision.disposition for decision in asked}
    if Disposition.DEFER in dispositions:
        return tuple(replace(decision, disposition=Disposition.DEFER) for decision in asked)
    if dispositions == {Disposition.REJECT}:
        return tuple(asked)
    return tuple(_kept_where_rejected(decision) for decision in asked)


def _kept_where_rejected(decision: Decision) -> Decision:
    if decision.disposition is Disposition.REJECT:
        return replace(decision, disposition=Disposition.QUARANTINE)
    return decision
