"""Whether to ask for a spam score at all: it costs more than all the rest together."""

from mailwarden.verdict.arrival import Arrival, Origin


def is_scored(origin: Origin) -> bool:
    """Mail from relay clients and from this machine is not scored, unless QS_SPAMASSASSIN is on."""
    return origin.asks_spam_scoring or not (origin.is_relay_client or origin.is_localhost)


def is_bounce(arrival: Arrival, from_field: bytes) -> bool:
    """A bounce has an empty sender *and* says From: MAILER-DAEMON (SA_SKIP_MD, facts 3.9)."""
    return not arrival.envelope.sender and b"mailer-daemon" in from_field.lower()
