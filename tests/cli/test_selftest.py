"""`mailwarden selftest`: what comes out of gates that work, and of gates that do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clamd import running_clamd
from support.commands import Done, command, run, terminal
from support.gate import Gate, Sections, gate
from support.spamd import running_spamd

GOOD = "as it should"
# A gate that asks nobody: it hands everything to the program behind it.
LETS_ALL_PASS = '#!/bin/sh\nexec "$MAILWARDEN_QMAIL_QUEUE"\n'
CHANGES_BYTES = '#!/bin/sh\nsed s/wrong/right/ | "$MAILWARDEN_QMAIL_QUEUE" 1<&1\n'
LOSES_ALL = "#!/bin/sh\ncat >/dev/null\n"
# Flavours with a text answer 82 for refusals and deferrals alike, where a pipe takes the text.
DEFERS_IN_WORDS = "#!/bin/sh\n[ -p /dev/stderr ] && exit 82\nexit 71\n"
READDRESSES = """\
#!/bin/sh
printf 'Fa@x\\0Teve@y\\0\\0' >"$0.envelope"
exec "$MAILWARDEN_QMAIL_QUEUE" 1<"$0.envelope"
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Gate]:
    """A gate with real clamd and real spamd that rejects what is spam beyond doubt."""
    with running_clamd() as clamd, running_spamd() as spamd:
        sections: Sections = {
            "clamd": {"addresses": [clamd.address]},
            "spamd": {"addresses": [spamd.unix]},
        }
        with gate(["clamd", "spamd"], sections) as running:
            yield running


def outcome(running: Gate, *words: str | Path, **variables: str) -> Done:
    settings = running.folder / "mailwarden.toml"
    return run(command("--config", settings, "selftest", *words), variables)


def rows(done: Done) -> dict[str, tuple[str, str]]:
    """What became of each message, and the verdict on it."""
    lines = done.out.splitlines()[2:-1]
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]
    return {row[0]: (row[1], row[2]) for row in cells if len(row) == 3}


def program(folder: Path, text: str) -> Path:
    path = folder / "program"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_gate_that_works_is_found_to_work(running: Gate) -> None:
    running.clear()
    done = outcome(running)
    assert done.code == 0, done.out + done.err
    assert rows(done) == {
        "harmless": ("passed", GOOD),
        "Eicar.com, zeros": ("kept or deleted", GOOD),
        "EICAR in sneaky.txt": ("kept or deleted", GOOD),
        "GTUBE": ("tagged as spam", GOOD),
        "forged X-Spam-Status": ("passed", GOOD),
    }
    assert done.out.splitlines()[-1] == "5 of 5 as they should"
    assert done.err == ""
    assert running.queue.is_empty()
    assert len(running.quarantined("viruses")) == 1


def test_on_a_terminal_of_80_columns_every_row_is_a_line(running: Gate) -> None:
    words = command("--config", running.folder / "mailwarden.toml", "selftest")
    with terminal(words) as screen:
        assert screen.finish() == 0
    assert screen.text.count(GOOD) == 5
    assert "\x1b[32m" in screen.raw
    assert max(map(len, screen.text.splitlines()[1:])) <= 80


def test_a_daemon_that_is_away_is_said_to_be_away(running: Gate, tmp_path: Path) -> None:
    settings = tmp_path / "mailwarden.toml"
    text = (running.folder / "mailwarden.toml").read_text()
    settings.write_text(text.replace(str(running.socket), "/nonexistent/queue.sock"))
    done = run(command("--config", settings, "selftest"))
    assert done.code == 75
    assert set(rows(done).values()) == {("deferred", "no answer")}
    (line,) = [line for line in done.err.splitlines() if line.startswith("mailwarden: ")]
    assert "is mailwarden serve running" in line
    assert "/nonexistent/queue.sock" in line


def test_scanners_that_are_away_are_no_success() -> None:
    nowhere: Sections = {"clamd": {"addresses": ["unix:/nonexistent/clamd"]}}
    with gate(["clamd"], nowhere) as running:
        done = outcome(running)
    assert done.code == 75
    assert rows(done)["harmless"] == ("deferred", "no answer")
    assert "spamd is not among the scanners" in done.out


def test_a_deferral_in_words_is_not_taken_for_a_refusal(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, DEFERS_IN_WORDS))
    assert done.code == 75
    assert set(rows(done).values()) == {("deferred", "no answer")}


def test_what_no_scanner_could_find_is_not_tried() -> None:
    with gate() as running:
        done = outcome(running)
    assert done.code == 0
    assert "not tried: clamd is not among the scanners" in done.out
    assert "not tried: spamd is not among the scanners" in done.out
    assert done.out.splitlines()[-1] == "2 of 2 as they should"


def test_our_own_patterns_are_enough_to_try_everything() -> None:
    with gate(["test-patterns"]) as running:
        done = outcome(running)
    assert (done.code, done.out.splitlines()[-1]) == (0, "5 of 5 as they should")


def test_a_program_that_lets_everything_pass_is_wrong(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, LETS_ALL_PASS))
    assert done.code == 1
    assert rows(done) == {
        "harmless": ("passed", GOOD),
        "Eicar.com, zeros": ("passed", "WRONG, expected: kept or deleted or rejected"),
        "EICAR in sneaky.txt": ("passed", "WRONG, expected: kept or deleted or rejected"),
        "GTUBE": ("passed", "WRONG, expected: kept or deleted or rejected or tagged as spam"),
        "forged X-Spam-Status": ("passed, its forged field too", "WRONG, expected: passed"),
    }
    assert done.out.splitlines()[-1] == "1 of 5 as they should"


def test_a_program_that_changes_bytes_is_wrong(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, CHANGES_BYTES))
    assert done.code == 1
    assert rows(done)["harmless"] == ("passed, its bytes changed", "WRONG, expected: passed")


def test_a_program_that_loses_everything_is_wrong(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, LOSES_ALL))
    assert done.code == 1
    assert rows(done)["harmless"] == ("kept or deleted", "WRONG, expected: passed")


def test_a_program_that_sends_to_somebody_else_is_wrong(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, READDRESSES))
    assert done.code == 1
    assert rows(done)["harmless"] == ("passed, to somebody else", "WRONG, expected: passed")


def test_a_program_may_be_named_from_where_one_is(running: Gate, tmp_path: Path) -> None:
    name = program(tmp_path, LETS_ALL_PASS).name
    settings = running.folder / "mailwarden.toml"
    done = run(command("--config", settings, "selftest", "--program", f"./{name}"), folder=tmp_path)
    assert done.code == 1
    assert done.out.startswith(f"Testing {tmp_path}/{name}\n")


def test_the_environment_names_the_program(running: Gate, tmp_path: Path) -> None:
    path = program(tmp_path, LETS_ALL_PASS)
    assert outcome(running, QMAILQUEUE=str(path)).out.startswith(f"Testing {path}\n")


def test_a_missing_program_is_named(running: Gate) -> None:
    named = outcome(running, "--program", "/nonexistent/queue")
    assert (named.code, "/nonexistent/queue" in named.err) == (2, True)
    set_up = outcome(running, QMAILQUEUE="/nonexistent/queue")
    assert set_up.code == 75
    assert set_up.err == "mailwarden: /nonexistent/queue: No such file or directory\n"


def test_a_program_that_cannot_be_run_is_named(running: Gate, tmp_path: Path) -> None:
    path = program(tmp_path, LETS_ALL_PASS)
    path.chmod(0o644)
    done = outcome(running, "--program", path)
    assert (done.code, done.err) == (75, f"mailwarden: {path}: Permission denied\n")
