"""A folder of mails in one file, each behind a line that begins with `From `: RFC 4155.

Where such a line was text, the mail is cut in two; the loose reading finds the parts of the second.
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
    """Yield every mail; raises `UnreadableError` where there is no line before any."""
    starts = [(match.start(), match.end()) for match in _FROM_LINE.finditer(octets)]
    if not starts:
        raise UnreadableError("it has no line that stands before a mail")
    bounds = [*starts, (len(octets), len(octets))]
    for number, ((_, start), (end, _)) in enumerate(pairwise(bounds), 1):
        yield _mail(octets[start:end], number, meter)


def _mail(octets: bytes, number: int, meter: Meter) -> Member:
    meter.count_member()
    meter.count_bytes(len(octets))
    return Member((f"{number}.eml",), octets, media_type=_MAIL)
