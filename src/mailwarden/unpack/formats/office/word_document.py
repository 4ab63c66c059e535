"""The `WordDocument` stream of old Word documents: encryption, fields, where the template is.

Source: [MS-DOC] 2.5.
"""

import struct
from collections.abc import Iterator

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.office.fields import field_traits
from mailwarden.unpack.formats.office.remote import is_remote
from mailwarden.unpack.members import Trait

# [MS-DOC] 2.5.2: where the flags lie, and which say "encrypted" and "the other table".
_FLAGS_OFFSET = 0x0A
_ENCRYPTED = 0x0100
_OTHER_TABLE = 0x0200
# fcSttbfAssoc and lcbSttbfAssoc ([MS-DOC] 2.5.6) lead to a list of 18 texts about the document in
# its table; the second is the template's name ([MS-DOC] 2.9.275).
_TEXTS_OFFSET = 0x019A
_TEXTS_HEAD = struct.pack("<HHH", 0xFFFF, 18, 0)
_PLACE = struct.Struct("<II")


def table_name(document: bytes) -> str:
    """The name of the stream that belongs to the document, in lower case."""
    return "1table" if _flags(document) & _OTHER_TABLE else "0table"


def document_traits(document: bytes, table: bytes, meter: Meter) -> Iterator[Trait]:
    """What the stream and its table say; of an encrypted document nothing else can be read."""
    if _flags(document) & _ENCRYPTED:
        yield Trait.ENCRYPTED
        return
    # Text of 16 bits and text of 8 bits look the same without NULs.
    yield from field_traits(document.replace(b"\0", b"").decode("latin-1"), meter)
    if is_remote(_template(document, table)):
        yield Trait.REMOTE_TEMPLATE


def _flags(document: bytes) -> int:
    return int.from_bytes(document[_FLAGS_OFFSET : _FLAGS_OFFSET + 2], "little")


def _template(document: bytes, table: bytes) -> str:
    """The template's name; empty when there is none."""
    if len(document) < _TEXTS_OFFSET + _PLACE.size:
        return ""
    start, size = _PLACE.unpack_from(document, _TEXTS_OFFSET)
    texts = table[start : start + size]
    if not texts.startswith(_TEXTS_HEAD):
        return ""
    _, end_of_first = _counted(texts, len(_TEXTS_HEAD))
    template, _ = _counted(texts, end_of_first)
    return template.decode("utf-16-le", "replace")


def _counted(texts: bytes, position: int) -> tuple[bytes, int]:
    """A text with its count of characters before it, and where the next one begins."""
    start = position + 2
    end = start + 2 * int.from_bytes(texts[position:start], "little")
    return texts[start:end], end
