"""Outlook messages (.msg): attachments and bodies, in messages attached to messages as well.

A property is a stream whose name tells its number and type ([MS-OXMSG] 2.1.3); an attachment is a
storage ([MS-OXMSG] 2.2.2). Which properties matter is said in [MS-OXPROPS].
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailwarden.unpack.formats.outlook.compressed_rtf import decompress_rtf
from mailwarden.unpack.members import Member, Opened, UnreadableError

if TYPE_CHECKING:
    from mailwarden.unpack.budget import Meter
    from mailwarden.unpack.formats.office.compound_file import CompoundFile, Stream

_ATTACHMENT = re.compile(r"__attach_version1\.0_#[0-9a-f]{8}", re.IGNORECASE)
_PROPERTY = re.compile(r"__substg1\.0_([0-9a-f]{4})([0-9a-f]{4})", re.IGNORECASE)

_WIDE_TEXT = "001f"
_TEXT_TYPES = ("001f", "001e")
_BINARY = "0102"
# The long file name, the short one, the name shown ([MS-OXPROPS] 2.592, 2.584, 2.667).
_NAMES = ("3707", "3704", "3001")
_MEDIA_TYPE = "370e"
_CONTENT = "3701"
# Which properties are bodies, and the name that each gets.
_COMPRESSED_RTF = "1009"
_BODIES = {"1000": "body.txt", _COMPRESSED_RTF: "body.rtf", "1013": "body.html"}
# Bodies lie at the root of the message, or where a message is an attachment's content.
_ATTACHED_MESSAGE = "__substg1.0_3701000d"


def open_attachments(compound: "CompoundFile", meter: "Meter") -> Iterator[Opened]:
    """Every attachment whose octets are stored; an attached message is among the bodies."""
    attachments: dict[tuple[str, ...], dict[tuple[str, str], Stream]] = {}
    for stream in compound.streams:
        property_ = _PROPERTY.fullmatch(stream.name)
        if property_ and stream.storage and _ATTACHMENT.fullmatch(stream.storage[-1]):
            number, kind = property_.groups()
            attachments.setdefault(stream.storage, {})[number, kind] = stream
    for properties in attachments.values():
        yield from _attachment(compound, properties, meter)


def open_bodies(compound: "CompoundFile", meter: "Meter") -> Iterator[Opened]:
    """The texts of the message and of messages attached to it, as octets that scanners can read."""
    for stream in compound.streams:
        property_ = _PROPERTY.fullmatch(stream.name)
        if property_ and property_[1] in _BODIES and _is_message(stream.storage):
            number, kind = property_.groups()
            meter.count_member()
            yield _body(number, kind, compound.read(stream, meter), meter)


def _is_message(storage: tuple[str, ...]) -> bool:
    return not storage or storage[-1].lower() == _ATTACHED_MESSAGE


def _body(number: str, kind: str, octets: bytes, meter: "Meter") -> Member:
    names = (_BODIES[number],)
    if number == _COMPRESSED_RTF:
        try:
            return Member(names, decompress_rtf(octets, meter))
        except UnreadableError as error:
            return Member(names, None, unopened=str(error))
    if kind == _WIDE_TEXT:
        octets = octets.decode("utf-16-le", "replace").encode()
    return Member(names, octets)


def _attachment(
    compound: "CompoundFile", properties: "dict[tuple[str, str], Stream]", meter: "Meter"
) -> Iterator[Opened]:
    content = properties.get((_CONTENT, _BINARY))
    if content is None:
        return
    meter.count_member()
    names = dict.fromkeys(
        text for number in _NAMES if (text := _text(compound, properties, number, meter))
    )
    media_type = _text(compound, properties, _MEDIA_TYPE, meter).lower()
    octets = compound.read(content, meter)
    yield Member(tuple(names) or (content.storage[-1],), octets, media_type=media_type)


def _text(
    compound: "CompoundFile",
    properties: "dict[tuple[str, str], Stream]",
    number: str,
    meter: "Meter",
) -> str:
    """A text property; its narrow form is in the sender's code page, which is told elsewhere."""
    for kind in _TEXT_TYPES:
        if (number, kind) in properties:
            octets = compound.read(properties[number, kind], meter)
            return octets.decode("utf-16-le" if kind == _WIDE_TEXT else "cp1252", "replace")
    return ""
