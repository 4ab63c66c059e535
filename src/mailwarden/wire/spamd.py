r"""The spamd protocol, client side: a request's head as bytes, an answer from bytes.

    SYMBOLS SPAMC/1.5 CRLF                  SPAMD/1.1 0 EX_OK CRLF
    Content-length: 1234 CRLF               Content-length: 11 CRLF
    User: alice@example.com CRLF            Spam: True ; 8.7 / 6.5 CRLF
    CRLF                                    CRLF
    <message>                               <body>

One request a connection. The client closes its side for writing after the message: spamd reads
lines, and would wait for ever for the end of a message without a last newline.
A refusal is a status line alone (`SPAMD/1.0 76 ...`), and so is the answer to PING.
What the bodies of SYMBOLS, REPORT and HEADERS say is read in `spamd_markup`.

Source: SpamAssassin's spamd/PROTOCOL, and spamd 4.0.1 itself where that is silent.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mailwarden.wire.errors import PeerError, UsageError

# spamd writes a status line and three short fields.
HEAD_BYTES = 8_192
HEAD_LINES = 64
# HEADERS repeats the message's own header (limits.header_bytes is 1 MB) below spamd's fields.
BODY_BYTES = 4_000_000
# A recipient's address at qmail's longest (`envelope.ADDRESS_BYTES`).
USER_BYTES = 1_003


class Method(StrEnum):
    """What spamd is asked to do."""

    CHECK = "CHECK"  # the score alone
    SYMBOLS = "SYMBOLS"  # and the names of the tests that hit
    REPORT = "REPORT"  # and the report for people
    HEADERS = "HEADERS"  # and the message's header as spamd would write it
    TELL = "TELL"  # learn or forget
    PING = "PING"


class Lesson(StrEnum):
    """What spamd's classifier is told about a message."""

    SPAM = "spam"
    HAM = "ham"
    FORGET = "forget"


_LESSON_FIELDS = {
    Lesson.SPAM: "Message-class: spam\r\nSet: local\r\n",
    Lesson.HAM: "Message-class: ham\r\nSet: local\r\n",
    Lesson.FORGET: "Remove: local\r\n",
}
_METHODS_WITH_BODY = frozenset({Method.SYMBOLS, Method.REPORT, Method.HEADERS})


@dataclass(frozen=True, slots=True)
class Request:
    """One question; `size_bytes` of message follow the head, `lesson` belongs to TELL alone."""

    method: Method
    size_bytes: int = 0
    user: str = ""
    lesson: Lesson | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """spamd's opinion: points, the points that make spam, and the method's body."""

    score: Decimal
    required: Decimal
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to TELL; not `changed` means that spamd knew it already, or learns nothing."""

    changed: bool


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to PING."""


@dataclass(frozen=True, slots=True)
class Refused:
    """spamd could not; `code` is one of sysexits.h, or spamd's own 79 for its time limit."""

    code: int


Answer = Scored | Told | Pong | Refused

_USER = re.compile(r"[!-~]*")
_STATUS = re.compile(rb"SPAMD/\d{1,3}\.\d{1,3} (\d{1,3}) ([^\r\n]*)")
_NUMBER = rb"(-?\d{1,12}(?:\.\d{1,20})?)"
_SPAM = re.compile(rb"(?:True|False|Yes|No)\s*;\s*" + _NUMBER + rb"\s*/\s*" + _NUMBER)
_LENGTH = re.compile(rb"\d{1,12}")


def encode_request(request: Request) -> bytes:
    """Write a request's head; raises `UsageError` for what the protocol cannot say."""
    if not _USER.fullmatch(request.user) or len(request.user) > USER_BYTES:
        raise UsageError(f"a user is at most {USER_BYTES} printable ASCII characters, no blanks")
    if (request.method is Method.TELL) != (request.lesson is not None):
        raise UsageError("a lesson goes with TELL, and TELL with a lesson")
    user = f"User: {request.user}\r\n" if request.user else ""
    lesson = _LESSON_FIELDS[request.lesson] if request.lesson else ""
    length = f"Content-length: {request.size_bytes}\r\n"
    return f"{request.method} SPAMC/1.5\r\n{length}{user}{lesson}\r\n".encode("ascii")


def parse_answer(method: Method, octets: bytes | bytearray) -> Answer | None:
    """Read the answer to `method` from all that has arrived; None means that more must come.

    Raises `PeerError`, before a body arrives when its announced length is over `BODY_BYTES`.
    """
    line_end = octets.find(b"\r\n", 0, HEAD_BYTES)
    if line_end < 0:
        _check_head_size(octets)
        return None
    code, text = _parse_status(octets[:line_end])
    if code:
        return Refused(code)
    if method is Method.PING:
        return _parse_pong(text, octets[line_end:])
    head_end = octets.find(b"\r\n\r\n", line_end, HEAD_BYTES)
    if head_end < 0:
        _check_head_size(octets)
        return None
    fields = _parse_fields(octets[line_end + 2 : head_end])
    if method is Method.TELL:
        _expect_nothing(octets[head_end:])
        return Told(changed=not fields.keys().isdisjoint({b"didset", b"didremove"}))
    return _parse_scored(method, fields, octets, head_end + 4)


def _check_head_size(octets: bytes | bytearray) -> None:
    if len(octets) >= HEAD_BYTES:
        raise PeerError(f"the answer's head is longer than {HEAD_BYTES} bytes")


def _parse_status(line: bytes | bytearray) -> tuple[int, bytes]:
    match = _STATUS.fullmatch(line)
    if match is None:
        raise PeerError("the answer does not begin with a SPAMD status line")
    return int(match[1]), match[2]


def _parse_pong(text: bytes, rest: bytes | bytearray) -> Pong:
    if text != b"PONG":
        raise PeerError("the answer to PING is not PONG")
    _expect_nothing(rest)
    return Pong()


def _parse_fields(block: bytes | bytearray) -> dict[bytes, bytes]:
    """The head's fields by lower-case name; unknown ones are the protocol's to add."""
    lines = bytes(block).split(b"\r\n") if block else []
    if len(lines) > HEAD_LINES:
        raise PeerError(f"the answer's head has more than {HEAD_LINES} lines")
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or name.lower() in fields:
            raise PeerError("the answer's head has a line that is no field, or a field twice")
        fields[name.lower()] = value.strip()
    return fields


def _parse_scored(
    method: Method, fields: dict[bytes, bytes], octets: bytes | bytearray, start: int
) -> Scored | None:
    score, required = _parse_spam(fields.get(b"spam"))
    end = start + _parse_length(fields.get(b"content-length"), method)
    if len(octets) < end:
        return None
    _expect_nothing(octets[end:])
    return Scored(score, required, bytes(octets[start:end]))


def _parse_spam(value: bytes | None) -> tuple[Decimal, Decimal]:
    match = _SPAM.fullmatch(value or b"")
    if match is None:
        raise PeerError("the answer's Spam field is missing or has no two numbers")
    return Decimal(match[1].decode("ascii")), Decimal(match[2].decode("ascii"))


def _parse_length(value: bytes | None, method: Method) -> int:
    if value is None and method not in _METHODS_WITH_BODY:
        return 0
    # Without its length a body cut short could not be told from a whole one.
    if not _LENGTH.fullmatch(value or b""):
        raise PeerError("the answer's Content-length is missing or no number")
    length = int(value or b"")
    if length > BODY_BYTES:
        raise PeerError(f"the answer's Content-length is over {BODY_BYTES} bytes")
    return length


def _expect_nothing(rest: bytes | bytearray) -> None:
    # "Clients should be flexible on how many CR-LFs there are" (PROTOCOL).
    if rest.strip(b"\r\n"):
        raise PeerError("the answer goes on after its end")
