"""What is found on a machine."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.installation.layout import Service
from mailwarden.installation.machine import Machine
from mailwarden.installation.surroundings import (
    Surroundings,
    look_around,
    service_of,
    units_folder,
)
from support.bare_root import bare_root


@pytest.fixture
def root() -> Iterator[Path]:
    with bare_root() as root:
        yield root


def write(path: Path, content: bytes = b"", mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


@contextlib.contextmanager
def listening(path: Path, mode: int) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(mode)
        yield


def test_on_an_empty_machine_nothing_is_found(root: Path) -> None:
    assert look_around(Machine(root)) == Surroundings()


@pytest.mark.parametrize("place", ["/var/qmail/bin/qmail-queue", "/usr/sbin/qmail-queue"])
def test_the_real_queue_is_found_where_it_can_be_executed(root: Path, place: str) -> None:
    path = root / place[1:]
    write(path, mode=0o644)
    assert look_around(Machine(root)).queue_program is None
    path.chmod(0o4711)
    assert look_around(Machine(root)).queue_program == Path(place)


@pytest.mark.parametrize(
    ("content", "flavour"),
    [
        (b"\x7fELF ... QMAILQUEUE\0", "plain"),
        (b"\x7fELF ... QMAILQUEUE\0ERROR_FD\0", "sagredo"),
        (b"\x7fELF ... ERROR_FD\0 /etc/indimail \0", "indimail"),
    ],
)
def test_the_flavour_is_told_by_what_qmail_smtpd_knows(
    root: Path, content: bytes, flavour: str
) -> None:
    write(root / "var/qmail/bin/qmail-queue", mode=0o755)
    assert look_around(Machine(root)).flavour == "plain"
    write(root / "var/qmail/bin/qmail-smtpd", content)
    assert look_around(Machine(root)).flavour == flavour


def test_clamds_own_settings_say_where_it_listens(root: Path) -> None:
    write(root / "etc/clamav/clamd.conf", b"#LocalSocket /no\nLocalSocket /srv/av/clamd.sock\n")
    assert look_around(Machine(root)).clamd == "unix:/srv/av/clamd.sock"


def test_without_a_socket_clamds_port_is_found(root: Path) -> None:
    write(root / "etc/clamd.conf", b"TCPSocket 3310\nLogTime\n")
    assert look_around(Machine(root)).clamd == "tcp:127.0.0.1:3310"


@pytest.mark.parametrize(("mode", "group"), [(0o666, None), (0o660, "root"), (0o600, None)])
def test_the_group_of_clamds_socket_is_needed_when_only_it_may_connect(
    root: Path, mode: int, group: str | None
) -> None:
    with listening(root / "run/clamav/clamd.sock", mode):
        found = look_around(Machine(root))
    assert (found.clamd, found.clamd_group) == ("unix:/run/clamav/clamd.sock", group)


def test_spamds_socket_is_found_and_told_as_that_machine_knows_it(root: Path) -> None:
    with listening(root / "run/spamd.sock", 0o666):
        assert look_around(Machine(root)).spamd == "unix:/run/spamd.sock"


def test_who_starts_services_is_seen_from_its_directories(root: Path) -> None:
    assert service_of(Machine(root)) is Service.NONE
    (root / "service").mkdir()
    assert service_of(Machine(root)) is Service.DAEMONTOOLS
    (root / "run/systemd/system").mkdir(parents=True)
    assert service_of(Machine(root)) is Service.SYSTEMD


def test_units_that_a_package_brought_are_not_doubled(root: Path) -> None:
    assert units_folder(Machine(root)) == Path("/etc/systemd/system")
    write(root / "usr/lib/systemd/system/mailwarden.service")
    assert units_folder(Machine(root)) == Path("/usr/lib/systemd/system")
