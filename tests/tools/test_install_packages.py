"""The script by which `make test` gets its servers, as far as it can be tried without apt."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("install-packages")


@pytest.fixture
def unprivileged(tmp_path: Path) -> dict[str, str]:
    """An environment in which `id` says that we are not root."""
    program = tmp_path / "id"
    program.write_text("#!/bin/sh\necho 1000\n")
    program.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def run(environment: dict[str, str], *pairs: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *pairs], env=environment, capture_output=True, text=True, check=False, timeout=20
    )


def test_nothing_is_said_or_done_when_nothing_is_missing(unprivileged: dict[str, str]) -> None:
    result = run(unprivileged, "sh:dash", "cat:coreutils")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_without_root_it_says_exactly_what_is_missing_and_fails(
    unprivileged: dict[str, str],
) -> None:
    result = run(unprivileged, "sh:dash", "no-such-program:one", ":two")
    assert result.returncode == 1
    assert "apt-get install one two\n" in result.stderr
    assert "dash" not in result.stderr
