"""`mailwarden serve`, as far as it is the command's: what stands in its way is told."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import command, environment, run
from support.waiting import wait_until

BAD = """\
scanners = ["clamd", "sophie"]
[spam]
quarantine_abov = 2.1
delta = 1
[daemon]
workers = "many"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="mws", dir="/tmp") as name:
        yield Path(name)


def settings(folder: Path, **changed: str) -> Path:
    places = {
        "queue.socket": f"{folder}/s",
        "quarantine.directory": f"{folder}/q",
        "quarantine.release_key": f"{folder}/key",
        "store.database": f"{folder}/db",
        "spool.directory": f"{folder}/spool",
        **{name.replace("__", "."): value for name, value in changed.items()},
    }
    path = folder / "mailwarden.toml"
    path.write_text(
        "scanners = []\n" + "".join(f'{name} = "{value}"\n' for name, value in places.items())
    )
    return path


def test_all_that_is_wrong_with_the_settings_is_told_at_once(folder: Path) -> None:
    path = folder / "mailwarden.toml"
    path.write_text(BAD)
    done = run(command("--config", path, "serve"))
    assert (done.code, done.out) == (2, "")
    told = [line for line in done.err.splitlines() if not line.startswith(" ")]
    assert [line.split(": ")[0] for line in told] == [f"{path}:{number}" for number in (1, 3, 4, 6)]
    assert "did you mean spam.quarantine_above?" in done.err


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"queue__socket": "/nonexistent/s"}, "/nonexistent/s"),
        ({"store__database": "/proc/nonexistent/db"}, "/proc/nonexistent"),
        ({"quarantine__directory": "/dev/null/q"}, "/dev/null/q"),
        ({"spool__directory": "/etc/passwd"}, "/etc/passwd"),
        ({"quarantine__release_key": "/dev/null"}, "/dev/null"),
    ],
)
def test_a_place_that_cannot_be_used_is_named_in_one_line(
    folder: Path, changed: dict[str, str], named: str
) -> None:
    done = run(command("--config", settings(folder, **changed), "serve"))
    assert done.code == 75
    (line,) = done.err.splitlines()
    assert line.startswith("mailwarden: ")
    assert named in line
    assert "None" not in line


def test_a_socket_that_another_daemon_serves_is_left_alone(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(f"{folder}/s")
        other.listen()
        done = run(command("--config", settings(folder), "serve"))
        assert (done.code, done.err) == (
            75,
            f"mailwarden: {folder}/s: another program is listening there; stop it first\n",
        )
        assert (folder / "s").is_socket()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_on_a_signal_and_takes_its_socket_away(folder: Path, number: int) -> None:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command("--config", settings(folder), "serve"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(),
            start_new_session=True,
        )
    try:
        wait_until(lambda: "event=ready" in (folder / "log").read_text(), 30, "the daemon is ready")
        os.killpg(process.pid, number)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert not (folder / "s").exists()
    assert "Traceback" not in (folder / "log").read_text()
