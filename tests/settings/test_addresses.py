"""Where a peer listens, as settings write it."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.settings.addresses import (
    Address,
    TcpAddress,
    UnixAddress,
    parse_address,
    spamd_addresses,
)

ADDRESSES = [
    ("unix:/run/clamav/clamd.ctl", UnixAddress("/run/clamav/clamd.ctl")),
    ("tcp:127.0.0.1:783", TcpAddress("127.0.0.1", 783)),
    ("tcp:spamd.example.org:1", TcpAddress("spamd.example.org", 1)),
    ("tcp:[::1]:65535", TcpAddress("::1", 65_535)),
]


@pytest.mark.parametrize(("text", "address"), ADDRESSES)
def test_an_address_is_read_and_written_the_same(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/run/clamd.ctl",
        "unix:",
        "unix:run/clamd.ctl",
        "tcp:localhost",
        "tcp:localhost:0",
        "tcp:localhost:65536",
        "tcp::1:783",
        "tcp:[::1:783",
        "tcp:[]:783",
        "tcp:local host:783",
        "tcp:localhost:783\n",
        "http:localhost:80",
    ],
)
def test_anything_else_says_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected unix:/path, tcp:host:port"):
        parse_address(text)


def test_a_socket_path_that_the_kernel_cannot_hold_is_refused() -> None:
    parse_address(f"unix:/{'a' * 106}")
    with pytest.raises(ValueError, match="at most 107 bytes"):
        parse_address(f"unix:/{'a' * 107}")


@pytest.fixture
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mw-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize("name", ["run/spamd.sock", "run/spamassassin/spamd.sock", "tmp/spamd"])
def test_auto_is_the_socket_that_is_where_it_usually_is(root: Path, name: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        assert spamd_addresses(["auto", "tcp:a:1"], root) == (f"unix:{path}", "tcp:a:1")


def test_auto_is_the_usual_port_where_there_is_no_socket(root: Path) -> None:
    (root / "run").mkdir()
    (root / "run" / "spamd").touch()
    assert spamd_addresses(["auto"], root) == ("tcp:127.0.0.1:783",)
