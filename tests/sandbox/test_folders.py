import os
import time
from pathlib import Path

import pytest

from mailwarden.sandbox.folders import hold, remove_tree, sweep

# Deeper than Python's recursion goes, and longer than a path may be.
_DEPTH = 3000


def _left(place: Path) -> Path:
    """A nursery's folder, two days old, with a child's folder in it."""
    (place / "1").mkdir(parents=True)
    before = time.time() - 2 * 86_400
    os.utime(place, (before, before))
    return place


def test_what_a_nursery_left_is_swept(tmp_path: Path) -> None:
    _left(tmp_path / "unpack-a")
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_held_is_not_swept_however_old_it_is(tmp_path: Path) -> None:
    folder = _left(tmp_path / "unpack-a")
    held = hold(folder)
    sweep(tmp_path)
    assert (folder / "1").is_dir()
    os.close(held)
    sweep(tmp_path)
    assert not folder.exists()


def test_a_folder_whose_nursery_is_just_starting_is_not_swept(tmp_path: Path) -> None:
    folder = tmp_path / "unpack-a"
    folder.mkdir()
    sweep(tmp_path)
    assert folder.is_dir()


def test_nothing_but_the_folders_of_nurseries_is_swept(tmp_path: Path) -> None:
    kept = _left(tmp_path / "kept")
    (tmp_path / "unpack-link").symlink_to(kept)
    os.utime(tmp_path / "unpack-link", (0, 0), follow_symlinks=False)
    (tmp_path / "unpack-file").touch()
    os.utime(tmp_path / "unpack-file", (0, 0))
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    assert (kept / "1").is_dir()


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    held = hold(tmp_path)
    with pytest.raises(BlockingIOError):
        hold(tmp_path)
    os.close(held)


def test_an_empty_folder_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    assert remove_tree(folder)
    assert not folder.exists()


def test_a_folder_that_is_gone_is_removed(tmp_path: Path) -> None:
    assert remove_tree(tmp_path / "own")


def test_folders_are_removed_however_deep_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for number in range(_DEPTH):
        Path(f"file{number}").touch()
        Path("deeper").mkdir()
        os.chdir("deeper")
    assert remove_tree(folder)
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_what_they_point_to_stays(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    folder = tmp_path / "own"
    (folder / "inside").mkdir(parents=True)
    (folder / "link").symlink_to(kept)
    (folder / "inside" / "link").symlink_to(kept)
    os.mkfifo(folder / "pipe")
    assert remove_tree(folder)
    assert [place.name for place in tmp_path.iterdir()] == ["kept"]
    assert (kept / "file").exists()


def test_folders_that_forbid_everything_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    (folder / "closed" / "inside").mkdir(parents=True)
    (folder / "closed").chmod(0)
    assert remove_tree(folder)
    assert not folder.exists()


def test_what_cannot_be_removed_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert not remove_tree(file)
