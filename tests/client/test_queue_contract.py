"""The contract that `mailwarden-queue` and its Python twin both keep.

Each conversation is a script of the daemon's side; `queue` is the program behind the client.
"""

import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue

import pytest

from mailwarden.wire.gate import (
    CRASHED,
    NOT_STARTED,
    ORPHANED,
    PACKET_BYTES,
    TEXT_BYTES,
    VALUE_BYTES,
    VARIABLES,
    Accepted,
    Alive,
    Answer,
    Exit,
    Received,
    encode_answer,
    parse_submitted,
)
from support.caller import memory_file
from support.gate_daemon import GateDaemon, Visit
from support.queue_program import ENVELOPE, MESSAGE, Running, pipe, read_to_end, run, start
from support.strict_queue import StrictQueue
from support.waiting import wait_until

TEMPORARY = 71
BAD_CONFIGURATION = 55
READ_ERROR = 54
# Generous for a machine that is busy, far below the next larger wait of the client.
SOON_SECONDS = 20.0

QUEUED_MESSAGE = b"X-Added: yes\r\n" + MESSAGE
QUEUED_ENVELOPE = b"F\0Tone@example.net\0\0"

Script = Callable[[Visit], None]


def variables_for(
    queue: StrictQueue, *paths: str, timeout_seconds: int | str = 20, **others: str
) -> dict[str, str]:
    """What the client is told by its environment."""
    return {
        "MAILWARDEN_SOCKET": ":".join(paths),
        "MAILWARDEN_QMAIL_QUEUE": str(queue.program),
        "MAILWARDEN_TIMEOUT": str(timeout_seconds),
        **queue.environment,
        **others,
    }


def saying(*answers: Answer) -> Script:
    """A daemon that says these and closes."""
    return lambda visit: visit.say(*answers)


def says_queue(visit: Visit) -> None:
    """A daemon that has another message queued than the one that came."""
    visit.say(Accepted())
    visit.read_arrival()
    visit.say(Received())
    visit.say_queue(QUEUED_MESSAGE, QUEUED_ENVELOPE)


def closes(visit: Visit) -> None:
    """A daemon that goes away before it read anything."""


def is_stuck(visit: Visit) -> None:
    """A daemon that never answers."""
    assert visit.is_gone()


# --- the request ---------------------------------------------------------------------------


@pytest.mark.parametrize("size_bytes", [0, 1, 1_000_000])
def test_message_and_envelope_reach_the_daemon_whole(
    program: Path, queue: StrictQueue, size_bytes: int
) -> None:
    message = os.urandom(size_bytes)
    arrivals = []

    def script(visit: Visit) -> None:
        visit.say(Accepted())
        arrivals.append(visit.read_arrival())
        visit.say(Received(), Exit(0))

    with GateDaemon(script) as daemon:
        assert run([program], variables_for(queue, daemon.path), message=message) == 0
    assert arrivals == [(message, ENVELOPE)]


def test_message_and_envelope_may_be_files(
    program: Path, queue: StrictQueue, tmp_path: Path
) -> None:
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "envelope").write_bytes(ENVELOPE)
    arrivals = []

    def script(visit: Visit) -> None:
        arrivals.append(visit.read_arrival())
        visit.say(Exit(31))

    with (
        GateDaemon(script) as daemon,
        (tmp_path / "message").open("rb") as message,
        (tmp_path / "envelope").open("rb") as envelope,
    ):
        descriptors = {0: message.fileno(), 1: envelope.fileno()}
        assert run([program], variables_for(queue, daemon.path), descriptors=descriptors) == 31
    assert arrivals == [(MESSAGE, ENVELOPE)]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"RELAYCLIENT": ""},
        {"RELAYCLIENT": "", "TCPREMOTEIP": "192.0.2.1", "TCPREMOTEINFO": "a=b c"},
        dict.fromkeys(VARIABLES, "v" * VALUE_BYTES),
    ],
    ids=["none", "an empty one", "some", "all at their longest"],
)
def test_the_daemon_hears_which_variables_are_present_and_no_others(
    program: Path, queue: StrictQueue, told: Mapping[str, str]
) -> None:
    heard = []

    def script(visit: Visit) -> None:
        heard.append(visit.variables)
        visit.say(Exit(0))

    untold = {"QMAILQUEUE": "/x", "PATH": "/bin", "TCPREMOTEIP2": "x", "TCPREMOTE": "x"}
    with GateDaemon(script) as daemon:
        assert run([program], variables_for(queue, daemon.path, **told, **untold)) == 0
    assert heard == [{name: value.encode() for name, value in told.items()}]


@pytest.mark.parametrize("length", [VALUE_BYTES + 1, 100_000])
def test_nothing_is_sent_when_a_variable_is_too_long(
    program: Path, queue: StrictQueue, length: int
) -> None:
    with GateDaemon(is_stuck) as daemon:
        variables = variables_for(queue, daemon.path, TCPREMOTEINFO="i" * length)
        assert run([program], variables) == TEMPORARY
    assert daemon.visits == 0


@pytest.mark.parametrize("closed", ["message", "envelope", "both"])
def test_a_closed_descriptor_is_a_read_error(
    program: Path, queue: StrictQueue, closed: str
) -> None:
    message = MESSAGE if closed == "envelope" else None
    envelope = ENVELOPE if closed == "message" else None
    with GateDaemon(is_stuck) as daemon:
        variables = variables_for(queue, daemon.path)
        assert run([program], variables, message=message, envelope=envelope) == READ_ERROR
    assert daemon.visits == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"MAILWARDEN_TIMEOUT": "soon"},
        {"MAILWARDEN_TIMEOUT": ""},
        {"MAILWARDEN_TIMEOUT": "-1"},
        {"MAILWARDEN_TIMEOUT": " 5"},
        {"MAILWARDEN_TIMEOUT": "5s"},
        {"MAILWARDEN_SOCKET": ""},
        {"MAILWARDEN_SOCKET": ":"},
        {"MAILWARDEN_SOCKET": "/" + "s" * 107},
        {"MAILWARDEN_SOCKET": "/" + "s" * 5_000},
        {"MAILWARDEN_SOCKET": "/nonexistent::/nonexistent"},
        {"MAILWARDEN_QMAIL_QUEUE": ""},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_wrong_setting_is_a_configuration_error(
    program: Path, queue: StrictQueue, wrong: Mapping[str, str]
) -> None:
    assert run([program], {**variables_for(queue, "/nonexistent"), **wrong}) == BAD_CONFIGURATION


@pytest.mark.parametrize("timeout", ["0", "86400", "00000000000000000005", "9" * 400])
def test_a_timeout_out_of_range_is_brought_into_it(
    program: Path, queue: StrictQueue, timeout: str
) -> None:
    with GateDaemon(saying(Accepted(), Received(), Exit(31))) as daemon:
        assert run([program], variables_for(queue, daemon.path, timeout_seconds=timeout)) == 31


# --- queueing ------------------------------------------------------------------------------


def test_the_real_program_gets_what_the_daemon_sends_back(
    program: Path, queue: StrictQueue
) -> None:
    with GateDaemon(says_queue) as daemon:
        running = start([program], variables_for(queue, daemon.path))
        assert running.wait() == 0
    queued = queue.only_message()
    assert (queued.message, queued.envelope) == (QUEUED_MESSAGE, QUEUED_ENVELOPE)
    assert queued.pid == running.pid


def test_the_arrivals_own_descriptors_may_come_back(
    program: Path, queue: StrictQueue, tmp_path: Path
) -> None:
    (tmp_path / "message").write_bytes(MESSAGE)

    def script(visit: Visit) -> None:
        visit.say(Accepted(), Received())
        visit.say_octets(b"Q", *visit.descriptors)

    with GateDaemon(script) as daemon, (tmp_path / "message").open("rb") as message:
        variables = variables_for(queue, daemon.path)
        assert run([program], variables, descriptors={0: message.fileno()}) == 0
    assert queue.only_message().message == MESSAGE


@pytest.mark.parametrize("code", [1, 11, 31, 53, 71, 111, 255])
def test_the_real_programs_exit_code_is_the_answer(
    program: Path, queue: StrictQueue, code: int
) -> None:
    with GateDaemon(says_queue) as daemon:
        variables = variables_for(queue, daemon.path, STRICT_QUEUE_EXIT=str(code))
        assert run([program], variables) == code


def test_the_real_program_gets_the_environment_without_qmailqueue(
    program: Path, queue: StrictQueue
) -> None:
    with GateDaemon(says_queue) as daemon:
        variables = variables_for(queue, daemon.path, RELAYCLIENT="", LC_ALL="C", ODD="a=b\n")
        assert run([program], {"QMAILQUEUE": str(program), **variables}) == 0
    assert queue.only_message().environment == variables


def test_the_real_program_inherits_no_descriptor_of_ours(program: Path, queue: StrictQueue) -> None:
    with GateDaemon(says_queue) as daemon, pipe() as error:
        variables = variables_for(queue, daemon.path)
        assert run([program], variables, descriptors={6: error.writer}) == 0
    assert sorted(queue.only_message().descriptors) == [0, 1, 2, 6]


def test_the_real_program_finds_sigpipe_as_the_smtp_server_left_it(
    program: Path, queue: StrictQueue, tmp_path: Path
) -> None:
    script = install_script(tmp_path, "grep SigIgn: /proc/$$/status >seen")
    with GateDaemon(says_queue) as daemon:
        variables = variables_for(queue, daemon.path, MAILWARDEN_QMAIL_QUEUE=str(script))
        assert run([program], variables) == 0
    ignored = int((tmp_path / "seen").read_text().split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


def test_the_real_program_is_started_by_its_name_alone_in_the_same_folder(
    program: Path, queue: StrictQueue, tmp_path: Path
) -> None:
    script = install_script(tmp_path, 'echo "$PWD $0 $#" >seen')
    with GateDaemon(says_queue) as daemon:
        variables = variables_for(queue, daemon.path, MAILWARDEN_QMAIL_QUEUE="./script")
        shell = f"cd {tmp_path}; exec {program}"
        assert run(["/bin/sh", "-c", shell], variables) == 0
    seen = (tmp_path / "seen").read_text()
    assert seen.split() in ([str(tmp_path), "./script", "0"], [str(tmp_path), str(script), "0"])


def test_the_command_line_names_another_program_with_arguments(
    program: Path, queue: StrictQueue, tmp_path: Path
) -> None:
    script = install_script(tmp_path, 'printf "%s\\n" "$@" >seen')
    words = ["--", "", "two words", "-I"]
    with GateDaemon(says_queue) as daemon:
        assert run([program, script, *words], variables_for(queue, daemon.path)) == 0
    assert (tmp_path / "seen").read_text() == "".join(word + "\n" for word in words)
    assert queue.is_empty()


@pytest.mark.parametrize("missing", ["/nonexistent/qmail-queue", "/etc/passwd", "/"])
def test_a_real_program_that_cannot_be_started_is_temporary(
    program: Path, queue: StrictQueue, missing: str
) -> None:
    with GateDaemon(says_queue) as daemon:
        variables = variables_for(queue, daemon.path, MAILWARDEN_QMAIL_QUEUE=missing)
        assert run([program], variables) == TEMPORARY


def test_nothing_is_queued_when_the_smtp_server_died(program: Path, queue: StrictQueue) -> None:
    shells: SimpleQueue[Running] = SimpleQueue()

    def script(visit: Visit) -> None:
        visit.say(Accepted(), Received())
        shell = shells.get(timeout=SOON_SECONDS)
        os.kill(shell.pid, signal.SIGKILL)
        assert shell.wait() == -signal.SIGKILL
        visit.say_queue(QUEUED_MESSAGE, QUEUED_ENVELOPE)
        assert visit.is_gone()

    with GateDaemon(script) as daemon, pipe() as life:
        shell = f"exec 3<&0; {program} <&3 3<&- & wait"
        # Both go on holding `life` as long as they live.
        shells.put(
            start(
                ["/bin/sh", "-c", shell],
                variables_for(queue, daemon.path),
                descriptors={5: life.writer},
            )
        )
        life.close_writer()
        read_to_end(life.reader)
    assert queue.is_empty()


# --- exits and their texts -----------------------------------------------------------------


@pytest.mark.parametrize("before", [(), (Accepted(),), (Accepted(), Alive(), Received(), Alive())])
@pytest.mark.parametrize("code", [0, 31, 71, 91])
def test_an_exit_may_come_at_any_time(
    program: Path, queue: StrictQueue, before: Sequence[Answer], code: int
) -> None:
    with GateDaemon(saying(*before, Exit(code, fallback=1))) as daemon:
        assert run([program], variables_for(queue, daemon.path)) == code
    assert queue.is_empty()


FLAVOURS = [
    pytest.param(Exit(82, 31, 4, text=b"D4"), {}, 4, id="custom-error"),
    pytest.param(Exit(82, 31, 4, text=b"D4"), {"ERROR_FD": "5"}, 4, id="custom-error, ERROR_FD"),
    pytest.param(Exit(82, 31, 4, use_error_fd=True, text=b"D4"), {}, 4, id="sagredo"),
    pytest.param(
        Exit(82, 31, 4, use_error_fd=True, text=b"D4"), {"ERROR_FD": "5"}, 5, id="sagredo, ERROR_FD"
    ),
    pytest.param(
        Exit(82, 31, 4, use_error_fd=True, text=b"D4"), {"ERROR_FD": "x"}, 4, id="sagredo, rubbish"
    ),
    pytest.param(
        Exit(82, 31, 4, use_error_fd=True, text=b"D4"), {"ERROR_FD": ""}, 4, id="sagredo, empty"
    ),
    pytest.param(Exit(82, 31, 2, use_error_fd=True, text=b"Z2"), {}, 2, id="indimail"),
    pytest.param(Exit(82, 31, 6, text=b"D" + b"t" * (TEXT_BYTES - 1)), {}, 6, id="notqmail"),
]


@pytest.mark.parametrize(("answer", "told", "descriptor"), FLAVOURS)
def test_the_text_goes_to_the_flavours_pipe(
    program: Path, queue: StrictQueue, answer: Exit, told: Mapping[str, str], descriptor: int
) -> None:
    with GateDaemon(saying(answer)) as daemon, pipe() as error:
        variables = variables_for(queue, daemon.path, **told)
        assert run([program], variables, descriptors={descriptor: error.writer}) == 82
        error.close_writer()
        assert read_to_end(error.reader) == answer.text


def test_error_fd_alone_decides_where_the_flavour_reads_it(
    program: Path, queue: StrictQueue
) -> None:
    answer = Exit(82, 31, 4, use_error_fd=True, text=b"Dno")
    with GateDaemon(saying(answer)) as daemon, pipe() as error:
        variables = variables_for(queue, daemon.path, ERROR_FD="9" * 30)
        assert run([program], variables, descriptors={4: error.writer}) == 31
        error.close_writer()
        assert read_to_end(error.reader) == b""


def _to_file(folder: Path) -> int:
    return os.open(folder / "text", os.O_RDWR | os.O_CREAT)


def _to_device(folder: Path) -> int:
    return os.open("/dev/null", os.O_WRONLY)


def _to_socket(folder: Path) -> int:
    ours, theirs = socket.socketpair()
    ours.close()
    return theirs.detach()


def _to_pipe_that_nobody_reads(folder: Path) -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def _to_reading_end(folder: Path) -> int:
    reader, writer = os.pipe()
    os.close(writer)
    return reader


@pytest.mark.parametrize(
    "opener",
    [_to_file, _to_device, _to_socket, _to_pipe_that_nobody_reads, _to_reading_end],
)
def test_a_text_that_cannot_be_told_makes_the_fallback(
    program: Path, queue: StrictQueue, tmp_path: Path, opener: Callable[[Path], int]
) -> None:
    descriptor = opener(tmp_path)
    try:
        with GateDaemon(saying(Exit(82, 31, 4, text=b"Dno"))) as daemon:
            variables = variables_for(queue, daemon.path)
            assert run([program], variables, descriptors={4: descriptor}) == 31
    finally:
        os.close(descriptor)
    assert not (tmp_path / "text").exists() or (tmp_path / "text").read_bytes() == b""


@pytest.mark.parametrize("descriptor", [1, 4, 255])
def test_a_descriptor_that_is_not_for_writing_makes_the_fallback(
    program: Path, queue: StrictQueue, descriptor: int
) -> None:
    with GateDaemon(saying(Exit(82, 71, descriptor, text=b"Zno"))) as daemon:
        assert run([program], variables_for(queue, daemon.path)) == 71


def test_a_full_error_pipe_makes_the_fallback(program: Path, queue: StrictQueue) -> None:
    with GateDaemon(saying(Exit(82, 31, 4, text=b"Dno"))) as daemon, pipe() as error:
        os.set_blocking(error.writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(error.writer, bytes(4096))
        os.set_blocking(error.writer, True)
        assert (
            run([program], variables_for(queue, daemon.path), descriptors={4: error.writer}) == 31
        )


def test_a_code_that_wants_a_text_and_has_none_makes_the_fallback(
    program: Path, queue: StrictQueue
) -> None:
    with GateDaemon(saying(Exit(82, 31, 4))) as daemon, pipe() as error:
        assert (
            run([program], variables_for(queue, daemon.path), descriptors={4: error.writer}) == 31
        )


# --- daemons that are away, slow or confused ------------------------------------------------


@contextlib.contextmanager
def listening(kind: int = socket.SOCK_SEQPACKET, backlog: int = 0) -> Iterator[str]:
    """A socket on which nobody accepts."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX, kind) as it,
    ):
        path = f"{folder}/sock"
        it.bind(path)
        it.listen(backlog)
        yield path


@pytest.fixture
def stale_path(tmp_path: Path) -> Iterator[str]:
    """A socket's file whose daemon is gone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = f"{folder}/sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
            dead.bind(path)
        yield path


def test_an_absent_or_stale_daemon_is_temporary(
    program: Path, queue: StrictQueue, stale_path: str
) -> None:
    for paths in (["/nonexistent/sock"], [stale_path], [stale_path, "/etc/passwd", "/tmp"]):
        assert run([program], variables_for(queue, *paths)) == TEMPORARY
    assert queue.is_empty()


def test_another_kind_of_socket_is_temporary(program: Path, queue: StrictQueue) -> None:
    with listening(socket.SOCK_STREAM) as path:
        assert run([program], variables_for(queue, path)) == TEMPORARY


def test_the_next_socket_is_asked_when_one_is_dead_in_the_order_of_the_list(
    program: Path, queue: StrictQueue, stale_path: str
) -> None:
    with (
        GateDaemon(closes) as dying,
        GateDaemon(saying(Exit(31))) as living,
        GateDaemon(is_stuck) as spare,
    ):
        paths = ["/nonexistent/sock", stale_path, dying.path, living.path, spare.path]
        assert run([program], variables_for(queue, *paths)) == 31
    assert (dying.visits, living.visits, spare.visits) == (1, 1, 0)


def test_the_next_socket_gets_the_whole_message(program: Path, queue: StrictQueue) -> None:
    arrivals = []

    def script(visit: Visit) -> None:
        visit.say(Accepted())
        arrivals.append(visit.read_arrival())
        visit.say(Received(), Exit(31))

    with GateDaemon(closes) as dying, GateDaemon(script) as living:
        assert run([program], variables_for(queue, dying.path, living.path)) == 31
    assert arrivals == [(MESSAGE, ENVELOPE)]


def test_the_next_socket_is_asked_when_a_backlog_stays_full(
    program: Path, queue: StrictQueue
) -> None:
    with (
        listening() as path,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as waiting,
        GateDaemon(saying(Exit(31))) as living,
    ):
        waiting.connect(path)  # a backlog of 0 holds one
        variables = variables_for(queue, path, living.path, timeout_seconds=1)
        assert run([program], variables) == 31
    assert living.visits == 1


@pytest.mark.parametrize("before", [(), (Accepted(),), (Accepted(), Received())])
def test_silence_is_temporary_and_leads_to_no_other_socket(
    program: Path, queue: StrictQueue, before: Sequence[Answer]
) -> None:
    def script(visit: Visit) -> None:
        visit.say(*before)
        is_stuck(visit)

    with GateDaemon(script) as daemon, GateDaemon(is_stuck) as spare:
        began = time.monotonic()
        variables = variables_for(queue, daemon.path, spare.path, timeout_seconds=1)
        assert run([program], variables) == TEMPORARY
        assert 1 <= time.monotonic() - began < SOON_SECONDS
    assert spare.visits == 0
    assert queue.is_empty()


def test_a_last_word_counts_although_the_daemon_did_not_read_what_we_said(
    program: Path, queue: StrictQueue
) -> None:
    """A daemon that closed with our packet unread resets the connection before its last word."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, GateDaemon(is_stuck) as spare:
        path = f"{folder}/sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as daemon:
            daemon.bind(path)
            daemon.listen()
            client = start([program], variables_for(queue, path, spare.path))
            stream, _ = daemon.accept()
        with stream:
            assert stream.recv(1, socket.MSG_PEEK)
            os.kill(client.pid, signal.SIGSTOP)
            os.waitpid(client.pid, os.WUNTRACED)
            stream.send(encode_answer(Exit(31)))
        os.kill(client.pid, signal.SIGCONT)
        assert client.wait() == 31
    assert spare.visits == 0


def test_a_daemon_that_does_not_even_accept_is_silence(program: Path, queue: StrictQueue) -> None:
    with listening(backlog=8) as path, GateDaemon(is_stuck) as spare:
        variables = variables_for(queue, path, spare.path, timeout_seconds=1)
        assert run([program], variables) == TEMPORARY
    assert spare.visits == 0


def test_keep_alives_hold_a_message_that_trickles_in(program: Path, queue: StrictQueue) -> None:
    def script(visit: Visit) -> None:
        visit.say(Accepted())
        for _ in range(6):
            assert not visit.is_gone(within_seconds=0.4)
            visit.say(Alive())
        visit.say(Received(), Exit(31))

    with GateDaemon(script) as daemon:
        assert run([program], variables_for(queue, daemon.path, timeout_seconds=2)) == 31


def test_keep_alives_do_not_move_the_verdicts_deadline(program: Path, queue: StrictQueue) -> None:
    def script(visit: Visit) -> None:
        visit.say(Accepted(), Received())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while not visit.is_gone(within_seconds=0.2):
                visit.say(Alive())

    with GateDaemon(script) as daemon:
        began = time.monotonic()
        assert run([program], variables_for(queue, daemon.path, timeout_seconds=1)) == TEMPORARY
        assert 1 <= time.monotonic() - began < SOON_SECONDS
    assert queue.is_empty()


@pytest.mark.parametrize("before", [(Accepted(),), (Accepted(), Alive(), Received())])
def test_a_daemon_that_dies_after_it_read_leads_to_no_other_socket(
    program: Path, queue: StrictQueue, before: Sequence[Answer]
) -> None:
    with GateDaemon(saying(*before)) as daemon, GateDaemon(is_stuck) as spare:
        assert run([program], variables_for(queue, daemon.path, spare.path)) == TEMPORARY
    assert spare.visits == 0
    assert queue.is_empty()


A, K, R, S, Q = b"A", b"K", b"R", b"S", b"Q"

# Packets in order, each with how many descriptors are attached.
RUBBISH: dict[str, list[tuple[bytes, int]]] = {
    "unknown": [(b"Z", 0)],
    "a NUL": [(b"\0", 0)],
    "longer than one byte": [(b"AA", 0)],
    "alive first": [(K, 0)],
    "received first": [(R, 0)],
    "queue first": [(Q, 2)],
    "accepted twice": [(A, 0), (A, 0)],
    "received twice": [(A, 0), (R, 0), (R, 0)],
    "queue before received": [(A, 0), (Q, 2)],
    "unknown later": [(A, 0), (R, 0), (b"q", 2)],
    "queue with text": [(A, 0), (R, 0), (b"QQ", 2)],
    "queue with no descriptor": [(A, 0), (R, 0), (Q, 0)],
    "queue with one descriptor": [(A, 0), (R, 0), (Q, 1)],
    "queue with three descriptors": [(A, 0), (R, 0), (Q, 3)],
    "queue with many descriptors": [(A, 0), (R, 0), (Q, 100)],
    "submit first": [(S, 2)],
    "submit before received": [(A, 0), (S, 2)],
    "submit with text": [(A, 0), (R, 0), (b"SS", 2)],
    "submit with no descriptor": [(A, 0), (R, 0), (S, 0)],
    "submit with one descriptor": [(A, 0), (R, 0), (S, 1)],
    "submit with three descriptors": [(A, 0), (R, 0), (S, 3)],
    "alive with descriptors": [(A, 0), (K, 2)],
    "exit with descriptors": [(b"X\x1f\0\0\0", 2)],
    "exit cut off": [(b"X\x1f\0\0", 0)],
    "exit too long": [(b"X\x1f\0\0\0" + b"t" * (TEXT_BYTES + 1), 0)],
    "huge": [(A, 0), (b"X" + bytes(100_000), 0)],
}


@pytest.mark.parametrize("packets", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_is_temporary_and_leads_to_no_other_socket(
    program: Path, queue: StrictQueue, packets: Sequence[tuple[bytes, int]]
) -> None:
    def script(visit: Visit) -> None:
        with pipe() as any_pipe:
            for packet, attached in packets:
                visit.say_octets(packet, *[any_pipe.reader] * attached)
        assert visit.is_gone()

    with GateDaemon(script) as daemon, GateDaemon(is_stuck) as spare:
        assert run([program], variables_for(queue, daemon.path, spare.path)) == TEMPORARY
    assert spare.visits == 0
    assert queue.is_empty()


def test_an_empty_packet_is_temporary(program: Path, queue: StrictQueue) -> None:
    def script(visit: Visit) -> None:
        visit.say(Accepted(), Received())
        visit.say_octets(b"")
        assert visit.is_gone()

    with GateDaemon(script) as daemon:
        assert run([program], variables_for(queue, daemon.path)) == TEMPORARY


# --- the process -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGALRM])
def test_a_killed_client_leaves_nothing(
    program: Path, queue: StrictQueue, number: signal.Signals
) -> None:
    clients: SimpleQueue[Running] = SimpleQueue()

    def script(visit: Visit) -> None:
        visit.say(Accepted())
        visit.read_arrival()
        visit.say(Received())
        pid = clients.get(timeout=SOON_SECONDS).pid
        assert Path(f"/proc/{pid}/task/{pid}/children").read_text() == ""
        os.kill(pid, number)
        assert visit.is_gone()

    with GateDaemon(script) as daemon, pipe() as life:
        variables = variables_for(queue, daemon.path)
        client = start([program], variables, descriptors={5: life.writer})
        clients.put(client)
        life.close_writer()
        assert client.wait() == -number
        assert read_to_end(life.reader) == b""
    assert queue.is_empty()


def test_a_client_that_was_stopped_goes_on(program: Path, queue: StrictQueue) -> None:
    clients: SimpleQueue[Running] = SimpleQueue()

    def script(visit: Visit) -> None:
        visit.say(Accepted())
        visit.read_arrival()
        pid = clients.get(timeout=SOON_SECONDS).pid
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, os.WUNTRACED)
        os.kill(pid, signal.SIGCONT)
        assert not visit.is_gone(within_seconds=0.2)
        visit.say(Received(), Exit(31))

    with GateDaemon(script) as daemon:
        client = start([program], variables_for(queue, daemon.path))
        clients.put(client)
        assert client.wait() == 31


# The twin's is what an interpreter needs; qmail's guides give 2 to 40 MB to softlimit.
ADDRESS_SPACE_KB = {"c": 4_096, "python": 40_960}


def test_a_tight_softlimit_is_enough(program: Path, queue: StrictQueue, language: str) -> None:
    limits = f"ulimit -v {ADDRESS_SPACE_KB[language]}; ulimit -n 8; exec {program}"
    with GateDaemon(says_queue) as daemon:
        assert run(["/bin/sh", "-c", limits], variables_for(queue, daemon.path)) == 0
    assert queue.only_message().message == QUEUED_MESSAGE


@pytest.mark.parametrize("open_files", [3, 4, 5])
def test_too_few_descriptors_are_temporary(
    program: Path, queue: StrictQueue, open_files: int
) -> None:
    # The interpreter itself needs one more to read its script.
    limits = f"ulimit -Sn {open_files}; exec {program}"
    with GateDaemon(tolerates_loss) as daemon:
        code = run(["/bin/sh", "-c", limits], variables_for(queue, daemon.path))
    assert code != 0
    assert queue.is_empty()


def tolerates_loss(visit: Visit) -> None:
    """A daemon whose client may go away at any time."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        says_queue(visit)


def install_script(folder: Path, line: str) -> Path:
    """A shell script that leaves what it saw in `folder`."""
    script = folder / "script"
    script.write_text(f"#!/bin/sh\ncd {folder}\n{line}\n", encoding="ascii")
    script.chmod(0o755)
    return script


# --- several copies --------------------------------------------------------------------------

COPIES = [
    (b"Subject: copy %d\n\nx\n" % n, b"Fa@example.org\0Tn%d@example.net\0\0" % n) for n in (1, 2)
]


def receives(visit: Visit) -> None:
    """A daemon that took the message and is about to judge."""
    visit.say(Accepted())
    visit.read_arrival()
    visit.say(Received())


def say_submit(
    visit: Visit, message: bytes | int = QUEUED_MESSAGE, envelope: bytes = QUEUED_ENVELOPE
) -> None:
    """Have the client queue a copy; a message that is a number is a descriptor of the test's."""
    files = [memory_file(envelope)]
    if isinstance(message, bytes):
        files.append(memory_file(message))
    visit.say_octets(b"S", message if isinstance(message, int) else files[-1], files[0])
    for file in files:
        os.close(file)


def hear_end(visit: Visit) -> int:
    """What the client says of the copy."""
    return parse_submitted(visit._stream.recv(PACKET_BYTES)).code


def wait_for_end(visit: Visit) -> None:
    """Return once the client has said it, and leave it unread."""
    assert visit._stream.recv(PACKET_BYTES, socket.MSG_PEEK)


def submit(visit: Visit, message: bytes = QUEUED_MESSAGE, envelope: bytes = QUEUED_ENVELOPE) -> int:
    """Have the client queue a copy and hear how that ended."""
    say_submit(visit, message, envelope)
    return hear_end(visit)


@pytest.mark.parametrize("last_word", [Exit(0), Exit(31)])
def test_each_copy_is_queued_before_the_verdict_is_given(
    program: Path, queue: StrictQueue, last_word: Exit
) -> None:
    def script(visit: Visit) -> None:
        receives(visit)
        for number, copy in enumerate(COPIES, start=1):
            assert submit(visit, *copy) == 0
            assert len(queue.messages()) == number
            visit.say(Alive())
        visit.say(last_word)

    with GateDaemon(script) as daemon:
        running = start([program], variables_for(queue, daemon.path))
        assert running.wait() == last_word.code
    assert [(queued.message, queued.envelope) for queued in queue.messages()] == COPIES
    assert running.pid not in {queued.pid for queued in queue.messages()}
    assert not queue.leftovers()


def test_after_copies_the_last_one_may_be_queued_in_the_clients_place(
    program: Path, queue: StrictQueue
) -> None:
    def script(visit: Visit) -> None:
        receives(visit)
        assert submit(visit, *COPIES[0]) == 0
        visit.say_queue(*COPIES[1])

    with GateDaemon(script) as daemon:
        running = start([program], variables_for(queue, daemon.path))
        assert running.wait() == 0
    first, second = queue.messages()
    assert [(queued.message, queued.envelope) for queued in (first, second)] == COPIES
    assert (first.pid == running.pid, second.pid == running.pid) == (False, True)


@pytest.mark.parametrize(
    ("behind", "code"),
    [
        *(({"STRICT_QUEUE_EXIT": str(code)}, code) for code in (1, 31, 53, 71, 255)),
        ({"STRICT_QUEUE_DIE_AFTER": "0"}, CRASHED),
        ({"MAILWARDEN_QMAIL_QUEUE": "/nonexistent/qmail-queue"}, NOT_STARTED),
        ({"MAILWARDEN_QMAIL_QUEUE": "/etc/passwd"}, NOT_STARTED),
    ],
    ids=str,
)
def test_the_daemon_hears_how_a_copy_failed_and_has_the_last_word(
    program: Path, queue: StrictQueue, behind: Mapping[str, str], code: int
) -> None:
    heard = []

    def script(visit: Visit) -> None:
        receives(visit)
        heard.extend([submit(visit), submit(visit)])
        visit.say(Exit(53))

    with GateDaemon(script) as daemon:
        assert run([program], {**variables_for(queue, daemon.path), **behind}) == 53
    assert heard == [code, code]
    assert queue.messages() == []


def test_a_copys_program_gets_what_the_real_program_gets(
    program: Path, queue: StrictQueue, tmp_path: Path
) -> None:
    seen: list[list[str]] = []
    line = '{ echo "$OLDPWD $@"; env; grep SigIgn: /proc/$$/status; } >seen'
    printer = install_script(tmp_path, line)

    def says_submit(visit: Visit) -> None:
        receives(visit)
        assert submit(visit) == 0
        visit.say(Exit(0))

    def script(visit: Visit) -> None:
        (says_queue if seen else says_submit)(visit)

    with GateDaemon(script) as daemon:
        variables = variables_for(queue, daemon.path, QMAILQUEUE=str(program), LC_ALL="C")
        shell = f'cd {queue.folder}; exec {program} {printer} -a "b c"'
        for _ in range(2):
            assert run(["/bin/sh", "-c", shell], variables) == 0
            seen.append((tmp_path / "seen").read_text().splitlines())
    assert seen[0] == seen[1]
    assert seen[0][0] == f"{queue.folder} -a b c"
    assert not any(line.startswith("QMAILQUEUE=") for line in seen[0])


def test_a_copys_end_is_known_where_the_smtp_server_ignores_ends_of_children(
    program: Path, queue: StrictQueue, tmp_path: Path
) -> None:
    def script(visit: Visit) -> None:
        receives(visit)
        assert submit(visit) == 0
        visit.say(Exit(0))

    # a shell would not pass it on
    ignoring = (
        "import os, signal, sys;"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    copying: list[str | Path] = [program, "/bin/cp", "/proc/self/status", tmp_path / "seen"]
    with GateDaemon(script) as daemon:
        variables = variables_for(queue, daemon.path)
        assert run([sys.executable, "-IS", "-c", ignoring, *copying], variables) == 0
    (line,) = (line for line in (tmp_path / "seen").read_text().splitlines() if "SigIgn" in line)
    assert int(line.split()[1], 16) & 1 << (signal.SIGCHLD - 1)


def test_a_copys_program_inherits_no_descriptor_of_ours(program: Path, queue: StrictQueue) -> None:
    def script(visit: Visit) -> None:
        receives(visit)
        assert [submit(visit), submit(visit)] == [0, 0]
        visit.say(Exit(0))

    with GateDaemon(script) as daemon, pipe() as other:
        variables = variables_for(queue, daemon.path)
        assert run([program], variables, descriptors={7: other.writer}) == 0
    for queued in queue.messages():
        assert sorted(queued.descriptors) == [0, 1, 2, 7]
        assert queued.descriptors[7].startswith("pipe:")


@pytest.mark.parametrize(
    ("told", "descriptor"),
    [({}, 4), ({}, 6), ({"ERROR_FD": "2"}, 2), ({"ERROR_FD": "9"}, 9), ({"ERROR_FD": "9"}, 4)],
)
def test_a_copys_program_cannot_write_where_the_smtp_server_reads_a_text(
    program: Path, queue: StrictQueue, told: Mapping[str, str], descriptor: int
) -> None:
    def script(visit: Visit) -> None:
        receives(visit)
        assert submit(visit) == 0
        answer = Exit(82, 31, descriptor, use_error_fd=descriptor != 4, text=b"Dno")
        visit.say(answer)

    with GateDaemon(script) as daemon, pipe() as error:
        variables = variables_for(queue, daemon.path, **told)
        assert run([program], variables, descriptors={descriptor: error.writer}) == 82
        error.close_writer()
        assert read_to_end(error.reader) == b"Dno"
    assert queue.only_message().descriptors[descriptor] == "/dev/null"


def test_a_file_at_a_flavours_number_is_left_to_a_copys_program(
    program: Path, queue: StrictQueue, tmp_path: Path
) -> None:
    def script(visit: Visit) -> None:
        receives(visit)
        assert submit(visit) == 0
        visit.say(Exit(0))

    (tmp_path / "file").write_bytes(b"")
    with GateDaemon(script) as daemon, (tmp_path / "file").open("wb") as file:
        descriptors = {4: file.fileno()}
        assert run([program], variables_for(queue, daemon.path), descriptors=descriptors) == 0
    assert queue.only_message().descriptors[4] == str(tmp_path / "file")


def test_a_daemon_that_dies_while_a_copy_is_queued_is_temporary_and_the_copy_is_finished(
    program: Path, queue: StrictQueue
) -> None:
    with pipe() as message, GateDaemon(is_stuck) as spare:

        def script(visit: Visit) -> None:
            receives(visit)
            say_submit(visit, message.reader)

        with GateDaemon(script) as daemon:
            client = start([program], variables_for(queue, daemon.path, spare.path))
            wait_until(lambda: daemon.visits == 1, SOON_SECONDS, "a client")
        message.close_reader()
        children = Path(f"/proc/{client.pid}/task/{client.pid}/children")
        wait_until(lambda: children.read_text() != "", SOON_SECONDS, "the copy is being queued")
        os.write(message.writer, QUEUED_MESSAGE)
        message.close_writer()
        assert client.wait() == TEMPORARY
        assert queue.only_message().message == QUEUED_MESSAGE
    assert spare.visits == 0


def test_a_daemon_that_dies_after_a_copy_is_temporary_and_leads_to_no_other_socket(
    program: Path, queue: StrictQueue
) -> None:
    def script(visit: Visit) -> None:
        receives(visit)
        assert submit(visit) == 0

    with GateDaemon(script) as daemon, GateDaemon(is_stuck) as spare:
        assert run([program], variables_for(queue, daemon.path, spare.path)) == TEMPORARY
    assert spare.visits == 0
    assert queue.only_message().message == QUEUED_MESSAGE


@pytest.mark.parametrize("closes_first", [True, False])
def test_a_last_word_said_while_a_copy_is_queued_counts_after_it(
    program: Path, queue: StrictQueue, closes_first: bool
) -> None:
    with pipe() as message:

        def script(visit: Visit) -> None:
            receives(visit)
            say_submit(visit, message.reader)
            visit.say(Exit(31))
            if not closes_first:
                finish()
                wait_for_end(visit)

        def finish() -> None:
            message.close_reader()
            os.write(message.writer, QUEUED_MESSAGE)
            message.close_writer()

        with GateDaemon(script) as daemon:
            client = start([program], variables_for(queue, daemon.path))
            wait_until(lambda: daemon.visits == 1, SOON_SECONDS, "a client")
        if closes_first:
            finish()
        assert client.wait() == 31
    assert queue.only_message().message == QUEUED_MESSAGE


def test_the_time_that_a_copy_takes_is_not_the_daemons(program: Path, queue: StrictQueue) -> None:
    with pipe() as message:

        def script(visit: Visit) -> None:
            receives(visit)
            say_submit(visit, message.reader)
            message.close_reader()
            assert not visit.is_gone(within_seconds=1.2)
            os.write(message.writer, QUEUED_MESSAGE)
            message.close_writer()
            visit._stream.settimeout(SOON_SECONDS)
            assert hear_end(visit) == 0
            visit.say(Exit(31))

        with GateDaemon(script) as daemon:
            assert run([program], variables_for(queue, daemon.path, timeout_seconds=1)) == 31


def test_the_verdicts_deadline_holds_after_a_copy(program: Path, queue: StrictQueue) -> None:
    def script(visit: Visit) -> None:
        receives(visit)
        assert submit(visit) == 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while not visit.is_gone(within_seconds=0.2):
                visit.say(Alive())

    with GateDaemon(script) as daemon, GateDaemon(is_stuck) as spare:
        variables = variables_for(queue, daemon.path, spare.path, timeout_seconds=1)
        began = time.monotonic()
        assert run([program], variables) == TEMPORARY
        assert 1 <= time.monotonic() - began < SOON_SECONDS
    assert spare.visits == 0


def test_a_client_killed_while_a_copy_is_queued_leaves_that_to_finish_alone(
    program: Path, queue: StrictQueue
) -> None:
    clients: SimpleQueue[Running] = SimpleQueue()
    with pipe() as message, pipe() as error:

        def script(visit: Visit) -> None:
            receives(visit)
            say_submit(visit, message.reader)
            client = clients.get(timeout=SOON_SECONDS)
            children = Path(f"/proc/{client.pid}/task/{client.pid}/children")
            # the child is the program itself, so it has put away what it may not hold
            wait_until(lambda: is_running(children.read_text(), queue), SOON_SECONDS, "a child")
            os.kill(client.pid, signal.SIGKILL)
            assert client.wait() == -signal.SIGKILL
            assert visit.is_gone()

        with GateDaemon(script) as daemon:
            variables = variables_for(queue, daemon.path)
            clients.put(start([program], variables, descriptors={6: error.writer}))
            error.close_writer()
            assert read_to_end(error.reader) == b""
        message.close_reader()
        assert queue.messages() == []
        os.write(message.writer, QUEUED_MESSAGE)
        message.close_writer()
        wait_until(lambda: len(queue.messages()) == 1, SOON_SECONDS, "the copy")
    assert queue.only_message().message == QUEUED_MESSAGE


def is_running(child: str, queue: StrictQueue) -> bool:
    """Whether the process `child` has become the queue's program."""
    return child != "" and Path(f"/proc/{child.strip()}/exe").readlink() == queue.program


def test_no_copy_leaves_a_process_behind(program: Path, queue: StrictQueue) -> None:
    clients: SimpleQueue[Running] = SimpleQueue()

    def script(visit: Visit) -> None:
        receives(visit)
        pid = clients.get(timeout=SOON_SECONDS).pid
        assert submit(visit) == 0
        assert Path(f"/proc/{pid}/task/{pid}/children").read_text() == ""
        visit.say(Exit(0))

    with GateDaemon(script) as daemon:
        client = start([program], variables_for(queue, daemon.path))
        clients.put(client)
        assert client.wait() == 0


def test_no_copy_is_queued_when_the_smtp_server_died(program: Path, queue: StrictQueue) -> None:
    shells: SimpleQueue[Running] = SimpleQueue()

    def script(visit: Visit) -> None:
        visit.say(Accepted(), Received())
        shell = shells.get(timeout=SOON_SECONDS)
        os.kill(shell.pid, signal.SIGKILL)
        assert shell.wait() == -signal.SIGKILL
        assert submit(visit) == ORPHANED
        visit.say(Exit(71))

    with GateDaemon(script) as daemon:
        shell = f"exec 3<&0; {program} <&3 3<&- & wait"
        shells.put(start(["/bin/sh", "-c", shell], variables_for(queue, daemon.path)))
    assert queue.is_empty()


def test_a_tight_softlimit_is_enough_for_many_copies(
    program: Path, queue: StrictQueue, language: str
) -> None:
    def script(visit: Visit) -> None:
        receives(visit)
        assert {submit(visit) for _ in range(12)} == {0}
        visit.say(Exit(0))

    limits = f"ulimit -v {ADDRESS_SPACE_KB[language]}; ulimit -n 8; exec {program}"
    with GateDaemon(script) as daemon:
        assert run(["/bin/sh", "-c", limits], variables_for(queue, daemon.path)) == 0
    assert len(queue.messages()) == 12
