"""A mail inside something: an .eml in an archive, an attached message with a transfer encoding.

Its leaves are its members, in every reading; the same reader as for the message itself. It is
ambiguous when readers differ and more than text is involved: returned mail is often cut off. What
is no text at all is no mail, whatever its name says.
"""

import codecs
import re
from collections.abc import Iterator

from mailwarden.message.anomalies import Weight, weight_of
from mailwarden.message.leaves import Leaf, leaves
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.readings import Readings, read_every_way
from mailwarden.unpack.budget import Limit, Meter, OverLimitError
from mailwarden.unpack.file_types import reads_as_text
from mailwarden.unpack.members import Member, Opened, Trait

_APPLE_COUNT = re.compile(rb"\A\d{1,10}[ \t]{0,10}\r?\n")
# As large as the settings' own defaults for the message itself; the meter counts what is inside.
_LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=2_000, depth=50)


def open_mail(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield every leaf of a message (RFC 5322, RFC 2045)."""
    octets = _without_mark(octets)
    readings = read_every_way(octets, _LIMITS)
    found = leaves(readings)
    if reads_as_text(octets, "text/plain") and _is_ambiguous(readings, found):
        yield Trait.AMBIGUOUS
    for leaf in found:
        if _is_whole_message(leaf, octets):
            continue
        meter.count_member()
        meter.count_bytes(len(leaf.octets))
        yield Member(leaf.names or (leaf.path,), leaf.octets, media_type=leaf.media_type)
    if readings.exceeded:
        raise OverLimitError(Limit.MAIL)


def _without_mark(octets: bytes) -> bytes:
    """Take off what programs write before a mail: a byte order mark, or Apple's count of octets."""
    return _APPLE_COUNT.sub(b"", octets.removeprefix(codecs.BOM_UTF8), count=1)


def _is_ambiguous(readings: Readings, found: tuple[Leaf, ...]) -> bool:
    if any(leaf.is_broken_file for leaf in found):
        return True
    is_text = all(reads_as_text(one.octets, one.media_type) for one in found)
    return _is_odd(readings) and not is_text


def _is_odd(readings: Readings) -> bool:
    return any(weight_of(one.code) is not Weight.HARMLESS for one in readings.anomalies)


def _is_whole_message(leaf: Leaf, octets: bytes) -> bool:
    """For readers who take the first line for text, the mail is a text with itself in it."""
    is_text = not leaf.names and leaf.media_type == "text/plain"
    return bool(octets) and is_text and leaf.octets == octets
