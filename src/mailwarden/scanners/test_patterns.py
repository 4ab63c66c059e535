"""A scanner that knows only the two harmless test strings, for demos and trial installations.

EICAR stands for a virus, GTUBE for spam. Nothing here protects anybody.
Source: eicar.org, "Anti-Malware Testfile"; SpamAssassin's sample-spam.txt.
"""

from decimal import Decimal

from mailwarden.message.parts import Reading, ReadingLimits, read_message
from mailwarden.message.raw import Raw
from mailwarden.message.transfer import IDENTITY
from mailwarden.ports.scanner import Payload, Question, Wave
from mailwarden.verdict.report import Answer, Finding, Kind, SpamScore

NAME = "test-patterns"

# In two pieces each, so that no scanner takes this file for the real thing.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

_PIECE_BYTES = 1_000_000
_REQUIRED = Decimal(5)
_GTUBE_SCORE = Decimal(1000)  # as in SpamAssassin

# As large as the settings' own defaults; whatever hits these is no trial message.
_LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=2_000, depth=50)


class _Patterns:
    """What the scanners of both waves have in common: there is nobody to ask."""

    __test__ = False  # pytest takes classes whose name begins with Test for tests
    name = NAME
    version = f"{NAME}: 1."

    async def refresh(self, deadline: float) -> None:
        """Do nothing: the patterns never change."""

    async def close(self) -> None:
        """Do nothing: there are no connections."""


class TestPatternScanner(_Patterns):
    """Finds EICAR in the raw message or in a decoded part."""

    wave = Wave.VIRUS

    async def scan(self, question: Question, deadline: float) -> Answer:  # noqa: ARG002 - Scanner
        """Look for the test virus; a message that could not be read to its end is over a limit."""
        raw = question.arrival.raw
        reading = read_message(raw, _LIMITS)
        place = _place_of(EICAR, raw, reading)
        if place is not None:
            return Answer((Finding(NAME, Kind.VIRUS, "Eicar-Test-Signature", part=place),))
        for part in question.extracted:
            if _holds(part.payload, EICAR):
                name = "Eicar-Test-Signature"
                return Answer((Finding(NAME, Kind.VIRUS, name, part.path, part.filename),))
        return Answer(
            tuple(Finding(NAME, Kind.OVER_LIMIT, limit) for limit in reading.exceeded),
        )


class TestPatternSpamScanner(_Patterns):
    """Scores GTUBE with 1000 of 5 points, everything else with 0."""

    wave = Wave.SPAM

    async def scan(self, question: Question, deadline: float) -> Answer:  # noqa: ARG002 - Scanner
        """Score one message."""
        raw = question.arrival.raw
        if _place_of(GTUBE, raw, read_message(raw, _LIMITS)) is None:
            return Answer(score=SpamScore(NAME, Decimal(0), _REQUIRED))
        return Answer(
            score=SpamScore(
                NAME,
                _GTUBE_SCORE,
                _REQUIRED,
                tests=("GTUBE",),
                text="1000 GTUBE  Generic Test for Unsolicited Bulk Email\n",
            )
        )


def _holds(payload: Payload, pattern: bytes) -> bool:
    """Look in pieces that overlap by a pattern, so that no second copy stands in memory."""
    overlap = len(pattern) - 1
    starts = range(0, payload.size_bytes, _PIECE_BYTES)
    return any(pattern in payload.chunk(start, _PIECE_BYTES + overlap) for start in starts)


def _place_of(pattern: bytes, raw: Raw, reading: Reading) -> str | None:
    """Return the path of the part that holds the pattern, None when it is nowhere."""
    for part in reading.walk():
        if not part.children and part.encoding not in IDENTITY:
            if pattern in reading.payload(raw, part).octets:
                return part.path
        elif not part.children and raw.find(pattern, part.body_start, part.body_end) >= 0:
            return part.path
    return "" if raw.find(pattern) >= 0 else None
