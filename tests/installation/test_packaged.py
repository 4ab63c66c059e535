"""The files that are installed on a machine."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from mailwarden.installation.packaged import packaged_files

ROOT = Path(__file__).parents[2]
BUILD_SECONDS = 100
TELL = """
import json
from mailwarden.installation import packaged
print(packaged.__file__)
print(json.dumps({name: content.decode() for name, content in packaged.packaged_files().items()}))
"""


def test_units_run_scripts_and_the_sample_settings_are_there() -> None:
    packaged = packaged_files()
    assert {"daemontools/run", "daemontools/log/run", "mailwarden.toml"} <= packaged.keys()
    assert {"systemd/mailwarden.service", "systemd/mailwarden.socket"} <= packaged.keys()


def test_what_is_for_building_packages_only_is_left_out() -> None:
    assert not any(name.startswith(("debian", "container", "build")) for name in packaged_files())


def test_a_wheel_carries_the_same_files(tmp_path: Path) -> None:
    words = [Path(sys.executable).with_name("uv"), "build", "--quiet", "--wheel"]
    further = ["--no-build-isolation", "--python", sys.executable, "--out-dir", tmp_path, ROOT]
    subprocess.run([*map(str, words), *map(str, further)], check=True, timeout=BUILD_SECONDS)
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    done = subprocess.run(
        [sys.executable, "-c", TELL],
        env={"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
        timeout=BUILD_SECONDS,
    )
    place, content = done.stdout.splitlines()
    assert place.startswith(str(unpacked))
    assert json.loads(content) == {
        name: content.decode() for name, content in packaged_files().items()
    }
