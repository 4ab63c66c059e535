"""Every reading of a message that some real client takes.

The usual reading says what is odd; what is odd says which other readings are worth it. Readings
that find the same are dropped, so that an honest message has one.
Source: RFC 7103; DESIGN section 4.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mailwarden.message.anomalies import Anomaly, Weight, weight_of
from mailwarden.message.dialects import LAST, USUAL, Delimiters, Dialect
from mailwarden.message.headers import FieldNames, HeaderEnd
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.loose import read_loosely
from mailwarden.message.parts import Reading, Shared, read_message
from mailwarden.message.raw import Raw

# Each costs as much as the usual one; a message that is odd in so many ways is marked anyway.
MOST_READINGS = 12
# All readings beside the usual one together: each takes a tenth of a second for 2 MB at the worst.
READ_BYTES = 60_000_000
# All altered copies of a message, which stand in memory beside it, each with what is decoded of it.
COPIED_BYTES = 60_000_000


@dataclass(frozen=True, slots=True)
class Readings:
    """All readings of a message: the usual one, and those that find something else.

    `anomalies` are those of the usual reading, `exceeded` the limits that any reading hit.
    """

    primary: Reading
    others: tuple[Reading, ...]
    anomalies: tuple[Anomaly, ...]
    exceeded: tuple[str, ...]


def _without_nul(octets: bytes) -> bytes:
    return octets.replace(b"\0", b"")


def _with_cr_as_line_end(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _without_cr(octets: bytes) -> bytes:
    return octets.replace(b"\r", b"")


def _without_first_lines(octets: bytes) -> bytes:
    return octets.lstrip(b"\r\n")


@dataclass(frozen=True, slots=True)
class _Way:
    """A dialect, the octets that it reads, and the anomalies that make it worth trying."""

    dialect: Dialect
    codes: frozenset[str]
    altered: Callable[[bytes], bytes] | None = None


def _way(dialect: Dialect, *codes: str) -> _Way:
    return _Way(dialect, frozenset(codes))


def _copy(name: str, altered: Callable[[bytes], bytes], *codes: str) -> _Way:
    return _Way(Dialect(name), frozenset(codes), altered)


_ODD_LINES = (
    "field-without-name", "broken-field-name", "blank-before-colon", "comment-in-field-name",
)  # fmt: skip
# The likeliest first: when there are too many, the last ones are not tried.
_WAYS = (
    _copy("cr-is-line-end", _with_cr_as_line_end, "cr-in-header", "delimiter-after-cr"),
    _copy("cr-dropped", _without_cr, "cr-in-header", "delimiter-after-cr"),
    _copy("nul-dropped", _without_nul, "nul-in-header", "nul-in-body"),
    _copy("first-lines-dropped", _without_first_lines, "begins-with-blank-line"),
    _way(Dialect("field-ends-header", header_end=HeaderEnd.NOT_A_FIELD), *_ODD_LINES),
    _way(
        Dialect("blanks-end-header", header_end=HeaderEnd.LINE_OF_BLANKS),
        "line-of-blanks-in-header",
    ),
    _way(Dialect("exact-field-names", field_names=FieldNames.EXACT), "blank-before-colon"),
    _way(
        Dialect("repaired-field-names", field_names=FieldNames.REPAIRED),
        "broken-field-name",
        "comment-in-field-name",
        "begins-with-continuation",
    ),
    _way(
        Dialect("boundary-prefix", delimiters=Delimiters.PREFIX),
        "delimiter-with-junk",
        "boundary-too-long",
    ),
    _way(Dialect("ends-at-closing", parts_after_closing=False), "part-after-closing-boundary"),
    _way(Dialect("whole-headers", boundaries_end_headers=False), "boundary-in-header"),
    _way(Dialect("outer-boundary", outer_boundary_wins=True), "boundary-used-twice"),
    _way(Dialect("encoded-messages", opens_encoded_messages=True), "encoded-message"),
)
# For parts that name so many media types or boundaries, how to choose among them.
_CHOICES = (
    (2, Dialect("second-boundary", boundary=1)),
    (2, Dialect("second-type", media_type=1)),
    (2, Dialect("second-of-both", media_type=1, boundary=1)),
    (3, Dialect("third-boundary", boundary=2)),
    (3, Dialect("third-type", media_type=2)),
    (4, Dialect("last-boundary", boundary=LAST)),
    (4, Dialect("last-type", media_type=LAST)),
)


def read_every_way(raw: Raw, limits: ReadingLimits) -> Readings:
    """Read a message as most clients do, and in every other way that is worth it."""
    shared = Shared()
    primary = read_message(raw, limits, shared=shared)
    if not primary.anomalies and primary.candidates <= 1:
        return Readings(primary, (), (), primary.exceeded)
    others = _Others(primary, limits, shared)
    others.read()
    exceeded = dict.fromkeys((*primary.exceeded, *others.exceeded))
    return Readings(primary, tuple(others.kept), primary.anomalies, tuple(exceeded))


@dataclass(frozen=True, slots=True)
class _Taken:
    """A reading, its dialect, and the names of the ways that were taken to it."""

    reading: Reading
    dialect: Dialect
    ways: frozenset[str]

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(anomaly.code for anomaly in self.reading.anomalies)


class _Others:
    """The readings beside the usual one, each if it finds something else than those before it.

    What only another reading finds, or finds odd, may ask for more in its turn, so it is gone on
    from as the usual one is: a client that differs in one habit may differ in two.
    """

    def __init__(self, primary: Reading, limits: ReadingLimits, shared: Shared) -> None:
        self._primary = primary
        self._limits = limits
        self._shared = shared
        self._readings_left = MOST_READINGS
        self._read_bytes_left = READ_BYTES
        self._copied_bytes_left = COPIED_BYTES
        self._found = {_findings(primary)}
        self.kept: list[Reading] = []
        self.exceeded: list[str] = []

    def read(self) -> None:
        """Try every way that an anomaly asks for, the shortest first."""
        waiting = deque([_Taken(self._primary, USUAL, frozenset())])
        bases: list[_Taken] = []
        while waiting:
            base = waiting.popleft()
            bases.append(base)
            waiting.extend(self._beyond(base))
        self._try_loosely(bases)

    def _beyond(self, base: _Taken) -> Iterator[_Taken]:
        """Yield the new readings that are one way further."""
        for way in _WAYS:
            if way.dialect.name in base.ways or way.codes.isdisjoint(base.codes):
                continue
            if way.altered is None:
                yield from self._try(base, way.dialect, base.reading.raw)
            elif len(base.reading.raw) > self._copied_bytes_left:
                self.exceeded.append("readings")
            else:
                self._copied_bytes_left -= len(base.reading.raw)
                yield from self._try(base, way.dialect, way.altered(base.reading.raw[:]))
        for candidates, dialect in _CHOICES:
            if base.reading.candidates >= candidates and not base.dialect.chooses:
                yield from self._try(base, dialect, base.reading.raw)

    def _try(self, base: _Taken, dialect: Dialect, raw: Raw) -> Iterator[_Taken]:
        if not self._readings_left or len(raw) > self._read_bytes_left:
            self.exceeded.append("readings")
            return
        self._readings_left -= 1
        self._read_bytes_left -= len(raw)
        both = base.dialect.with_habits_of(dialect)
        reading = read_message(raw, self._limits, both, self._shared)
        taken = _Taken(reading, both, base.ways | {dialect.name})
        if self._keep(reading) or taken.codes - base.codes:
            yield taken

    def _try_loosely(self, bases: Sequence[_Taken]) -> None:
        """Read the usual octets loosely, and those copies whose lines are others."""
        read: set[int] = set()
        for base in bases:
            raw = id(base.reading.raw)
            if raw not in read and any(map(_asks_for_loose_reading, base.codes)):
                read.add(raw)
                self._keep(read_loosely(base.reading, self._limits, self._shared))

    def _keep(self, reading: Reading) -> bool:
        """Keep what finds something else, and say whether it does."""
        self.exceeded.extend(reading.exceeded)
        findings = _findings(reading)
        if findings in self._found:
            return False
        self._found.add(findings)
        self.kept.append(reading)
        return True


def _asks_for_loose_reading(code: str) -> bool:
    return code == "part-like-text" or weight_of(code) is not Weight.HARMLESS


def _findings(reading: Reading) -> tuple[int, frozenset[tuple[object, ...]]]:
    """Where the leaves of a reading lie in which octets, and what is said of them."""
    return id(reading.raw), frozenset(_finding(reading))


def _finding(reading: Reading) -> Iterator[tuple[object, ...]]:
    for part in reading.walk():
        if not part.children:
            content = part.content
            yield part.body_start, part.body_end, part.media_type, content.names, content.encodings
