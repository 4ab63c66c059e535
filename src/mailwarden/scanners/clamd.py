"""ClamAV's daemon as a scanner: over a unix socket by descriptor, over TCP as a stream.

Every connection is a session that many messages use, one after the other (`wire.clamd`).
An error, a limit and a cut-off answer end the session as well as the question.
"""

# Why sessions, and why descriptors: one message of 5 KB, clamd 1.4.6 with two signatures and its
# cache off, two shared cores, over `net.peers`, 1,000 messages one after the other; our own CPU and
# the time until the answer in milliseconds, two runs (the slow one had company on the machine):
#
#                              each its own connection      in a session
#     FILDES over unix         0.18-0.19    1.28-1.37       0.16-0.17    1.20-1.25
#     INSTREAM over unix       0.19-0.21    1.24-1.42       0.17-0.19    1.18-1.40
#     INSTREAM over TCP        0.30-0.36    1.47-1.62       0.19-0.25    1.38-3.32
#
# Over TCP a session saves a third of our work and a round trip to another machine, over unix a
# tenth; having it everywhere is one path less. A session that was open while clamd reloads its
# signatures scans with the new ones (tested).

import asyncio
import functools
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice

from mailwarden.net.connection import Connection, PeerGoneError, PeerSlowError
from mailwarden.net.peers import Limits, Peers
from mailwarden.ports.scanner import ExtractedPart, Payload, Question, Wave
from mailwarden.settings.addresses import UnixAddress, parse_address
from mailwarden.settings.model import ClamdSettings
from mailwarden.verdict.report import Answer, Fault, Finding, Kind
from mailwarden.wire.clamd import (
    END_OF_STREAM,
    FILDES,
    INSTREAM,
    VERSION,
    Clean,
    Failed,
    Found,
    LimitHit,
    ScanReply,
    Session,
    Version,
    encode_chunk,
    parse_scan_reply,
    parse_version_reply,
)
from mailwarden.wire.errors import PeerError

# Large enough that a message of usual size is one write, small enough to copy without a thought.
_PIECE_BYTES = 262_144

# One virus decides as much as the thousands that an archive can hold, and a record must stay small.
_FINDINGS = 20

# Names by which clamd reports what is no virus, when clamd.conf(5) asks for it: AlertExceedsMax,
# AlertEncrypted. A name's kind is that of the first beginning that fits.
_KINDS_BY_BEGINNING = (
    ("Heuristics.Limits.Exceeded", Kind.OVER_LIMIT),
    ("Heuristics.XZ.DicSizeLimit", Kind.OVER_LIMIT),
    ("Heuristics.Encrypted.", Kind.ENCRYPTED),
    ("", Kind.VIRUS),
)


class ClamdScanner:
    """A `Scanner` that asks clamd for viruses."""

    name = "clamd"
    wave = Wave.VIRUS

    def __init__(self, settings: ClamdSettings) -> None:
        self._settings = settings
        self._peers = Peers(
            [parse_address(text) for text in settings.addresses],
            Limits(
                connections=settings.connections,
                attempt_seconds=settings.timeout_seconds,
                idle=settings.connections,
            ),
        )
        self._sessions: weakref.WeakKeyDictionary[Connection, Session] = weakref.WeakKeyDictionary()
        self._version: Version | None = None

    @property
    def version(self) -> str:
        """`clamdscan: 1.4.6/27000.` as last heard; `clamdscan.` before that (facts 3.8)."""
        if self._version is None:
            return "clamdscan."
        number = self._version.signatures
        if number is None:
            return f"clamdscan: {self._version.engine}."
        return f"clamdscan: {self._version.engine}/{number}{_date(self._version.signatures_at)}."

    @property
    def signatures_at(self) -> datetime | None:
        """When clamd's signatures were made, as last heard; None when clamd did not say."""
        return self._version.signatures_at if self._version else None

    async def scan(self, question: Question, deadline: float) -> Answer:
        """Ask clamd about one message; see `Scanner.scan`.

        What was extracted is not asked about when the raw message has a virus already: one decides.
        """
        whole = await self._scan_payload(question.payload, deadline)
        if whole.faults or any(finding.kind is Kind.VIRUS for finding in whole.findings):
            return whole
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._scan_part(part, deadline)) for part in question.extracted
            ]
        return _joined((whole, *(task.result() for task in tasks)))

    async def _scan_part(self, part: ExtractedPart, deadline: float) -> Answer:
        answer = await self._scan_payload(part.payload, deadline)
        findings = (
            replace(finding, part=part.path, filename=part.filename) for finding in answer.findings
        )
        return replace(answer, findings=tuple(findings))

    async def _scan_payload(self, payload: Payload, deadline: float) -> Answer:
        size_bytes = payload.size_bytes
        if size_bytes > self._settings.max_bytes:
            return self._limit_answer("max_bytes", f"Not sent to clamd: {size_bytes} bytes.")
        conversation = functools.partial(self._ask_about, payload)
        try:
            reply = await self._peers.converse(conversation, deadline, reusable=True)
        except (PeerGoneError, PeerSlowError, PeerError) as error:
            # All three carry our own words, and the address from the settings.
            return Answer(faults=(Fault(self.name, str(error)),))
        except OSError as error:
            return Answer(faults=(Fault(self.name, f"no room to ask: {error.strerror}"),))
        return self._answer(reply)

    async def refresh(self, deadline: float) -> None:
        """Ask for the version and signature date again; a clamd that is away keeps the old."""
        with suppress(PeerGoneError, PeerSlowError, PeerError):
            self._version = await self._peers.converse(self._ask_version, deadline, reusable=True)

    async def close(self) -> None:
        """Close the sessions."""
        await self._peers.close()

    async def _ask_about(
        self, payload: Payload, connection: Connection, deadline: float
    ) -> ScanReply:
        session = self._session(connection)
        if isinstance(connection.address, UnixAddress) and self._settings.method != "instream":
            command = session.ask(FILDES)
            with payload.lend() as descriptor:
                await connection.send_descriptor(descriptor, deadline, command)
            is_sent = True
        else:
            is_sent = await _stream(session.ask(INSTREAM), payload, connection, deadline)
        reply = parse_scan_reply(await _receive_reply(session, connection, deadline))
        if isinstance(reply, Clean) and not is_sent:
            raise PeerError("clamd called clean what it had not read to the end")
        if isinstance(reply, LimitHit | Failed):
            connection.close()  # clamd is about to
        return reply

    async def _ask_version(self, connection: Connection, deadline: float) -> Version:
        session = self._session(connection)
        await connection.send(session.ask(VERSION), deadline)
        return parse_version_reply(await _receive_reply(session, connection, deadline))

    def _session(self, connection: Connection) -> Session:
        return self._sessions.setdefault(connection, Session())

    def _answer(self, reply: ScanReply) -> Answer:
        match reply:
            case Clean():
                return Answer()
            case Found(name):
                return Answer(findings=(Finding(self.name, _kind(name), name),))
            case LimitHit(name):
                return self._limit_answer(name, f"clamd stopped at its {name}.")
            case Failed(reason, temporary):
                return Answer(faults=(Fault(self.name, reason, temporary),))

    def _limit_answer(self, name: str, detail: str) -> Answer:
        return Answer(findings=(Finding(self.name, Kind.OVER_LIMIT, name, detail=detail),))


async def _stream(
    command: bytes, payload: Payload, connection: Connection, deadline: float
) -> bool:
    """Send the message; False when clamd would not have all of it.

    Past StreamMaxLength clamd answers and closes while we still send: its answer waits to be read.
    """
    try:
        for piece in _pieces(command, payload):
            await connection.send(piece, deadline)
    except PeerGoneError:
        return False
    return True


def _pieces(command: bytes, payload: Payload) -> Iterator[bytes]:
    pending, start = command, 0
    while start < payload.size_bytes:
        octets = payload.chunk(start, _PIECE_BYTES)
        start += len(octets)
        pending += encode_chunk(octets)
        if start < payload.size_bytes:
            yield pending
            pending = b""
    yield pending + END_OF_STREAM


async def _receive_reply(session: Session, connection: Connection, deadline: float) -> bytes:
    while octets := await connection.receive(deadline):
        if (reply := session.receive(octets)) is not None:
            return reply
    raise PeerGoneError(f"{connection.address} closed the connection before it had answered")


def _joined(answers: Sequence[Answer]) -> Answer:
    """All that was said about the parts of one message, each thing once, a few of many alike."""
    findings = dict.fromkeys(finding for answer in answers for finding in answer.findings)
    faults = dict.fromkeys(fault for answer in answers for fault in answer.faults)
    return Answer(tuple(islice(findings, _FINDINGS)), tuple(faults))


def _kind(name: str) -> Kind:
    return next(kind for beginning, kind in _KINDS_BY_BEGINNING if name.startswith(beginning))


def _date(signatures_at: datetime | None) -> str:
    return f"/{signatures_at:%Y-%m-%d}" if signatures_at else ""
