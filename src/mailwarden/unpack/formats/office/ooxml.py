"""Documents that are zip archives: OOXML (docx, xlsx, pptx, xlsb ...) and OpenDocument.

The archive is opened as every zip; here the members are looked at for what makes the document
dangerous. Parts that say nothing alone are not given to scanners, which have the whole document.
Sources: ECMA-376 part 2, [MS-OFFMACRO2], [MS-XLSB], OpenDocument 1.3.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.office.biff import external_link_traits, has_automatic_name
from mailwarden.unpack.formats.office.office_xml import read_xml
from mailwarden.unpack.formats.office.vba_project import project_traits
from mailwarden.unpack.formats.zip.zip_archive import open_zip
from mailwarden.unpack.members import Member, Opened, Trait, UnreadableError

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0"
# What may stand before the first `<` of XML: byte order marks and blanks, in 8 or 16 bits.
_BEFORE_XML = b"\xef\xbb\xbf\xff\xfe \t\r\n\0"
_XML_NAME = re.compile(r".*\.(?:xml|rels|vml|rdf)", re.IGNORECASE | re.DOTALL)
# What leads to everything else; in an encoding that nobody knows here it could lead anywhere.
_RELATIONSHIPS_NAME = re.compile(r".*\.rels|\[Content_Types\]\.xml", re.IGNORECASE | re.DOTALL)
_PICTURE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")

# What a member's place in the document says of it.
_PLACES = (
    (re.compile(r"(?:word|xl|ppt|visio)/embeddings/[^/]", re.IGNORECASE), Trait.EMBEDDED_OBJECT),
    (re.compile(r"(?:.*/)?xl/macrosheets/[^/]", re.IGNORECASE), Trait.XLM_MACROS),
    # OpenDocument: modules and scripts, but not the lists of none
    (re.compile(r"Basic/[^/]+/(?!script-lb\.xml$)[^/]", re.IGNORECASE), Trait.MACROS),
    (re.compile(r"Scripts/[^/]+/[^/]", re.IGNORECASE), Trait.MACROS),
    (re.compile(r"Object \d{1,6}$"), Trait.EMBEDDED_OBJECT),
)
_BINARY_WORKBOOK = re.compile(r"(?:.*/)?workbook[^/]*\.bin", re.IGNORECASE | re.DOTALL)
_BINARY_LINK = re.compile(r".*/externalLinks/[^/]*\.bin", re.IGNORECASE | re.DOTALL)


@dataclass(slots=True)
class _Document:
    """What the members read so far mean together."""

    has_macros: bool = False
    is_automatic: bool = False

    def note(self, trait: Trait) -> None:
        self.has_macros = self.has_macros or trait in (Trait.MACROS, Trait.XLM_MACROS)


def open_ooxml(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a document that is a zip archive; raises as `members` says."""
    document = _Document()
    for found in open_zip(octets, meter):
        if isinstance(found, Trait):
            yield found
            continue
        for seen in _member(found, document, meter):
            if isinstance(seen, Trait):
                document.note(seen)
            yield seen
    if document.has_macros and document.is_automatic:
        yield Trait.AUTO_MACROS


def _member(member: Member, document: _Document, meter: Meter) -> Iterator[Opened]:
    """Pass on a member, after what it says of the document."""
    for name in member.names:
        yield from _place_traits(name.replace("\\", "/").lstrip("/"))
    if member.octets is None:
        yield member
    elif _is_xml(member.octets):
        yield from _xml(member, member.octets, document, meter)
    elif _is_named(member, _RELATIONSHIPS_NAME):
        yield replace(member, unopened="relationships that are no XML")
    elif member.octets.startswith(_PICTURE_STARTS):
        yield replace(member, is_scanned=False)
    else:
        document.is_automatic = document.is_automatic or _runs_macros(member, member.octets, meter)
        yield from _binary_traits(member, member.octets, meter)
        yield member


def _place_traits(name: str) -> Iterator[Trait]:
    for place, trait in _PLACES:
        if place.match(name):
            yield trait


def _is_xml(octets: bytes) -> bool:
    return octets.lstrip(_BEFORE_XML).startswith(b"<")


def _xml(member: Member, octets: bytes, document: _Document, meter: Meter) -> Iterator[Opened]:
    try:
        part = read_xml(octets, meter)
    except UnreadableError as error:
        yield replace(member, unopened=str(error))
        return
    document.is_automatic = document.is_automatic or part.is_automatic
    yield from part.traits
    yield replace(member, is_scanned=not _is_named(member, _XML_NAME))


def _binary_traits(member: Member, octets: bytes, meter: Meter) -> Iterator[Trait]:
    if octets.startswith(_COMPOUND_FILE):
        try:
            yield from project_traits(octets, meter)
        except UnreadableError:
            # The walk opens it once more, and tells what is wrong with it.
            return
    elif _is_named(member, _BINARY_LINK):
        yield from external_link_traits(octets, meter)


def _runs_macros(member: Member, octets: bytes, meter: Meter) -> bool:
    return _is_named(member, _BINARY_WORKBOOK) and has_automatic_name(octets, meter)


def _is_named(member: Member, pattern: re.Pattern[str]) -> bool:
    return any(pattern.fullmatch(name) for name in member.names)
