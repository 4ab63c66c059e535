"""What hostile or broken input does to the gate as a whole: nothing lost, nothing half-done."""

import contextlib
import pwd
import resource
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.sandbox.folders import PREFIX
from support.clamd import running_clamd
from support.gate import Gate, Sections, gate, installed
from support.waiting import wait_until

ENVELOPE = b"Fsender@example.org\0Tone@example.net\0Ttwo@example.net\0\0"
MESSAGE = b"From: a@example.org\nSubject: x\n\nhello\n"
TEMPORARY = 71
CANNOT_WRITE = 53
ABANDONED = 54
FORBIDDEN = (
    b"From: a@example.org\nSubject: x\nMIME-Version: 1.0\n"
    b'Content-Type: application/octet-stream; name="bill.exe"\n\n'
)


@pytest.fixture(scope="module")
def shared_gate() -> Iterator[Gate]:
    with gate(["test-patterns"]) as running:
        yield running


@pytest.fixture
def whole_gate(shared_gate: Gate) -> Gate:
    """The gate of this module, its queue and quarantine empty."""
    shared_gate.clear()
    return shared_gate


# Envelopes


def test_an_envelope_cut_anywhere_queues_nothing(whole_gate: Gate) -> None:
    codes = [whole_gate.run(MESSAGE, ENVELOPE[:length]) for length in range(len(ENVELOPE))]
    assert codes == [ABANDONED] * len(ENVELOPE)
    assert whole_gate.queue.is_empty()


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        pytest.param(b"Xsender\0Tone@example.net\0\0", 91, id="no F"),
        pytest.param(b"Fsender\0one@example.net\0\0", 91, id="no T"),
        pytest.param(b"Fsender\0\0", 91, id="no recipients"),
        pytest.param(b"F\0T" + b"a" * 1_100 + b"\0\0", 11, id="address too long"),
        pytest.param(b"F\0T" + b"a" * 1_002 + b"\0\0", 0, id="longest address"),
        pytest.param(b"F#@[]\0Tone@example.net\0\0", 0, id="double bounce"),
        pytest.param(b"F\0T\xff\x01'`$(id)\n\0\0", 0, id="hostile address"),
    ],
)
def test_an_envelope_is_answered_as_qmail_queue_does(
    envelope: bytes, code: int, whole_gate: Gate
) -> None:
    assert whole_gate.run(MESSAGE, envelope) == code
    assert [queued.envelope for queued in whole_gate.queue.messages()] == [envelope] * (not code)


def test_ten_thousand_recipients_are_queued(whole_gate: Gate) -> None:
    recipients = b"".join(b"Tuser%d@example.net\0" % number for number in range(10_000))
    assert whole_gate.run(MESSAGE, b"F\0" + recipients + b"\0") == 0
    assert whole_gate.queue.only_message().envelope == b"F\0" + recipients + b"\0"


def test_an_envelope_of_a_megabyte_is_queued(whole_gate: Gate) -> None:
    envelope = b"F\0" + (b"T" + b"a" * 980 + b"@example.net\0") * 1_060 + b"\0"
    assert len(envelope) > 1_000_000
    assert whole_gate.run(MESSAGE, envelope) == 0
    assert whole_gate.queue.only_message().envelope == envelope


# Messages


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="0 bytes"),
        pytest.param(b"\n", id="one empty line"),
        pytest.param(b"no header here\nnor there\n", id="no header"),
        pytest.param(
            b"Subject: x\n\nNUL \0 and bare CR \r here\r\n\r", id="NUL and CR in the body"
        ),
        pytest.param(b"Subject: x\n\n" + b"b" * 5_000_000, id="line of 5 MB"),
        pytest.param(b"Subject: x\n\n" + b".\n" * 500_000, id="a million dots"),
        pytest.param(b"Subject: x\n\n" + bytes(range(256)) * 40, id="every byte"),
        pytest.param(b"\r\n".join([b"Subject: x", b"", b"CRLF lines", b""]), id="CRLF"),
    ],
)
def test_odd_messages_are_queued_with_exact_bytes(message: bytes, whole_gate: Gate) -> None:
    assert whole_gate.run(message, ENVELOPE) == 0
    assert whole_gate.queue.only_message().message.endswith(message)


@pytest.mark.parametrize("octet", [b"\0", b"\r"])
def test_nul_and_bare_cr_in_a_mime_header_are_quarantined(octet: bytes, whole_gate: Gate) -> None:
    message = b"Subject: a" + octet + b"b\nMIME-Version: 1.0\nContent-Type: text/plain\n\nx\n"
    assert whole_gate.run(message, ENVELOPE) == 0
    assert whole_gate.queue.is_empty()
    assert whole_gate.quarantined("policy") == [message]


def test_a_header_line_of_ten_megabytes_is_never_taken_for_clean(whole_gate: Gate) -> None:
    message = b"X-Long: " + b"a" * 10_000_000 + b"\nSubject: x\n\nhello\n"
    assert whole_gate.run(message, ENVELOPE) == TEMPORARY
    assert whole_gate.queue.is_empty()
    wait_until(lambda: "over-limit" in whole_gate.log(), 10, "the log says why")


def test_a_message_over_the_limit_is_refused_for_good() -> None:
    with gate([], {"limits": {"message_bytes": 1_000_000}}) as running:
        message = b"Subject: x\n\n" + b"x" * 1_000_000
        assert running.run(message, ENVELOPE, TCPREMOTEIP="192.0.2.1") == 31
        assert running.queue.is_empty()
        assert running.is_quarantine_empty()


def test_a_local_message_over_the_limit_is_kept_whole() -> None:
    with gate([], {"limits": {"message_bytes": 1_000_000}}) as running:
        message = b"Subject: x\n\n" + b"x" * 1_000_000
        assert running.run(message, ENVELOPE) == 0
        assert running.queue.is_empty()
        assert running.quarantined("policy") == [message]


# Sockets


def test_a_missing_socket_defers(whole_gate: Gate) -> None:
    assert whole_gate.run(MESSAGE, ENVELOPE, MAILWARDEN_SOCKET="/nonexistent/s") == TEMPORARY


def test_a_stale_socket_defers(whole_gate: Gate, tmp_path: Path) -> None:
    stale = _stale_socket(whole_gate.folder / "stale")
    assert whole_gate.run(MESSAGE, ENVELOPE, MAILWARDEN_SOCKET=str(stale)) == TEMPORARY
    both = f"{stale}:{whole_gate.socket}"
    assert whole_gate.run(MESSAGE, ENVELOPE, MAILWARDEN_SOCKET=both) == 0


def test_a_user_who_is_not_named_is_deferred() -> None:
    with gate([], {"queue": {"users": ["root"]}}) as running:
        assert _run_as("nobody", running) == TEMPORARY
        assert running.queue.is_empty()
    with gate([], {"queue": {"users": ["nobody"]}}) as running:
        assert _run_as("nobody", running) == 0


def test_a_stale_socket_is_replaced_at_the_start() -> None:
    with gate(prepare=lambda folder: _stale_socket(folder / "queue.sock")) as running:
        assert running.run(MESSAGE, ENVELOPE) == 0


@pytest.mark.parametrize(
    ("socket_name", "complaint"),
    [
        ("log", "is not a socket"),
        ("queue.sock", "is listening there"),
        ("missing/queue.sock", "directory is missing"),
    ],
)
def test_a_place_that_is_taken_is_told_at_the_start(
    socket_name: str, complaint: str, whole_gate: Gate
) -> None:
    settings = (whole_gate.folder / "mailwarden.toml").read_text()
    second = whole_gate.folder / "second.toml"
    second.write_text(settings.replace("queue.sock", socket_name))
    result = subprocess.run(
        [installed("mailwarden"), "--config", second, "serve"],
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert result.returncode == 75
    assert complaint in result.stderr.decode()
    assert whole_gate.run(MESSAGE, ENVELOPE) == 0


# Full disks


def test_a_full_disk_in_quarantine_defers_and_leaves_nothing(whole_gate: Gate) -> None:
    message = FORBIDDEN + b"MZ0123456789\n" * 30_000
    with _no_file_above(100_000, whole_gate):
        assert whole_gate.run(message, ENVELOPE) == CANNOT_WRITE
        assert whole_gate.queue.is_empty()
        assert whole_gate.is_quarantine_empty()
    assert whole_gate.run(message, ENVELOPE) == 0
    assert whole_gate.quarantined("policy") == [message]


def test_a_full_spool_defers_and_leaves_nothing(whole_gate: Gate) -> None:
    message = MESSAGE + b"line\n" * 600_000
    with _no_file_above(2_000_000, whole_gate):
        assert whole_gate.run(message, ENVELOPE) == CANNOT_WRITE
        assert whole_gate.queue.is_empty()
    spool = whole_gate.folder / "spool"
    assert [left for left in spool.iterdir() if not left.name.startswith(PREFIX)] == []
    assert whole_gate.run(message, ENVELOPE) == 0


# Scanners


def test_a_hanging_clamd_defers() -> None:
    with (
        running_clamd() as clamd,
        gate(
            ["clamd"], {"clamd": {"addresses": [clamd.address], "timeout_seconds": 0.5}}
        ) as running,
    ):
        clamd.freeze()
        assert running.run(MESSAGE, ENVELOPE) == TEMPORARY
        clamd.thaw()
        assert running.run(MESSAGE, ENVELOPE) == 0


@pytest.mark.parametrize(
    ("scanner", "answer"),
    [
        pytest.param("clamd", b"", id="clamd says nothing"),
        pytest.param("clamd", b"1: fd[10]: O", id="clamd dies in the middle"),
        pytest.param("clamd", b"\xff\0\xff\0", id="clamd talks rubbish"),
        pytest.param("spamd", b"", id="spamd says nothing"),
        pytest.param("spamd", b"SPAMD/1.1 0 EX_OK\r\nSpam: Fal", id="spamd dies in the middle"),
        pytest.param("spamd", b"HTTP/1.0 200 OK\r\n\r\n", id="spamd talks rubbish"),
    ],
)
def test_a_scanner_that_dies_in_mid_answer_defers(
    scanner: str, answer: bytes, tmp_path: Path
) -> None:
    with _answering(answer) as address:
        sections: Sections = {scanner: {"addresses": [address], "timeout_seconds": 2}}
        with gate([scanner], sections) as running:
            assert running.run(MESSAGE, ENVELOPE, QS_SPAMASSASSIN="on") == TEMPORARY
            assert running.queue.is_empty()
            assert running.is_quarantine_empty()


def _stale_socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
    path.chmod(0o666)
    return path


def _run_as(user: str, running: Gate) -> int:
    """Run the client as another user; its exit code."""
    envelope = running.folder / "envelope"
    envelope.write_bytes(ENVELOPE)
    with envelope.open("rb") as opened:
        return subprocess.run(
            [running.client],
            input=None,
            stdin=subprocess.DEVNULL,
            stdout=opened,
            env=running.environment,
            user=pwd.getpwnam(user).pw_uid,
            group=pwd.getpwnam(user).pw_gid,
            extra_groups=[],
            check=False,
            timeout=60,
        ).returncode


@contextlib.contextmanager
def _no_file_above(size_bytes: int, running: Gate) -> Iterator[None]:
    """Writing fails beyond this size in every worker, as it does on a full disk."""
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in running.worker_pids()}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextlib.contextmanager
def _answering(answer: bytes) -> Iterator[str]:
    """A server that answers every connection with these bytes and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_all, args=(listener, answer), daemon=True)
        thread.start()
        yield f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _answer_all(listener: socket.socket, answer: bytes) -> None:
    while True:
        try:
            stream, _ = listener.accept()
        except OSError:
            return  # the test is over
        with stream, contextlib.suppress(OSError):
            stream.recv(65_536)
            stream.sendall(answer)
