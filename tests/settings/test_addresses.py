"""Where a peer listens, as settings write it."""

import pytest

from mailwarden.settings.addresses import Address, TcpAddress, UnixAddress, parse_address

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
