"""SpamAssassin's daemon as a scanner: asks for a score, learns on request.

'fast' asks for the names of the tests (or the report, where it is wanted) and we write the header
fields; 'verbose' takes spamd's own header fields over.
One request for each connection, because spamd closes after its answer.
Nothing of what spamd says reaches a fault's reason; those texts are all ours.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from mailwarden.net.connection import Connection, PeerGoneError, PeerSlowError
from mailwarden.net.payload import MemoryPayload
from mailwarden.net.peers import Limits, Peers
from mailwarden.ports.scanner import Payload, Question, Wave
from mailwarden.settings.addresses import parse_address, spamd_addresses
from mailwarden.settings.model import SpamdSettings
from mailwarden.verdict.report import Answer, Fault, Finding, Kind, SpamScore
from mailwarden.wire import spamd
from mailwarden.wire.errors import PeerError
from mailwarden.wire.spamd_markup import (
    mbx_separators_bytes,
    parse_markup,
    parse_report,
    parse_symbols,
)

NAME = "spamd"
# Large enough to be few calls, small enough to be held twice for each connection.
SEND_BYTES = 262_144
_NOTHING = MemoryPayload(b"")
# Something to be scored, only to see the version in spamd's header fields.
_PROBE = MemoryPayload(b"Subject: which version\n\n")
# Facts 3.9: lower case, then every character outside this set becomes "_".
_UNSAFE_IN_USER = re.compile(r"[^0-9a-z._\-=+@]")

# sysexits.h: what it means here, and whether a later try may succeed.
_REFUSALS = MappingProxyType(
    {
        64: ("spamd does not know the request (EX_USAGE)", False),
        65: ("spamd cannot read the message (EX_DATAERR)", False),
        66: ("spamd has no input (EX_NOINPUT)", True),
        67: ("spamd does not know the user (EX_NOUSER)", False),
        68: ("spamd does not know a host (EX_NOHOST)", True),
        69: ("spamd or a service behind it is unavailable (EX_UNAVAILABLE)", True),
        70: ("spamd had an internal error (EX_SOFTWARE)", True),
        71: ("spamd had a system error (EX_OSERR)", True),
        72: ("spamd misses a system file (EX_OSFILE)", True),
        73: ("spamd cannot write a file (EX_CANTCREAT)", True),
        74: ("spamd had an input or output error (EX_IOERR)", True),
        75: ("spamd has a temporary failure (EX_TEMPFAIL)", True),
        76: ("spamd did not understand the request (EX_PROTOCOL)", False),
        77: ("spamd does not permit it (EX_NOPERM)", False),
        78: ("spamd is configured wrongly (EX_CONFIG)", False),
        79: ("spamd reached its own time limit (EX_TIMEOUT)", True),
    }
)
_UNKNOWN_REFUSAL = ("spamd refused with a code that is not of its protocol", True)

# Where this machine's own spamd is looked for.
_ROOT = Path("/")
# An mbx separator begins ` 1-Jan-2020 `, and few messages have a dash there.
_MBX_DASH = 2

_Failure = PeerGoneError | PeerSlowError | PeerError
_FAILURES = (PeerGoneError, PeerSlowError, PeerError)


class _Octets(Protocol):
    """What is sent."""

    @property
    def size_bytes(self) -> int: ...

    def chunk(self, start: int, size: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Message:
    """A message as spamd can take it: without mbx separators at its beginning, fields on top."""

    payload: Payload
    start: int
    on_top: bytes = b""

    @classmethod
    def of(cls, payload: Payload, on_top: bytes = b"") -> "_Message":
        may_begin_with_one = payload.chunk(_MBX_DASH, 1) == b"-"
        start = mbx_separators_bytes(_whole(payload)) if may_begin_with_one else 0
        return cls(payload, start, on_top)

    @property
    def size_bytes(self) -> int:
        return len(self.on_top) + self.payload.size_bytes - self.start

    def chunk(self, start: int, size: int) -> bytes:
        fields = self.on_top[start : start + size]
        behind = self.start + max(0, start - len(self.on_top))
        return fields + self.payload.chunk(behind, size - len(fields))


class SpamdScanner:
    """A `ports.scanner.Scanner`; `report` asks for the report for people in 'fast' mode.

    Below `root` a spamd is looked for whose address is `auto`, and again when none answers.
    """

    def __init__(self, settings: SpamdSettings, *, report: bool, root: Path = _ROOT) -> None:
        self._settings = settings
        self._method = _method(settings, report=report)
        self._root = root
        self._addresses = spamd_addresses(settings.addresses, root)
        self._peers = self._peers_there()
        self._version = "unknown"
        # Asked for once, and again after spamd was away: it may come back as another.
        self._version_is_due = True

    @property
    def name(self) -> str:
        """`spamd`."""
        return NAME

    @property
    def wave(self) -> Wave:
        """Last: scoring is dear."""
        return Wave.SPAM

    @property
    def version(self) -> str:
        """`spamassassin: 4.0.1.`, as last heard by `refresh`."""
        return f"spamassassin: {self._version}."

    async def scan(self, question: Question, deadline: float) -> Answer:
        """Score one message for one user; over `max_bytes` it is not sent, and said so."""
        payload = question.payload
        if payload.size_bytes > self._settings.max_bytes:
            return Answer(findings=(self._unscored(),))
        message = _Message.of(payload, question.on_top)
        request = spamd.Request(self._method, message.size_bytes, safe_user(question.user))
        try:
            outcome = self._judge(await self._ask(request, message, deadline), message)
        except _FAILURES as error:
            outcome = _fault(error)
        match outcome:
            case SpamScore():
                return Answer(score=outcome)
            case Fault():
                return Answer(faults=(outcome,))

    async def tell(
        self, payload: Payload, lesson: spamd.Lesson, deadline: float, *, user: str = ""
    ) -> spamd.Told | Fault:
        """Have spamd's classifier learn or forget one message (spamd needs --allow-tell)."""
        if payload.size_bytes > self._settings.max_bytes:
            return Fault(NAME, "the message is larger than spamd.max_bytes", temporary=False)
        message = _Message.of(payload)
        request = spamd.Request(
            spamd.Method.TELL, message.size_bytes, safe_user(user), lesson=lesson
        )
        try:
            answer = await self._ask(request, message, deadline)
        except _FAILURES as error:
            return _fault(error)
        return answer if isinstance(answer, spamd.Told) else _refusal(answer)

    async def refresh(self, deadline: float) -> None:
        """Ask whether spamd lives, and its version where that is due."""
        with contextlib.suppress(*_FAILURES):
            await self._ask(spamd.Request(spamd.Method.PING), _NOTHING, deadline)
            if self._version_is_due:
                await self._ask_version(deadline)

    async def close(self) -> None:
        """Give connections back."""
        await self._peers.close()

    def _unscored(self) -> Finding:
        detail = f"not scored: larger than spamd.max_bytes ({self._settings.max_bytes})"
        return Finding(NAME, Kind.UNSCORED, "size", detail=detail)

    def _peers_there(self) -> Peers:
        limits = Limits(self._settings.connections, self._settings.timeout_seconds)
        return Peers([parse_address(address) for address in self._addresses], limits)

    async def _ask(self, request: spamd.Request, octets: _Octets, deadline: float) -> spamd.Answer:
        """One conversation; raises `_FAILURES`."""
        head = spamd.encode_request(request)

        async def conversation(connection: Connection, until: float) -> spamd.Answer:
            await _send(connection, head, octets, until)
            return await _receive(connection, request.method, until)

        peers = self._peers
        try:
            return await peers.converse(conversation, deadline)
        except _FAILURES:
            self._version_is_due = True
            await self._look_again()
            if self._peers is peers:
                raise
            return await self._peers.converse(conversation, deadline)

    async def _look_again(self) -> None:
        """Find an `auto` that is elsewhere now: spamd may have been started after us."""
        addresses = spamd_addresses(self._settings.addresses, self._root)
        if addresses != self._addresses:
            left, self._addresses = self._peers, addresses
            self._peers = self._peers_there()
            await left.close()

    async def _ask_version(self, deadline: float) -> None:
        request = spamd.Request(spamd.Method.HEADERS, _PROBE.size_bytes)
        answer = await self._ask(request, _PROBE, deadline)
        if isinstance(answer, spamd.Scored):
            self._version = parse_markup(answer.body, _whole(_PROBE)).version or self._version
            self._version_is_due = False

    def _judge(self, answer: spamd.Answer, message: _Octets) -> SpamScore | Fault:
        """What an answer to a scoring request comes to; raises `PeerError` for a rubbish body."""
        if not isinstance(answer, spamd.Scored):
            return _refusal(answer)
        if answer.score == 0 and answer.required == 0:
            # What SpamAssassin's tools say for "not scored" (facts 3.9).
            return Fault(NAME, "spamd gave no score (0/0)")
        return self._read_body(answer, message)

    def _read_body(self, answer: spamd.Scored, message: _Octets) -> SpamScore:
        score, required = answer.score, answer.required
        if self._method is spamd.Method.HEADERS:
            markup = parse_markup(answer.body, _whole(message))
            return SpamScore(
                NAME, score, required, markup.tests, fields=markup.fields, points=markup.points
            )
        if self._method is spamd.Method.REPORT:
            text, points = parse_report(answer.body)
            tests = tuple(name for name, _ in points)
            return SpamScore(NAME, score, required, tests, text, points=points)
        return SpamScore(NAME, score, required, parse_symbols(answer.body))


def safe_user(name: str) -> str:
    """The user name that spamd is told: facts 3.9's form of a recipient's address."""
    return _UNSAFE_IN_USER.sub("_", name.lower())[: spamd.USER_BYTES]


def _method(settings: SpamdSettings, *, report: bool) -> spamd.Method:
    if settings.mode == "verbose":
        return spamd.Method.HEADERS
    return spamd.Method.REPORT if report else spamd.Method.SYMBOLS


async def _send(connection: Connection, head: bytes, octets: _Octets, deadline: float) -> None:
    """Send a whole request, or as much as spamd takes before it answers and closes."""
    with contextlib.suppress(PeerGoneError):  # the answer may be there all the same
        for piece in _pieces(head, octets):
            await connection.send(piece, deadline)
        connection.end_sending()


def _pieces(head: bytes, octets: _Octets) -> Iterator[bytes]:
    yield head + octets.chunk(0, SEND_BYTES)  # a small message goes in one write
    for start in range(SEND_BYTES, octets.size_bytes, SEND_BYTES):
        yield octets.chunk(start, SEND_BYTES)


async def _receive(connection: Connection, method: spamd.Method, deadline: float) -> spamd.Answer:
    received = bytearray()
    while True:
        octets = await connection.receive(deadline)
        if not octets:
            raise PeerGoneError(f"{connection.address} closed before its answer was whole")
        received += octets
        if answer := spamd.parse_answer(method, received):
            return answer


def _whole(octets: _Octets) -> bytes:
    return octets.chunk(0, octets.size_bytes)


def _fault(error: _Failure) -> Fault:
    """These errors' texts are our own: an address and what was expected."""
    return Fault(NAME, f"no usable answer: {error}")


def _refusal(answer: spamd.Answer) -> Fault:
    # An answer to another question is as foreign as a code that is not in the table.
    code = answer.code if isinstance(answer, spamd.Refused) else -1
    reason, temporary = _REFUSALS.get(code, _UNKNOWN_REFUSAL)
    return Fault(NAME, reason, temporary=temporary)
