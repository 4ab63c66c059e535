"""ActiveMime (`editdata.mso`): the macros of Word documents that are one page of HTML or XML.

    "ActiveMime", some fields, then a compound file packed with zlib

Source: what Word writes; where the packed bytes begin differs between versions.
"""

import re
import zlib
from collections.abc import Iterator
from itertools import islice

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.decompression import Inflate, Unpacking
from mailwarden.unpack.members import Member, Opened, UnreadableError

_SIGNATURE = b"ActiveMime"
# The fields take 50 octets as a rule.
_HEAD_BYTES = 1_024
# How zlib begins (RFC 1950 section 2.2), the window being of any size.
_ZLIB_START = re.compile(rb"[\x08\x18\x28\x38\x48\x58\x68\x78]")
# What looks so by chance breaks at once.
_MOST_STARTS = 100


def open_active_mime(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield what is packed; raises `UnreadableError` when nothing comes out, or not all."""
    if not octets.startswith(_SIGNATURE):
        raise UnreadableError("it is not ActiveMime")
    meter.count_member()
    starts = _ZLIB_START.finditer(octets, len(_SIGNATURE), _HEAD_BYTES)
    for start in islice(starts, _MOST_STARTS):
        unpacking = Unpacking(octets, start.start(), len(octets), Inflate(zlib.MAX_WBITS))
        content = meter.collect(unpacking.pieces())
        if content:
            yield Member(("project.bin",), content, unopened=unpacking.problem)
            return
    raise UnreadableError("its packed bytes are broken")
