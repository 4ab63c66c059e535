"""A real clamd with three signatures of the tests' own, on a unix socket and on TCP.

    with running_clamd() as clamd:
        ClamdSettings(addresses=(clamd.address,))

Its cache is off, so that a message seen before is looked at again.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from support.waiting import wait_until

_START_SECONDS = 30
_STOP_SECONDS = 10
# Another program may take the port between our asking for a free one and clamd's binding it.
_START_ATTEMPTS = 3

# The standard test file that every virus scanner knows; in two pieces, or they would know this one.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STAND" + b"ARD-ANTIVIRUS-TEST-FILE!$H+H*"
EICAR_NAME = "Test.Eicar.UNOFFICIAL"
# A harmless text that only this clamd takes for a virus, wherever in a message it stands.
MARKER = b"mailwarden-marker-" + b"for-the-tests"
MARKER_NAME = "Test.Marker.UNOFFICIAL"

_SIGNATURES = {
    "eicar.hdb": "44d88612fea8a8f36de82e1278abb02f:68:Test.Eicar\n",
    "marker.ndb": f"Test.Marker:0:*:{MARKER.hex()}\n",
}
_OPTIONS = {
    "Foreground": "yes",
    "DisableCache": "yes",
    "AlertEncrypted": "yes",
    "AlertExceedsMax": "yes",
    "StreamMaxLength": "50M",
    "MaxFileSize": "50M",
    "MaxScanSize": "200M",
}


class Clamd:
    """A clamd that can be stopped, killed, frozen and started again at the same addresses."""

    def __init__(self, folder: Path, options: dict[str, str]) -> None:
        self._folder = folder
        self._options = {**_OPTIONS, **options}
        self._process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        (folder / "signatures").mkdir()
        for name, text in _SIGNATURES.items():
            self.add_signature(name, text)

    @property
    def address(self) -> str:
        """Its unix socket, as settings write it."""
        return f"unix:{self._socket}"

    @property
    def tcp_address(self) -> str:
        """Its TCP address, as settings write it."""
        return f"tcp:127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running.pid

    def start(self) -> None:
        """Start it; ready when this returns."""
        for _ in range(_START_ATTEMPTS):
            if self._is_started():
                return
            self._port = _free_port()
        raise AssertionError(f"clamd did not start:\n{self.log()}")

    def stop(self) -> None:
        """End it in good order; safe to call when it is not running."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it at once, leaving its socket behind."""
        self._running.kill()
        self._running.wait()
        self._process = None

    def freeze(self) -> None:
        """Make it hang: the kernel still accepts connections for it."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._running.send_signal(signal.SIGCONT)

    def add_signature(self, name: str, text: str) -> None:
        """Write a signature file; read at the next start or `reload`."""
        (self._folder / "signatures" / name).write_text(text)

    def reload(self) -> None:
        """Have the signatures read again; `finds` says when it did."""
        assert self.ask(b"zRELOAD\0") == b"RELOADING\0"

    def finds(self, octets: bytes) -> bool:
        """It takes `octets` for a virus, asked on a connection of their own."""
        stream = len(octets).to_bytes(4, "big") + octets + bytes(4)
        return self.ask(b"zINSTREAM\0" + stream).endswith(b" FOUND\0")

    def ask(self, command: bytes) -> bytes:
        """Send one command, read the whole answer."""
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(_START_SECONDS)
            stream.connect(str(self._socket))
            stream.sendall(command)
            return b"".join(iter(lambda: stream.recv(4_096), b""))

    def log(self) -> str:
        """What clamd said so far."""
        return (self._folder / "log").read_text()

    @property
    def _socket(self) -> Path:
        return self._folder / "s"

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "clamd is not running"
        return self._process

    def _is_started(self) -> bool:
        self._socket.unlink(missing_ok=True)
        self._write_settings()
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program(), "--config-file", self._folder / "clamd.conf"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_ready_or_dead, _START_SECONDS, "clamd answers PING")
        return self._process.poll() is None

    def _is_ready_or_dead(self) -> bool:
        if self._running.poll() is not None:
            return True
        try:
            return self.ask(b"zPING\0") == b"PONG\0"
        except OSError:
            return False

    def _write_settings(self) -> None:
        options = {
            "LocalSocket": str(self._socket),
            "TCPSocket": str(self._port),
            "TCPAddr": "127.0.0.1",
            "DatabaseDirectory": str(self._folder / "signatures"),
            "TemporaryDirectory": str(self._folder),
            **self._options,
        }
        lines = (f"{name} {value}\n" for name, value in options.items())
        (self._folder / "clamd.conf").write_text("".join(lines))


@contextlib.contextmanager
def running_clamd(**options: str) -> Iterator[Clamd]:
    """A clamd until the end of the block; `options` are clamd.conf(5)'s."""
    folder = Path(tempfile.mkdtemp(prefix="mwc", dir="/tmp"))
    clamd = Clamd(folder, options)
    try:
        clamd.start()
        yield clamd
    finally:
        clamd.stop()
        shutil.rmtree(folder)


def _program() -> str:
    path = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin:/usr/local/sbin")
    assert path is not None, "clamd is missing: install the package clamav-daemon"
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
