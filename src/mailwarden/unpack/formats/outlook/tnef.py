"""TNEF, in which Outlook wraps attachments and bodies, mostly as `winmail.dat` ([MS-OXTNEF]).

An attachment has up to six names and two contents, in attributes of TNEF and in MAPI properties,
which need not agree: all names are candidates, each content is a member. Checksums are not looked
at, as Outlook does not. A message inside comes out as TNEF again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.formats.outlook.compressed_rtf import decompress_rtf
from mailwarden.unpack.formats.outlook.mapi_properties import Cursor, Kind, Property, properties
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import Member, Opened, UnreadableError

SIGNATURE = b"\x78\x9f\x3e\x22"

# Attributes by their numbers ([MS-OXTNEF] section 2.1.3.3), and whose they are (2.1.3.2).
_OF_MESSAGE = 0x01
_OF_ATTACHMENT = 0x02
_NEW_ATTACHMENT = 0x00069002  # attAttachRenddata
_TITLE = 0x00018010  # attAttachTitle
_TRANSPORT_NAME = 0x00069001  # attAttachTransportFilename
_CONTENT = 0x0006800F  # attAttachData
_ATTACHMENT_PROPERTIES = 0x00069005  # attAttachment
_MESSAGE_PROPERTIES = 0x00069003  # attMsgProps
_BODY = 0x0002800C  # attBody

# Properties ([MS-OXPROPS]). Names have ranks: Outlook shows the long one if there is one.
_NAMES = {0x3707: 0, 0x3704: 2, 0x3001: 3, 0x370C: 5}
_TITLES = {_TITLE: 1, _TRANSPORT_NAME: 4}
_PROPERTY_CONTENT = 0x3701  # PidTagAttachDataBinary, PidTagAttachDataObject
_MEDIA_TYPE = 0x370E
_COMPRESSED_RTF = 0x1009
_BODIES = {0x1000: "body.txt", _COMPRESSED_RTF: "body.rtf", 0x1013: "body.html"}

# The interface that an object's content is behind ([MS-OXTNEF] section 2.1.3.4).
_INTERFACE_BYTES = 16
# 8-bit names are in the code page of the sender's machine.
_CODE_PAGES = ("latin-1", "cp437")

# Signature and key; level, number and length of an attribute; its checksum.
_HEAD_BYTES = 6
_ATTRIBUTE_HEAD_BYTES = 9
_CHECKSUM_BYTES = 2


def open_tnef(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a TNEF stream: attachments, and bodies named `body.rtf`, `body.html`, `body.txt`.

    What is broken ends its attribute or the stream; `UnreadableError` comes after what came out.
    """
    if not octets.startswith(SIGNATURE):
        raise UnreadableError("it is not TNEF")
    stream = _Stream(meter)
    for level, number, content in stream.attributes(memoryview(octets)):
        if level == _OF_MESSAGE:
            yield from stream.bodies(number, content)
        else:
            yield from stream.attachment(number, content)
    yield from stream.end_of_attachment()
    if stream.problem:
        raise UnreadableError(stream.problem)


@dataclass(slots=True)
class _Attachment:
    """What was found of one attachment so far; `names` with their ranks, the least shown first."""

    names: list[tuple[int, str]] = field(default_factory=list)
    contents: list[memoryview] = field(default_factory=list)
    media_type: str = ""


@dataclass(slots=True)
class _Stream:
    """One pass over a stream: the attachment at hand, and the first thing that was wrong."""

    meter: Meter
    pending: _Attachment | None = None
    problem: str = ""

    def attributes(self, octets: memoryview) -> Iterator[tuple[int, int, memoryview]]:
        """Go through the attributes: level, number, content."""
        cursor = Cursor(octets)
        cursor.take(min(_HEAD_BYTES, len(octets)))
        while cursor.left_bytes >= _ATTRIBUTE_HEAD_BYTES:
            self.meter.check_time()
            level, number, length = cursor.number(1), cursor.number(4), cursor.number(4)
            if level not in (_OF_MESSAGE, _OF_ATTACHMENT):
                self._note("something that is no attribute")
                return
            yield level, number, cursor.take(min(length, cursor.left_bytes))
            if cursor.left_bytes < _CHECKSUM_BYTES:
                self._note("it ends early")
                return
            cursor.take(_CHECKSUM_BYTES)

    def attachment(self, number: int, content: memoryview) -> Iterator[Member]:
        """Take an attribute of an attachment; gives the one before where a new one begins."""
        if number == _NEW_ATTACHMENT:
            yield from self.end_of_attachment()
        if self.pending is None:
            self.pending = _Attachment()
        pending = self.pending
        if number in _TITLES:
            pending.names.extend((_TITLES[number], name) for name in _names(content))
        elif number == _CONTENT:
            pending.contents.append(content)
        elif number == _ATTACHMENT_PROPERTIES:
            for property_ in self._properties(content):
                _take(pending, property_)

    def end_of_attachment(self) -> Iterator[Member]:
        """Give the attachment at hand: a member for each content that differs."""
        pending, self.pending = self.pending, None
        if pending is None:
            return
        names = tuple(dict.fromkeys(name for _, name in sorted(pending.names, key=_rank)))
        for octets in dict.fromkeys(map(bytes, pending.contents or (b"",))):
            self.meter.count_member()
            self.meter.count_bytes(len(octets))
            yield Member(names, octets, len(octets), media_type=pending.media_type)

    def bodies(self, number: int, content: memoryview) -> Iterator[Member]:
        """Take an attribute of the message; gives its bodies."""
        if number == _BODY:
            yield self._body("body.txt", bytes(content))
        if number == _MESSAGE_PROPERTIES:
            for property_ in self._properties(content):
                if property_.number in _BODIES:
                    yield from self._property_body(property_)

    def _property_body(self, property_: Property) -> Iterator[Member]:
        name = _BODIES[property_.number]
        if property_.number != _COMPRESSED_RTF:
            yield self._body(name, _octets_of_text(property_))
            return
        try:
            unpacked = decompress_rtf(bytes(property_.content), self.meter)
        except UnreadableError as error:
            self._note(str(error))
        else:
            self.meter.count_member()
            yield Member((name,), unpacked, len(unpacked))

    def _body(self, name: str, octets: bytes) -> Member:
        self.meter.count_member()
        return Member((name,), self.meter.collect([octets]), len(octets))

    def _properties(self, content: memoryview) -> Iterator[Property]:
        try:
            yield from properties(content)
        except UnreadableError as error:
            self._note(str(error))

    def _note(self, problem: str) -> None:
        self.problem = self.problem or problem


def _rank(name: tuple[int, str]) -> int:
    return name[0]


def _take(attachment: _Attachment, property_: Property) -> None:
    """Add what a property says of an attachment."""
    if property_.number in _NAMES:
        rank = _NAMES[property_.number]
        attachment.names.extend((rank, name) for name in _property_names(property_))
    elif property_.number == _MEDIA_TYPE:
        attachment.media_type = next(iter(_property_names(property_)), "")
    elif property_.number == _PROPERTY_CONTENT:
        skipped = _INTERFACE_BYTES if property_.kind is Kind.OBJECT else 0
        attachment.contents.append(property_.content[skipped:])


def _property_names(property_: Property) -> tuple[str, ...]:
    if property_.kind is Kind.WIDE_TEXT:
        text = bytes(property_.content).decode("utf-16-le", "replace")
        return tuple(filter(None, (text.partition("\0")[0], text.rstrip("\0"))))
    return _names(property_.content)


def _names(stored: memoryview) -> tuple[str, ...]:
    octets = bytes(stored).rstrip(b"\0")
    return tuple(
        filter(None, (name for page in _CODE_PAGES for name in name_readings(octets, page)))
    )


def _octets_of_text(property_: Property) -> bytes:
    octets = bytes(property_.content)
    if property_.kind is Kind.WIDE_TEXT:
        return octets.decode("utf-16-le", "replace").encode("utf-8")
    return octets
