"""Files embedded in OneNote sections, which a click starts.

Each lies in an object of its own, behind a fixed identifier; their names are properties elsewhere,
so every name of the section counts for every file.

    identifier (16), length (8), nothing (12), the file

Source: [MS-ONESTORE] 2.6.13 (FileDataStoreObject), [MS-ONE] 2.2.72 (EmbeddedFileName).
"""

import re
from collections.abc import Iterator
from itertools import islice

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Member, Opened

_FILE = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
_LENGTH_BYTES = 8
_HEAD_BYTES = len(_FILE) + _LENGTH_BYTES + 12
# A name with an ending, in UTF-16, and the NUL behind it.
_NAME = re.compile(rb"((?:[ -~]\0){1,255}\.\0(?:[A-Za-z0-9-]\0){1,16})\0\0")
_MOST_NAMES = 100


def open_onenote(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield every embedded file, pictures included."""
    found = islice(_NAME.finditer(octets), _MOST_NAMES)
    names = tuple(dict.fromkeys(name[1].decode("utf-16-le") for name in found))
    place = octets.find(_FILE)
    while place >= 0:
        start = place + _HEAD_BYTES
        length = int.from_bytes(octets[place + len(_FILE) : start - 12], "little")
        meter.count_member()
        content = octets[start : min(start + length, len(octets))]
        meter.count_bytes(len(content))
        unopened = "the file ends before it" if len(content) < length else ""
        yield Member(names, content, length, unopened=unopened)
        place = octets.find(_FILE, start)
