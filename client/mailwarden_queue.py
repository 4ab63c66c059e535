#!/usr/bin/python3 -ISE
"""`mailwarden-queue` for machines without a C compiler: the twin of `mailwarden-queue.c`.

What it does, may touch and reports is said at the top of the C program; both pass the contract
in `tests/client/test_queue_contract.py`.
It is a script of its own and imports built-in modules only, because it starts once a message:
`os`, `socket` and `signal` would double its cost.

Two things it cannot do as the C program does: an ignored SIGPIPE becomes the default again in the
program that it executes, and in the C locale the interpreter adds LC_CTYPE to the environment.
"""

import _signal  # type: ignore[import-not-found]  # typeshed knows only `signal`, which costs enum
import _socket
import _stat
import _struct
import posix
import sys
import time

DEFAULT_SOCKETS = b"/run/mailwarden/queue.sock"
DEFAULT_QUEUE = b"/var/qmail/bin/qmail-queue"

# The same as in wire/gate.py; tests/client/test_agreement.py compares them.
MAGIC = b"MWQ1"
PACKET_BYTES = 16_384
VALUE_BYTES = 1_024
TEXT_BYTES = 255
SILENCE_SECONDS = 60
VARIABLES = (
    b"AUTHUSER",
    b"BMC_WHITELIST",
    b"PROTO",
    b"QS_SPAMASSASSIN",
    b"RELAYCLIENT",
    b"SA_ONLYDELETE_HOST",
    b"SMTPAUTHMETHOD",
    b"SMTPAUTHUSER",
    b"TCPLOCALHOST",
    b"TCPLOCALIP",
    b"TCPLOCALPORT",
    b"TCPREMOTEHOST",
    b"TCPREMOTEINFO",
    b"TCPREMOTEIP",
    b"TCPREMOTEPORT",
)

# The reasons stand in the C program.
TIMEOUT_SECONDS = 300
TIMEOUT_SECONDS_MAX = 86_400
CONNECT_SECONDS = 10
TELL_SECONDS = 2
PATH_BYTES_MAX = 107

# Exit codes of qmail-queue(8).
READ_ERROR = 54
BAD_CONFIGURATION = 55
TEMPORARY = 71
OUR_BUG = 81

# What the daemon hears of a copy that qmail-queue gave no exit code for, as in wire/gate.py.
NOT_STARTED = 120
CRASHED = 81
ORPHANED = 71

# Where a text may go beside ERROR_FD; the reason stands in the C program.
ERROR_DESCRIPTORS = (4, 6)

EXIT_HEAD = 5
ANSWER_BYTES = EXIT_HEAD + TEXT_BYTES
DESCRIPTOR_BYTES = 4
ARRIVAL_BYTES = 2 * DESCRIPTOR_BYTES
DESCRIPTOR_MAX = 2**31 - 1

# How far a conversation is; the last two end it.
ASKED, ACCEPTED, RECEIVED, QUEUED, ANSWERED = range(5)

# What the daemon may say when, and where that leads; everything else is rubbish.
ORDER = {
    (ASKED, b"A"): ACCEPTED,
    (ACCEPTED, b"K"): ACCEPTED,
    (ACCEPTED, b"R"): RECEIVED,
    (RECEIVED, b"K"): RECEIVED,
    (RECEIVED, b"S"): RECEIVED,
    (RECEIVED, b"Q"): QUEUED,
    (ASKED, b"X"): ANSWERED,
    (ACCEPTED, b"X"): ANSWERED,
    (RECEIVED, b"X"): ANSWERED,
}
COPIES = (b"S", b"Q")


# The real queue program's arguments.
Program = list[str] | list[bytes]


class Finished(Exception):  # noqa: N818 - not an error: the client knows its exit code
    """The client is to exit with `code`."""

    def __init__(self, code: int) -> None:
        self.code = code


class Unread(Exception):  # noqa: N818 - not an error: the next socket may have the message
    """Nobody has read from the descriptors."""


def main() -> None:
    """Ask each socket in turn; raises `Finished`."""
    parent = posix.getppid()
    _require_arrival()
    program = _program()
    timeout_seconds = _timeout_seconds()
    sockets = posix.environ.get(b"MAILWARDEN_SOCKET", DEFAULT_SOCKETS)
    request = _encode_request()
    for path in sockets.removesuffix(b":").split(b":"):
        if not 0 < len(path) <= PATH_BYTES_MAX:
            raise Finished(BAD_CONFIGURATION)
        try:
            gate = _open_gate(path, request, min(timeout_seconds, CONNECT_SECONDS))
            descriptors = _await_verdict(gate, timeout_seconds, program, parent)
        except Unread:
            continue
        _queue(descriptors, program, parent)
    raise Finished(TEMPORARY)


def _require_arrival() -> None:
    try:
        posix.fstat(0)
        posix.fstat(1)
    except OSError:
        raise Finished(READ_ERROR) from None


def _program() -> Program:
    """The real queue program's arguments, from who started us, never from the message."""
    if len(sys.argv) > 1:
        return sys.argv[1:]
    program = posix.environ.get(b"MAILWARDEN_QMAIL_QUEUE", DEFAULT_QUEUE)
    if not program:
        raise Finished(BAD_CONFIGURATION)
    return [program]


def _timeout_seconds() -> int:
    seconds = _parse_number(
        posix.environ.get(b"MAILWARDEN_TIMEOUT", b"%d" % TIMEOUT_SECONDS), TIMEOUT_SECONDS_MAX
    )
    if seconds is None:
        raise Finished(BAD_CONFIGURATION)
    return max(1, seconds)


def _parse_number(text: bytes, most: int) -> int | None:
    """The number that `text` is, at most `most`; None when it is anything but digits."""
    if not text.isdigit():
        return None
    digits = text.lstrip(b"0") or b"0"
    return most if len(digits) > len(str(most)) else min(most, int(digits))


def _encode_request() -> bytes:
    pairs = [MAGIC]
    for name in VARIABLES:
        value = posix.environ.get(name)
        if value is None:
            continue
        if len(value) > VALUE_BYTES:
            raise Finished(TEMPORARY)
        pairs.append(name + b"=" + value)
    request = b"\0".join(pairs) + b"\0"
    if len(request) > PACKET_BYTES:
        raise Finished(OUR_BUG)
    return request


def _open_gate(path: bytes, request: bytes, patience_seconds: int) -> _socket.socket:
    """A connection that the request was sent on; raises `Unread`."""
    try:
        gate = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        # Not settimeout(): a non-blocking connect() fails at once where the backlog is full.
        patience = _struct.pack("@ll", patience_seconds, 0)
        gate.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDTIMEO, patience)
        gate.connect(path)
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _struct.pack("@ii", 0, 1))
        gate.sendmsg([request], [rights], _socket.MSG_NOSIGNAL)
    except OSError:
        raise Unread from None
    return gate


def _await_verdict(
    gate: _socket.socket, timeout_seconds: int, program: Program, parent: int
) -> tuple[int, int]:
    """The descriptors to queue; raises `Finished`, or `Unread` when the daemon went away early.

    Copies that the daemon wants submitted before its verdict are, one after the other.
    """
    silence_seconds = min(timeout_seconds, SILENCE_SECONDS)
    verdict_due = float("inf")
    stage = ASKED
    while True:
        left_seconds = min(silence_seconds, verdict_due - time.monotonic())
        packet, rights = _receive(gate, left_seconds, stage)
        letter = packet[:1]
        following = ORDER.get((stage, letter))
        if following is None or (len(packet) != 1) != (letter == b"X"):
            raise Finished(TEMPORARY)
        if len(rights) != (ARRIVAL_BYTES if letter in COPIES else 0):
            raise Finished(TEMPORARY)
        stage = following
        if stage == ANSWERED:
            raise Finished(_tell(packet))
        if stage == QUEUED:
            return _unpack(rights)
        if letter == b"S":
            _submit_copy(gate, _unpack(rights), program, parent)
        # How long qmail-queue takes is between it and the SMTP server.
        if stage == RECEIVED and letter != b"K":
            verdict_due = time.monotonic() + timeout_seconds


def _receive(gate: _socket.socket, left_seconds: float, stage: int) -> tuple[bytes, bytes]:
    """One packet and its descriptors as the kernel packs them."""
    if left_seconds <= 0:
        raise Finished(TEMPORARY)
    gate.settimeout(left_seconds)
    packet, ancillary, flags = _receive_packet(gate)
    if not packet and stage == ASKED:
        raise Unread
    if not packet or flags & (_socket.MSG_TRUNC | _socket.MSG_CTRUNC):
        raise Finished(TEMPORARY)
    kind = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS)
    return packet, b"".join(octets for *of, octets in ancillary if tuple(of) == kind)


def _receive_packet(gate: _socket.socket) -> tuple[bytes, list[tuple[int, int, bytes]], int]:
    """One packet with what came beside it; an empty one is the end."""
    while True:
        try:
            packet, ancillary, flags, _ = gate.recvmsg(
                ANSWER_BYTES, _socket.CMSG_SPACE(ARRIVAL_BYTES), _socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionResetError:
            continue  # the daemon closed without reading all; its last word may be behind that
        except TimeoutError:
            raise Finished(TEMPORARY) from None
        except OSError:
            return b"", [], 0
        return packet, ancillary, flags


def _unpack(rights: bytes) -> tuple[int, int]:
    message, envelope = _struct.unpack("@ii", rights)
    return message, envelope


def _queue(descriptors: tuple[int, int], program: Program, parent: int) -> None:
    """Become the real queue program; raises `Finished` when that failed."""
    # The SMTP server died: its client will send the message again (facts 1.3).
    if posix.getppid() != parent:
        raise Finished(TEMPORARY)
    try:
        _put_in_place(descriptors)
        _become_queue(program)
    except OSError:
        raise Finished(TEMPORARY) from None


def _put_in_place(descriptors: tuple[int, int]) -> None:
    posix.dup2(descriptors[0], 0)
    posix.dup2(descriptors[1], 1)


def _become_queue(program: Program) -> None:
    if b"QMAILQUEUE" in posix.environ:
        posix.unsetenv(b"QMAILQUEUE")  # nothing that it starts may come back to us
    # The interpreter ignores these two for itself.
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    posix.execv(program[0], program)


def _submit_copy(
    gate: _socket.socket, descriptors: tuple[int, int], program: Program, parent: int
) -> None:
    """Do what S asks for and tell the daemon; one that is gone is noticed when it is heard."""
    code = ORPHANED if posix.getppid() != parent else _submit(descriptors, program)
    for descriptor in descriptors:
        posix.close(descriptor)
    try:
        gate.send(b"D" + bytes((code,)), _socket.MSG_NOSIGNAL)
    except OSError:
        return


def _submit(descriptors: tuple[int, int], program: Program) -> int:
    """Have a child queue one copy and wait for it; what the daemon is to hear of it."""
    # Where the SMTP server ignored it, the kernel would forget how the child ended.
    disposition = _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    try:
        child = posix.fork()
        if child == 0:
            _signal.signal(_signal.SIGCHLD, disposition)
            _be_child(descriptors, program)
        _, status = posix.waitpid(child, 0)
    except OSError:
        return NOT_STARTED
    finally:
        _signal.signal(_signal.SIGCHLD, disposition)
    code = posix.waitstatus_to_exitcode(status)
    return code if code >= 0 else CRASHED


def _be_child(descriptors: tuple[int, int], program: Program) -> None:
    """Become the real queue program, or end."""
    try:
        _put_in_place(descriptors)
        _hide_error_pipes()
        _become_queue(program)
    finally:
        posix._exit(NOT_STARTED)  # noqa: SLF001 - its public name


def _hide_error_pipes() -> None:
    """Put /dev/null in the place of the pipes that the SMTP server reads a text from."""
    nowhere = posix.open(b"/dev/null", posix.O_WRONLY | posix.O_CLOEXEC)
    for descriptor in (*ERROR_DESCRIPTORS, _named_error_descriptor()):
        if descriptor is not None and descriptor > 1 and _is_pipe(descriptor):
            posix.dup2(nowhere, descriptor)


def _named_error_descriptor() -> int | None:
    return _parse_number(posix.environ.get(b"ERROR_FD", b""), DESCRIPTOR_MAX)


def _is_pipe(descriptor: int) -> bool:
    try:
        return _stat.S_ISFIFO(posix.fstat(descriptor).st_mode)
    except OSError:
        return False


def _tell(packet: bytes) -> int:
    """The exit code, once the SMTP server was told the text where it wants one."""
    if len(packet) < EXIT_HEAD:
        return TEMPORARY
    _, code, fallback, descriptor, flag = packet[:EXIT_HEAD]
    text = packet[EXIT_HEAD:]
    if descriptor == 0:
        return code
    named = _named_error_descriptor() if flag else None
    return code if _write_text(descriptor if named is None else named, text) else fallback


def _write_text(descriptor: int, text: bytes) -> bool:
    """Write the text if that is a pipe with room; the interpreter ignores SIGPIPE already."""
    import select

    if not _is_pipe(descriptor):
        return False
    try:
        room = select.poll()
        room.register(descriptor, select.POLLOUT)
        # Less than PIPE_BUF: written whole or not at all.
        ready = bool(text) and bool(room.poll(TELL_SECONDS * 1000))
        return ready and posix.write(descriptor, text) == len(text)
    except OSError:
        return False


if __name__ == "__main__":
    # Left by no other way than _exit: a traceback on descriptor 2 could be read as an answer.
    exit_code = OUR_BUG
    try:
        if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        main()
    except Finished as finished:
        exit_code = finished.code
    finally:
        posix._exit(exit_code)  # noqa: SLF001 - its public name
