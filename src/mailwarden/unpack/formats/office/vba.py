"""Visual Basic projects in Office documents: the modules' source, and what runs by itself.

Compressed containers are unpacked here ([MS-OVBA] 2.4.1), the `dir` stream names the modules
([MS-OVBA] 2.3.4.2). Whether a project does harm is not judged; only whether something in it runs
when the document is opened, closed or shown.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import UnreadableError

_CONTAINER_SIGNATURE = 1
_CHUNK_BYTES = 4096  # what one chunk holds when it is unpacked
_COMPRESSED_CHUNK = 0x8000
# A module's source begins with `Attribute VB_Name`: in its compressed form the container's
# signature, a chunk's header, one byte of flags, and eight literal letters.
_SOURCE_START = b"\x00Attribut"
_BEFORE_SOURCE_START = 3

# Records of the dir stream ([MS-OVBA] 2.3.4.2). The record of the version says 4 bytes and has 6.
_CODE_PAGE = 0x0003
_VERSION = 0x0009
_VERSION_BYTES = 6
_MODULE_NAME = 0x0019
_MODULE_STREAM_NAME = 0x001A
_MODULE_OFFSET = 0x0031
_MODULE_STREAM_NAME_UNICODE = 0x0032
_MODULE_NAME_UNICODE = 0x0047
_MODULE_END = 0x002B

_AUTOMATIC_NAMES = (
    # Word: by name, and as events of the document
    *("AutoExec", "AutoOpen", "AutoClose", "AutoExit", "AutoNew"),
    *("Document_Open", "Document_Close", "Document_New", "Document_BeforeClose"),
    *("DocumentOpen", "DocumentBeforeClose", "DocumentChange", "NewDocument"),
    *("Document_ContentControlOnEnter", "Document_XMLAfterInsert"),
    # Excel
    *("Auto_Open", "Auto_Close", "Auto_Activate", "Auto_Deactivate"),
    *("Workbook_Open", "Workbook_Close", "Workbook_BeforeClose", "Workbook_Activate"),
    *("Workbook_Deactivate", "Workbook_WindowActivate", "Worksheet_Activate"),
    *("Worksheet_Calculate", "Workbook_SheetActivate", "Workbook_SheetCalculate"),
    # PowerPoint, Publisher, Access
    *("Presentation_Open", "PresentationOpen", "OnSlideShowPageChange", "SlideShowBegin"),
    *("SlideShowNextSlide", "Document_BeforePrint", "AutoKeys", "Form_Load", "UserForm_Initialize"),
)
# Events of controls on the page that come without a click: when it is drawn, filled, resized.
_AUTOMATIC_EVENTS = (
    *("Painted", "Painting", "Layout", "Resize", "GotFocus", "LostFocus", "DocumentComplete"),
    *("NavigateComplete2", "BeforeNavigate2", "DownloadComplete", "FileDownload", "MouseMove"),
    *("MouseHover", "MouseEnter", "OnConnecting", "OnDisconnecting", "SetSecureLockIcon"),
)
_ANY_NAME = "|".join(_AUTOMATIC_NAMES)
_ANY_EVENT = "|".join(_AUTOMATIC_EVENTS)
# Between the words stand blanks, and sometimes lines that go on: a blank, `_` and the line's end.
_GAP = r"[ \t]{1,50}(?:_[ \t]{0,50}\r?\n[ \t]{0,50}){0,3}"
_AUTOMATIC_PROCEDURE = re.compile(
    rf"\b(?:Sub|Function){_GAP}(?:{_ANY_NAME}|\w{{1,255}}_(?:{_ANY_EVENT}))\b".encode(),
    re.IGNORECASE,
)
_AUTOMATIC_IDENTIFIER = re.compile(
    rf"(?<![0-9A-Za-z_])(?:{_ANY_NAME})(?![0-9A-Za-z_])".encode(), re.IGNORECASE
)
_AUTOMATIC_MODULES = frozenset(name.lower() for name in _AUTOMATIC_NAMES)


@dataclass(frozen=True, slots=True)
class Module:
    """One module as the dir stream names it.

    `offset` is where its source begins in its stream, None when nothing says so.
    """

    name: str
    stream_name: str
    offset: int | None


def decompress(container: bytes, meter: Meter) -> bytes:
    """Unpack a compressed container; raises `UnreadableError`, `OverLimitError`."""
    if not container or container[0] != _CONTAINER_SIGNATURE:
        raise UnreadableError("no compressed container of a Visual Basic project")
    return meter.collect(_chunks(container))


def modules(directory: bytes) -> tuple[Module, ...]:
    """The modules that an unpacked dir stream names; what is broken in it ends the list."""
    found: list[Module] = []
    code_page = "latin-1"
    fields: dict[int, bytes] = {}
    for record, value in _records(directory):
        if record == _CODE_PAGE:
            code_page = _codec(value)
        elif record == _MODULE_END:
            found.append(_module(fields, code_page))
            fields = {}
        else:
            fields[record] = value
    return tuple(found)


def source_of(stream: bytes, offset: int | None, meter: Meter) -> bytes:
    """A module's source from its stream, at the given offset, else where a source begins.

    Raises `UnreadableError` when there is none, as in a project that was left with nothing but
    what the compiler made of it; `OverLimitError`.
    """
    if offset is not None and stream[offset : offset + 1] == bytes([_CONTAINER_SIGNATURE]):
        return decompress(stream[offset:], meter)
    start = stream.find(_SOURCE_START) - _BEFORE_SOURCE_START
    if start < 0:
        raise UnreadableError("a module of a Visual Basic project without source")
    return decompress(stream[start:], meter)


def is_automatic(name: str, source: bytes) -> bool:
    """Whether a module, or a procedure in its source, runs by itself."""
    return name.lower() in _AUTOMATIC_MODULES or bool(_AUTOMATIC_PROCEDURE.search(source))


def names_automatic_procedure(identifiers: bytes) -> bool:
    """Whether `_VBA_PROJECT`, which lists identifiers, names a procedure that runs by itself.

    It still does when somebody replaced the source by a harmless one.
    """
    return bool(_AUTOMATIC_IDENTIFIER.search(identifiers))


def _chunks(container: bytes) -> Iterator[bytes]:
    position = 1
    while position + 2 <= len(container):
        header = int.from_bytes(container[position : position + 2], "little")
        size = (header & 0x0FFF) + 3
        packed = container[position + 2 : position + size]
        if header & _COMPRESSED_CHUNK:
            yield _chunk(packed)
        else:
            yield packed[:_CHUNK_BYTES]
        position += size


def _chunk(packed: bytes) -> bytes:
    """Unpack one chunk: a byte of flags says of each of eight tokens whether it is a copy.

    Raises `UnreadableError` for a copy of what is not there ([MS-OVBA] 2.4.1.3.5).
    """
    unpacked = bytearray()
    position = 0
    while position < len(packed):
        flags = packed[position]
        position += 1
        for bit in range(8):
            if position >= len(packed):
                break
            if flags >> bit & 1:
                _copy(unpacked, int.from_bytes(packed[position : position + 2], "little"))
                position += 2
            else:
                unpacked.append(packed[position])
                position += 1
    return bytes(unpacked[:_CHUNK_BYTES])


def _copy(unpacked: bytearray, token: int) -> None:
    """Append what a copy token names; how its bits are split depends on what is there already."""
    length_bits = 16 - max((len(unpacked) - 1).bit_length(), 4)
    length = (token & ((1 << length_bits) - 1)) + 3
    distance = (token >> length_bits) + 1
    if distance > len(unpacked) or len(unpacked) > _CHUNK_BYTES:
        raise UnreadableError("a compressed container that copies what it does not hold")
    pattern = bytes(unpacked[len(unpacked) - distance :][:length])
    unpacked += (pattern * (length // len(pattern) + 1))[:length]


def _records(directory: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 6 <= len(directory):
        record, size = struct.unpack_from("<HI", directory, position)
        size = _VERSION_BYTES if record == _VERSION else size
        yield record, directory[position + 6 : position + 6 + size]
        position += 6 + size


def _codec(value: bytes) -> str:
    name = f"cp{int.from_bytes(value[:2], 'little')}"
    try:
        b"".decode(name)
    except LookupError:
        return "latin-1"
    return name


def _module(fields: dict[int, bytes], code_page: str) -> Module:
    name = _text(fields, _MODULE_NAME_UNICODE, _MODULE_NAME, code_page)
    stream_name = _text(fields, _MODULE_STREAM_NAME_UNICODE, _MODULE_STREAM_NAME, code_page)
    place = fields.get(_MODULE_OFFSET)
    offset = None if place is None else int.from_bytes(place[:4], "little")
    return Module(name or stream_name, stream_name or name, offset)


def _text(fields: dict[int, bytes], wide: int, narrow: int, code_page: str) -> str:
    text = fields.get(wide, b"").decode("utf-16-le", "replace")
    return text or fields.get(narrow, b"").decode(code_page, "replace")
