"""A short run of every target with atheris, which counts branches in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_FUZZ = Path(__file__).parents[2] / "fuzz"
_RUNS = 300
_SECONDS = 2
# A target that breaks: it begins well, and the fuzzer need only find one byte.
_BROKEN = """
from pathlib import Path
from run import Bounds, fuzz
from targets import Target

def check(octets: bytes) -> None:
    assert b"!" not in octets

broken = Target("some/broken", check, lambda: (b"sample",))
raise SystemExit(not fuzz([broken], Bounds(30, 0, 1), Path("found")))
"""


def _run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with nobody else counting branches."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
    }
    return subprocess.run(
        (sys.executable, *arguments),
        cwd=folder,
        env={**environment, "PYTHONPATH": str(_FUZZ)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "names", [("message/", "settings/", "sandbox/", "wire/"), ("unpack/", "open/")]
)
def test_some_hundred_inputs_for_every_target_find_nothing(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    bounds = ("--runs", str(_RUNS), "--seconds", str(_SECONDS), "--jobs", "1")
    run = _run(str(_FUZZ / "run.py"), *bounds, *names, folder=tmp_path)
    assert run.returncode == 0, run.stdout
    assert all(line.endswith("holds") for line in run.stdout.splitlines())
    assert all(name in run.stdout for name in names)


def test_what_is_found_is_told_with_its_input(tmp_path: Path) -> None:
    run = _run("-c", _BROKEN, folder=tmp_path)
    assert run.returncode == 1
    assert "AssertionError" in run.stdout
    (found,) = (tmp_path / "found/some-broken/found").iterdir()
    assert str(found) in run.stdout
    assert b"!" in found.read_bytes()


def test_a_name_that_no_target_has_is_told(tmp_path: Path) -> None:
    run = _run(str(_FUZZ / "run.py"), "no/such", folder=tmp_path)
    assert run.returncode == 2
    assert "no target begins with that name" in run.stderr
