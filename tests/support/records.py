"""Records of messages, as the pipeline would make them."""

from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.decide import Decision, Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Finding, Kind, Report
from mailwarden.wire.envelope import Envelope


def record_of(
    message_id: str = "20261122-154500-k3f9q2ab",
    *,
    sender: bytes = b"sender@example.org",
    recipients: tuple[bytes, ...] = (b"one@example.net",),
    subject: str = "a subject",
    virus: str = "Test-Virus",
    variables: dict[str, bytes] | None = None,
    at: float = 1_795_362_300.0,
) -> Record:
    """A message in which a virus was found, to be quarantined."""
    finding = Finding("scripted", Kind.VIRUS, virus)
    arrival = Arrival(message_id, Envelope(sender, recipients), Origin(variables or {}), b"", 7, at)
    decision = Decision(Disposition.QUARANTINE, (Reason(finding, Disposition.QUARANTINE),))
    return Record(arrival, Report((finding,)), decision, subject, 0.5, kept_as=message_id)
