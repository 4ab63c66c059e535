"""Files in calendars and address cards: iCalendar and vCard hold them as base64.

    ATTACH;FMTTYPE=application/zip;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=a.zip:UEsDBB
     BQAAAAIAAgAAAA...

Source: RFC 5545 sections 3.1 (folded lines) and 3.8.1.1, RFC 2426 section 3.1.4, RFC 6350 (data
URLs).
"""

import re
from collections.abc import Iterator

from mailwarden.message.transfer import decode
from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Member, Opened

_FOLD = re.compile(rb"\r?\n[ \t]+")
_LINE = re.compile(
    rb"(?im)^(?P<head>[^\r\n:]{0,2000}?(?:;(?:encoding=)?\"?b(?:ase64)?\"?(?:;[^\r\n]{0,2000}?)?"
    rb"|:data:[^\r\n,]{0,200};base64))[:,](?P<base64>[A-Za-z0-9+/= \t]{4,})\r?$"
)
_NAME = re.compile(rb"(?i)filename=\"?([^\";:\r\n]{1,255})")


def open_calendar(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield every file of a calendar or card."""
    for line in _LINE.finditer(_FOLD.sub(b"", octets)):
        meter.count_member()
        content = decode(line["base64"], "base64").octets
        meter.count_bytes(len(content))
        name = _NAME.search(line["head"])
        yield Member((name[1].decode("utf-8", "replace"),) if name else (), content)
