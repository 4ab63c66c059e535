"""A mail inside something: an .eml in an archive, an attached message with a transfer encoding.

Its leaves are its members, in every reading; the same reader as for the message itself.
"""

from collections.abc import Iterator

from mailwarden.message.anomalies import Weight, weight_of
from mailwarden.message.leaves import leaves
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.readings import read_every_way
from mailwarden.unpack.budget import Limit, Meter, OverLimitError
from mailwarden.unpack.members import Member, Opened, Trait

# As large as the settings' own defaults for the message itself; the meter counts what is inside.
_LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=2_000, depth=50)


def open_mail(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield every leaf of a message (RFC 5322, RFC 2045)."""
    readings = read_every_way(octets, _LIMITS)
    if any(weight_of(one.code) is not Weight.HARMLESS for one in readings.anomalies):
        yield Trait.AMBIGUOUS
    for leaf in leaves(readings):
        meter.count_member()
        meter.count_bytes(len(leaf.octets))
        yield Member(leaf.names or (leaf.path,), leaf.octets, media_type=leaf.media_type)
    if readings.exceeded:
        raise OverLimitError(Limit.MAIL)
