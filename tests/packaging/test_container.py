"""The container image's definition, as far as it can be tried without an engine.

What its RUN lines do, building and installing the package, is in `test_deb`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from support.daemon_process import daemon
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
# Lines that end in a backslash go on; comments between them are left out.
TEXT = re.sub(
    r"\\\n",
    " ",
    re.sub(r"(?m)^#.*\n", "", (ROOT / "packaging/container/Containerfile").read_text()),
)
INSTRUCTIONS = [tuple(line.split(None, 1)) for line in TEXT.splitlines() if line]


def told(name: str) -> list[str]:
    """The arguments of every instruction of that name."""
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def health_check() -> list[str]:
    words: list[str] = json.loads(told("HEALTHCHECK")[0].partition("CMD ")[2])
    return words


def test_base_images_name_no_registry() -> None:
    images = [rest.split()[0] for rest in told("FROM")]
    assert images
    assert not any("/" in image for image in images)


def test_everything_that_is_copied_is_there() -> None:
    sources = [source for rest in told("COPY") for source in rest.split()[:-1]]
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_what_the_package_is_built_from_is_copied() -> None:
    copied = {source for rest in told("COPY") for source in rest.split()[:-1]}
    script = (ROOT / "packaging/build-deb").read_text()
    named = re.findall(
        r"(?<![\w/$.])(README|SECURITY|CHANGELOG)\.md|\b(docs|packaging|src)/", script
    )
    needed = {f"{paper}.md" if paper else folder for paper, folder in named}
    assert {"README.md", "docs", "packaging", "src"} <= needed
    assert needed | {"pyproject.toml", "LICENSE", "client", "requirements"} <= copied


def test_nothing_runs_as_root() -> None:
    last = [instruction for instruction, _ in INSTRUCTIONS][-1]
    assert told("USER") == ["mailwarden"]
    assert last == "CMD"
    assert [name for name, _ in INSTRUCTIONS].index("USER") > max(
        number for number, (name, _) in enumerate(INSTRUCTIONS) if name == "RUN"
    )


def test_settings_and_volumes_are_those_of_the_daemon() -> None:
    assert "MAILWARDEN_CONFIG=/etc/mailwarden/mailwarden.toml" in told("ENV")
    assert json.loads(told("VOLUME")[0]) == [
        "/run/mailwarden",
        "/var/lib/mailwarden",
        "/var/log/mailwarden",
    ]


def test_the_health_check_tells_a_daemon_that_listens_from_none(tmp_path: Path) -> None:
    program, *words = health_check()
    assert program == "/usr/lib/mailwarden/bin/python"

    def is_healthy(socket: Path) -> bool:
        usual = "/run/mailwarden/queue.sock"
        here = [word.replace(usual, str(socket)) for word in words]
        assert here != words
        done = subprocess.run([sys.executable, *here], capture_output=True, timeout=20, check=False)
        return done.returncode == 0

    with daemon() as running:
        assert is_healthy(running.socket)
        running.stop()
        wait_until(lambda: not is_healthy(running.socket), 20, "the check fails")
    assert not is_healthy(tmp_path / "queue.sock")
