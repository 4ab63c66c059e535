"""`mailwarden demo`: what a newcomer sees, and what is left behind."""

import asyncio
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clamd import EICAR_NAME, running_clamd
from support.commands import Word, environment, python, run, session_pids, terminal
from support.commands import command as installed
from support.scripted import Peer, scripted
from support.spamd import running_spamd
from support.waiting import wait_until

# The promise of the README is two minutes for setup and demo; the demo alone is quick.
MOST_SECONDS = 60
NOWHERE: dict[str, list[str]] = {
    "clamd": ["unix:/nonexistent/clamd"],
    "spamd": ["unix:/nonexistent/spamd"],
}
BECAME = {
    "clean": ("accept", "250 ok"),
    "EICAR in an attachment": ("quarantine", "250 ok"),
    "GTUBE": ("reject", "554 refused"),
    "forbidden attachment": ("quarantine", "250 ok"),
    "encrypted zip": ("quarantine", "250 ok"),
    "broken MIME": ("quarantine", "250 ok"),
}
_ROOT = re.compile(r"/\S*mailwarden-demo-[a-z0-9_]+")


def demo(places: dict[str, list[str]], *, keep: bool = False) -> list[Word]:
    """The demo with its scanners elsewhere than at the default places."""
    program = (
        "import json, sys\n"
        "from mailwarden.cli.demo.command import run_demo\n"
        "run_demo(json.loads(sys.argv[1]), keep=sys.argv[2] == 'keep')\n"
    )
    return python(program, json.dumps(places), "keep" if keep else "end")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the demos of a test make their folders: short, because sockets are in them."""
    path = Path("/tmp") / f"mwd{os.getpid()}-{tmp_path.name[-8:]}"
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path)


def rows(text: str) -> dict[str, tuple[str, str]]:
    """What became of each sample, and what the sender's server heard, from wide output."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r" {2,}", line) if cell.strip()]
        if cells and cells[0] in BECAME:
            name, became, _why, heard = cells
            found[name] = (became, heard)
    return found


def root_of(text: str) -> Path:
    match = _ROOT.search(text)
    assert match, text
    return Path(match[0])


def run_demo(folder: Path, places: dict[str, list[str]]) -> str:
    """Run the demo to its end, as it is in a pipe; nothing of it is alive then."""
    process = subprocess.Popen(
        demo(places),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(TMPDIR=str(folder)),
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=MOST_SECONDS)
        assert (process.returncode, err) == (0, b"")
        assert session_pids(process.pid) == []
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return out.decode()


def test_without_scanners_each_sample_becomes_what_it_should(folder: Path) -> None:
    out = run_demo(folder, NOWHERE)
    assert rows(out) == BECAME
    assert out.startswith("6 sample messages now go through a whole Mailwarden on this machine")
    assert (
        "Scanners: test patterns (EICAR and GTUBE only), "
        "because clamd and spamd are not running here\n" in out
    )
    assert "\x1b" not in out


def test_where_to_look_is_where_things_are(folder: Path) -> None:
    out = run_demo(folder, NOWHERE)
    root = root_of(out)
    assert root.parent == folder
    lines = out.partition("Where to look:\n")[2].splitlines()
    places = {line[2:12].strip(): line[13:] for line in lines}
    (delivered,) = Path(places["delivered"]).iterdir()
    assert b"\nSubject: A clean message\n" in delivered.read_bytes()
    assert Path(places["log"]).is_file()
    assert Path(places["settings"]).is_file()
    words = shlex.split(places["kept"])
    listed = run([*installed(), *words[1:], "--json"])
    assert len(listed.out.splitlines()) == 4
    assert shlex.split(places["clean up"]) == ["rm", "-r", str(root)]


def test_clamd_and_spamd_are_used_where_they_answer(folder: Path) -> None:
    with running_clamd() as clamd, running_spamd() as spamd:
        places = {"clamd": ["unix:/nonexistent/c", clamd.address], "spamd": [spamd.tcp]}
        out = run_demo(folder, places)
    assert rows(out) == BECAME
    assert "Scanners: clamd, spamd\n" in out
    assert f"clamd found virus {EICAR_NAME}" in out
    assert "spamd gave 1000" in out


def test_what_one_scanner_is_missing_the_patterns_stand_in_for(folder: Path) -> None:
    with running_clamd() as clamd:
        out = run_demo(folder, {**NOWHERE, "clamd": [clamd.address]})
    assert rows(out) == BECAME
    assert "clamd, test patterns (EICAR and GTUBE only), because spamd is not running here" in out


async def test_a_scanner_that_only_accepts_connections_is_not_waited_for(folder: Path) -> None:
    async def hang(peer: Peer) -> None:
        await peer.hang()

    async with scripted(hang) as address:
        places = {"clamd": [str(address)], "spamd": [str(address)]}
        out = await asyncio.to_thread(run_demo, folder, places)
    assert rows(out) == BECAME


def test_on_a_terminal_of_80_columns_there_is_colour_and_nothing_is_cut(folder: Path) -> None:
    with terminal(demo(NOWHERE), TMPDIR=str(folder)) as screen:
        assert screen.finish() == 0
        assert session_pids(screen.process.pid) == []
    assert "\x1b[31m" in screen.raw
    table = screen.text.partition("\nsample  ")[2].partition("Where to look")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table
    assert all(f"\n{name} " in table for name in BECAME)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_kept_up_it_ends_on_a_signal_and_leaves_no_process(folder: Path, number: int) -> None:
    with terminal(demo(NOWHERE, keep=True), TMPDIR=str(folder)) as screen:
        screen.wait_for("Still up until you press Ctrl-C")
        assert len(session_pids(screen.process.pid)) > 1
        screen.process.send_signal(number)
        assert screen.finish() == (0 if number == signal.SIGINT else 128 + number)
        assert session_pids(screen.process.pid) == []
    assert "Traceback" not in screen.text


@pytest.mark.parametrize("whom", ["the demo alone", "everything on the terminal"])
def test_interrupted_in_the_middle_it_leaves_no_process(folder: Path, whom: str) -> None:
    words = [*installed(), "demo"]
    with terminal(words, TMPDIR=str(folder)) as screen:
        screen.wait_for("Scanners:")
        wait_until(lambda: _is_serving(folder), MOST_SECONDS, "the daemon is up")
        if whom == "the demo alone":
            screen.process.send_signal(signal.SIGINT)
        else:
            os.killpg(screen.process.pid, signal.SIGINT)
        assert screen.finish() == 130
        wait_until(lambda: not session_pids(screen.process.pid), 10, "no process is left")
    assert "Traceback" not in screen.text
    assert screen.text.splitlines()[-1] == "mailwarden: interrupted"


def _is_serving(folder: Path) -> bool:
    return any('"ready"' in path.read_text() for path in folder.glob("mailwarden-demo-*/log"))


def test_a_daemon_that_cannot_start_is_said_so_and_leaves_nothing(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    done = run(demo(NOWHERE), {"TMPDIR": str(long)})
    assert done.code != 0
    assert "the daemon did not start" in done.err
