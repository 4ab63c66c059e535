"""`mailwarden outbox`: in the foreground, and what waits."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailwarden.cli.outbox import outbox
from mailwarden.store.errands import StoredErrands
from mailwarden.store.schema import open_database
from mailwarden.store.writer import BatchWriter
from mailwarden.verdict.errand import Errand
from support.commands import command, environment, terminal
from support.errands import AT, late_copy, notice
from support.waiting import wait_until

HOSTILE = "virus:pay\x1b[2J\u202e [red]x[/red]\n"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "mailwarden.toml"
    path.write_text(
        f'[store]\ndatabase = "{tmp_path}/mailwarden.db"\n'
        f'[quarantine]\ndirectory = "{tmp_path}/quarantine"\n'
    )
    return path


@contextlib.contextmanager
def stored(folder: Path, *errands: Errand) -> Iterator[None]:
    engine = open_database(folder / "mailwarden.db")
    writer = BatchWriter(engine)
    complaints: list[str] = []
    for errand in errands:
        StoredErrands(writer, complaints.append).send(errand)
    writer.close()
    engine.dispose()
    yield
    assert not complaints


def listed(settings: Path, *words: str) -> Result:
    return CliRunner().invoke(outbox, ["list", *words], obj=settings)


def test_what_waits_is_listed_the_oldest_first(tmp_path: Path, settings: Path) -> None:
    with stored(tmp_path, notice("two", at=AT + 1, topic=HOSTILE), late_copy("one", "kept")):
        result = listed(settings)
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first == "one  redeliver  not tried    due 2026-11-22 15:45:00  to (as kept): "
    assert second.endswith(
        r"to postmaster@example.net: admin virus:pay\x1b[2J\u202e [red]x[/red]\n"
    )


def test_on_a_terminal_each_has_a_line_that_fits_and_an_indented_one(
    tmp_path: Path, settings: Path
) -> None:
    words = command("--config", settings, "outbox", "list")
    with stored(tmp_path, notice("one")), terminal(words, columns=80) as screen:
        assert screen.finish() == 0
    first, second = screen.text.splitlines()
    assert first == "one  notice     not tried    due 2026-11-22 15:45:00"
    assert second.rstrip() == "    to postmaster@example.net: admin virus:Test-Virus"


def test_json_has_an_object_for_each(tmp_path: Path, settings: Path) -> None:
    with stored(tmp_path, notice("one")):
        result = listed(settings, "--json")
    assert json.loads(result.stdout) == {
        "id": "one",
        "at": AT,
        "kind": "notice",
        "recipient": "postmaster@example.net",
        "audience": "admin",
        "topic": "virus:Test-Virus",
        "due": AT,
        "tries": 0,
    }


def test_a_broken_row_is_listed_too(tmp_path: Path, settings: Path) -> None:
    with stored(tmp_path, notice("one"), notice("two")):
        with contextlib.closing(sqlite3.connect(tmp_path / "mailwarden.db")) as other:
            other.execute("UPDATE errands SET kind = 'broken', due = 9e99, tries = 3")
            other.execute("UPDATE errands SET due = 'soon', tries = 1 WHERE id = 'two'")
            other.commit()
        result = listed(settings)
    first, second = result.stdout.splitlines()
    assert first.startswith("one  broken     tried 3 x    due unknown  ")
    assert second.startswith("two  broken     tried once   due unknown  ")


def test_where_nothing_waits_it_says_so_and_makes_no_database(
    tmp_path: Path, settings: Path
) -> None:
    nothing = f"nothing waits in {tmp_path}/mailwarden.db\n"
    assert listed(settings).stdout == nothing
    assert not (tmp_path / "mailwarden.db").exists()
    with stored(tmp_path):
        assert listed(settings).stdout == nothing
        assert listed(settings, "--json").stdout == ""


def test_a_database_that_cannot_be_used_is_named(tmp_path: Path, settings: Path) -> None:
    (tmp_path / "mailwarden.db").write_bytes(b"no database" * 100)
    result = listed(settings)
    assert result.exit_code == 75
    assert f"{tmp_path}/mailwarden.db: file is not a database" in result.output


def test_without_a_word_it_works_in_the_foreground_until_it_is_told_to_end(
    tmp_path: Path, settings: Path
) -> None:
    program = "import sys, pathlib, mailwarden.cli.outbox as cli\n"
    program += "cli.outbox([], obj=pathlib.Path(sys.argv[1]))"
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", program, settings],
            stderr=stream,
            env={**environment(), **_python_path()},
        )
    try:
        wait_until(lambda: b"event=outbox-ready" in log.read_bytes(), 30, "the outbox works")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert b"event=outbox-stopped" in log.read_bytes()


def _python_path() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(sys.path)}
