"""`mailwarden quarantine` on what a running gate has kept."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailwarden.cli.quarantine import quarantine
from support import samples
from support.clamd import MARKER, Clamd, running_clamd
from support.commands import command, run, terminal, without_powers
from support.gate import Gate, gate

SENDER = b"ann@sender.example"
RECIPIENTS = (b"bob@recipient.example", b"cleo@recipient.example")
ENVELOPE = b"F" + SENDER + b"\0" + b"".join(b"T" + one + b"\0" for one in RECIPIENTS) + b"\0"
MARK = b"X-Mailwarden-Released: "
HOSTILE_SUBJECT = b"pay\x1b[2J\x1b]0;owned\x07\x9b31m\r\xe2\x80\xaenow [red]x[/red] \xff"


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with running_clamd() as clamd:
        yield clamd


@pytest.fixture(scope="module")
def module_gate(clamd: Clamd) -> Iterator[Gate]:
    with gate(["clamd"], {"clamd": {"addresses": [clamd.address]}}) as running:
        yield running


@pytest.fixture
def running(module_gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The gate of this module, its queue and quarantine empty, behind the commands, too."""
    module_gate.clear()
    for half_done in (module_gate.queue.folder / "tmp").iterdir():
        shutil.rmtree(half_done)
    for name, value in module_gate.queue.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("STRICT_QUEUE_EXIT", raising=False)
    return module_gate


def settings_of(running: Gate) -> Path:
    """The gate's settings, and where the real queue program is."""
    path = running.folder / "commands.toml"
    text = (running.folder / "mailwarden.toml").read_text()
    path.write_text(text.replace("[queue]", f'[queue]\nprogram = "{running.queue.program}"'))
    path.chmod(0o644)
    return path


def typed(running: Gate, *words: str) -> Result:
    return CliRunner().invoke(quarantine, words, obj=settings_of(running))


def kept(running: Gate, message: bytes, envelope: bytes = ENVELOPE) -> str:
    """Let the gate quarantine a message; its id."""
    before = {one["id"] for one in listed(running)}
    assert running.run(message, envelope) == 0
    (new,) = {one["id"] for one in listed(running)} - before
    assert isinstance(new, str)
    return new


def listed(running: Gate) -> list[dict[str, Any]]:  # as JSON has it
    return [json.loads(line) for line in typed(running, "list", "--json").stdout.splitlines()]


def infected(subject: bytes = b"bill") -> bytes:
    return samples.clean(subject=subject, body=b"see " + MARKER + b"\n")


def released(running: Gate) -> bytes:
    """What the queue got: the mark's field alone on top of the exact bytes."""
    message = running.queue.only_message().message
    assert message.startswith(MARK)
    return message.partition(b"\n")[2]


def test_an_empty_quarantine_is_said_to_be_empty_and_where(running: Gate) -> None:
    result = typed(running, "list")
    assert (result.exit_code, result.stdout) == (
        0,
        f"nothing is kept in {running.folder}/quarantine\n",
    )
    assert typed(running, "list", "--json").stdout == ""


def test_a_list_makes_no_database_of_the_wrong_owner(tmp_path: Path) -> None:
    settings = tmp_path / "mailwarden.toml"
    settings.write_text(
        f'[quarantine]\ndirectory = "{tmp_path}/q"\n[store]\ndatabase = "{tmp_path}/db"\n'
    )
    result = CliRunner().invoke(quarantine, ["list"], obj=settings)
    assert result.stdout == f"nothing is kept in {tmp_path}/q\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mailwarden.toml"]


def test_list_json_has_an_object_a_line_the_newest_first(running: Gate) -> None:
    first, second = kept(running, infected()), kept(running, samples.forbidden_attachment())
    newest, oldest = sorted(listed(running), key=lambda one: str(one["maildir"]))
    assert {newest["id"], oldest["id"]} == {first, second}
    assert {key: oldest[key] for key in oldest.keys() - {"at"}} == {
        "id": first,
        "maildir": "viruses",
        "reason": "virus:Test.Marker.UNOFFICIAL",
        "sender": SENDER.decode(),
        "recipients": " ".join(one.decode() for one in RECIPIENTS),
        "subject": "bill",
        "size_bytes": len(infected()),
    }
    assert [one["at"] for one in listed(running)] == sorted(
        (one["at"] for one in listed(running)), reverse=True
    )


def test_list_can_be_of_one_maildir(running: Gate) -> None:
    message_id = kept(running, infected())
    kept(running, samples.forbidden_attachment())
    assert typed(running, "list", "--maildir", "viruses").stdout.split()[0] == message_id
    assert len(typed(running, "list", "--maildir", "viruses").stdout.splitlines()) == 1
    spam = f"nothing is kept in {running.folder}/quarantine/spam\n"
    assert typed(running, "list", "--maildir", "spam").stdout == spam


def test_in_a_pipe_a_message_is_a_line_and_nothing_is_cut(running: Gate) -> None:
    subject = b"a long subject " * 8
    message_id = kept(running, infected(subject.strip()))
    (line,) = typed(running, "list").stdout.splitlines()
    assert line.startswith(f"{message_id}  virus:Test.Marker.UNOFFICIAL  ")
    assert line.endswith(
        "from ann@sender.example to bob@recipient.example cleo@recipient.example: "
        + subject.strip().decode()
    )


def test_of_many_recipients_the_first_are_named(running: Gate) -> None:
    addresses = [b"user%d@x" % number for number in range(2_000)]
    envelope = b"F\0" + b"".join(b"T" + address + b"\0" for address in addresses) + b"\0"
    message_id = kept(running, infected(), envelope)
    told = "from <> to user0@x user1@x user2@x and 1997 more: bill\n"
    assert typed(running, "list").stdout.endswith(told)
    assert typed(running, "release", message_id).stdout.endswith("to 2000 recipients\n")
    assert running.queue.only_message().envelope == envelope


@pytest.mark.parametrize("address", ["post", "x.example", "", "@x.example", "post@"])
def test_release_to_what_is_no_whole_address_leaves_the_message(
    running: Gate, address: str
) -> None:
    message_id = kept(running, infected())
    refused = typed(running, "release", "--to", address, message_id)
    assert refused.exit_code == 2
    assert "a whole address, as user@example.org" in refused.stderr
    assert running.queue.is_empty()
    assert message_id in typed(running, "list").stdout


def test_on_a_terminal_of_40_columns_the_id_is_whole(running: Gate) -> None:
    message_id = kept(running, infected(b"long " * 30))
    words = command("--config", settings_of(running), "quarantine", "list")
    with terminal(words, columns=40) as screen:
        assert screen.finish() == 0
    assert screen.text.startswith(message_id + "  ")
    assert "\x1b[" in screen.raw


def test_hostile_texts_forge_nothing_on_a_terminal(running: Gate) -> None:
    envelope = b"F\x1b[2J@x\0Tbob\x07\x1b[1A@y\0\0"
    message_id = kept(running, infected(HOSTILE_SUBJECT), envelope)
    with terminal(command("--config", settings_of(running), "quarantine", "list")) as screen:
        assert screen.finish() == 0
    first, *about = screen.text.splitlines()
    assert first.startswith(message_id)
    assert all(line.startswith("    ") and line.isprintable() for line in about)
    said = " ".join(line.strip() for line in about)
    assert said.startswith("from \\x1b[2J@x to bob\\x07\\x1b[1A@y: pay\\x1b[2J")
    assert "[red]x[/red]" in said
    assert "\x1b[2J" not in screen.raw
    assert "\x07" not in screen.raw
    shown = typed(running, "show", message_id).stdout
    assert all(line.isascii() and line.isprintable() for line in shown.splitlines())


def test_show_tells_the_facts_and_the_file(running: Gate) -> None:
    message_id = kept(running, infected())
    facts = json.loads(typed(running, "show", message_id).stdout)
    assert facts["id"] == message_id
    assert facts["reason"] == "virus:Test.Marker.UNOFFICIAL"
    assert facts["sender"] == SENDER.decode()
    assert [one["address"] for one in facts["recipients"]] == [one.decode() for one in RECIPIENTS]
    assert Path(facts["file"]).read_bytes() == infected()


def test_show_raw_gives_the_exact_bytes(running: Gate) -> None:
    message = infected() + bytes(range(256)) + b"\r\n.\r\n\xff no newline"
    message_id = kept(running, message.replace(b"\0", b""))
    done = run(command("--config", settings_of(running), "quarantine", "show", "--raw", message_id))
    assert (done.code, done.stdout) == (0, message.replace(b"\0", b""))


def test_release_gives_the_exact_bytes_to_the_original_envelope(running: Gate) -> None:
    message = infected(b"=?utf-8?q?gr=C3=BC=C3=9Fe?=") + b"\xff\r\n\r no newline"
    message_id = kept(running, message)
    result = typed(running, "release", message_id)
    assert (result.exit_code, result.stdout) == (0, f"{message_id} released to 2 recipients\n")
    assert released(running) == message
    assert running.queue.only_message().envelope == ENVELOPE
    assert running.is_quarantine_empty()
    assert listed(running) == []


def test_an_address_that_is_not_utf8_is_released_as_it_was(running: Gate) -> None:
    envelope = b"F\xff\xfe@x\0Tb\xe9@y\0\0"
    typed(running, "release", kept(running, infected(), envelope))
    assert running.queue.only_message().envelope == envelope


def test_release_to_another_address_keeps_the_sender(running: Gate) -> None:
    message_id = kept(running, infected())
    result = typed(running, "release", "--to", "post@x.example", message_id)
    assert result.stdout == f"{message_id} released to 1 recipient\n"
    assert running.queue.only_message().envelope == b"F" + SENDER + b"\0Tpost@x.example\0\0"


def test_a_released_message_passes_the_same_gate(running: Gate) -> None:
    typed(running, "release", kept(running, infected()))
    message = running.queue.only_message().message
    running.clear()
    through_a_server = b"Received: by relay.example; Mon, 3 Mar 2025 10:00:00 +0000\n" + message
    assert running.run(through_a_server, ENVELOPE) == 0
    assert running.queue.only_message().message.endswith(through_a_server)
    assert running.is_quarantine_empty()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"see ", b"sea "),
        (b"bob@recipient", b"eve@recipient"),
        (b"v=1; id=2", b"v=1; id=1"),
        (b"Subject: bill\n", b"Subject: bill\nX: y\n"),
    ],
)
def test_an_altered_one_is_caught_again(running: Gate, old: bytes, new: bytes) -> None:
    typed(running, "release", kept(running, infected()))
    message = running.queue.only_message().message
    assert old in message
    running.clear()
    assert running.run(message.replace(old, new), ENVELOPE) == 0
    assert running.queue.is_empty()
    assert len(running.quarantined("viruses")) == 1


def test_a_mark_forgives_only_what_was_found(running: Gate) -> None:
    typed(running, "release", kept(running, samples.forbidden_attachment()))
    mark = running.queue.only_message().message.partition(b"\n")[0]
    running.clear()
    running.run(mark + b"\n" + infected(), ENVELOPE)
    assert running.queue.is_empty()


@pytest.mark.parametrize("code", [1, 11, 31, 51, 53, 54, 71, 81, 91, 111, 120, 255])
def test_what_the_queue_refuses_stays_in_quarantine(
    running: Gate, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    message_id = kept(running, infected())
    monkeypatch.setenv("STRICT_QUEUE_EXIT", str(code))
    result = typed(running, "release", message_id)
    assert result.exit_code == 75
    assert result.stdout == ""
    program = running.queue.program
    said = f"mailwarden: {program} refused {message_id} with exit code {code}\n"
    assert result.stderr == said
    assert running.queue.is_empty()
    assert running.quarantined("viruses") == [infected()]
    monkeypatch.delenv("STRICT_QUEUE_EXIT")
    assert typed(running, "release", message_id).exit_code == 0


def test_a_queue_that_dies_or_is_missing_loses_nothing(
    running: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = kept(running, infected())
    monkeypatch.setenv("STRICT_QUEUE_DIE_AFTER", "10")
    assert typed(running, "release", message_id).exit_code == 75
    monkeypatch.delenv("STRICT_QUEUE_DIE_AFTER")
    settings = settings_of(running)
    settings.write_text(settings.read_text().replace(str(running.queue.program), "/nonexistent/q"))
    result = CliRunner().invoke(quarantine, ["release", message_id], obj=settings)
    assert result.exit_code == 75
    assert "/nonexistent/q" in result.stderr
    assert running.quarantined("viruses") == [infected()]


def test_several_are_released_whatever_becomes_of_the_others(running: Gate) -> None:
    first, second = kept(running, infected(b"1")), kept(running, infected(b"2"))
    result = typed(running, "release", first, "20200101-000000-unknown1", second)
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.stdout.splitlines()] == [first, second]
    assert result.stderr.startswith("mailwarden: no message '20200101-000000-unknown1' in ")
    assert len(running.queue.messages()) == 2


@pytest.mark.parametrize("verb", ["show", "release", "delete"])
@pytest.mark.parametrize(
    "message_id", ["20200101-000000-unknown1", "../../etc/passwd", "", "*", "\x1b[2J"]
)
def test_an_unknown_id_ends_with_1(running: Gate, verb: str, message_id: str) -> None:
    kept(running, infected())
    result = typed(running, verb, message_id)
    assert result.exit_code == 1
    assert result.stderr.startswith("mailwarden: no message ")
    assert "\x1b" not in result.stderr
    assert running.quarantined("viruses") == [infected()]


def test_delete_takes_messages_away_for_good(running: Gate) -> None:
    first, second = kept(running, infected(b"1")), kept(running, infected(b"2"))
    result = typed(running, "delete", first, second)
    assert (result.exit_code, result.stdout) == (0, f"{first} deleted\n{second} deleted\n")
    assert running.is_quarantine_empty()
    assert running.queue.is_empty()
    assert typed(running, "delete", first).exit_code == 1


@pytest.mark.parametrize("verb", ["release", "delete"])
def test_a_broken_index_undoes_nothing(running: Gate, verb: str) -> None:
    message_id = kept(running, infected())
    settings = settings_of(running)
    broken = running.folder / "broken.db"
    broken.write_bytes(b"no database at all, but long enough to be looked at\n" * 20)
    database = f"{running.folder}/mailwarden.db"
    settings.write_text(settings.read_text().replace(database, str(broken)))
    result = CliRunner().invoke(quarantine, [verb, message_id], obj=settings)
    assert result.exit_code == 0
    assert result.stdout.startswith(message_id)
    assert result.stderr.startswith(f"mailwarden: the index still names {message_id}: {broken}: ")
    assert running.is_quarantine_empty()
    assert listed(running) == []


def test_a_message_without_its_envelope_is_released_only_to_somebody_named(running: Gate) -> None:
    message_id = kept(running, infected())
    (running.folder / "quarantine/envelopes" / f"{message_id}.json").unlink()
    assert typed(running, "list").stdout.startswith(message_id)
    refused = typed(running, "release", message_id)
    assert refused.exit_code == 75
    assert "--to" in refused.stderr
    assert typed(running, "release", "--to", "post@x.example", message_id).exit_code == 0
    assert released(running) == infected()


@pytest.mark.parametrize("verb", ["list", "show", "release", "delete"])
def test_who_may_not_look_is_told_so(running: Gate, verb: str) -> None:
    message_id = kept(running, infected())
    words = (verb,) if verb == "list" else (verb, message_id)
    settings, folder = settings_of(running), running.folder / "quarantine"
    folder.chmod(0o000)
    try:
        done = run(without_powers(*command("--config", settings, "quarantine", *words)))
    finally:
        folder.chmod(0o700)
    assert done.code == 75
    (line,) = done.err.splitlines()
    assert line.startswith(f"mailwarden: {folder}")
    assert line.endswith(": Permission denied")
    assert running.quarantined("viruses") == [infected()]
