"""What a message holds, in any of its readings: octets, each distinct ones once.

A leaf is a part without parts, decoded in every way that some client decodes it; a part with parts
is one, too, where a transfer encoding covers it; so is text around parts that says more than the
usual line for old programs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mailwarden.message.anomalies import Weight, weight_of
from mailwarden.message.dialects import USUAL
from mailwarden.message.loose import DIALECT as LOOSE
from mailwarden.message.parts import Part, Reading
from mailwarden.message.readings import Readings
from mailwarden.message.transfer import IDENTITY, decode, decodings

# "This is a multi-part message in MIME format." and the footer of a mailing list are not more.
_USUAL_LINES = 2
_USUAL_BYTES = 500
# More text than this is no mail that somebody reads to its end.
_READ_BYTES = 500_000
_GUESSED = f"{LOOSE}:"
_MULTI = "multipart/"


@dataclass(frozen=True, slots=True)
class Leaf:
    """Distinct octets of a message.

    `path` is where they were found first (`1.2`), behind the name of a dialect and a colon when
    the usual reading does not have them (`loose:2`). `names` are all candidates of all places.
    `is_plain`: whoever reads the message as usual has just these octets, without any doubt.
    `is_clean`: their transfer encoding was well-formed.
    """

    path: str
    names: tuple[str, ...]
    media_type: str
    octets: bytes
    is_plain: bool
    is_clean: bool

    @property
    def is_broken_file(self) -> bool:
        """Whether readers may decode another file; text that nobody reads to its end is one.

        Where a part ends is a guess in the loose reading; a multipart is no file.
        """
        if self.is_clean or self.path.startswith(_GUESSED) or self.media_type.startswith(_MULTI):
            return False
        is_file = bool(self.names) or not self.media_type.startswith("text/")
        return is_file or len(self.octets) > _READ_BYTES


def leaves(readings: Readings) -> tuple[Leaf, ...]:
    """Return all leaves, those of the usual reading first, in the order of the message."""
    collection = _Collection()
    doubtful = _doubtful_paths(readings)
    for part in readings.primary.walk():
        is_plain = not doubtful or doubtful.isdisjoint(_paths_down_to(part.path))
        collection.add_part(readings.primary, part, is_plain=is_plain)
    for reading in readings.others:
        for part in reading.walk():
            collection.add_part(reading, part, is_plain=False)
    return tuple(collection.leaves.values())


def _doubtful_paths(readings: Readings) -> frozenset[str]:
    """Where readers may take something differently, with all that lies below."""
    return frozenset(
        anomaly.part
        for anomaly in readings.anomalies
        if weight_of(anomaly.code) is not Weight.HARMLESS
    )


def _paths_down_to(path: str) -> Iterator[str]:
    """Yield the paths of a part and of all parts that it lies in."""
    yield ""
    numbers = path.split(".")
    for count in range(1, len(numbers) + 1):
        yield ".".join(numbers[:count])


@dataclass(slots=True)
class _Collection:
    """The leaves found so far, by their octets, and what was decoded, by its place."""

    leaves: dict[bytes, Leaf] = field(default_factory=dict)
    _bodies: dict[tuple[object, ...], tuple[tuple[bytes, bool], ...]] = field(default_factory=dict)

    def add_part(self, reading: Reading, part: Part, *, is_plain: bool) -> None:
        """Add what a part holds itself."""
        if not part.children:
            self._add_body(reading, part, is_plain=is_plain)
            return
        if not IDENTITY.issuperset(part.content.encodings):
            self._add_body(reading, part, is_plain=False)
        if part.media_type.startswith("multipart/"):
            for text in _around(reading, part):
                path = _path(reading, part)
                self._add(Leaf(path, (), "text/plain", text, is_plain=False, is_clean=True))

    def _add_body(self, reading: Reading, part: Part, *, is_plain: bool) -> None:
        content, path = part.content, _path(reading, part)
        place = (id(reading.raw), part.body_start, part.body_end, content.encodings)
        if place not in self._bodies:
            self._bodies[place] = _bodies(reading, part)
        for octets, is_clean in self._bodies[place]:
            plain = is_plain and is_clean
            self._add(Leaf(path, content.names, part.media_type, octets, plain, is_clean))

    def _add(self, leaf: Leaf) -> None:
        known = self.leaves.setdefault(leaf.octets, leaf)
        if known is not leaf:
            self.leaves[leaf.octets] = replace(
                known,
                names=tuple(dict.fromkeys(known.names + leaf.names)),
                is_plain=known.is_plain or leaf.is_plain,
            )


def _bodies(reading: Reading, part: Part) -> tuple[tuple[bytes, bool], ...]:
    """Return a body in every decoding, and whether there is no doubt about it."""
    body = reading.raw[part.body_start : part.body_end]
    encodings = part.content.encodings or ("",)
    if len(encodings) == 1:
        decoded = decode(body, encodings[0])
        if decoded.is_clean:
            return ((decoded.octets, True),)
    return tuple((octets, False) for encoding in encodings for octets in decodings(body, encoding))


def _around(reading: Reading, part: Part) -> Iterator[bytes]:
    """Yield the text before the first part and after the last one, without boundary lines."""
    first, last = part.children[0], part.children[-1]
    before, _, _ = reading.raw[part.body_start : first.header.start].rstrip().rpartition(b"\n")
    _, _, after = reading.raw[last.body_end : part.body_end].lstrip().partition(b"\n")
    for text in (before, after):
        if len(text) > _USUAL_BYTES or text.strip().count(b"\n") >= _USUAL_LINES:
            yield text


def _path(reading: Reading, part: Part) -> str:
    return part.path if reading.dialect == USUAL.name else f"{reading.dialect}:{part.path}"
