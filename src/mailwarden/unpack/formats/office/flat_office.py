"""Office documents that are one file of XML: Flat OPC, Word 2003 XML, flat OpenDocument.

Programs open them by content, whatever the file is called. Macros and embedded objects stand in
them as base64:

    <pkg:part pkg:name="/word/vbaProject.bin"><pkg:binaryData>0M8R4KGxGuE...</pkg:binaryData>
    <w:binData w:name="editdata.mso">QWN0aXZlTWltZQ...</w:binData>
    <office:binary-data>UEsDBBQ...</office:binary-data>

Sources: ECMA-376 part 2 (the parts), Microsoft's "Flat OPC" and WordprocessingML 2003 schemas,
OpenDocument 1.3 section 19.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from xml.parsers import expat

from mailwarden.message.transfer import decode
from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.office.office_xml import read_xml
from mailwarden.unpack.members import Member, Opened, Trait, UnreadableError

_BINARY = frozenset({"binaryData", "binData", "binary-data"})
# Without these a part is quick to read, and nothing in it is longer than a tag may be.
_BASE64_TEXT = re.compile(rb">[A-Za-z0-9+/=\s]{100,}<")
_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
# How much is parsed before the clock is looked at.
_PIECE_BYTES = 1_000_000


def open_flat_office(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Yield what stands in base64, and what the rest says of the document."""
    for name, base64 in _binaries(octets, meter):
        meter.count_member()
        content = decode(base64.encode("ascii", "replace"), "base64").octets
        meter.count_bytes(len(content))
        yield Member((name,) if name else (), content)
    if octets.startswith(_UTF16_STARTS):
        octets = octets.decode("utf-16", "replace").encode()
        octets = re.sub(rb"<\?xml[^>]{0,200}>", b"", octets, count=1)
    part = read_xml(_BASE64_TEXT.sub(b"><", octets), meter)
    yield from part.traits
    if part.is_automatic and Trait.MACROS in part.traits:
        yield Trait.AUTO_MACROS


@dataclass(slots=True)
class _Reader:
    """What expat has told so far: the last part's name, and the text of what is being read."""

    name: str = ""
    text: StringIO | None = None
    found: list[tuple[str, str]] = field(default_factory=list)

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        local = _local(element)
        self.name = next((v for k, v in attributes.items() if _local(k) == "name"), self.name)
        if local in _BINARY:
            self.text = StringIO()

    def take(self, text: str) -> None:
        if self.text is not None:
            self.text.write(text)

    def end(self, element: str) -> None:
        if self.text is not None and _local(element) in _BINARY:
            self.found.append((self.name, self.text.getvalue()))
            self.text = None

    def forbid(self, *_declaration: object) -> None:
        raise UnreadableError("XML that declares entities")


def _binaries(octets: bytes, meter: Meter) -> Iterator[tuple[str, str]]:
    """Names and base64, as they come."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.take
    parser.EndElementHandler = reader.end
    parser.EntityDeclHandler = reader.forbid
    try:
        for start in range(0, len(octets), _PIECE_BYTES):
            meter.check_time()
            parser.Parse(octets[start : start + _PIECE_BYTES])
            yield from reader.found
            reader.found.clear()
        parser.Parse(b"", True)  # noqa: FBT003  # expat takes no names
    except (expat.ExpatError, LookupError, MemoryError, ValueError) as error:
        raise UnreadableError("XML that cannot be read") from error
    yield from reader.found


def _local(name: str) -> str:
    return name.rpartition(":")[2]
