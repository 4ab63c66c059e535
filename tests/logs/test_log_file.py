"""A log file under the hands of others: logrotate, other workers, a full disk."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from mailwarden.logs.log_file import LogFile
from support.tiny_disk import tiny_disk


def test_lines_are_appended_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"before\n")
    file = LogFile(path)
    assert file.write([b"one\n", b"two\n"]) == 2
    assert file.write([b"three\n"]) == 1
    file.close()
    assert path.read_bytes() == b"before\none\ntwo\nthree\n"


def test_a_new_file_can_be_read_by_its_group_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        file = LogFile(tmp_path / "a.log")
        file.write([b"one\n"])
    finally:
        os.umask(before)
    file.close()
    assert stat.S_IMODE((tmp_path / "a.log").stat().st_mode) == 0o640


def test_the_mode_that_an_administrator_gave_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.touch(0o600)
    file = LogFile(path)
    file.write([b"one\n"])
    file.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_renamed_file_is_left_and_a_new_one_made(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    file = LogFile(path)
    file.write([b"one\n"])
    path.rename(tmp_path / "a.log.1")
    file.write([b"two\n"])
    path.rename(tmp_path / "a.log.2")
    path.touch()
    file.write([b"three\n"])
    path.unlink()
    file.write([b"four\n"])
    file.close()
    assert (tmp_path / "a.log.1").read_bytes() == b"one\n"
    assert (tmp_path / "a.log.2").read_bytes() == b"two\n"
    assert path.read_bytes() == b"four\n"


def test_a_file_that_was_cut_back_is_gone_on_with_at_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    file = LogFile(path)
    file.write([b"one\n"])
    os.truncate(path, 0)
    file.write([b"two\n"])
    file.close()
    assert path.read_bytes() == b"two\n"


def test_a_missing_folder_is_an_error_until_it_is_there(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "logs" / "a.log")
    with pytest.raises(FileNotFoundError):
        file.write([b"one\n"])
    (tmp_path / "logs").mkdir()
    assert file.write([b"two\n"]) == 1
    file.close()


def test_a_link_that_leads_nowhere_is_an_error_and_no_new_file(tmp_path: Path) -> None:
    (tmp_path / "a.log").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        LogFile(tmp_path / "a.log").write([b"one\n"])
    assert not (tmp_path / "nowhere").exists()


def test_a_line_that_somebody_left_torn_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntor")
    file = LogFile(path)
    file.write([b"two\n"])
    file.close()
    assert path.read_bytes() == b"one\ntor\ntwo\n"


def test_on_a_disk_that_gets_full_the_lines_that_are_whole_are_counted() -> None:
    with tiny_disk(16) as folder:
        file = LogFile(folder / "a.log")
        line = b"x" * 999 + b"\n"
        written = file.write([line] * 20)
        assert 0 < written < 20
        with pytest.raises(OSError, match="No space left"):
            file.write([line])
        os.truncate(folder / "a.log", written * len(line) + 100)
        assert file.write([b"after\n"]) == 1
        file.close()
        lines = (folder / "a.log").read_bytes().splitlines()
        assert [len(one) for one in lines] == [999] * written + [100, 5]


def _append(path: Path, mark: bytes, start: "multiprocessing.synchronize.Barrier") -> None:
    file = LogFile(path)
    start.wait()
    for _ in range(100):
        file.write([mark * 20_000 + b"\n"] * 3)
    file.close()


def test_the_lines_of_several_processes_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(3)
    workers = [
        fork.Process(target=_append, args=(path, mark, start)) for mark in (b"a", b"b", b"c")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    lines = path.read_bytes().splitlines()
    assert len(lines) == 3 * 100 * 3
    assert {(len(line), len(set(line))) for line in lines} == {(20_000, 1)}
