r"""The qmail-queue envelope: sender and recipients as qmail hands them over on descriptor 1.

    F<sender>\0 T<recipient>\0 T<recipient>\0 ... \0

The sender may be empty (a bounce) or `#@[]` (a double bounce).
An envelope that ends before its last NUL was abandoned by the caller: nothing may be queued.
Source: qmail-queue(8), facts 1.1.
"""

from dataclasses import dataclass

from mailwarden.wire.errors import PeerError, UsageError

# qmail-queue refuses a longer address with code 11; RFC 5321 4.5.3.1.3 asks for 256.
ADDRESS_BYTES = 1003
# 100,000 recipients of ordinary length; qmail itself has no limit, memory has.
ENVELOPE_BYTES = 8_000_000


class AbandonedError(PeerError):
    """The envelope ended before its last NUL: the caller gave up, nothing may be queued."""


class AddressTooLongError(PeerError):
    """An address is longer than `ADDRESS_BYTES`; permanent, as in qmail-queue's code 11."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sent a message and who is to get it, as bytes, exactly as received."""

    sender: bytes
    recipients: tuple[bytes, ...]


def parse_envelope(octets: bytes) -> Envelope:
    """Read a whole envelope; raises `AbandonedError`, `AddressTooLongError` or `PeerError`."""
    if len(octets) > ENVELOPE_BYTES:
        raise PeerError(f"envelope longer than {ENVELOPE_BYTES} bytes")
    if not octets.endswith(b"\0\0"):
        raise AbandonedError("envelope ended before its last NUL")
    sender, *recipients = octets[:-2].split(b"\0")
    if sender[:1] != b"F":
        raise PeerError("envelope does not begin with F")
    if not recipients:
        raise PeerError("envelope without recipients")
    if any(address[:1] != b"T" for address in recipients):
        raise PeerError("envelope has an address that does not begin with T")
    if max(map(len, (sender, *recipients))) > ADDRESS_BYTES + 1:
        raise AddressTooLongError(f"envelope has an address longer than {ADDRESS_BYTES} bytes")
    return Envelope(sender[1:], tuple(address[1:] for address in recipients))


def encode_envelope(envelope: Envelope) -> bytes:
    """Write an envelope as qmail-queue reads it; raises `UsageError` on a NUL in an address."""
    if not envelope.recipients:
        raise UsageError("an envelope needs at least one recipient")
    if any(b"\0" in address for address in (envelope.sender, *envelope.recipients)):
        raise UsageError("an envelope's addresses cannot hold NUL")
    recipients = b"".join(b"T" + address + b"\0" for address in envelope.recipients)
    return b"F" + envelope.sender + b"\0" + recipients + b"\0"
