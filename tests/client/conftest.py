"""Both programs that are `mailwarden-queue`: the C program and its Python twin."""

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.strict_queue import StrictQueue, compile_strict_queue

CLIENT = Path(__file__).parents[2] / "client"
WARNINGS = ("-Werror", "-Wshadow", "-Wconversion")


def _compile(target: Path) -> None:
    hook = runpy.run_path(str(CLIENT / "build_hook.py"), run_name="build_hook")
    flags = [*hook["FLAGS"], *hook["LINKING"][0], *WARNINGS]
    subprocess.run(
        ["cc", *flags, "-o", target, CLIENT / "mailwarden-queue.c"], check=True, timeout=60
    )


def _install_twin(target: Path) -> None:
    _, body = (CLIENT / "mailwarden_queue.py").read_text(encoding="ascii").split("\n", 1)
    target.write_text(f"#!{sys.executable} -ISE\n{body}", encoding="ascii")
    target.chmod(0o755)


PROGRAMS: dict[str, Callable[[Path], None]] = {"c": _compile, "python": _install_twin}


@pytest.fixture(scope="session", params=PROGRAMS)
def language(request: pytest.FixtureRequest) -> str:
    """Which of the two programs a test runs."""
    return str(request.param)


@pytest.fixture(scope="session")
def program(language: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An executable `mailwarden-queue`."""
    target = tmp_path_factory.mktemp(language) / "mailwarden-queue"
    PROGRAMS[language](target)
    return target


@pytest.fixture(scope="session")
def strict_queue_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for the real qmail-queue."""
    return compile_strict_queue(tmp_path_factory.mktemp("strict") / "qmail-queue")


@pytest.fixture
def queue(strict_queue_program: Path, tmp_path: Path) -> StrictQueue:
    """A fresh queue behind the client."""
    folder = tmp_path / "queue"
    for name in ("tmp", "new"):
        (folder / name).mkdir(parents=True)
    return StrictQueue(strict_queue_program, folder)
