"""Which notices become one mail, and when: pure.

Notices of one audience to one address about one topic are gathered for a while and become one.
An address gets so many an hour; when more are ready than it may still get, all that wait for it
become one, whatever they are about, and when it may get none, they wait until it may.
Forwarded spam and late copies are no notices, and none of this holds for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailwarden.settings.model import OutboxSettings
from mailwarden.store.errands import Pile

_HOUR_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Mailing:
    """One mail about all notices of an audience to an address, of one topic or of any (None)."""

    recipient: str
    audience: str
    topic: str | None


@dataclass(frozen=True, slots=True)
class Hold:
    """An address that has got enough; `until` in seconds since the epoch."""

    recipient: str
    until: float


def ripe_piles(
    piles: Iterable[Pile], settings: OutboxSettings, now: float
) -> Mapping[str, Sequence[Pile]]:
    """The piles that were gathered long enough, by address.

    What comes from the future was written while the clock was wrong, and need not wait for it.
    """
    by_recipient: dict[str, list[Pile]] = {}
    for pile in piles:
        if not now - settings.gather_seconds < pile.oldest <= now + settings.gather_seconds:
            by_recipient.setdefault(pile.recipient, []).append(pile)
    return by_recipient


def join(ripe: Sequence[Pile], sent: Sequence[float], per_hour: int) -> Sequence[Mailing | Hold]:
    """What to do about the ripe piles of one address.

    `sent` tells when it got notices within the last hour, the newest first.
    """
    free = per_hour - len(sent)
    recipient = ripe[0].recipient
    if free <= 0:
        return [Hold(recipient, sent[per_hour - 1] + _HOUR_SECONDS)]
    if len(ripe) <= free:
        return [Mailing(recipient, pile.audience, pile.topic) for pile in ripe]
    audiences = dict.fromkeys(pile.audience for pile in ripe)
    return [Mailing(recipient, audience, None) for audience in audiences][:free]
