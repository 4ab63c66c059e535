"""A folder of mails in one file, each behind a line that begins with `From `: RFC 4155.

Whoever does not split it sees one mail with a long text: that reading is given first.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Member, Opened, UnreadableError

# Sent on by a careful program, the first one is quoted.
_FROM_LINE = re.compile(rb"(?:\A>?|(?<=\n))From [^\n]*\n")
_MAIL = "message/rfc822"


def open_mbox(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield the file as one mail, then every mail but the first, which is the same."""
    starts = [(match.start(), match.end()) for match in _FROM_LINE.finditer(octets)]
    if not starts:
        raise UnreadableError("it has no line that stands before a mail")
    yield _mail(octets[starts[0][1] :], 1, meter)
    bounds = [*starts[1:], (len(octets), len(octets))]
    for number, ((_, start), (end, _)) in enumerate(pairwise(bounds), 2):
        yield _mail(octets[start:end], number, meter)


def _mail(octets: bytes, number: int, meter: Meter) -> Member:
    meter.count_member()
    meter.count_bytes(len(octets))
    return Member((f"{number}.eml",), octets, media_type=_MAIL)
