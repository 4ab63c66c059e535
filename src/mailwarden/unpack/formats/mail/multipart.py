"""A multipart in which nobody found parts: encoded as a whole, or with another boundary than named.

Some clients decode the whole and look again, and some take the first line that could be a boundary
for it. So does this.
Source: RFC 2046 section 5.1.1; RFC 2045 section 6.4 forbids to encode one.
"""

import re
from collections.abc import Iterator
from itertools import islice

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.mail.mail import open_mail
from mailwarden.unpack.members import Member, Opened, UnreadableError

_DELIMITER = re.compile(rb"(?m)^--([^\r\n]{0,197}[^\r\n\t ])[ \t]*\r?$")
# A text has lines of hyphens, signatures and the boundaries of what is quoted in it.
_MOST_BOUNDARIES = 4
_MOST_LINES = 100


def open_multipart(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield every leaf, for each of the first lines that could be a boundary."""
    lines = dict.fromkeys(line[1] for line in islice(_DELIMITER.finditer(octets), _MOST_LINES))
    boundaries = [one for one in lines if one.removesuffix(b"--") not in lines or one[-2:] != b"--"]
    boundaries = boundaries[:_MOST_BOUNDARIES]
    if not boundaries:
        raise UnreadableError("it has no line that separates parts")
    for boundary in boundaries:
        quoted = re.sub(rb'(["\\])', rb"\\\1", boundary)
        mail = b'Content-Type: multipart/mixed; boundary="%b"\n\n%b' % (quoted, octets)
        yield from (one for one in open_mail(mail, meter) if not _is_whole(one, octets))


def _is_whole(found: Opened, octets: bytes) -> bool:
    """Whether it is all of the multipart again, for a reader who finds no parts in it."""
    return isinstance(found, Member) and found.octets == octets
