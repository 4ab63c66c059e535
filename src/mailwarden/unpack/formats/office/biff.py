"""Records of Excel workbooks, in compound files (BIFF5 and BIFF8) and in xlsb (BIFF12).

Only what rules ask for is read: encryption, sheets of Excel 4 macros, names that run by
themselves, links that start programs. Sources: [MS-XLS] 2.4, [MS-XLSB] 2.1.4 and 2.4.
"""

import itertools
import struct
from collections.abc import Iterator

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Trait

# [MS-XLS] 2.3
_LBL = 0x0018
_EXTERN_NAME = 0x0023
_FILE_PASS = 0x002F
_BOUND_SHEET = 0x0085
_SUP_BOOK = 0x01AE
_BOF = 0x0809
_EOF = 0x000A

_BIFF8 = 0x0600  # vers, [MS-XLS] 2.4.21
_MACRO_SHEET = 1  # dt, [MS-XLS] 2.4.28
_OLE_LINK = 0x0010  # fOleLink, [MS-XLS] 2.4.105
# A link names program and topic (or file) with this between ([MS-XLS] 2.5.277).
_TOPIC_MARK = b"\x03"
_BUILT_IN = 0x0020  # fBuiltin, [MS-XLS] 2.4.150: the name is one character with a meaning
# Auto_Open, Auto_Close, Auto_Activate, Auto_Deactivate
_AUTOMATIC_BUILT_IN = frozenset({0x01, 0x02, 0x0A, 0x0B})
_AUTOMATIC_PREFIXES = (b"auto_open", b"auto_close", b"auto_activate", b"auto_deactivate")
_LABEL_FIXED_BYTES = 14
# The name in UTF-16 after flags, key, sheet and length ([MS-XLSB] 2.4.712).
_BRT_NAME_FIXED_BYTES = 13
_BRT_BUILT_IN_PREFIX = b"_xlnm."

# [MS-XLSB] 2.3
_BRT_NAME = 39
_BRT_BEGIN_SUP_BOOK = 360
_SUP_BOOK_TRAITS = {1: Trait.DDE, 2: Trait.EXTERNAL_LINK}  # sbt, [MS-XLSB] 2.4.203
# The clock is looked at once for so many records.
_RECORDS_UNTIMED = 10_000


def workbook_traits(workbook: bytes, meter: Meter) -> tuple[Trait, ...]:
    """What a `Workbook` (or `Book`) stream says of itself.

    After the mark of encryption the records' contents cannot be read, and none is believed.
    """
    if _is_encrypted(workbook, meter):
        return (Trait.ENCRYPTED,)
    traits: list[Trait] = []
    is_automatic = False
    is_wide = True
    for record, content in _records(workbook, meter):
        if record == _BOF:
            is_wide = int.from_bytes(content[:2], "little") >= _BIFF8
        elif record == _BOUND_SHEET and content[5:6] == bytes([_MACRO_SHEET]):
            traits.append(Trait.XLM_MACROS)
        elif record == _LBL:
            is_automatic = is_automatic or _is_automatic_label(content, is_wide=is_wide)
    traits.extend(_link_traits(workbook, meter))
    if is_automatic and Trait.XLM_MACROS in traits:
        traits.append(Trait.AUTO_MACROS)
    return tuple(dict.fromkeys(traits))


def external_link_traits(part: bytes, meter: Meter) -> tuple[Trait, ...]:
    """What a link part of an xlsb leads to: a program or an object; nothing for a workbook."""
    kinds = (
        int.from_bytes(content[:2], "little")
        for record, content in _binary_records(part, meter)
        if record == _BRT_BEGIN_SUP_BOOK
    )
    return tuple(_SUP_BOOK_TRAITS[kind] for kind in kinds if kind in _SUP_BOOK_TRAITS)


def has_automatic_name(part: bytes, meter: Meter) -> bool:
    """Whether the workbook part of an xlsb names macros that Excel runs by itself."""
    return any(
        content[_BRT_NAME_FIXED_BYTES:]
        .replace(b"\0", b"")
        .lower()
        .removeprefix(_BRT_BUILT_IN_PREFIX)
        .startswith(_AUTOMATIC_PREFIXES)
        for record, content in _binary_records(part, meter)
        if record == _BRT_NAME
    )


def _is_encrypted(workbook: bytes, meter: Meter) -> bool:
    """Whether the part about the whole workbook, up to its end, has the mark of encryption."""
    for record, _ in _records(workbook, meter):
        if record in (_FILE_PASS, _EOF):
            return record == _FILE_PASS
    return False


def _records(workbook: bytes, meter: Meter) -> Iterator[tuple[int, bytes]]:
    """Number and content of each record, up to the first that is cut short."""
    position = 0
    for count in itertools.count():
        if position + 4 > len(workbook):
            return
        if count % _RECORDS_UNTIMED == 0:
            meter.check_time()
        record, size = struct.unpack_from("<HH", workbook, position)
        yield record, workbook[position + 4 : position + 4 + size]
        position += 4 + size


def _is_automatic_label(content: bytes, *, is_wide: bool) -> bool:
    """Whether a defined name is one that Excel runs; BIFF8 has a byte of flags before it."""
    start = _LABEL_FIXED_BYTES + is_wide
    if int.from_bytes(content[:2], "little") & _BUILT_IN:
        return content[start : start + 1] != b"" and content[start] in _AUTOMATIC_BUILT_IN
    return content[start:].replace(b"\0", b"").lower().startswith(_AUTOMATIC_PREFIXES)


def _link_traits(workbook: bytes, meter: Meter) -> Iterator[Trait]:
    """Links to programs: of each, the first name says whether it is DDE or an object by OLE."""
    is_program = False
    for record, content in _records(workbook, meter):
        if record == _SUP_BOOK:
            is_program = _TOPIC_MARK in content[4:]
        elif record == _EXTERN_NAME and is_program:
            is_object = int.from_bytes(content[:2], "little") & _OLE_LINK
            yield Trait.EXTERNAL_LINK if is_object else Trait.DDE


def _binary_records(part: bytes, meter: Meter) -> Iterator[tuple[int, bytes]]:
    """BIFF12: number and size take seven bits of each byte ([MS-XLSB] 2.1.4)."""
    position = 0
    for count in itertools.count():
        if position >= len(part):
            return
        if count % _RECORDS_UNTIMED == 0:
            meter.check_time()
        record, position = _seven_bits(part, position, most_bytes=2)
        size, position = _seven_bits(part, position, most_bytes=4)
        yield record, part[position : position + size]
        position += size


def _seven_bits(part: bytes, position: int, *, most_bytes: int) -> tuple[int, int]:
    value = 0
    for index in range(most_bytes):
        byte = part[position : position + 1]
        position += 1
        value |= (int.from_bytes(byte, "little") & 0x7F) << 7 * index
        if not byte or byte[0] < 0x80:
            break
    return value, position
