"""Real SMTP servers that speak the qmail-queue interface, and a real client.

Both servers run with nothing in their environment but what is given, on a loopback port of their
own, and are stopped at the end.
mailfront is the closest thing to qmail-smtpd in Debian; it answers 554 to code 31 and 451 to
temporary ones. qpsmtpd makes every code temporary and runs as an unprivileged user.
"""

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOCAL_DOMAIN = "example.net"
SENDER = "sender@example.org"
RECIPIENT = f"user@{LOCAL_DOMAIN}"
# TEST-NET-1 (RFC 5737): a stranger, as far as the gate can see.
STRANGER_IP = "192.0.2.1"

_QPSMTPD_USER = "qpsmtpd"  # made by the Debian package; qpsmtpd refuses to serve as root
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SERVER_NAME = "mx.example.net"
_START_SECONDS = 20
_STOP_SECONDS = 10
_POLL_SECONDS = 0.02
_REPLY = re.compile(r"^<(?:-|\*\*) +(\d{3}) (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A server that accepts mail for `LOCAL_DOMAIN` on a port of 127.0.0.1."""

    port: int


@dataclass(frozen=True, slots=True)
class SwaksResult:
    """The server's answer to the message, or the first refusal before it."""

    code: int
    text: str


@contextlib.contextmanager
def mailfront(
    queue_program: Path, environment: Mapping[str, str], remote_ip: str = STRANGER_IP
) -> Iterator[SmtpServer]:
    """mailfront's smtpfront-qmail under tcpserver; its clients seem to come from `remote_ip`."""
    with _folder() as home:
        (home / "control").mkdir()
        (home / "control/rcpthosts").write_text(f"{LOCAL_DOMAIN}\n")
        variables = {
            "PATH": _PATH,
            "QMAILHOME": str(home),
            "QMAILQUEUE": str(queue_program),
            **environment,
        }
        listen = ["tcpserver", "-1RHl", _SERVER_NAME, "127.0.0.1", "0"]
        seen = ["env", f"TCPREMOTEIP={remote_ip}", "smtpfront-qmail"]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [*listen, *seen], stdout=subprocess.PIPE, stderr=log, env=variables
            )
        with _stopped_at_the_end(process):
            assert process.stdout is not None
            yield SmtpServer(int(process.stdout.readline()))


@contextlib.contextmanager
def qpsmtpd(queue_program: Path, environment: Mapping[str, str]) -> Iterator[SmtpServer]:
    """qpsmtpd-forkserver with its qmail-queue plug-in, as its own user."""
    with _folder() as home:
        port = free_port()
        _configure_qpsmtpd(home, queue_program)
        variables = {
            "PATH": _PATH,
            "QPSMTPD_CONFIG": str(home),
            "QMAILQUEUE": str(queue_program),
            **environment,
        }
        listen = ["-l", "127.0.0.1", "-p", str(port), "--no-rdns"]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                ["qpsmtpd-forkserver", *listen, "-u", _qpsmtpd_user()],
                stdout=log,
                stderr=log,
                env=variables,
            )
        with _stopped_at_the_end(process):
            _wait_for_port(port, process, home / "log")
            yield SmtpServer(port)


def send(
    server: SmtpServer,
    message: bytes,
    *,
    sender: str = SENDER,
    recipients: Sequence[str] = (RECIPIENT,),
    timeout_seconds: int = 60,
) -> SwaksResult:
    """Send `message` (lines ended by LF) with swaks, exactly; an empty sender is a bounce."""
    addresses = ["--from", sender or "<>", "--to", ",".join(recipients)]
    place = ["--server", f"127.0.0.1:{server.port}", "--ehlo", "client.example.org"]
    manner = ["--timeout", str(timeout_seconds), "--suppress-data", "--no-data-fixup"]
    result = subprocess.run(
        ["swaks", *place, *addresses, *manner, "--data", "-"],
        input=_as_data(message),
        capture_output=True,
        check=False,
        timeout=timeout_seconds + 10,
    )
    return _read_transcript(result.stdout.decode("ascii", "replace"))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _as_data(message: bytes) -> bytes:
    stuffed = re.sub(rb"(?m)^\.", b"..", message).replace(b"\n", b"\r\n")
    ending = b"." if stuffed.endswith(b"\r\n") or not stuffed else b"\r\n."
    return stuffed + ending


def _read_transcript(transcript: str) -> SwaksResult:
    replies = [SwaksResult(int(code), text) for code, text in _REPLY.findall(transcript)]
    codes = [reply.code for reply in replies]
    if 354 in codes:  # "start mail input": the next reply is the one to the message
        return replies[codes.index(354) + 1]
    return next(reply for reply in replies if reply.code >= 400)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mws", dir="/tmp"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


def _configure_qpsmtpd(home: Path, queue_program: Path) -> None:
    spool = home / "spool"
    spool.mkdir(mode=0o700)
    shutil.chown(spool, _qpsmtpd_user())
    files = {
        "plugins": f"rcpt_ok\nqueue/qmail-queue {queue_program}",
        "plugin_dirs": "/usr/share/qpsmtpd/plugins",
        "logging": "logging/warn LOGNOTICE",
        "spool_dir": str(spool),
        "rcpthosts": LOCAL_DOMAIN,
        "me": _SERVER_NAME,
    }
    for name, line in files.items():
        (home / name).write_text(f"{line}\n")


def _qpsmtpd_user() -> str:
    return _QPSMTPD_USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(_POLL_SECONDS)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


@contextlib.contextmanager
def _stopped_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    with process:  # closes its pipes, waits for it
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
