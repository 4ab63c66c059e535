"""The files of an installation."""

import os
from pathlib import Path

import pytest

from mailwarden.migrate import gathering
from mailwarden.migrate.gathering import gathered
from support.old_installations import RULES, written


def test_known_names_are_found_in_a_folder_and_in_the_usual_places_inside(tmp_path: Path) -> None:
    written(
        tmp_path,
        {
            "quarantine-attachments.txt": RULES,
            "bin/qmail-scanner-queue.pl": "1",
            "bin/qmail-queue": "1",
            "control/simcontrol": "1",
            "control/tcp.smtp.cdb": "1",
            "queue/tcp.smtp": "1",
        },
    )
    (tmp_path / "control" / "ssattach").mkdir()
    found = gathered([], [tmp_path])
    names = [str(file.path.relative_to(tmp_path)) for file in found.files]
    assert names == [
        "quarantine-attachments.txt",
        "bin/qmail-scanner-queue.pl",
        "control/simcontrol",
    ]
    assert found.files[0].octets == RULES
    assert found.losses == ()


def test_files_that_are_named_are_read_under_any_name_and_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {"mine": "x", "simcontrol": "y"})
    monkeypatch.chdir(tmp_path)
    found = gathered([Path("mine"), tmp_path / "mine"], [tmp_path, Path()])
    assert [file.path for file in found.files] == [tmp_path / "mine", tmp_path / "simcontrol"]


def test_what_cannot_be_read_is_lost_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "FILE_BYTES", 10)
    os.mkfifo(tmp_path / "pipe")
    written(tmp_path, {"large": "x" * 11, "fits": "x" * 10})
    names = ["none", "pipe", "large", "fits"]
    found = gathered([tmp_path / name for name in names], [])
    assert [file.path.name for file in found.files] == ["fits"]
    assert [(Path(one.source).name, one.why) for one in found.losses] == [
        ("none", "cannot be read: there is no such file"),
        ("pipe", "cannot be read: a regular file was expected"),
        ("large", "cannot be read: larger than 10 bytes"),
    ]


def test_a_folder_that_cannot_be_listed_is_lost_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {"bin/simcontrol": "x", "simcontrol": "y"})
    # The kernel's own refusal of a name, for root may list whatever there is.
    monkeypatch.setattr(gathering, "_INSIDE", ("", "n" * 300, "bin"))
    found = gathered([], [tmp_path])
    assert [file.octets for file in found.files] == [b"y", b"x"]
    assert [one.why for one in found.losses] == ["cannot be read: File name too long"]
