import os
from pathlib import Path

import pytest

from mailwarden.sandbox.folders import remove_tree

# Deeper than Python's recursion goes, and longer than a path may be.
_DEPTH = 3000


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
