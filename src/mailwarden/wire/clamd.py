r"""clamd's protocol, the side that asks: clamd(8), with the replies of ClamAV 0.95 to 1.4.

Every conversation is an IDSESSION, so that a connection serves many messages and every answer
bears the number of its question:

    zIDSESSION NUL
    zFILDES NUL "\0"                with a descriptor attached to the last byte (unix sockets)
                                    1: fd[12]: OK NUL
    zINSTREAM NUL { size chunk }* "\0\0\0\0"
                                    2: stream: Win.Test.EICAR_HDB-1 FOUND NUL
    zVERSION NUL                    3: ClamAV 1.4.6/27000/Tue Jan  2 08:29:37 2024 NUL

One question is out at a time, although clamd would take more: then an answer that belongs to
another question can only be an error, and is one.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from mailwarden.wire.errors import PeerError, UsageError

INSTREAM = b"zINSTREAM\0"
# The last byte is the one that carries the descriptor.
FILDES = b"zFILDES\0\0"
VERSION = b"zVERSION\0"
END_OF_STREAM = b"\0\0\0\0"

# clamd's longest answer is an error with a system error's text, built in a buffer of 1024 bytes.
REPLY_BYTES = 2_048
# The size of a chunk is four bytes.
CHUNK_BYTES = 2**32 - 1
# ClamAV's longest names stay below 100; the rest would only be someone's try.
NAME_CHARACTERS = 128

_BEGIN_SESSION = b"zIDSESSION\0"


class Session:
    """One connection's session: numbers the questions, and finds the end of an answer."""

    def __init__(self) -> None:
        self._number = 0
        self._is_waiting = False
        self._received = b""

    def ask(self, command: bytes) -> bytes:
        """Write `command` as the next question; raises `UsageError` while one is unanswered."""
        if self._is_waiting:
            raise UsageError("clamd was not done with the question before this one")
        self._number += 1
        self._is_waiting = True
        return _BEGIN_SESSION + command if self._number == 1 else command

    def receive(self, octets: bytes) -> bytes | None:
        """Take what arrived; the answer without its number and NUL, or None while it is not whole.

        Raises `PeerError` for what is too long, not asked for, or not numbered like the question.
        """
        if not self._is_waiting:
            raise PeerError("clamd spoke without being asked")
        if len(self._received) + len(octets) > REPLY_BYTES:
            raise PeerError(f"clamd's answer is longer than {REPLY_BYTES} bytes")
        reply, end, rest = (self._received + octets).partition(b"\0")
        if rest:
            raise PeerError("clamd sent more than the answer to one question")
        self._received = b"" if end else reply
        self._is_waiting = not end
        return self._without_number(reply) if end else None

    def _without_number(self, reply: bytes) -> bytes:
        number = b"%d: " % self._number
        if not reply.startswith(number):
            raise PeerError("clamd's answer does not bear its question's number")
        return reply.removeprefix(number)


def encode_chunk(octets: bytes) -> bytes:
    """Write a piece of an INSTREAM message; an empty one would end it, so it is a `UsageError`."""
    if not 0 < len(octets) <= CHUNK_BYTES:
        raise UsageError(f"a chunk holds 1 to {CHUNK_BYTES} bytes")
    return len(octets).to_bytes(4, "big") + octets


@dataclass(frozen=True, slots=True)
class Clean:
    """clamd looked at everything and found nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """clamd found something; `name` is its word for it, printable ASCII."""

    name: str


@dataclass(frozen=True, slots=True)
class LimitHit:
    """clamd stopped at a limit of its own; `name` is that limit's name in clamd.conf(5)."""

    name: str


@dataclass(frozen=True, slots=True)
class Failed:
    """clamd could not look; `reason` is our own text."""

    reason: str
    temporary: bool


ScanReply = Clean | Found | LimitHit | Failed

_LOOKED = re.compile(rb"(?:stream|fd\[\d{1,10}\]): (?:OK|(?P<name>.+) FOUND)", re.DOTALL)
_COMPLAINED = re.compile(
    rb"(?:(?:stream|fd\[\d{1,10}\]): )?(?P<text>.+?)\.?(?: ERROR|(?<=UNKNOWN COMMAND))", re.DOTALL
)

_TOO_OLD = Failed("clamd does not know the command: it is too old", temporary=False)
_NO_DESCRIPTOR = Failed("clamd did not receive the descriptor: is it confined?", temporary=True)
_CANNOT_WRITE = Failed("clamd cannot write its temporary files", temporary=True)
_CANNOT_READ = Failed("clamd cannot read the message", temporary=True)
_NO_MEMORY = Failed("clamd is out of memory", temporary=True)
_BROKEN_PART = Failed("clamd cannot unpack a part of the message", temporary=False)

# Lasting is what the same message would meet again; unknown means temporary.
_COMPLAINTS: dict[bytes, LimitHit | Failed] = {
    # clamd's own words
    b"INSTREAM size limit exceeded": LimitHit("StreamMaxLength"),
    b"UNKNOWN COMMAND": _TOO_OLD,
    b"Command invalid inside IDSESSION": _TOO_OLD,
    b"FILDES support not compiled in": Failed(
        "clamd takes no descriptors: set method to instream", temporary=False
    ),
    b"No file descriptor received": _NO_DESCRIPTOR,
    b"FILDES: didn't receive file descriptor": _NO_DESCRIPTOR,
    b"Not a regular file": Failed("clamd was handed what is no file", temporary=False),
    b"COMMAND READ TIMED OUT": Failed("clamd did not hear us in time", temporary=True),
    b"Error writing to temporary file": _CANNOT_WRITE,
    # libclamav's (cl_strerror), the words of old releases beside the new
    b"Exceeded time limit": LimitHit("MaxScanTime"),
    b"Time limit reached": LimitHit("MaxScanTime"),
    b"CL_ETIMEOUT: Time limit reached": LimitHit("MaxScanTime"),
    b"Exceeded max recursion depth": LimitHit("MaxRecursion"),
    b"CL_EMAXREC": LimitHit("MaxRecursion"),
    b"Exceeded max scan size": LimitHit("MaxScanSize"),
    b"CL_EMAXSIZE": LimitHit("MaxScanSize"),
    b"Exceeded max scan files": LimitHit("MaxFiles"),
    b"CL_EMAXFILES": LimitHit("MaxFiles"),
    b"Can't create temporary file": _CANNOT_WRITE,
    b"Can't create temporary directory": _CANNOT_WRITE,
    b"Can't create new file": _CANNOT_WRITE,
    b"Can't write to file": _CANNOT_WRITE,
    b"Can't allocate memory": _NO_MEMORY,
    b"Can't map file into memory": _NO_MEMORY,
    b"Can't open file or directory": _CANNOT_READ,
    b"Can't access file": _CANNOT_READ,
    b"Can't read file": _CANNOT_READ,
    b"Can't get file status": _CANNOT_READ,
    b"Can't set file offset": _CANNOT_READ,
    b"Can't duplicate file descriptor": _CANNOT_READ,
    b"Can't unpack some data": _BROKEN_PART,
    b"Can't parse data": _BROKEN_PART,
    b"Bad format or broken data": _BROKEN_PART,
    b"CL_EFORMAT: Bad format or broken data": _BROKEN_PART,
}
_UNKNOWN_COMPLAINT = Failed("clamd met an error that we do not know: see its log", temporary=True)


def parse_scan_reply(reply: bytes) -> ScanReply:
    """Read the answer to FILDES or INSTREAM, as `Session.receive` gave it; raises `PeerError`."""
    if looked := _LOOKED.fullmatch(reply):
        return Clean() if looked["name"] is None else Found(_printable(looked["name"]))
    if complained := _COMPLAINED.fullmatch(reply):
        return _COMPLAINTS.get(complained["text"], _UNKNOWN_COMPLAINT)
    raise PeerError("clamd's answer is none of OK, FOUND and ERROR")


def _printable(name: bytes) -> str:
    return re.sub(rb"[^ -~]", b"?", name[:NAME_CHARACTERS]).decode("ascii")


@dataclass(frozen=True, slots=True)
class Version:
    """clamd's program and signatures.

    `signatures` is the number of the daily file and `signatures_at` when that was made, both None
    where clamd has only other files. clamd writes the time in its own zone without naming it; here
    it counts as UTC, which for an age in days is near enough.
    """

    engine: str
    signatures: int | None = None
    signatures_at: datetime | None = None


_VERSION = re.compile(
    rb"ClamAV (?P<engine>[!-.0-~]{1,60})"
    rb"(?:/(?P<number>\d{1,9})/[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2})"
    rb" (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<year>\d{4}))?"
)
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def parse_version_reply(reply: bytes) -> Version:
    """Read the answer to VERSION, as `Session.receive` gave it; raises `PeerError`."""
    match = _VERSION.fullmatch(reply)
    if match is None:
        raise PeerError("clamd's version is not of the form ClamAV engine/number/date")
    engine = match["engine"].decode("ascii")
    if match["number"] is None:
        return Version(engine)
    return Version(engine, int(match["number"]), _moment(match))


def _moment(match: re.Match[bytes]) -> datetime:
    day, hour, minute, second, year = (
        int(match[name]) for name in ("day", "hour", "minute", "second", "year")
    )
    try:
        month = 1 + _MONTHS.index(match["month"])
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise PeerError("clamd's signatures bear a date that does not exist") from error
