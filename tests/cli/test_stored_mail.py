"""Which messages there are below a path, and their bytes."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.cli.stored_mail import StoredMessage, open_message, stored_messages
from mailwarden.net.payload import MemoryPayload, SpoolPayload

MEMORY_BYTES = 1_000
FROM = b"From ann@sender.example Mon Mar  3 10:00:00 2025\n"


def written(path: Path, octets: bytes = b"Subject: x\n\nbody\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return path


def names(folder: Path) -> list[str]:
    found = stored_messages([str(folder)])
    return [stored.name.removeprefix(f"{folder}/") for stored in found]


def octets_of(stored: StoredMessage) -> bytes:
    payload = open_message(stored, MEMORY_BYTES)
    try:
        return payload.chunk(0, payload.size_bytes)
    finally:
        payload.close()


def messages_of(path: Path) -> list[bytes]:
    return [octets_of(stored) for stored in stored_messages([str(path)])]


def test_a_file_is_one_message_with_its_exact_bytes(tmp_path: Path) -> None:
    octets = bytes(range(256)) + b"\r\n\n"
    assert messages_of(written(tmp_path / "m", octets)) == [octets]


def test_a_file_of_0_bytes_is_a_message_of_0_bytes(tmp_path: Path) -> None:
    assert messages_of(written(tmp_path / "m", b"")) == [b""]


def test_a_file_larger_than_memory_bytes_is_a_copy_on_disk(tmp_path: Path) -> None:
    octets = os.urandom(3_000_000)
    path = written(tmp_path / "m", octets)
    payload = open_message(StoredMessage(str(path)), MEMORY_BYTES)
    try:
        path.write_bytes(b"")
        assert isinstance(payload, SpoolPayload)
        assert payload.raw[:] == octets
    finally:
        payload.close()


@pytest.mark.parametrize("more", [0, 1])
def test_memory_bytes_is_the_largest_that_stays_in_memory(tmp_path: Path, more: int) -> None:
    path = written(tmp_path / "m", bytes(MEMORY_BYTES + more))
    payload = open_message(StoredMessage(str(path)), MEMORY_BYTES)
    try:
        assert isinstance(payload, MemoryPayload) is not bool(more)
        assert payload.size_bytes == MEMORY_BYTES + more
    finally:
        payload.close()


def test_folders_are_taken_by_name_and_to_their_depth(tmp_path: Path) -> None:
    for name in ("b", "a/z", "a/b/c/d", "c", "B"):
        written(tmp_path / name)
    assert names(tmp_path) == ["B", "a/b/c/d", "a/z", "b", "c"]


def test_paths_keep_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    paths = [str(written(tmp_path / name)) for name in ("b", "a", "c")]
    again = [*paths, paths[0]]
    assert [stored.path for stored in stored_messages(again)] == again


def test_a_maildir_is_its_cur_and_new_and_its_folders(tmp_path: Path) -> None:
    for folder in (".", ".Sent"):
        for name in ("cur/1:2,S", "new/2", "tmp/3", "dovecot.index"):
            written(tmp_path / folder / name)
    assert names(tmp_path) == [".Sent/cur/1:2,S", ".Sent/new/2", "cur/1:2,S", "new/2"]


def test_a_folder_that_only_looks_like_a_maildir_is_read_whole(tmp_path: Path) -> None:
    for name in ("new/2", "tmp/3", "4"):
        written(tmp_path / name)
    assert names(tmp_path) == ["4", "new/2", "tmp/3"]


def test_links_that_lead_back_are_followed_once(tmp_path: Path) -> None:
    written(tmp_path / "a/m")
    (tmp_path / "a/self").symlink_to(tmp_path / "a")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert names(tmp_path) == ["a/m"]


def test_a_deep_folder_is_no_recursion(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(1_200):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(os.open("m", os.O_WRONLY | os.O_CREAT, dir_fd=here))
        assert names(tmp_path) == ["d/" * 1_200 + "m"]
    finally:
        os.close(here)
        # pytest's own removal of the folder would be a recursion.
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)


def test_a_path_that_is_not_utf8_is_a_path(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe\x1b[2J")
    assert messages_of(written(tmp_path / name, b"x")) == [b"x"]


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Path]:
    """A folder of what is no message."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with tempfile.TemporaryDirectory(dir="/tmp") as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/s")
        Path(short, "s").rename(tmp_path / "socket")
        yield tmp_path


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fifo", "neither a file nor a folder"),
        ("dangling", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("socket", "No such device or address"),
    ],
)
def test_what_cannot_be_looked_at_is_named_and_never_waited_for(
    odd: Path, name: str, reason: str
) -> None:
    stored = next(one for one in stored_messages([str(odd)]) if one.name == f"{odd}/{name}")
    with pytest.raises(OSError, match=reason):
        open_message(stored, MEMORY_BYTES)


def test_a_device_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="neither a file nor a folder"):
        open_message(StoredMessage("/dev/zero"), MEMORY_BYTES)


def test_a_file_that_is_gone_is_told_when_it_is_opened(tmp_path: Path) -> None:
    (stored,) = stored_messages([str(tmp_path / "gone")])
    with pytest.raises(FileNotFoundError):
        open_message(stored, MEMORY_BYTES)


def test_an_mbox_is_taken_apart_without_its_own_lines(tmp_path: Path) -> None:
    first = b"Subject: 1\n\nFrom here to there\n>From x\n"
    second = b"Subject: 2\n\nbody\n\nFrom now on, all is well.\n"
    third = b"Subject: 3\n\nno newline at the end"
    path = written(tmp_path / "mbox", b"\n".join(FROM + one for one in (first, second, third)))
    assert names(path.parent) == ["mbox#1", "mbox#2", "mbox#3"]
    assert messages_of(path) == [first, second, third]


def test_an_mbox_may_have_crlf(tmp_path: Path) -> None:
    from_line = FROM.replace(b"\n", b"\r\n")
    messages = [b"Subject: 1\r\n\r\none\r\n", b"Subject: 2\r\n\r\ntwo\r\n"]
    path = written(tmp_path / "mbox", b"\r\n".join(from_line + one for one in messages))
    assert messages_of(path) == messages


def test_a_large_message_of_an_mbox_is_whole(tmp_path: Path) -> None:
    messages = [b"Subject: 1\n\n" + b"x" * 2_500_000 + b"\n", b"Subject: 2\n\n"]
    path = written(tmp_path / "mbox", b"\n".join(FROM + one for one in messages))
    assert messages_of(path) == messages


def test_a_single_message_loses_only_the_line_that_an_mbox_put_before_it(tmp_path: Path) -> None:
    path = written(tmp_path / "m", FROM + b"Subject: 1\n\nbody\n\n")
    assert names(tmp_path) == ["m"]
    assert messages_of(path) == [b"Subject: 1\n\nbody\n\n"]


def test_a_message_that_begins_with_a_sentence_is_no_mbox(tmp_path: Path) -> None:
    octets = b"From here: it goes on\n\nbody\n\n" + FROM + b"Subject: 2\n\n"
    assert messages_of(written(tmp_path / "m", octets)) == [octets]


def test_an_mbox_that_is_cut_meanwhile_is_not_taken_for_less(tmp_path: Path) -> None:
    path = written(tmp_path / "mbox", (FROM + b"Subject: x\n\nbody\n\n") * 2)
    _, second = stored_messages([str(path)])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(OSError, match="changed"):
        open_message(second, MEMORY_BYTES)


@pytest.mark.timeout(30)
def test_an_mbox_of_many_messages_is_read_in_linear_time(tmp_path: Path) -> None:
    one = FROM + b"Subject: x\n\n" + b"body\n" * 50 + b"\n"
    path = written(tmp_path / "mbox", one * 20_000)
    found = list(stored_messages([str(path)]))
    assert len(found) == 20_000
    assert {len(octets_of(stored)) for stored in found[:19_999]} == {len(one) - len(FROM) - 1}
