"""A page archive (MHTML) behind something else: Word looks for the mail anywhere in a file.

A PDF with such a mail behind it, called `invoice.doc`, is a document with macros to Word, and a
harmless PDF to who looks at its beginning.
Source: JPCERT/CC, "MalDoc in PDF" (2023); RFC 2557 (MHTML).
"""

import re
from collections.abc import Iterator

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Member, Opened, UnreadableError

_START = re.compile(rb"(?im)^[ \t]*mime-version[ \t]*:")
_MAIL = "message/rfc822"


def open_page_archive(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield the mail that begins with the first such field."""
    start = _START.search(octets)
    if start is None:
        raise UnreadableError("it holds no mail")
    meter.count_member()
    mail = octets[start.start() :].lstrip(b" \t")
    meter.count_bytes(len(mail))
    yield Member(("page.mht",), mail, media_type=_MAIL)
