"""What a reading yields: a message as a tree of parts, each by its offsets into the raw bytes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mailwarden.message.anomalies import Anomaly
from mailwarden.message.content import Content
from mailwarden.message.dialects import USUAL, pick
from mailwarden.message.headers import Header
from mailwarden.message.raw import Raw
from mailwarden.message.transfer import Decoded, decode


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the message.

    `path` is empty for the root, else `1`, `1.2`; an attached message is the one child of its
    part. `body_start` and `body_end` are offsets into the raw message, without the line end that
    belongs to the next boundary. `media_type` is in lower case and has its default when nobody
    says any. `content` holds every candidate of everything that the header says.
    """

    path: str
    header: Header
    body_end: int
    media_type: str
    content: Content
    children: tuple["Part", ...]

    @property
    def body_start(self) -> int:
        """The offset of the body's first byte."""
        return self.header.end

    @property
    def charset(self) -> str:
        """The likeliest charset in lower case, empty when nobody says any."""
        return pick(self.content.charsets, 0, "")

    @property
    def encoding(self) -> str:
        """The likeliest transfer encoding in lower case, empty when nobody says any."""
        return pick(self.content.encodings, 0, "")

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a client could show, the likeliest first."""
        return self.content.names


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message looks like in one dialect.

    `raw` are the octets that offsets belong to: those of the message, or of an altered copy.
    `anomalies` are what is odd in this way of reading.
    `exceeded` names the limits that were hit, each once. `candidates` is the largest number of
    media types or boundaries that one part names.
    """

    root: Part
    anomalies: tuple[Anomaly, ...]
    exceeded: tuple[str, ...]
    dialect: str = USUAL.name
    candidates: int = 0
    raw: Raw = field(default=b"", compare=False, repr=False)
    _decoded: dict[int, Decoded] = field(default_factory=dict, compare=False, repr=False)

    def payload(self, raw: Raw, part: Part) -> Decoded:
        """A part's octets with the transfer encoding undone; done once, however many ask."""
        if part.body_start not in self._decoded:
            self._decoded[part.body_start] = payload(raw, part)
        return self._decoded[part.body_start]

    def walk(self) -> Iterator[Part]:
        """Yield every part, parents before children, in the order of the message."""
        waiting = [self.root]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


def payload(raw: Raw, part: Part) -> Decoded:
    """Return a part's octets with the transfer encoding undone."""
    return decode(raw[part.body_start : part.body_end], part.encoding)
