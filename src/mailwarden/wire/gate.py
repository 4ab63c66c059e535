r"""The client protocol: what `mailwarden-queue` and the daemon say to each other.

A Unix socket of type SOCK_SEQPACKET; every packet is whole or absent, at most `PACKET_BYTES`.

The client speaks first, with two descriptors attached (SCM_RIGHTS): the message, the envelope.

    "MWQ1" NUL { NAME "=" value NUL }*      only variables of `VARIABLES`, only those present

The daemon answers with one packet for each of these, the first byte saying which:

    "A"                                     accepted: from here on the descriptors are read
    "K"                                     alive, at least every `KEEPALIVE_SECONDS`
    "R"                                     received: message and envelope are complete
    "S"  + two descriptors                  submit them: as Q, but in a child that is waited for
    "Q"  + two descriptors                  queue them: put them at 0 and 1, execute qmail-queue
    "X" code fallback descriptor flag text  exit; four bytes, then at most `TEXT_BYTES` of text

The client answers each S with one packet, once its child has ended:

    "D" code                                done: one byte, the exit code of qmail-queue

The order is A, then K and R, then S any number of times, then one Q or X; X may come at any time.
K may come between any two, but while a child runs nobody listens: the client reads on after its
"D", and the daemon owes it no K before. The client's waits begin anew there.
A child runs to its end whatever becomes of daemon and client.
What became of it, in the codes of qmail: `NOT_STARTED` when it could not be started, `CRASHED`
when a signal ended it, `ORPHANED` when the SMTP server is gone and nothing was started.

Before "A" nothing was read, so a connection that *closes* before it may be retried elsewhere.
A wait that times out may not: the daemon could still wake and read.

"X" with descriptor 0 means: exit with `code`.
Otherwise the text goes to the descriptor named by the environment variable ERROR_FD
(when flag is 1 and the variable is a number), else to `descriptor`; only when that is a pipe
does the client write it and exit with `code`, else it exits with `fallback`, as it does for a text
of no bytes.

`client/mailwarden-queue.c` and its Python twin are the other side of this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mailwarden.wire.errors import PeerError, UsageError

MAGIC = b"MWQ1"
# All variables at their longest, with room; far below the kernel's packet limit (about 200 kB).
PACKET_BYTES = 16_384
# tcpserver cuts TCPREMOTEINFO at 256 and DNS names end at 255.
VALUE_BYTES = 1_024
TEXT_BYTES = 255
KEEPALIVE_SECONDS = 15.0
# The client gives up when it hears nothing for so long: four keep-alives missed.
SILENCE_SECONDS = 60.0

# As qmail says "unable to exec qq", "internal bug" and "temporary refusal"; all are temporary.
NOT_STARTED = 120
CRASHED = 81
ORPHANED = 71

VARIABLES = frozenset(
    {
        "AUTHUSER",
        "BMC_WHITELIST",
        "PROTO",
        "QS_SPAMASSASSIN",
        "RELAYCLIENT",
        "SA_ONLYDELETE_HOST",
        "SMTPAUTHMETHOD",
        "SMTPAUTHUSER",
        "TCPLOCALHOST",
        "TCPLOCALIP",
        "TCPLOCALPORT",
        "TCPREMOTEHOST",
        "TCPREMOTEINFO",
        "TCPREMOTEIP",
        "TCPREMOTEPORT",
    }
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The daemon has the descriptors and reads from here on."""


@dataclass(frozen=True, slots=True)
class Alive:
    """The daemon is at work."""


@dataclass(frozen=True, slots=True)
class Received:
    """Message and envelope are complete; the client's own deadline starts."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Have a child execute the real qmail-queue on the two descriptors, and say how it ended."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Execute the real qmail-queue on the two descriptors that come with this packet."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Exit with `code`, or with `fallback` where the text could not be told.

    `descriptor` 0 means that there is no text; then `code` counts.
    """

    code: int
    fallback: int = 0
    descriptor: int = 0
    use_error_fd: bool = False
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The client's answer to `Submit`: qmail-queue's exit code, 0 is queued."""

    code: int


Answer = Accepted | Alive | Received | Submit | Queue | Exit

_BARE: dict[bytes, Answer] = {
    b"A": Accepted(),
    b"K": Alive(),
    b"R": Received(),
    b"S": Submit(),
    b"Q": Queue(),
}
_DONE = b"D"
_EXIT_HEAD = 5


def encode_request(variables: Mapping[str, bytes]) -> bytes:
    """Write the client's one packet; raises `UsageError` for what the protocol cannot say."""
    for name, value in variables.items():
        if name not in VARIABLES:
            raise UsageError(f"{name} is not among the variables of the protocol")
        if len(value) > VALUE_BYTES or b"\0" in value:
            raise UsageError(f"{name} is longer than {VALUE_BYTES} bytes or holds NUL")
    pairs = (name.encode("ascii") + b"=" + value + b"\0" for name, value in variables.items())
    return MAGIC + b"\0" + b"".join(pairs)


def parse_request(packet: bytes) -> dict[str, bytes]:
    """Read the client's packet into its variables; raises `PeerError`."""
    magic, *pairs = packet.split(b"\0")
    if magic != MAGIC:
        raise PeerError("request does not begin with MWQ1: the client is of another version")
    if len(packet) > PACKET_BYTES or not packet.endswith(b"\0"):
        raise PeerError("request is cut off")
    variables = dict(_parse_pair(pair) for pair in pairs[:-1])
    if len(variables) != len(pairs) - 1:
        raise PeerError("request names a variable twice")
    return variables


def _parse_pair(pair: bytes) -> tuple[str, bytes]:
    name, equals, value = pair.partition(b"=")
    known = name.decode("ascii", "replace")
    if not equals or known not in VARIABLES:
        raise PeerError("request has a variable that is not of the protocol")
    if len(value) > VALUE_BYTES:
        raise PeerError(f"{known} is longer than {VALUE_BYTES} bytes")
    return known, value


def encode_answer(answer: Answer) -> bytes:
    """Write one packet of the daemon; raises `UsageError` for what the protocol cannot say."""
    match answer:
        case Accepted():
            return b"A"
        case Alive():
            return b"K"
        case Received():
            return b"R"
        case Submit():
            return b"S"
        case Queue():
            return b"Q"
        case Exit():
            return _encode_exit(answer)


def _encode_exit(answer: Exit) -> bytes:
    numbers = (answer.code, answer.fallback, answer.descriptor)
    if any(not 0 <= number <= 255 for number in numbers):  # one byte each
        raise UsageError("exit codes and descriptors are one byte each")
    if len(answer.text) > TEXT_BYTES or not answer.text.isascii() or b"\n" in answer.text:
        raise UsageError(f"an exit's text is one ASCII line of at most {TEXT_BYTES} bytes")
    return b"X" + bytes((*numbers, answer.use_error_fd)) + answer.text


def parse_answer(packet: bytes) -> Answer:
    """Read one packet of the daemon; raises `PeerError`."""
    if packet in _BARE:
        return _BARE[packet]
    if packet[:1] != b"X" or not _EXIT_HEAD <= len(packet) <= _EXIT_HEAD + TEXT_BYTES:
        raise PeerError("the daemon's answer is not of the protocol")
    code, fallback, descriptor, flag = packet[1:_EXIT_HEAD]
    return Exit(code, fallback, descriptor, use_error_fd=bool(flag), text=packet[_EXIT_HEAD:])


def encode_submitted(submitted: Submitted) -> bytes:
    """Write the client's answer to a `Submit`; raises `UsageError` for what is no exit code."""
    if not 0 <= submitted.code <= 255:  # one byte
        raise UsageError("an exit code is one byte")
    return _DONE + bytes((submitted.code,))


def parse_submitted(packet: bytes) -> Submitted:
    """Read the client's answer to a `Submit`; raises `PeerError`."""
    if packet[:1] != _DONE or len(packet) != 2:  # the letter and the code
        raise PeerError("the client's answer is not of the protocol")
    return Submitted(packet[1])
