"""`mailwarden report`, as it is typed, read, and mailed."""

import asyncio
import email
import gzip
import io
import json
import sys
import time
from collections.abc import Iterator
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailwarden.cli.report import report
from mailwarden.store.records import StoredRecords
from mailwarden.store.schema import open_database
from mailwarden.store.writer import BatchWriter
from support.commands import python, run, terminal
from support.old_logs import SAMPLE, as_octets, our_event, our_sample_log, quarantine_line
from support.records import record_of
from support.strict_queue import StrictQueue, strict_queue

PROGRAM = "from mailwarden.cli.report import report; report(obj=None)"
HOSTILE = "W32/\x1b[2J\u202eX"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings with a database that nobody has made yet."""
    path = tmp_path / "mailwarden.toml"
    path.write_text(
        f'[store]\ndatabase = "{tmp_path}/mailwarden.db"\n'
        '[headers]\nhostname = "mx.example.org"\n'
        '[notices]\nadmin = "admin@example.org"\n'
    )
    return path


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch, settings: Path) -> Iterator[StrictQueue]:
    """A queue that the settings name."""
    with strict_queue() as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        with settings.open("a") as file:
            file.write(f'[queue]\nprogram = "{made.program}"\n')
        yield made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two viruses and a rejected spam."""
    path = tmp_path / "qmail-queue.log"
    events = [("quarantining", "A"), ("quarantining", "A"), ("rejecting", "spam")]
    lines = [our_event(number, *event) for number, event in enumerate(events)]
    path.write_bytes(as_octets(lines))
    return path


def remember(settings: Path, *ages_seconds: float) -> None:
    """Records of messages with a virus, so old."""
    engine = open_database(settings.parent / "mailwarden.db")
    writer = BatchWriter(engine)
    stored = StoredRecords(writer, lambda _: None)
    for number, age in enumerate(ages_seconds):
        record = record_of(f"id-{number}", at=time.time() - age)
        asyncio.run(stored.note_durably(record))
    writer.close()
    engine.dispose()


def typed(*words: str | Path, settings: Path | None = None, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(report, [str(word) for word in words], obj=settings, input=stdin)


def told(result: Result) -> dict[str, Any]:  # as JSON has it
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_the_sample_of_the_patchs_page_comes_first(tmp_path: Path) -> None:
    (tmp_path / "qmail-queue.log.1.gz").write_bytes(gzip.compress(as_octets(our_sample_log())))
    result = typed(tmp_path / "qmail-queue.log.1.gz")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[: len(SAMPLE) + 1] == [*SAMPLE, ""]
    assert "  messages        15,616" in result.stdout


def test_several_logs_are_one_report(log: Path) -> None:
    assert told(typed(log, log, "--json"))["messages"] == 6


def test_standard_input_is_a_log(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for octets in (log.read_bytes(), gzip.compress(log.read_bytes())):
        done = run(
            ["sh", "-c", 'exec "$0" "$@" <"$STDIN"', *python(PROGRAM, "-", "--json")],
            {"STDIN": str(_file(log.parent / "in", octets))},
        )
        assert json.loads(done.out)["totals"] == {"rejecting": 1}
        assert json.loads(done.out)["sources"][0]["name"] == "standard input"


def _file(path: Path, octets: bytes) -> Path:
    path.write_bytes(octets)
    return path


def test_without_a_log_the_records_are_read(settings: Path) -> None:
    remember(settings, 60, 3_600, 10 * 86_400)
    assert told(typed("--json", settings=settings))["messages"] == 3
    recent = told(typed("--json", "--last", "24h", settings=settings))
    assert recent["names"] == [{"name": "Test-Virus", "count": 2}]
    assert recent["hostname"] == "mx.example.org"


def test_a_span_holds_for_logs_too(log: Path) -> None:
    assert told(typed(log, "--json", "--since", "2026-11-22T21:30:02Z"))["messages"] == 2
    assert told(typed(log, "--json", "--until", "2026-11-22T21:30:02+00:00"))["messages"] == 1
    assert told(typed(log, "--json", "--since=2000-01-01", "--until=2000-01-02"))["messages"] == 0


def test_logs_need_no_settings(log: Path, tmp_path: Path) -> None:
    assert typed(log, settings=tmp_path / "none.toml").exit_code == 0
    assert typed(settings=tmp_path / "none.toml").exit_code == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--last", "soon"), "such as 24h or 7d"),
        (("--since", "to\x1bday"), "expected a date"),
        (("--last", "7d", "--since", "2026-01-01"), "--last says both ends"),
        (("--since", "2026-01-02", "--until", "2026-01-01"), "nothing lies between"),
    ],
)
def test_a_wrong_span_is_told(words: tuple[str, ...], complaint: str, log: Path) -> None:
    result = typed(log, *words)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "\x1b" not in result.stderr


def test_a_database_that_cannot_be_read_is_told(settings: Path) -> None:
    result = typed(settings=settings)
    assert result.exit_code == 75
    assert "mailwarden.db: there is no such file; has the daemon run?" in result.stderr


def test_a_log_that_cannot_be_read_is_told_and_the_others_count(log: Path, tmp_path: Path) -> None:
    result = typed(log, tmp_path / "none")
    assert result.exit_code == 1
    assert "      2 A" in result.stdout
    assert f"{tmp_path}/none: No such file or directory" in result.stdout


def test_lines_that_nobody_understands_are_told_beside_json_too(log: Path) -> None:
    with log.open("a") as file:
        file.write("what is this?\n")
    words = "1 of 4 lines were not understood, the first is line 4"
    assert words in typed(log).stdout
    result = typed(log, "--json")
    assert words in result.stderr
    assert told(result)["sources"][0]["not_understood"] == 1


def test_the_page_is_written_whole(log: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("the old one")
    result = typed(log, "--html", page)
    assert (result.exit_code, result.stdout) == (0, f"report written to {page}\n")
    assert page.read_text().endswith("</html>")
    assert sorted(tmp_path.iterdir()) == [log, page]


def test_a_page_that_cannot_be_written_is_told(log: Path, tmp_path: Path) -> None:
    result = typed(log, "--html", tmp_path / "none" / "report.html")
    assert result.exit_code == 75
    assert "No such file or directory" in result.stderr


def test_the_report_is_mailed_to_the_administrator(
    log: Path, settings: Path, queue: StrictQueue
) -> None:
    result = typed(log, "--mail", settings=settings)
    assert (result.exit_code, result.stdout) == (0, "report sent to admin@example.org\n")
    queued = queue.only_message()
    assert queued.envelope == b"F\0Tadmin@example.org\0\0"
    letter = email.message_from_binary_file(io.BytesIO(queued.message), policy=default)
    assert letter["To"] == "admin@example.org"
    assert "mx.example.org" in letter["Subject"]


def test_the_report_is_mailed_to_an_address(settings: Path, queue: StrictQueue, log: Path) -> None:
    assert typed(log, "--mail=boss@example.org", settings=settings).exit_code == 0
    assert queue.only_message().envelope == b"F\0Tboss@example.org\0\0"


def test_a_queue_that_refuses_is_told(
    log: Path, settings: Path, queue: StrictQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRICT_QUEUE_EXIT", "53")
    result = typed(log, "--mail", settings=settings)
    assert result.exit_code == 75
    assert "the report was not sent: " in result.stderr
    assert "exited with 53" in result.stderr


def test_a_log_after_mail_is_no_address(log: Path, settings: Path) -> None:
    result = typed("--mail", log, settings=settings)
    assert result.exit_code == 2
    assert "expected an address; logs stand before --mail" in result.stderr


def test_nobody_is_no_address(log: Path, settings: Path) -> None:
    settings.write_text(settings.read_text().partition("[notices]")[0])
    result = typed(log, "--mail", settings=settings)
    assert result.exit_code == 2
    assert "notices.admin is not set" in result.stderr


def test_names_from_outside_move_no_cursor(tmp_path: Path) -> None:
    (tmp_path / "quarantine.log").write_bytes(as_octets([quarantine_line(HOSTILE)]))
    for words in ((), ("--json",)):
        result = typed(tmp_path / "quarantine.log", *words)
        assert "\x1b" not in result.stdout
        assert "\u202e" not in result.stdout
    assert "W32/\\x1b[2J\\u202eX" in typed(tmp_path / "quarantine.log").stdout


def test_a_terminal_of_80_columns_shows_a_line_for_each_name(tmp_path: Path) -> None:
    log = _file(tmp_path / "log", as_octets([quarantine_line("a long rule " * 20)]))
    with terminal(python(PROGRAM, log), columns=80) as screen:
        assert screen.finish() == 0
    lines = screen.text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("      1 a long rule")
    assert lines[0].endswith("…")
    assert lines[1] == ""
    assert lines[3] == "  messages             1"


def test_a_pipe_gets_names_whole(tmp_path: Path) -> None:
    name = "a long rule " * 20
    log = _file(tmp_path / "log", as_octets([quarantine_line(name)]))
    assert run(python(PROGRAM, log)).out.splitlines()[0] == f"      1 {name.strip()}"


def test_the_command_starts_without_what_it_may_not_need() -> None:
    program = "import sys; import mailwarden.cli.report; print(sorted(sys.modules))"
    loaded = run([sys.executable, "-c", program]).out
    assert not {"jinja2", "sqlalchemy", "pydantic"} & set(loaded.replace("'", "").split(", "))
