"""`mailwarden selftest`: what comes out of gates that work, and of gates that do not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clamd import running_clamd
from support.commands import Done, command, run, terminal
from support.gate import Gate, Sections, gate
from support.spamd import running_spamd

# A gate that asks nobody: it hands everything to the program behind it.
LETS_ALL_PASS = '#!/bin/sh\nexec "$MAILWARDEN_QMAIL_QUEUE"\n'
CHANGES_BYTES = '#!/bin/sh\nsed s/wrong/right/ | "$MAILWARDEN_QMAIL_QUEUE" 1<&1\n'
LOSES_ALL = "#!/bin/sh\ncat >/dev/null\n"
TAKES_FIELDS_AWAY = '#!/bin/sh\nsed /^X-Spam-/d | "$MAILWARDEN_QMAIL_QUEUE" 1<&1\n'
# Flavours with a text answer 82 for refusals and deferrals alike, where a pipe takes the text.
DEFERS_IN_WORDS = "#!/bin/sh\n[ -p /dev/stderr ] && exit 82\nexit 71\n"
READDRESSES = """\
#!/bin/sh
printf 'Fa@x\\0Teve@y\\0\\0' >"$0.envelope"
exec "$MAILWARDEN_QMAIL_QUEUE" 1<"$0.envelope"
"""
# Every test message, what must become of it where settings say nothing, and that it does.
ALL_GOOD = {
    "harmless": ("passed", "passed", "good"),
    "Eicar.com, zeros": ("kept or deleted", "kept or deleted", "good"),
    "EICAR in sneaky.txt": ("kept or deleted", "kept or deleted", "good"),
    "GTUBE": ("tagged as spam", "tagged as spam", "good"),
    "forged X-Spam-Status": ("passed, field moved", "passed, field moved", "good"),
    "malformed": ("kept or deleted", "kept or deleted", "good"),
    "ambiguous": ("kept or deleted", "kept or deleted", "good"),
    "ambiguous-text": ("passed with a warning", "passed with a warning", "good"),
    "encrypted": ("kept or deleted", "kept or deleted", "good"),
    "unopened": ("kept or deleted", "kept or deleted", "good"),
    "over-limit": ("deferred", "deferred", "good"),
    "oversize": ("rejected", "rejected", "good"),
}
# Or each run of these tests would send 100 MB.
SMALL: Sections = {"limits": {"message_bytes": 1_000_000}}
LINES_BEFORE = 2
# A profile under which other things are expected of the same messages.
PROFILE = """
[[profile]]
match = ["strict.example"]
scanners = ["test-patterns"]
[profile.limits]
message_bytes = 2000000
[profile.dispositions]
virus = "reject"
encrypted = "accept"
unopened = "tag"
over_limit = "delete"
oversize = "defer"
ambiguous_text = "reject"
[profile.spam]
delete_above = 3
reject = true
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Gate]:
    """A gate with real clamd and real spamd that rejects what is spam beyond doubt."""
    with running_clamd() as clamd, running_spamd() as spamd:
        sections: Sections = {
            **SMALL,
            "clamd": {"addresses": [clamd.address]},
            "spamd": {"addresses": [spamd.unix]},
        }
        with gate(["clamd", "spamd"], sections) as running:
            yield running


def outcome(running: Gate, *words: str | Path, **variables: str) -> Done:
    settings = running.folder / "mailwarden.toml"
    return run(command("--config", settings, "selftest", *words), variables)


def rows(done: Done) -> dict[str, tuple[str, ...]]:
    """What was expected of each message that was tried, what was seen, and the verdict."""
    lines = done.out.splitlines()[LINES_BEFORE:-1]
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]
    return {row[0]: tuple(row[1:]) for row in cells if len(row) == 4}


def seen(done: Done) -> dict[str, str]:
    return {name: row[1] for name, row in rows(done).items()}


def wrong(done: Done) -> set[str]:
    return {name for name, row in rows(done).items() if row[2] == "WRONG"}


def program(folder: Path, text: str) -> Path:
    path = folder / "program"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_gate_that_works_is_found_to_work(running: Gate) -> None:
    running.clear()
    done = outcome(running)
    assert done.code == 0, done.out + done.err
    assert rows(done) == ALL_GOOD
    assert done.out.splitlines()[-1] == "12 of 12 as they should"
    assert done.err == ""
    assert running.queue.is_empty()
    assert len(running.quarantined("viruses")) == 1
    assert len(running.quarantined("policy")) == 5


def test_messages_are_found_in_the_log_by_the_word_of_the_originals_test(running: Gate) -> None:
    running.clear()
    outcome(running)
    kept = [*running.quarantined("viruses"), *running.quarantined("policy")]
    assert all(b"\nSubject: Qmail-Scanner test: " in message for message in kept)


def test_each_test_is_an_object_for_programs(running: Gate) -> None:
    done = outcome(running, "--json")
    assert done.code == 0
    said = [json.loads(line) for line in done.out.splitlines()]
    assert {one["test"]: (one["expected"], one["seen"], one["verdict"]) for one in said} == ALL_GOOD
    assert {one["why"] for one in said} == {""}


def test_on_a_terminal_of_80_columns_every_row_is_a_line(running: Gate) -> None:
    words = command("--config", running.folder / "mailwarden.toml", "selftest")
    with terminal(words) as screen:
        assert screen.finish() == 0
    assert screen.text.count("good") == len(ALL_GOOD)
    assert "\x1b[32m" in screen.raw
    assert max(map(len, screen.text.splitlines()[1:])) <= 80


def test_what_is_expected_follows_from_the_settings_of_the_recipient() -> None:
    with gate(["test-patterns"], SMALL, more=PROFILE) as running:
        done = outcome(running, "--recipient", "bob@strict.example")
        assert done.code == 0, done.out + done.err
        assert seen(done) == {
            **{name: row[1] for name, row in ALL_GOOD.items()},
            "EICAR in sneaky.txt": "rejected",
            "GTUBE": "rejected",
            "ambiguous-text": "rejected",
            "encrypted": "passed",
            "unopened": "passed with a warning",
            "over-limit": "kept or deleted",
            "oversize": "deferred",
        }
        others = outcome(running, "--recipient", "bob@other.example")
    assert rows(others) == ALL_GOOD, "our own patterns are enough to try everything"


def test_a_client_from_outside_is_played_whatever_the_shell_says(running: Gate) -> None:
    done = outcome(running, RELAYCLIENT="", BMC_WHITELIST="on", SA_ONLYDELETE_HOST="on")
    assert rows(done) == ALL_GOOD


def test_a_scanner_that_failed_without_deferring_is_seen_to_have_failed() -> None:
    nowhere = {"addresses": ["unix:/nonexistent/clamd"], "on_fault": "tag"}
    with gate(["clamd"], {**SMALL, "clamd": nowhere}) as running:
        done = outcome(running)
    assert done.code == 1
    assert rows(done)["harmless"] == ("passed", "passed, not scanned", "WRONG")


def test_a_daemon_that_is_away_is_said_to_be_away(running: Gate, tmp_path: Path) -> None:
    settings = tmp_path / "mailwarden.toml"
    text = (running.folder / "mailwarden.toml").read_text()
    settings.write_text(text.replace(str(running.socket), "/nonexistent/queue.sock"))
    done = run(command("--config", settings, "selftest"))
    assert done.code == 75
    assert set(seen(done).values()) == {"deferred"}
    assert rows(done)["harmless"] == ("passed", "deferred", "no answer")
    (line,) = [line for line in done.err.splitlines() if line.startswith("mailwarden: ")]
    assert "is mailwarden serve running" in line
    assert "/nonexistent/queue.sock" in line


def test_scanners_that_are_away_are_no_success() -> None:
    nowhere: Sections = {**SMALL, "clamd": {"addresses": ["unix:/nonexistent/clamd"]}}
    with gate(["clamd"], nowhere) as running:
        done = outcome(running)
    assert done.code == 75
    assert rows(done)["harmless"] == ("passed", "deferred", "no answer")
    assert "GTUBE was not tried: spamd is not among the scanners" in done.out


def test_a_deferral_in_words_is_not_taken_for_a_refusal(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, DEFERS_IN_WORDS))
    assert done.code == 75
    assert set(seen(done).values()) == {"deferred"}
    assert rows(done)["harmless"] == ("passed", "deferred", "no answer")


def test_what_no_scanner_could_find_is_not_tried() -> None:
    with gate(sections=SMALL) as running:
        done, told = outcome(running), outcome(running, "--json")
    assert done.code == 0
    assert "EICAR in sneaky.txt was not tried: clamd is not among the scanners\n" in done.out
    assert "GTUBE was not tried: spamd is not among the scanners\n" in done.out
    assert done.out.splitlines()[-1] == "9 of 9 as they should"
    (gtube,) = [one for one in map(json.loads, told.out.splitlines()) if one["test"] == "GTUBE"]
    assert gtube == {
        "test": "GTUBE",
        "expected": None,
        "seen": None,
        "verdict": "not tried",
        "why": "spamd is not among the scanners",
    }


def test_a_program_that_lets_everything_pass_is_wrong(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, LETS_ALL_PASS))
    assert done.code == 1
    assert wrong(done) == set(ALL_GOOD) - {"harmless"}
    assert set(seen(done).values()) == {"passed", "passed, field believed"}
    assert seen(done)["forged X-Spam-Status"] == "passed, field believed"
    assert done.out.splitlines()[-1] == "1 of 12 as they should"


def test_a_program_that_changes_bytes_is_wrong(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, CHANGES_BYTES))
    assert done.code == 1
    assert rows(done)["harmless"] == ("passed", "passed, changed", "WRONG")


def test_a_program_that_takes_the_forged_field_away_has_changed_the_message(
    running: Gate, tmp_path: Path
) -> None:
    done = outcome(running, "--program", program(tmp_path, TAKES_FIELDS_AWAY))
    assert seen(done)["forged X-Spam-Status"] == "passed, changed"


def test_a_program_that_loses_everything_is_wrong(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, LOSES_ALL))
    assert done.code == 1
    assert rows(done)["harmless"] == ("passed", "kept or deleted", "WRONG")


def test_a_program_that_sends_to_somebody_else_is_wrong(running: Gate, tmp_path: Path) -> None:
    done = outcome(running, "--program", program(tmp_path, READDRESSES))
    assert done.code == 1
    assert rows(done)["harmless"] == ("passed", "passed, to another", "WRONG")


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
