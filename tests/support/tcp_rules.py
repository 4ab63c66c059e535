"""A real SMTP server whose clients get what the rules of tcpserver give them, and a client.

    with ruled_server(b':allow,QMAILQUEUE="..."\n', environment) as server:
        assert server.send(message, "127.0.0.25").code == 250

tcprules compiles the rules, tcpserver applies them to the address that a client really comes from;
QMAILQUEUE and all else of a rule reach the queue program through mailfront alone.
"""

import contextlib
import shutil
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.smtp import LOCAL_DOMAIN, RECIPIENT, SENDER

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SERVER_NAME = "mx.example.net"
_PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered to the end of the message."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class RuledServer:
    """A server on a port of 127.0.0.1, and the folder of its rules."""

    port: int
    folder: Path

    def build(self, rules: bytes) -> None:
        """Write tcp.smtp and rebuild tcp.smtp.cdb; holds for the next connection."""
        _build(self.folder, rules)

    def connection(self, address: str = "127.0.0.1") -> smtplib.SMTP:
        """A client that comes from this loopback address, greeted."""
        client = smtplib.SMTP(
            timeout=_PATIENCE_SECONDS, local_hostname="client", source_address=(address, 0)
        )
        client.connect("127.0.0.1", self.port)
        client.ehlo()
        return client

    def send(self, message: bytes, address: str = "127.0.0.1") -> Reply:
        """Send a message from this loopback address."""
        with self.connection(address) as client:
            return hand_over(client, message)


def hand_over(client: smtplib.SMTP, message: bytes) -> Reply:
    """Send a message, its lines ended by LF, in a session that is open, and stays so."""
    assert client.mail(SENDER)[0] == 250
    assert client.rcpt(RECIPIENT)[0] == 250
    code, text = client.data(message.replace(b"\n", b"\r\n"))
    return Reply(code, text.decode("ascii"))


@contextlib.contextmanager
def ruled_server(
    rules: bytes, environment: Mapping[str, str], *, seen_as: str = ""
) -> Iterator[RuledServer]:
    """smtpfront-qmail under tcpserver with these rules; stopped at the end.

    With `seen_as`, the rules apply to the loopback address, and the gate sees this one.
    """
    folder = Path(tempfile.mkdtemp(prefix="mwr", dir="/tmp"))
    try:
        _build(folder, rules)
        (folder / "control").mkdir()
        (folder / "control/rcpthosts").write_text(f"{LOCAL_DOMAIN}\n")
        with _started(folder, environment, seen_as) as process:
            assert process.stdout is not None
            yield RuledServer(int(process.stdout.readline()), folder)
    finally:
        shutil.rmtree(folder)


def _build(folder: Path, rules: bytes) -> None:
    (folder / "tcp.smtp").write_bytes(rules)
    cdb, new = folder / "tcp.smtp.cdb", folder / "tcp.smtp.tmp"
    subprocess.run(["tcprules", cdb, new], input=rules, check=True, timeout=_PATIENCE_SECONDS)


@contextlib.contextmanager
def _started(
    folder: Path, environment: Mapping[str, str], seen_as: str
) -> Iterator[subprocess.Popen[bytes]]:
    rules = ["-x", str(folder / "tcp.smtp.cdb")]
    seen = ["env", f"TCPREMOTEIP={seen_as}"] if seen_as else []
    process = subprocess.Popen(
        ["tcpserver", "-1RHl", _SERVER_NAME, *rules, "127.0.0.1", "0", *seen, "smtpfront-qmail"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": _PATH, "QMAILHOME": str(folder), **environment},
    )
    with process:  # closes its pipe, waits for it
        try:
            yield process
        finally:
            process.kill()
