"""From settings to a working path."""

import re
import typing
from pathlib import Path

import pytest

from mailwarden.daemon import wiring
from mailwarden.daemon.wiring import (
    build_gate,
    build_scanners,
    new_message_id,
    prepare_directories,
)
from mailwarden.pipeline.options import PathOptions, path_options
from mailwarden.ports.keeping import KeepingError
from mailwarden.quarantine.folder import QuarantineFolder
from mailwarden.settings.model import Settings
from mailwarden.settings.per_recipient import ScannerName
from mailwarden.settings.profiles import profiles_of
from mailwarden.store.schema import StoreError
from support.door import Tape


def settings_in(folder: Path, *scanners: str) -> Settings:
    return Settings.model_validate(
        {
            "scanners": scanners,
            "queue": {"socket": folder / "s"},
            "quarantine": {
                "directory": folder / "a/quarantine",
                "release_key": folder / "b/release.key",
            },
            "store": {"database": folder / "c/mailwarden.db"},
            "spool": {"directory": folder / "d/spool"},
        }
    )


@pytest.mark.parametrize(
    ("names", "built"),
    [
        ((), []),
        (("clamd",), ["clamd"]),
        (("spamd", "clamd"), ["spamd", "clamd"]),
        (("test-patterns",), ["test-patterns", "test-patterns"]),
    ],
)
def test_the_scanners_are_those_that_the_settings_name(
    tmp_path: Path, names: tuple[str, ...], built: list[str]
) -> None:
    assert [one.name for one in build_scanners(profiles_of(settings_in(tmp_path, *names)))] == built


@pytest.mark.parametrize("name", typing.get_args(ScannerName))
def test_every_scanner_that_the_settings_can_name_is_built(tmp_path: Path, name: str) -> None:
    assert {one.name for one in build_scanners(profiles_of(settings_in(tmp_path, name)))} == {name}


def test_everything_is_made_where_it_is_missing_and_twice_does_no_harm(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    prepare_directories(settings)
    key = settings.quarantine.release_key.read_bytes()
    prepare_directories(settings)
    assert settings.quarantine.release_key.read_bytes() == key
    assert settings.spool.directory.is_dir()
    assert settings.store.database.is_file()
    assert list(QuarantineFolder(settings.quarantine.directory).all_ids()) == []


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("a/quarantine/viruses/new", OSError),
        ("d/spool", OSError),
        ("b/release.key", KeepingError),
        ("c/mailwarden.db", StoreError),
    ],
)
def test_what_is_in_the_way_is_named(tmp_path: Path, place: str, error: type[Exception]) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_bytes(b"in the way")
    with pytest.raises(error, match=re.escape(place)):
        prepare_directories(settings_in(tmp_path))
    assert path.read_bytes() == b"in the way"


async def test_a_gate_is_built_and_closed(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, "clamd", "spamd")
    prepare_directories(settings)
    gate = build_gate(settings, Tape(), print)
    assert gate.door.serving == 0
    await gate.close()


async def test_settings_of_many_profiles_are_laid_out_once_for_the_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[PathOptions] = []

    def made_options(settings: Settings) -> PathOptions:
        made.append(path_options(settings))
        return made[-1]

    monkeypatch.setattr(wiring, "path_options", made_options)
    settings = settings_in(tmp_path)
    prepare_directories(settings)
    gate = build_gate(settings, Tape(), print)
    await gate.close()
    assert len(made) == 1


def test_ids_sort_by_time_and_fit_everywhere() -> None:
    early, late = new_message_id(1_795_362_300.0), new_message_id(1_795_362_301.0)
    assert early.startswith("20261122-")
    assert early < late
    assert re.fullmatch(r"[0-9]{8}-[0-9]{6}-[0-9a-z]{8}", early)
    assert len({new_message_id(0.0) for _ in range(1_000)}) == 1_000
