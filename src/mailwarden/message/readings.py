"""Every reading of a message that some real client takes.

The usual reading says what is odd; what is odd says which other readings are worth it. Readings
that find the same are dropped, so that an honest message has one.
Source: RFC 7103; DESIGN section 4.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mailwarden.message.anomalies import Anomaly, Weight, weight_of
from mailwarden.message.dialects import LAST, Delimiters, Dialect
from mailwarden.message.headers import FieldNames, HeaderEnd
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.loose import read_loosely
from mailwarden.message.parts import Reading, Shared, read_message
from mailwarden.message.raw import Raw

# Each costs as much as the usual one; a message that is odd in so many ways is marked anyway.
MOST_READINGS = 12
# An altered copy stands in memory beside the message.
COPIED_BYTES = 50_000_000


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
    _way(Dialect("encoded-messages", opens_encoded_messages=True), "encoded-container"),
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


class _Others:
    """The readings beside the usual one, each if it finds something else than those before it."""

    def __init__(self, primary: Reading, limits: ReadingLimits, shared: Shared) -> None:
        self._primary = primary
        self._limits = limits
        self._codes = frozenset(anomaly.code for anomaly in primary.anomalies)
        self._shared = shared
        self._readings_left = MOST_READINGS
        self._found = {_findings(primary)}
        self.kept: list[Reading] = []
        self.exceeded: list[str] = []

    def read(self) -> None:
        """Try every way that an anomaly asks for."""
        base = self._primary
        for way in _WAYS:
            if way.codes.isdisjoint(self._codes):
                continue
            if way.altered is None:
                self._try(way.dialect, base.raw)
            elif len(base.raw) > COPIED_BYTES:
                self.exceeded.append("readings")
            else:
                self._try(way.dialect, way.altered(base.raw[:]))
        for candidates, dialect in _CHOICES:
            if base.candidates >= candidates:
                self._try(dialect, base.raw)
        if any(map(_asks_for_loose_reading, self._codes)):
            self._try_loosely()

    def _try(self, dialect: Dialect, raw: Raw) -> None:
        if not self._readings_left:
            self.exceeded.append("readings")
            return
        self._readings_left -= 1
        self._keep(read_message(raw, self._limits, dialect, self._shared))

    def _try_loosely(self) -> None:
        """Read the usual octets loosely, and those copies whose lines are others."""
        for reading in (self._primary, *(one for one in self.kept if self._is_copy(one))):
            self._keep(read_loosely(reading, self._limits, self._shared))

    def _is_copy(self, reading: Reading) -> bool:
        return reading.raw is not self._primary.raw

    def _keep(self, reading: Reading) -> None:
        self.exceeded.extend(reading.exceeded)
        findings = _findings(reading)
        if self._is_copy(reading) or findings not in self._found:
            self._found.add(findings)
            self.kept.append(reading)


def _asks_for_loose_reading(code: str) -> bool:
    return code == "part-like-text" or weight_of(code) is not Weight.HARMLESS


def _findings(reading: Reading) -> frozenset[tuple[object, ...]]:
    """Where the leaves of a reading lie, and what is said of them."""
    return frozenset(_finding(reading))


def _finding(reading: Reading) -> Iterator[tuple[object, ...]]:
    for part in reading.walk():
        if not part.children:
            content = part.content
            yield part.body_start, part.body_end, part.media_type, content.names, content.encodings
