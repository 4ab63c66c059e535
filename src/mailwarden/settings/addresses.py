"""Where a peer listens: `unix:/path`, `tcp:host:port`, as settings write it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# The kernel's sun_path holds 108 bytes with the closing NUL (unix(7)).
_UNIX_PATH_BYTES = 107
_TCP = re.compile(
    r"tcp:(?:\[(?P<literal>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]\s]+)):(?P<port>\d{1,5})"
)

# "Find it yourself", where a spamd is asked for.
AUTO = "auto"
# Where packages and how-tos put spamd's socket; below the root that is looked in.
_SPAMD_SOCKETS = (
    "run/spamd.sock",
    "run/spamd/spamd.sock",
    "run/spamd",
    "run/spamassassin/spamd.sock",
    "run/spamassassin.sock",
    "var/run/spamd.sock",
    "var/run/spamd",
    "tmp/spamd",
    "tmp/spamd.sock",
)
_SPAMD_TCP = "tcp:127.0.0.1:783"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket in the file system."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host name or IP address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp:{host}:{self.port}"


Address = UnixAddress | TcpAddress


def parse_address(text: str) -> Address:
    """Read an address; raises `ValueError` that says what was expected."""
    scheme, _, rest = text.partition(":")
    if scheme == "unix" and rest.startswith("/"):
        if len(rest.encode()) > _UNIX_PATH_BYTES:
            raise ValueError(f"a socket's path may have at most {_UNIX_PATH_BYTES} bytes")
        return UnixAddress(rest)
    if (match := _TCP.fullmatch(text)) and 0 < int(match["port"]) < 2**16:
        return TcpAddress(match["literal"] or match["host"], int(match["port"]))
    raise ValueError("expected unix:/path, tcp:host:port or tcp:[ipv6]:port")


def spamd_addresses(given: Iterable[str], root: Path) -> tuple[str, ...]:
    """The same addresses, with what is found below `root` in place of `auto` (sa-socket)."""
    return tuple(address if address != AUTO else detect_spamd(root) for address in given)


def detect_spamd(root: Path) -> str:
    """Where this machine's spamd listens: a socket where it usually is, else the usual port."""
    for name in _SPAMD_SOCKETS:
        path = root / name
        if path.is_socket():
            return f"unix:{path}"
    return _SPAMD_TCP
