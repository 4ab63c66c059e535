"""The listening socket: taken over when stale, never from the living, never a file."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.daemon.listening import ListeningError, adopt, leave, listen_at
from support.daemon_process import daemon_folder, is_listening


@pytest.fixture
def place() -> Iterator[Path]:
    with daemon_folder() as folder:
        yield folder / "queue.sock"


def test_every_user_may_connect(place: Path) -> None:
    with listen_at(place) as listener:
        assert stat.S_IMODE(place.stat().st_mode) == 0o666
        assert not listener.getblocking()
        assert not os.get_inheritable(listener.fileno())
        assert is_listening(place)


def test_a_stale_socket_is_taken_over(place: Path) -> None:
    listen_at(place).close()
    assert place.exists()
    with listen_at(place):
        assert is_listening(place)


def test_a_living_socket_is_refused_and_lives_on(place: Path) -> None:
    with listen_at(place):
        with pytest.raises(ListeningError, match="another program is listening"):
            listen_at(place)
        assert is_listening(place)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_another_program_s_living_socket_is_left_alone(place: Path, kind: int) -> None:
    """A slip in queue.socket may not take clamd's socket away."""
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(str(place))
        if kind == socket.SOCK_STREAM:
            other.listen()
        with pytest.raises(ListeningError, match="another program is listening"):
            listen_at(place)
        with socket.socket(socket.AF_UNIX, kind) as probe:
            assert probe.connect_ex(str(place)) == 0


def test_a_living_socket_with_a_full_queue_is_refused(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(str(place))
        other.listen(0)
        waiting = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)]
        for one in waiting:
            one.setblocking(False)  # noqa: FBT003 - the standard library's signature
            one.connect_ex(str(place))
        with pytest.raises(ListeningError, match="another program is listening"):
            listen_at(place)
        for one in waiting:
            one.close()


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("x")])
def test_what_is_no_socket_is_refused_and_kept(place: Path, make: object) -> None:
    assert callable(make)
    make(place)
    with pytest.raises(ListeningError, match=r"queue\.sock is there and is not a socket"):
        listen_at(place)
    assert os.path.lexists(place)


def test_a_missing_directory_is_named(place: Path) -> None:
    with pytest.raises(ListeningError, match="its directory is missing"):
        listen_at(place.parent / "absent" / "queue.sock")


def test_a_file_for_a_directory_is_named(place: Path) -> None:
    place.parent.joinpath("file").touch()
    with pytest.raises(ListeningError, match="Not a directory"):
        listen_at(place.parent / "file" / "queue.sock")


def test_a_directory_that_may_only_be_read_is_named(place: Path) -> None:
    with pytest.raises(ListeningError, match=r"/proc/queue\.sock: "):
        listen_at(Path("/proc/queue.sock"))


def test_leaving_removes_what_nobody_serves(place: Path) -> None:
    listen_at(place).close()
    leave(place)
    assert not place.exists()
    leave(place)


def test_leaving_keeps_what_another_serves(place: Path) -> None:
    with listen_at(place):
        leave(place)
        assert is_listening(place)


def test_passed_sockets_no_longer_block(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as passed:
        assert passed.getblocking()
        assert adopt([passed]) == [passed]
        assert not passed.getblocking()
    assert adopt([]) == []


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (socket.AF_UNIX, socket.SOCK_STREAM),
        (socket.AF_UNIX, socket.SOCK_DGRAM),
        (socket.AF_INET, socket.SOCK_STREAM),
    ],
)
def test_passed_sockets_of_another_type_are_refused(family: int, kind: int) -> None:
    with (
        socket.socket(family, kind) as passed,
        pytest.raises(ListeningError, match="ListenSequentialPacket"),
    ):
        adopt([passed])
