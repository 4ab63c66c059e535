"""The wheel carries a `mailwarden-queue` that works, with and without a C compiler."""

import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.queue_program import run

ROOT = Path(__file__).parents[2]
BUILD_SECONDS = 100
TEMPORARY = 71


@dataclass(frozen=True, slots=True)
class Wheel:
    """A built wheel: its file name, its one script, and what the build said."""

    file: Path
    script: bytes
    script_mode: int
    said: str


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files that the build needs, and nothing else of the repository."""
    project = tmp_path / "project"
    package = project / "src" / "mailwarden"
    package.mkdir(parents=True)
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, project)
    (project / "README.md").write_text("# Mailwarden\n", encoding="ascii")
    shutil.copy(ROOT / "src" / "mailwarden" / "__init__.py", package)
    shutil.copytree(ROOT / "client", project / "client")
    return project


def build(project: Path, variables: Mapping[str, str]) -> Wheel:
    """Build the wheel of `project` in this environment, without a network."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"],
        cwd=project,
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )
    (file,) = (project / "out").glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        (script,) = (entry for entry in archive.infolist() if ".data/scripts/" in entry.filename)
        assert script.filename.endswith(".data/scripts/mailwarden-queue")
        mode = script.external_attr >> 16
        return Wheel(file, archive.read(script), mode, built.stdout + built.stderr)


def install(wheel: Wheel, folder: Path) -> Path:
    """The program as an installer puts it beside the interpreter."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    # pip would take an installed mailwarden out of this environment, the prefix notwithstanding
    pip.append("--ignore-installed")
    subprocess.run(
        [*pip, "--no-warn-script-location", "--prefix", folder, wheel.file],
        check=True,
        timeout=BUILD_SECONDS,
    )
    (program,) = folder.rglob("mailwarden-queue")
    return program


def test_the_compiled_program_is_in_the_wheel_and_works(project: Path, tmp_path: Path) -> None:
    wheel = build(project, {"CC": "cc"})
    assert wheel.file.name.split("-")[2:4] == ["py3", "none"]
    assert not wheel.file.name.endswith("-any.whl")
    assert wheel.script.startswith(b"\x7fELF")
    assert wheel.script_mode & stat.S_IXUSR
    program = install(wheel, tmp_path / "installed")
    assert run([program], {"MAILWARDEN_SOCKET": "/nonexistent"}) == TEMPORARY


def test_cc_may_hold_arguments(project: Path, tmp_path: Path) -> None:
    wheel = build(project, {"CC": """cc -DDEFAULT_QUEUE='"/elsewhere/queue"'"""})
    assert b"/elsewhere/queue\0" in wheel.script


@pytest.mark.parametrize("compiler", ["/nonexistent/cc", "/bin/false"])
def test_the_twin_is_in_the_wheel_where_nothing_compiles(
    project: Path, tmp_path: Path, compiler: str
) -> None:
    wheel = build(project, {"CC": compiler})
    assert wheel.file.name.endswith("-py3-none-any.whl")
    assert wheel.script.startswith(b"#!python")
    assert "no working C compiler" in wheel.said
    program = install(wheel, tmp_path / "installed")
    assert run([program], {"MAILWARDEN_SOCKET": "/nonexistent"}) == TEMPORARY


def test_a_path_without_compilers_gives_the_twin(project: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    wheel = build(project, {"PATH": str(empty), "CC": ""})
    assert wheel.file.name.endswith("-py3-none-any.whl")


def test_an_editable_install_has_the_program_too(project: Path) -> None:
    wheel_builder = "from hatchling.build import build_editable\nprint(build_editable('out'))\n"
    subprocess.run(
        [sys.executable, "-c", wheel_builder], cwd=project, check=True, timeout=BUILD_SECONDS
    )
    (file,) = (project / "out").glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        scripts = [name for name in archive.namelist() if ".data/scripts/" in name]
        assert [name.rpartition("/")[2] for name in scripts] == ["mailwarden-queue"]
        assert archive.read(scripts[0]).startswith(b"\x7fELF")
