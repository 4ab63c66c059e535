"""`mailwarden scan`, as it is typed and as it is read."""

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailwarden.cli.scan import scan
from support import samples
from support.clamd import EICAR, running_clamd
from support.commands import command, run, session_pids, terminal, without_powers
from support.scripted import Peer, scripted
from support.spamd import running_spamd
from support.waiting import wait_until

HOSTILE_SUBJECT = b"a\x1b[2Jb\x07\x9b31m\xff\rX"
HOSTILE_NAME = os.fsdecode(b"x\x1b[2J\nforged line\xff\xe2\x80\xae.eml")
FIELDS = {
    "id",
    "path",
    "disposition",
    "reason",
    "detail",
    "findings",
    "faults",
    "anomalies",
    "ambiguous",
    "spam",
    "recipients",
    "seconds",
}


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAILWARDEN_CONFIG", "FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings that need no other program."""
    return write_settings(tmp_path, 'scanners = ["test-patterns"]\n')


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    """A folder for the messages of a test."""
    folder = tmp_path / "mail"
    folder.mkdir()
    return folder


def write_settings(folder: Path, text: str) -> Path:
    path = folder / "mailwarden.toml"
    path.write_text(text)
    return path


def scanned(settings: Path, *words: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(scan, [*map(str, words)], obj=settings, input=stdin)


def objects(result: Result) -> list[dict[str, Any]]:  # as JSON has it
    return [json.loads(line) for line in result.stdout.splitlines()]


def dispositions(result: Result) -> dict[str, str]:
    return {str(one["path"]).rpartition("/")[2]: str(one["disposition"]) for one in objects(result)}


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_message_of_a_folder_gets_what_the_gate_would_do(settings: Path, mail: Path) -> None:
    (mail / "clean").write_bytes(samples.clean())
    (mail / "eicar").write_bytes(samples.eicar())
    (mail / "gtube").write_bytes(samples.gtube())
    (mail / "sub").mkdir()
    (mail / "sub" / "exe").write_bytes(samples.forbidden_attachment())
    result = scanned(settings, mail, "--json")
    assert dispositions(result) == {
        "clean": "accept",
        "eicar": "quarantine",
        "gtube": "tag",
        "exe": "quarantine",
    }
    assert result.exit_code == 1
    assert result.stderr == ""


def test_nothing_is_changed_by_it(settings: Path, mail: Path, tmp_path: Path) -> None:
    (mail / "eicar").write_bytes(samples.eicar())
    (mail / "large").write_bytes(samples.clean(body=b"x" * 3_000_000))
    (mail / "mbox").write_bytes(b"From a Mon Mar  3 10:00:00 2025\n\n" * 2)
    before = snapshot(tmp_path)
    scanned(settings, tmp_path)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([], 0),
        ([samples.clean()], 0),
        ([samples.gtube()], 0),
        ([samples.clean(), samples.eicar()], 1),
    ],
)
def test_the_exit_status_says_the_worst(
    settings: Path, mail: Path, messages: list[bytes], code: int
) -> None:
    for number, message in enumerate(messages):
        (mail / str(number)).write_bytes(message)
    assert scanned(settings, mail).exit_code == code


def test_for_people_only_what_is_not_accepted_is_named(settings: Path, mail: Path) -> None:
    (mail / "clean").write_bytes(samples.clean())
    (mail / "eicar").write_bytes(samples.eicar())
    found = "test-patterns found virus Eicar-Test-Signature in part 2"
    summary = "2 messages: 1 accept, 1 quarantine\n"
    assert scanned(settings, mail).stdout == f"quarantine {mail}/eicar  {found}\n{summary}"
    assert scanned(settings, mail, "--all").stdout.startswith(f"accept     {mail}/clean\n")


def test_an_empty_folder_is_said_to_hold_nothing(settings: Path, mail: Path) -> None:
    assert scanned(settings, mail).stdout == "0 messages\n"


@pytest.mark.parametrize("prefix", [b"", b"From a@b Mon Mar  3 10:00:00 2025\n"])
def test_standard_input_is_one_message(settings: Path, prefix: bytes) -> None:
    result = scanned(settings, "-", "--json", stdin=prefix + samples.eicar())
    assert dispositions(result) == {"-": "quarantine"}
    assert objects(result)[0]["size_bytes"] == len(samples.eicar())


def test_large_standard_input_is_whole(settings: Path) -> None:
    message = samples.clean(body=b"x\n" * 2_000_000)
    result = scanned(settings, "-", "--json", stdin=message)
    assert objects(result)[0]["size_bytes"] == len(message)
    assert dispositions(result) == {"-": "accept"}


def test_an_mbox_is_as_many_messages_as_it_holds(settings: Path, mail: Path) -> None:
    separator = b"From a@b Mon Mar  3 10:00:00 2025\n"
    messages = (samples.clean(), samples.eicar(), samples.clean())
    (mail / "mbox").write_bytes(b"\n".join(separator + one for one in messages))
    result = scanned(settings, mail, "--json")
    assert dispositions(result) == {"mbox#1": "accept", "mbox#2": "quarantine", "mbox#3": "accept"}


def test_lines_come_in_the_order_of_the_messages(settings: Path, mail: Path) -> None:
    names = [f"{number:03}" for number in range(60)]
    for number, name in enumerate(names):
        large = b"x\n" * 1_000_000 if number % 10 == 0 else b"x\n"
        (mail / name).write_bytes(samples.clean(body=large))
    for jobs in ("1", "16"):
        result = scanned(settings, mail, "--json", "--jobs", jobs)
        assert list(dispositions(result)) == names


def test_a_message_that_is_named_twice_is_told_twice(settings: Path, mail: Path) -> None:
    path = mail / "eicar"
    path.write_bytes(samples.eicar())
    result = scanned(settings, path, path, mail, "--json")
    assert [one["path"] for one in objects(result)] == [str(path)] * 3


def test_json_has_the_fields_that_programs_rely_on(settings: Path, mail: Path) -> None:
    (mail / "eicar").write_bytes(samples.eicar())
    (one,) = objects(scanned(settings, mail, "--json"))
    assert one.keys() >= FIELDS
    assert one["reason"] == "virus:Eicar-Test-Signature"
    assert one["findings"] == [
        {
            "by": "test-patterns",
            "kind": "virus",
            "name": "Eicar-Test-Signature",
            "part": "2",
            "filename": "",
        }
    ]
    assert one["faults"] == []
    assert one["ambiguous"] is False
    assert one["spam"] is None
    (recipient,) = one["recipients"]
    assert recipient["disposition"] == "quarantine"
    assert isinstance(one["seconds"], float)


def test_json_tells_scores_and_odd_forms(settings: Path, mail: Path) -> None:
    (mail / "1").write_bytes(samples.gtube())
    (mail / "2").write_bytes(samples.cr_in_header())
    spam, odd = objects(scanned(settings, mail, "--json"))
    assert spam["spam"] == {
        "by": "test-patterns",
        "score": 1000.0,
        "required": 5.0,
        "tests": ["GTUBE"],
        "points": [],
    }
    assert odd["ambiguous"] is bool(odd["anomalies"])
    assert [one.keys() for one in odd["findings"]] == [{"by", "kind", "name", "part", "filename"}]


def hostile(mail: Path) -> Path:
    path = mail / HOSTILE_NAME
    attachment = samples.with_attachment(b"\x1b]0;owned\x07\xff.exe", b"x")
    path.write_bytes(attachment.replace(b"Subject: Files", b"Subject: " + HOSTILE_SUBJECT))
    return path


def test_hostile_names_stay_on_one_line_of_json(settings: Path, mail: Path) -> None:
    path = hostile(mail)
    done = run(command("--config", settings, "scan", "--json", os.fsencode(path)))
    assert done.code == 1
    assert all(0x20 <= byte < 0x7F for byte in done.stdout.removesuffix(b"\n"))
    (line,) = done.out.splitlines()
    assert json.loads(line)["path"] == str(path)


@pytest.mark.parametrize("locale", [{}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
def test_hostile_names_forge_no_line_for_people(
    settings: Path, mail: Path, locale: dict[str, str]
) -> None:
    hostile(mail)
    done = run(command("--config", settings, "scan", mail), locale)
    assert done.code == 1
    line, summary, end = done.out.split("\n")
    assert line.isprintable()
    assert "x\\x1b[2J\\nforged line\\udcff\\u202e.eml" in line
    assert (summary, end) == ("1 message: 1 quarantine", "")


def test_a_hostile_name_that_cannot_be_read_is_escaped_too(settings: Path, mail: Path) -> None:
    os.mkfifo(mail / HOSTILE_NAME)
    done = run(command("--config", settings, "scan", mail))
    assert done.code == 75
    (line,) = done.err.splitlines()
    assert line.isprintable()
    assert line.endswith(": neither a file nor a folder")


def test_what_cannot_be_read_is_told_and_the_rest_is_scanned(settings: Path, mail: Path) -> None:
    os.mkfifo(mail / "1fifo")
    (mail / "2eicar").write_bytes(samples.eicar())
    result = scanned(settings, mail)
    assert result.exit_code == 75
    assert result.stderr == f"mailwarden: {mail}/1fifo: neither a file nor a folder\n"
    assert result.stdout.endswith("2 messages: 1 quarantine, 1 unreadable\n")


def test_what_the_user_may_not_read_is_told(settings: Path, mail: Path) -> None:
    for name in ("closed/m", "secret", "seen"):
        (mail / name).parent.mkdir(exist_ok=True)
        (mail / name).write_bytes(samples.clean())
    private = [mail / "closed", mail / "secret"]
    for path in private:
        path.chmod(0o000)
    try:
        done = run(without_powers(*command("--config", settings, "scan", mail)))
        assert done.code == 75
        assert done.err == "".join(f"mailwarden: {path}: Permission denied\n" for path in private)
        assert done.out == "3 messages: 1 accept, 2 unreadable\n"
    finally:
        for path in private:
            path.chmod(0o700)


@pytest.mark.parametrize("words", [(), ("/nonexistent/mail",), ("", "-"), ("--jobs", "0", "-")])
def test_wrong_usage_ends_with_2(settings: Path, words: tuple[str, ...]) -> None:
    result = scanned(settings, *words)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_wrong_settings_end_with_2_and_all_problems(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, 'scaners = []\n[spam]\nreject = "perhaps"\n')
    result = scanned(settings, "-")
    assert result.exit_code == 2
    assert "scaners" in result.stderr
    assert "spam.reject" in result.stderr


def test_a_scanner_that_is_away_is_told_once_for_each_message(tmp_path: Path, mail: Path) -> None:
    text = 'scanners = ["clamd"]\n[clamd]\naddresses = ["unix:/nonexistent/clamd"]\n'
    settings = write_settings(tmp_path, text)
    for name in ("1", "2"):
        (mail / name).write_bytes(samples.clean())
    result = scanned(settings, mail)
    assert result.exit_code == 75
    *lines, summary = result.stdout.splitlines()
    assert [line[:11] for line in lines] == ["defer      "] * 2
    assert all(line.count("clamd could not answer") == 1 for line in lines)
    assert summary == "2 messages: 2 defer"
    assert result.stderr == ""
    faults = [one["faults"] for one in objects(scanned(settings, mail, "--json"))]
    assert [[fault.keys() for fault in one] for one in faults] == [
        [{"by", "reason", "temporary"}]
    ] * 2


def test_real_clamd_and_spamd_are_asked(tmp_path: Path, mail: Path) -> None:
    (mail / "1").write_bytes(samples.with_attachment(b"bill.txt", EICAR))
    (mail / "2").write_bytes(samples.gtube())
    (mail / "3").write_bytes(samples.clean())
    with running_clamd() as clamd, running_spamd() as spamd:
        text = (
            'scanners = ["clamd", "spamd"]\n'
            f'[clamd]\naddresses = ["{clamd.address}"]\n[spamd]\naddresses = ["{spamd.unix}"]\n'
        )
        result = scanned(write_settings(tmp_path, text), mail, "--json")
    assert dispositions(result) == {"1": "quarantine", "2": "tag", "3": "accept"}


def test_in_a_pipe_there_is_neither_bar_nor_colour(settings: Path, mail: Path) -> None:
    (mail / "eicar").write_bytes(samples.eicar())
    done = run(command("--config", settings, "scan", mail))
    assert done.stderr == b""
    assert b"\x1b" not in done.stdout
    assert b"scanning" not in done.stdout


def test_on_a_terminal_the_bar_goes_away_and_the_lines_stay(settings: Path, mail: Path) -> None:
    for number in range(30):
        (mail / str(number)).write_bytes(samples.eicar())
    os.mkfifo(mail / "fifo")
    with terminal(command("--config", settings, "scan", mail)) as screen:
        assert screen.finish() == 75
    assert "scanning" in screen.text
    assert "/31" in screen.text
    assert "\x1b[31m" in screen.raw
    lines = screen.text.splitlines()
    assert sum(f"quarantine {mail}/" in line for line in lines) == 30
    assert any(line.endswith("/fifo: neither a file nor a folder") for line in lines)
    assert lines[-1].endswith("31 messages: 30 quarantine, 1 unreadable")


def test_json_in_a_file_is_whole_while_a_person_watches_the_bar(
    settings: Path, mail: Path, tmp_path: Path
) -> None:
    for number in range(30):
        (mail / f"{number:02}").write_bytes(samples.eicar())
    with (tmp_path / "out").open("wb") as out:
        words = command("--config", settings, "scan", "--json", mail)
        with terminal(words, stdout=out.fileno()) as screen:
            assert screen.finish() == 1
    assert "scanning" in screen.text
    assert "disposition" not in screen.text
    lines = (tmp_path / "out").read_text().splitlines()
    assert [json.loads(line)["path"] for line in lines] == [
        f"{mail}/{number:02}" for number in range(30)
    ]


def test_json_on_a_terminal_is_not_folded(settings: Path, mail: Path) -> None:
    (mail / "eicar").write_bytes(samples.eicar())
    with terminal(command("--config", settings, "scan", "--json", mail)) as screen:
        assert screen.finish() == 1
    (line,) = [line for line in screen.text.splitlines() if "{" in line]
    assert json.loads(line[line.index("{") :])["disposition"] == "quarantine"


def test_a_reader_that_goes_away_ends_it_without_a_word(settings: Path, mail: Path) -> None:
    for number in range(300):
        (mail / str(number)).write_bytes(samples.eicar())
    words = command("--config", settings, "scan", "--json", mail)
    done = run(["bash", "-c", '"$@" | head -n 1; exit ${PIPESTATUS[0]}', "bash", *words])
    assert len(done.out.splitlines()) == 1
    assert done.code == 1
    assert done.err == ""


async def _hang(peer: Peer) -> None:
    await peer.hang()


async def test_an_interruption_ends_it_at_once_and_in_one_line(tmp_path: Path, mail: Path) -> None:
    (mail / "1").write_bytes(samples.clean())
    async with scripted(_hang) as address:
        text = f'scanners = ["clamd"]\n[clamd]\naddresses = ["{address}"]\n'
        words = command("--config", write_settings(tmp_path, text), "scan", mail)
        assert await asyncio.to_thread(interrupted, words) == (130, "mailwarden: interrupted")


def test_it_can_be_interrupted_while_it_waits_for_standard_input(settings: Path) -> None:
    words = command("--config", settings, "scan", "-")
    assert interrupted(words) == (130, "mailwarden: interrupted")


def interrupted(words: list[str | bytes | Path]) -> tuple[int, str]:
    """Press Ctrl-C once the bar is there; the exit status and the last line."""
    with terminal(words) as screen:
        screen.wait_for("0/1")
        started = time.monotonic()
        os.killpg(screen.process.pid, signal.SIGINT)
        code = screen.finish()
        assert time.monotonic() - started < 10
        wait_until(lambda: not session_pids(screen.process.pid), 10, "no process is left")
        return code, screen.text.splitlines()[-1]


def test_what_is_larger_than_any_message_may_be_is_told(tmp_path: Path, mail: Path) -> None:
    text = 'scanners = ["test-patterns"]\nlimits.message_bytes = 2_000_000\n'
    with (mail / "large").open("wb") as file:
        file.truncate(200_000_000)
    result = scanned(write_settings(tmp_path, text), mail, "--json")
    (one,) = objects(result)
    assert one["size_bytes"] == 200_000_000
    assert [finding["kind"] for finding in one["findings"]] == ["oversize"]
    assert result.exit_code != 0
