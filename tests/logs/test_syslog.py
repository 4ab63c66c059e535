"""Syslog: a real datagram socket that comes and goes, and whose reader may sleep."""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.logs.syslog import Syslog, stamped
from support.log_records import AT, time_zone


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mws", dir="/tmp") as folder:
        yield Path(folder, "log")


def listening(place: Path) -> socket.socket:
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.settimeout(10)
    receiver.bind(str(place))
    return receiver


def test_a_line_is_stamped_as_syslog_wants_it() -> None:
    with time_zone("EST5"):
        assert stamped("qmail-scanner[1]: x", AT) == "<22>Feb 12 10:34:16 qmail-scanner[1]: x"
        fourth = AT - 8 * 86_400
        assert stamped("y", fourth) == "<22>Feb  4 10:34:16 y", "a day of one digit has a blank"


def test_each_line_is_a_datagram_without_its_end(place: Path) -> None:
    with listening(place) as receiver:
        syslog = Syslog(place)
        assert syslog.write([b"one\n", b"two\n"]) == 2
        assert [receiver.recv(1_000), receiver.recv(1_000)] == [b"one", b"two"]
        syslog.close()


def test_a_syslog_that_is_away_is_an_error(place: Path) -> None:
    syslog = Syslog(place)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            syslog.write([b"one\n"])


def test_a_syslog_that_is_started_anew_is_found(place: Path) -> None:
    syslog = Syslog(place)
    with listening(place):
        syslog.write([b"one\n"])
    with pytest.raises(ConnectionRefusedError):
        syslog.write([b"two\n"])
    place.unlink()
    with listening(place) as receiver:
        assert syslog.write([b"three\n"]) == 1
        assert receiver.recv(1_000) == b"three"
    syslog.close()


def test_a_syslog_that_does_not_read_costs_a_moment_and_then_nothing(place: Path) -> None:
    with listening(place) as receiver:
        syslog = Syslog(place)
        lines = [b"line\n"] * 10_000
        started = time.monotonic()
        sent = syslog.write(lines)
        assert 0 < sent < len(lines)
        for _ in range(100):
            with pytest.raises(BlockingIOError):
                syslog.write([b"more\n"])
        assert time.monotonic() - started < 5
        for _ in range(sent):
            receiver.recv(1_000)
        assert syslog.write([b"after\n"]) == 1
        assert receiver.recv(1_000) == b"after"
        reader = threading.Thread(target=lambda: [receiver.recv(1_000) for _ in lines])
        reader.start()
        assert syslog.write(lines) == len(lines), "who reads again is waited for again"
        reader.join()
        syslog.close()
