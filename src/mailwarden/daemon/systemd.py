"""The service manager's words: readiness, watchdog, passed sockets.

Sources: sd_notify(3), sd_listen_fds(3).
"""

import os
import socket
from collections.abc import Mapping

_FIRST_PASSED_DESCRIPTOR = 3


class ServiceManager:
    """Talks to the service manager named by the environment; to nobody when there is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._place = environment.get("NOTIFY_SOCKET", "")
        self._watchdog_microseconds = _number(environment.get("WATCHDOG_USEC", ""))
        own = environment.get("LISTEN_PID", "") == str(os.getpid())
        self._passed = _number(environment.get("LISTEN_FDS", "")) if own else 0

    @property
    def watchdog_seconds(self) -> float:
        """How often to say that we live, twice as often as asked; 0 when nobody asks."""
        return self._watchdog_microseconds / 2_000_000

    def passed_sockets(self) -> list[socket.socket]:
        """Listening sockets that the service manager opened for us."""
        last = _FIRST_PASSED_DESCRIPTOR + self._passed
        return [socket.socket(fileno=number) for number in range(_FIRST_PASSED_DESCRIPTOR, last)]

    def tell(self, *assignments: str) -> None:
        """Send `READY=1` and the like; a service manager that is away is no reason to stop."""
        if not self._place:
            return
        place = "\0" + self._place[1:] if self._place.startswith("@") else self._place
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            try:
                channel.sendto("\n".join(assignments).encode(), place)
            except OSError:
                return


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
