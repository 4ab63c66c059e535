"""What a source says about our result: cases, and how they are judged.

A case is one thing that both sides say something about; a disagreement is known (`known`) or it is
a failure, and so is a known one that is not there any more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import Path

from agreement.path import MessagePath
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.readings import Readings
from mailwarden.message.tree import Reading

# As large as the settings' own defaults.
LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=2_000, depth=50)
_DIGEST_BYTES = 4


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that both sides say something about.

    `file` is below the source's folder; `aspect` says what of it (`structure`, `octets`), `place`
    where in it (a part's path); `ours` and `theirs` are what is compared, short enough to print.
    """

    file: str
    aspect: str
    ours: str
    theirs: str
    place: str = ""

    @property
    def agrees(self) -> bool:
        """Both sides say the same."""
        return self.ours == self.theirs


@dataclass(frozen=True, slots=True)
class Known:
    """Disagreements that stay: why, and in which aspect of which files (`*` stands for any text).

    `places` narrows it to some places; empty means all of them.
    """

    source: str
    aspect: str
    reason: str
    files: tuple[str, ...]
    places: tuple[str, ...] = ()

    def covers(self, source: str, case: Case) -> bool:
        """Whether a case is one of these."""
        return (
            source == self.source
            and case.aspect == self.aspect
            and any(fnmatchcase(case.file, pattern) for pattern in self.files)
            and (not self.places or case.place in self.places)
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What a source yields: its cases, and figures for people, one line each."""

    cases: Sequence[Case]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tools:
    """What sources work with: the corpus's folder, and the path that messages take."""

    corpus: Path
    path: MessagePath


Compare = Callable[[Tools], Result]


@dataclass(frozen=True, slots=True)
class Judged:
    """A source's result with its disagreements told apart."""

    source: str
    result: Result
    known: Mapping[Known, Sequence[Case]] = field(default_factory=dict)
    unknown: Sequence[Case] = ()

    @property
    def files(self) -> int:
        """How many files there is something said about."""
        return len({case.file for case in self.result.cases})

    @property
    def agreeing(self) -> int:
        """How many cases agree."""
        return sum(case.agrees for case in self.result.cases)

    @property
    def differing(self) -> int:
        """How many cases do not."""
        return len(self.result.cases) - self.agreeing


def judge(source: str, result: Result, table: Iterable[Known]) -> Judged:
    """Tell known disagreements from those that nobody has looked at."""
    entries = [one for one in table if one.source == source]
    known: dict[Known, list[Case]] = {}
    unknown: list[Case] = []
    for case in result.cases:
        if case.agrees:
            continue
        entry = next((one for one in entries if one.covers(source, case)), None)
        if entry is None:
            unknown.append(case)
        else:
            known.setdefault(entry, []).append(case)
    return Judged(source, result, known, unknown)


def vanished(judged: Judged, table: Iterable[Known]) -> list[Known]:
    """Give the entries for a source that no disagreement needs any more."""
    return [one for one in table if one.source == judged.source and one not in judged.known]


def nearest(readings: Readings, compare: Callable[[Reading], list[Case]]) -> list[Case]:
    """Give the cases of the reading that agrees in most, the usual one first.

    Another parser's result is one reading; ours are all that clients take.
    """
    compared = map(compare, (readings.primary, *readings.others))
    return max(compared, key=lambda cases: sum(case.agrees for case in cases) - len(cases))


def octets_text(octets: bytes) -> str:
    """Give octets as something short to compare: their number and digest."""
    digest = blake2b(octets, digest_size=_DIGEST_BYTES).hexdigest()
    return f"{len(octets)} octets {digest}"


def with_lf(octets: bytes) -> bytes:
    """Turn CRLF into LF, for expectations that were stored with other line ends."""
    return octets.replace(b"\r\n", b"\n")
