"""SYLK: tables as text, which Excel opens by their first two letters, macros and all.

    ID;P
    O;E                                   the sheet is one of Excel 4 macros
    NN;NAuto_open;ER101C1                 a name that Excel runs by itself
    C;X1;Y101;EEXEC("CALC.EXE")

Source: Microsoft's "SYmbolic LinK" format description.
"""

import re
from collections.abc import Iterator

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Opened, Trait, UnreadableError

_START = b"ID"
_MACRO_SHEET = re.compile(rb"(?m)^[ \t]*O;[^\r\n]{0,500}?;?E(?:;|\s|\Z)")
_AUTOMATIC_NAME = re.compile(rb"(?mi)^[ \t]*NN;[^\r\n]{0,500}?;?NAuto_(?:open|close|activate)")
# A program, its topic and an item: =cmd|'/c calc'!A0
_PROGRAM_LINK = re.compile(rb"(?m)^[ \t]*C;[^\r\n]{0,500}?;E[^\r\n;|]{1,100}\|[^\r\n!]{1,500}!")


def open_sylk(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield what a table says of itself; it has no members."""
    if not octets.startswith(_START):
        raise UnreadableError("it is not SYLK")
    meter.check_time()
    if _MACRO_SHEET.search(octets):
        yield Trait.XLM_MACROS
        if _AUTOMATIC_NAME.search(octets):
            yield Trait.AUTO_MACROS
    if _PROGRAM_LINK.search(octets):
        yield Trait.DDE
