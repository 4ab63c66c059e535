"""mime4j: the events of its parser as XML, with the decoded bodies beside it.

`NAME.msg` has `NAME_decoded.xml`, whose bodies are files: `NAME_decoded_1_2.txt`. We compare how
parts nest, the fields of every header, and the octets of every body, in the order of the message.
Line ends of text do not count: theirs were stored with other ones.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from agreement.frame import LIMITS, Case, Result, Tools, nearest, octets_text, with_lf
from mailwarden.message.headers import Header
from mailwarden.message.leaves import leaves
from mailwarden.message.parts import read_message
from mailwarden.message.readings import Readings, read_every_way
from mailwarden.message.tree import Part, Reading

FOLDER = "mime/mime4j"

_MESSAGE = "message/rfc822"
_BODIES = ("text-body", "binary-body")
_BLANKS = re.compile(r"\s+")
# Theirs are as Latin 1; a field is its octets.
_CHARSET = "latin-1"


def compare(tools: Tools) -> Result:
    """Compare every message that has events."""
    folder = tools.corpus / FOLDER
    messages = sorted(folder.rglob("*.msg"))
    return Result([case for message in messages for case in _cases(message, folder)])


def _cases(message: Path, folder: Path) -> Iterator[Case]:
    name = str(message.relative_to(folder))
    readings = read_every_way(message.read_bytes(), LIMITS)
    events = _read_events(message.with_name(f"{message.stem}_decoded.xml"))
    yield from nearest(readings, lambda reading: list(_shape_and_fields(name, reading, events)))
    yield from _bodies(name, readings, events, message.parent)


def _read_events(path: Path) -> ET.Element:
    return ET.fromstring(path.read_bytes().decode(_CHARSET))  # noqa: S314 - our own test files


def _shape_and_fields(name: str, reading: Reading, events: ET.Element) -> Iterator[Case]:
    yield Case(name, "structure", our_shape(reading, reading.root), their_shape(events))
    pairs = zip(_headers(reading), events.iter("header"), strict=False)
    for place, (ours, theirs) in enumerate(pairs, 1):
        yield Case(name, "fields", ours, _their_fields(theirs), f"header {place}")


def _bodies(name: str, readings: Readings, events: ET.Element, folder: Path) -> Iterator[Case]:
    """Look for each of their bodies among all octets that we find."""
    found = {octets_text(with_lf(octets)) for octets in _octets(readings)}
    for body in events.iter():
        if body.tag in _BODIES:
            theirs = octets_text(with_lf((folder / body.attrib["name"]).read_bytes()))
            ours = theirs if theirs in found else ", ".join(sorted(found))
            yield Case(name, "octets", ours, theirs, body.attrib["name"].rpartition("decoded_")[2])


def _octets(readings: Readings) -> Iterator[bytes]:
    """Yield all leaves, and those of messages that were encoded, which unpacking would open."""
    for leaf in leaves(readings):
        yield leaf.octets
        if leaf.media_type == _MESSAGE:
            yield from _octets(read_every_way(leaf.octets, LIMITS))


def _headers(reading: Reading) -> Iterator[str]:
    for part in reading.walk():
        yield _our_fields(reading, part.header)
        if _is_encoded_message(part):
            yield from _headers(_inside(reading, part))


def our_shape(reading: Reading, part: Part) -> str:
    """How parts nest, as `multipart(leaf,message(leaf))`."""
    inside = ",".join(our_shape(reading, child) for child in part.children)
    if part.media_type.startswith("multipart/"):
        return f"multipart({inside})"
    if _is_encoded_message(part):
        encoded = _inside(reading, part)
        return f"message({our_shape(encoded, encoded.root)})"
    return f"message({inside})" if part.children else "leaf"


def _is_encoded_message(part: Part) -> bool:
    return part.media_type == _MESSAGE and not part.children


def _inside(reading: Reading, part: Part) -> Reading:
    """Read a message that was encoded as a whole, as unpacking does."""
    return read_message(reading.payload(reading.raw, part).octets, LIMITS)


def their_shape(entity: ET.Element) -> str:
    """How parts nest in a `message` or `body-part`, in the same words."""
    for element in entity:
        if element.tag == "multipart":
            return f"multipart({','.join(map(their_shape, element.findall('body-part')))})"
        if element.tag == "message":
            return f"message({their_shape(element)})"
    return "leaf"


def _our_fields(reading: Reading, header: Header) -> str:
    fields = (reading.raw[field.start : field.end] for field in header.fields)
    return _fields_text(field.decode(_CHARSET) for field in fields)


def _their_fields(header: ET.Element) -> str:
    return _fields_text(field.text or "" for field in header.iter("field"))


def _fields_text(fields: Iterable[str]) -> str:
    """Join fields, each on a line of its own and with one blank for many."""
    return "\n".join(_BLANKS.sub(" ", field).strip() for field in fields)
