"""The objects of a PDF, found by what stands in it, not by its tables.

Tables (cross-references) may lie, be broken, or name one object of several with the same number.
So every `N M obj` counts wherever it stands, each revision of an object, and what is in object
streams (ISO 32000-1 section 7.5.7).
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mailwarden.unpack.budget import Limit, Meter, OverLimitError
from mailwarden.unpack.formats.pdf.pdf_filters import decode_stream
from mailwarden.unpack.formats.pdf.pdf_syntax import TOKENS, Reference, Value, parse_value
from mailwarden.unpack.members import UnreadableError, UnsupportedError

# A catalogue of several thousand pages has some hundred thousand; each costs some microseconds.
_OBJECTS = 250_000
# Honest objects lie behind one another: everything is read once. Three times is generous.
_READ_RATIO = 3
_READ_FREE_BYTES = 1_000_000
# A reference leads to a value, not to another reference; some writers do it once.
_REFERENCES = 4

_OBJECT = re.compile(rb"obj")
# Comments are blanks too.
_NUMBERS = re.compile(
    rb"(\d{1,10})(?:[\0\t\n\f\r ]|%[^\r\n]*[\r\n])+\d{1,10}(?:[\0\t\n\f\r ]|%[^\r\n]*[\r\n])*\Z"
)
_NUMBERS_BYTES = 64
# What may stand before the word: the end of a number, a blank, the end of a comment.
_BEFORE_OBJECT = frozenset(bytes((octet,)) for octet in b"0123456789\0\t\n\f\r ")
# No file has more octets.
_MOST_DIGITS = 18
# Behind a comment that is longer: it is read, only no reference leads there.
_NO_NUMBER = -1
_TRAILER = re.compile(rb"trailer")
_STREAM = re.compile(rb"(?:[\0\t\n\f\r ]|%[^\r\n]*[\r\n])*stream(?:\r\n|\n|\r|)")
_STREAM_END = re.compile(rb"[\0\t\n\f\r ]*endstream")
# What is skipped has no name that matters (escaped or not), and no string or comment: in these an
# object could seem to begin or end.
_WORTH_READING = re.compile(
    rb"[(%#]|stream|/(?:JS|JavaScript|EF|EmbeddedFile|Launch|GoToR|GoToE|SubmitForm|ImportData|XFA"
    rb"|Encrypt)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object's value begins, in the file or in what an object stream held."""

    octets: bytes = field(repr=False)
    start: int


@dataclass(frozen=True, slots=True)
class Object:
    """An object's value, and where its stream begins in the file when it has one."""

    value: Value
    stream_start: int | None = None


@dataclass(slots=True)
class Objects:
    """All objects of one file.

    `outer` are those that stand in the file itself; `shut` says why object streams could not be
    read.
    """

    octets: bytes
    meter: Meter
    outer: list[Place] = field(init=False)
    shut: list[str] = field(default_factory=list)
    _by_number: dict[int, list[Place]] = field(default_factory=dict)
    _count: int = 0
    _read_bytes: int = 0
    _readable_bytes: int = _READ_FREE_BYTES
    _tokens_left: int = TOKENS
    _known: dict[tuple[int, int], Object] = field(default_factory=dict)
    _stream_ends: list[int] | None = None

    def __post_init__(self) -> None:
        self._readable_bytes += _READ_RATIO * len(self.octets)
        self.outer = list(self._find())

    def outside(self) -> Iterator[Object]:
        """Every object in the file itself that may matter."""
        return self._worth_reading(self.outer)

    def inside(self, outside: Iterable[Object]) -> Iterator[Object]:
        """Every object in the object streams among these that may matter."""
        for found in outside:
            if found.stream_start is not None and _is_object_stream(found.value):
                yield from self._in_stream(found)

    def trailers(self) -> Iterator[Value]:
        """Every dictionary behind the word `trailer`."""
        for trailer in _TRAILER.finditer(self.octets):
            yield self.read(Place(self.octets, trailer.end())).value

    def read(self, place: Place) -> Object:
        """Read one object, once; raises `OverLimitError` where they lie over one another."""
        key = (id(place.octets), place.start)
        if key not in self._known:
            parsed = parse_value(place.octets, place.start, self.meter, self._tokens_left)
            self._tokens_left -= parsed.tokens
            self._spend(parsed.end - place.start)
            stream = None
            if place.octets is self.octets and isinstance(parsed.value, dict):
                stream = _STREAM.match(place.octets, parsed.end)
            self._known[key] = Object(parsed.value, stream.end() if stream else None)
        return self._known[key]

    def resolve(self, value: Value) -> Iterator[Object]:
        """What a value is: itself, or for a reference each revision of the object."""
        waiting = [(value, 0)]
        while waiting:
            one, depth = waiting.pop()
            if not isinstance(one, Reference):
                yield Object(one)
                continue
            self.meter.check_time()
            for place in self._by_number.get(one.number, ()):
                found = self.read(place)
                if isinstance(found.value, Reference) and depth < _REFERENCES:
                    waiting.append((found.value, depth + 1))
                else:
                    yield found

    def stream(self, found: Object) -> bytes:
        """The decoded stream of an object; raises what decoding raises."""
        if found.stream_start is None or not isinstance(found.value, dict):
            return b""
        end = self._stream_end(found.stream_start, found.value.get("Length"))
        self._spend(end - found.stream_start)
        dictionary = {
            key: next((each.value for each in self.resolve(value)), None)
            for key, value in found.value.items()
        }
        return decode_stream(self.octets[found.stream_start : end], dictionary, self.meter)

    def _find(self) -> Iterator[Place]:
        for word in _OBJECT.finditer(self.octets):
            start = word.start()
            if self.octets[start - 1 : start] in _BEFORE_OBJECT:
                numbers = _NUMBERS.search(self.octets, max(0, start - _NUMBERS_BYTES), start)
                yield self._add(int(numbers[1]) if numbers else _NO_NUMBER, self.octets, word.end())

    def _add(self, number: int, octets: bytes, start: int) -> Place:
        self._count += 1
        if self._count > _OBJECTS:
            raise OverLimitError(Limit.FILES)
        place = Place(octets, start)
        self._by_number.setdefault(number, []).append(place)
        return place

    def _worth_reading(self, places: list[Place]) -> Iterator[Object]:
        """Read those of the places that may matter, which are in order, and in the same octets."""
        octets = places[0].octets if places else b""
        ends = [place.start for place in places[1:]] + [len(octets)]
        for place, end in zip(places, ends, strict=False):
            if _WORTH_READING.search(octets, place.start, end):
                yield self.read(place)

    def _in_stream(self, found: Object) -> Iterator[Object]:
        try:
            octets = self.stream(found)
        except (UnsupportedError, UnreadableError) as error:
            self.shut.append(str(error))
            return
        self._readable_bytes += _READ_RATIO * len(octets)
        places = self._places(octets, found.value)
        yield from self._worth_reading(sorted(places, key=lambda place: place.start))

    def _places(self, octets: bytes, dictionary: Value) -> list[Place]:
        """Where an object stream's header says that its objects are: pairs of number and offset."""
        first = dictionary.get("First") if isinstance(dictionary, dict) else None
        first_object = first if isinstance(first, int) else 0
        words = (
            word.lstrip(b"0") or b"0" for word in octets[:first_object].split() if word.isdigit()
        )
        # A number that is longer leads out of the file, cut or not.
        header = [int(word[:_MOST_DIGITS]) for word in words]
        pairs = zip(header[::2], header[1::2], strict=False)
        return [self._add(number, octets, first_object + offset) for number, offset in pairs]

    def _stream_end(self, start: int, length: Value) -> int:
        """Where a stream ends: as long as it says if its end stands there, else at the next end."""
        for said in self.resolve(length):
            if isinstance(said.value, int) and said.value >= 0:
                end = start + said.value
                if _STREAM_END.match(self.octets, end):
                    return end
        if self._stream_ends is None:
            self._stream_ends = [match.start() for match in re.finditer(rb"endstream", self.octets)]
        place = bisect_left(self._stream_ends, start)
        return self._stream_ends[place] if place < len(self._stream_ends) else len(self.octets)

    def _spend(self, count: int) -> None:
        self._read_bytes += count
        if self._read_bytes > self._readable_bytes:
            raise OverLimitError(Limit.BYTES)


def _is_object_stream(value: Value) -> bool:
    return isinstance(value, dict) and (
        value.get("Type") == "ObjStm" or ("N" in value and "First" in value)
    )
