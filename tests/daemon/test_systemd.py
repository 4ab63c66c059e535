"""The service manager's words, said and heard."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.daemon.systemd import ServiceManager
from support.daemon_process import daemon_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with daemon_folder() as made:
        yield made


@pytest.mark.parametrize("is_abstract", [False, True])
def test_assignments_go_to_the_manager_in_one_packet(folder: Path, is_abstract: bool) -> None:
    name = f"@mailwarden-test-{os.getpid()}" if is_abstract else str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind("\0" + name[1:] if is_abstract else name)
        ear.settimeout(10)
        ServiceManager({"NOTIFY_SOCKET": name}).tell("READY=1", "STATUS=2 workers")
        assert ear.recv(1_000) == b"READY=1\nSTATUS=2 workers"


@pytest.mark.parametrize("place", ["", "/no/such/socket", "relative", "@", "/" + "x" * 200])
def test_a_manager_that_is_away_is_no_reason_to_stop(place: str) -> None:
    ServiceManager({"NOTIFY_SOCKET": place}).tell("READY=1")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0.0), ("30000000", 15.0), ("-1", 0.0), ("x", 0.0), ("1e9", 0.0), ("٣", 0.0)],
)
def test_the_watchdog_is_fed_twice_as_often_as_asked(text: str, seconds: float) -> None:
    assert ServiceManager({"WATCHDOG_USEC": text}).watchdog_seconds == seconds


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": ""},
        {"LISTEN_FDS": "0", "LISTEN_PID": str(os.getpid())},
        {"LISTEN_FDS": "many", "LISTEN_PID": str(os.getpid())},
    ],
)
def test_sockets_that_were_not_passed_to_us_are_not_taken(environment: dict[str, str]) -> None:
    assert ServiceManager(environment).passed_sockets() == []
