"""What the XML parts of OOXML and OpenDocument documents say: links, fields, macros, encryption.

Read by expat with declarations of entities forbidden, so that nothing is expanded; it knows UTF-8,
UTF-16 and Latin-1, as documents may be written in. Only parts that hold one of a few words are
read at all: names of elements and attributes cannot be written in another way in XML.
Sources: ECMA-376 part 1 (17.16, 18.14) and part 2 (9.3), OpenDocument 1.3 part 3.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from io import StringIO
from xml.parsers import expat

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.office.fields import BEGIN, END, SEPARATE, field_traits
from mailwarden.unpack.formats.office.remote import is_remote
from mailwarden.unpack.members import Trait, UnreadableError

Attributes = Mapping[str, str]

# A part without any of these has nothing to say here.
_WORDS = re.compile(
    rb"Relationship|instrText|fldSimple|ddeLink|oleLink|dde-|customUI|definedName|macroEnabled"
    rb"|encryption-data|event-listener|meta:template|:template|macrosheet|vbaProject|OLEObject"
)
_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")

# The last part of a relationship's type says what it leads to; the part before differs between
# versions of the standard.
_EXTERNAL_RELATIONSHIPS = {
    "attachedTemplate": Trait.REMOTE_TEMPLATE,
    "oleObject": Trait.EXTERNAL_LINK,
    "frame": Trait.EXTERNAL_LINK,
    "subDocument": Trait.EXTERNAL_LINK,
    "aFChunk": Trait.EXTERNAL_LINK,
    "control": Trait.EXTERNAL_LINK,
    "activeXControlBinary": Trait.EXTERNAL_LINK,
}
_INTERNAL_RELATIONSHIPS = {
    "vbaProject": Trait.MACROS,
    "xlMacrosheet": Trait.XLM_MACROS,
    "xlIntlMacrosheet": Trait.XLM_MACROS,
    "oleObject": Trait.EMBEDDED_OBJECT,
    "package": Trait.EMBEDDED_OBJECT,
}
# A template on the same machine is what most documents of Word have.
_ONLY_REMOTE = frozenset({Trait.REMOTE_TEMPLATE})

_FIELD_MARKS = {"begin": BEGIN, "separate": SEPARATE, "end": END}
_AUTOMATIC_NAMES = ("_xlnm.auto_open", "_xlnm.auto_close", "_xlnm.auto_activate", "auto_open")
_AUTOMATIC_EVENTS = frozenset({"load", "open", "load-finished", "view-created", "unload", "close"})

# Office opens nothing nested more deeply, and each level costs memory until the part's end.
_MOST_LEVELS = 5_000
# A tag is held in memory whole, ten times as large; no document has tags, or text between tags
# in parts that are read, of more than some ten thousand octets.
_MOST_TAG_BYTES = 500_000
_LONG_TAG = re.compile(rb"<[^<]{%d}" % _MOST_TAG_BYTES)
# How much is read before the clock is looked at: the parser begins a tag that is cut anew.
_PIECE_BYTES = 1_000_000


@dataclass(slots=True)
class XmlPart:
    """What one part has said so far; `is_automatic` if macros, where there are any, are run."""

    traits: dict[Trait, None] = field(default_factory=dict)  # in order, each once
    is_automatic: bool = False
    fields: StringIO = field(default_factory=StringIO)
    takes_text: bool = False
    levels: int = 0

    def note(self, trait: Trait | None) -> None:
        """Take in a trait, if it is one."""
        if trait:
            self.traits[trait] = None


class _ForbiddenError(Exception):
    """The part declares entities, or nests as no document does."""


def read_xml(octets: bytes, meter: Meter) -> XmlPart:
    """Read one part; raises `UnreadableError` when it is no XML, or not as documents have it."""
    part = XmlPart()
    if not _may_say_something(octets):
        return part
    if _LONG_TAG.search(octets):
        raise UnreadableError(f"XML with a tag of more than {_MOST_TAG_BYTES} octets")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = partial(_start, part)
    parser.EndElementHandler = partial(_end, part)
    parser.CharacterDataHandler = partial(_text, part)
    parser.EntityDeclHandler = _forbid
    try:
        for start in range(0, len(octets), _PIECE_BYTES):
            meter.check_time()
            parser.Parse(octets[start : start + _PIECE_BYTES])
        parser.Parse(b"", True)  # noqa: FBT003  # expat takes no names
    except (expat.ExpatError, _ForbiddenError, LookupError, MemoryError, ValueError) as error:
        raise UnreadableError("XML that cannot be read") from error
    for trait in field_traits(part.fields.getvalue(), meter):
        part.note(trait)
    return part


def _may_say_something(octets: bytes) -> bool:
    return octets.startswith(_UTF16_STARTS) or bool(_WORDS.search(octets))


def _forbid(*_declaration: object) -> None:
    raise _ForbiddenError


def _start(part: XmlPart, name: str, attributes: Attributes) -> None:
    part.levels += 1
    if part.levels > _MOST_LEVELS:
        raise _ForbiddenError
    if reader := _reader(name):
        reader(part, {_local(key): value for key, value in attributes.items()})


def _end(part: XmlPart, _name: str) -> None:
    part.levels -= 1
    part.takes_text = False  # an instruction holds no elements


def _text(part: XmlPart, text: str) -> None:
    if part.takes_text:
        part.fields.write(text)


@lru_cache(maxsize=1000)
def _reader(name: str) -> "Callable[[XmlPart, Attributes], None] | None":
    """Who reads elements of that name; a document has few names and each of them often."""
    return _ELEMENTS.get(_local(name))


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _read_relationship(part: XmlPart, attributes: Attributes) -> None:
    kind = attributes.get("Type", "").rpartition("/")[2]
    if attributes.get("TargetMode", "").lower() != "external":
        part.note(_INTERNAL_RELATIONSHIPS.get(kind))
        return
    trait = _EXTERNAL_RELATIONSHIPS.get(kind)
    target = attributes.get("Target", "")
    if trait and (trait not in _ONLY_REMOTE or is_remote(target)):
        part.note(trait)


def _read_content_type(part: XmlPart, attributes: Attributes) -> None:
    content_type = attributes.get("ContentType", "").lower()
    if content_type == "application/vnd.ms-office.vbaproject":
        part.note(Trait.MACROS)
    if content_type in _MACRO_SHEET_TYPES:
        part.note(Trait.XLM_MACROS)


def _read_instruction(part: XmlPart, _attributes: Attributes) -> None:
    part.takes_text = True


def _read_field_mark(part: XmlPart, attributes: Attributes) -> None:
    part.fields.write(_FIELD_MARKS.get(attributes.get("fldCharType", ""), ""))


def _read_simple_field(part: XmlPart, attributes: Attributes) -> None:
    part.fields.write(BEGIN + attributes.get("instr", "") + END)


def _read_program_link(part: XmlPart, _attributes: Attributes) -> None:
    part.note(Trait.DDE)


def _read_object_link(part: XmlPart, _attributes: Attributes) -> None:
    part.note(Trait.EXTERNAL_LINK)


def _read_object(part: XmlPart, attributes: Attributes) -> None:
    """`o:OLEObject` and `p:oleObj`: embedded, or linked, which its relationship says again."""
    if attributes.get("Type", "").lower() == "link":
        part.note(Trait.EXTERNAL_LINK)


def _read_ribbon(part: XmlPart, attributes: Attributes) -> None:
    part.is_automatic = part.is_automatic or "onLoad" in attributes


def _read_defined_name(part: XmlPart, attributes: Attributes) -> None:
    name = attributes.get("name", "").lower()
    part.is_automatic = part.is_automatic or name.startswith(_AUTOMATIC_NAMES)


def _read_encryption(part: XmlPart, _attributes: Attributes) -> None:
    part.note(Trait.ENCRYPTED)


def _read_listener(part: XmlPart, attributes: Attributes) -> None:
    """A macro of an OpenDocument that an event runs; its event has a prefix of its own."""
    part.note(Trait.MACROS)
    event = _local(attributes.get("event-name", "")).lower()
    part.is_automatic = part.is_automatic or event in _AUTOMATIC_EVENTS


def _read_template(part: XmlPart, attributes: Attributes) -> None:
    if is_remote(attributes.get("href", "")):
        part.note(Trait.REMOTE_TEMPLATE)


_MACRO_SHEET_TYPES = frozenset(
    {
        "application/vnd.ms-excel.macrosheet",
        "application/vnd.ms-excel.macrosheet+xml",
        "application/vnd.ms-excel.intlmacrosheet",
        "application/vnd.ms-excel.intlmacrosheet+xml",
    }
)

# By name without prefix: prefixes are the writer's choice.
_ELEMENTS: Mapping[str, Callable[[XmlPart, Attributes], None]] = {
    "Relationship": _read_relationship,
    "Default": _read_content_type,
    "Override": _read_content_type,
    "instrText": _read_instruction,
    "fldChar": _read_field_mark,
    "fldSimple": _read_simple_field,
    "ddeLink": _read_program_link,
    "oleLink": _read_object_link,
    "OLEObject": _read_object,
    "customUI": _read_ribbon,
    "definedName": _read_defined_name,
    # OpenDocument
    "encryption-data": _read_encryption,
    "event-listener": _read_listener,
    "template": _read_template,
    "dde-connection-decl": _read_program_link,
    "dde-source": _read_program_link,
    "dde-link": _read_program_link,
}
