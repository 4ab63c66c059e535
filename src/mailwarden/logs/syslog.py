"""Syslog on this machine, through its datagram socket, as syslog(3) talks to it (RFC 3164).

    <22>Nov 12 10:21:17 qmail-scanner[12345]: ...

Not logging.handlers.SysLogHandler: it knows no time and no process id, ends messages with a NUL
and prints its troubles on standard error.
"""

import contextlib
import socket
from pathlib import Path

from mailwarden.logs.facts import date_text

# Facility mail, priority info (facts 4.5): 2 * 8 + 6, RFC 3164 section 4.1.1.
_MAIL_INFO = 22
# A burst may fill the socket's queue, which is short (unix(7), max_dgram_qlen) and soon read.
_PATIENCE_SECONDS = 1.0


def stamped(line: str, at: float) -> str:
    """A line with priority and time in front, as syslog(3) sends it; `at` is of the epoch."""
    _, day, month, _, clock, _ = date_text(at).split()
    return f"<{_MAIL_INFO}>{month} {int(day):2} {clock} {line}"


class Syslog:
    """Sends lines; who listens may come and go."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._patience = _PATIENCE_SECONDS

    @property
    def name(self) -> str:
        """What people know it by."""
        return f"syslog at {self._path}"

    def write(self, lines: list[bytes]) -> int:
        """Send lines that `stamped` made, each with its end; returns how many were sent.

        Raises `OSError` when not even the first was. Who did not read in time is not waited for
        again before it does.
        """
        for number, line in enumerate(lines):
            try:
                self._send(line.removesuffix(b"\n"))
            except OSError:
                self._patience = 0.0
                if not number:
                    raise
                return number
            self._patience = _PATIENCE_SECONDS
        return len(lines)

    def close(self) -> None:
        """Give the socket back."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def _send(self, line: bytes) -> None:
        """Send one; a syslog that was started anew has a new socket under the old name."""
        if self._socket:
            with contextlib.suppress(ConnectionError):
                self._socket.settimeout(self._patience)
                self._socket.send(line)
                return
        self.close()
        self._socket = _connected(self._path)
        self._socket.settimeout(self._patience)
        self._socket.send(line)


def _connected(path: Path) -> socket.socket:
    connecting = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        connecting.connect(str(path))
    except OSError:
        connecting.close()
        raise
    return connecting
