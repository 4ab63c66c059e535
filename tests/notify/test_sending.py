"""Sending one mail: through a strict queue program, and through programs like sendmail."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from mailwarden.notify import sending
from mailwarden.notify.sending import SendError, queue_file, send_mail, send_pieces
from mailwarden.settings.model import Settings
from mailwarden.wire.envelope import Envelope
from support.errands import outbox_settings
from support.strict_queue import StrictQueue, strict_queue

MAIL = b"Subject: x\n\n.\nNUL \0 and \xff\n"
TO = "bob@example.net"


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictQueue]:
    with strict_queue() as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def settings_of(program: Path, *command: str) -> Settings:
    return outbox_settings(Path("/nowhere/mailwarden.db"), program, command=command)


def sendmail(folder: Path, then: str = "exit 0") -> str:
    """A program like sendmail that writes down its arguments and input."""
    program = folder / "sendmail"
    program.write_text(
        f"#!/bin/sh\nprintf '%s|' \"$@\" >{folder}/arguments\ncat >{folder}/input\n{then}\n"
    )
    program.chmod(0o755)
    return str(program)


def test_the_queue_gets_exact_octets_and_an_empty_sender(queue: StrictQueue) -> None:
    send_mail(settings_of(queue.program), "", TO, MAIL)
    queued = queue.only_message()
    assert queued.message == MAIL
    assert queued.envelope == b"F\0Tbob@example.net\0\0"
    assert set(queued.descriptors) == {0, 1, 2}


def test_a_sender_that_is_given_is_used(queue: StrictQueue) -> None:
    send_mail(settings_of(queue.program), "ann@example.net", TO, MAIL)
    assert queue.only_message().envelope == b"Fann@example.net\0Tbob@example.net\0\0"


def test_pieces_become_one_mail_in_their_order(queue: StrictQueue) -> None:
    pieces: list[bytes | IO[bytes]] = [b"X-A: b\n", io.BytesIO(b"Subject: y\n\nbody\n" * 200_000)]
    send_pieces(settings_of(queue.program), "", TO, pieces)
    assert queue.only_message().message == b"X-A: b\n" + b"Subject: y\n\nbody\n" * 200_000


def test_nothing_of_the_gate_and_the_service_manager_is_passed_on(
    queue: StrictQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = ("QMAILQUEUE", "MAILWARDEN_SOCKET", "NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS")
    for name in (*gone, "KEPT"):
        monkeypatch.setenv(name, "/x")
    send_mail(settings_of(queue.program), "", TO, MAIL)
    environment = queue.only_message().environment
    assert environment["KEPT"] == "/x"
    assert not set(gone) & environment.keys(), "or our own mail would be scanned"


@pytest.mark.parametrize(
    ("code", "is_temporary"), [(53, True), (71, True), (81, True), (31, False), (11, False)]
)
def test_the_queue_s_exit_code_says_whether_to_try_again(
    queue: StrictQueue, monkeypatch: pytest.MonkeyPatch, code: int, is_temporary: bool
) -> None:
    monkeypatch.setenv("STRICT_QUEUE_EXIT", str(code))
    with pytest.raises(SendError, match=f"exited with {code}") as caught:
        send_mail(settings_of(queue.program), "", TO, MAIL)
    assert caught.value.temporary is is_temporary
    assert queue.is_empty()


def test_a_queue_that_is_killed_is_a_temporary_failure(
    queue: StrictQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRICT_QUEUE_DIE_AFTER", "3")
    with pytest.raises(SendError, match="exited with -9") as caught:
        send_mail(settings_of(queue.program), "", TO, MAIL)
    assert caught.value.temporary


def test_a_program_that_is_missing_is_a_temporary_failure(tmp_path: Path) -> None:
    with pytest.raises(SendError, match="could not be run: No such file or directory") as caught:
        send_mail(settings_of(tmp_path / "qmail-queue"), "", TO, MAIL)
    assert caught.value.temporary


def test_a_program_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_PATIENCE_SECONDS", 0.2)
    command = sendmail(tmp_path, "exec sleep 60")
    with pytest.raises(SendError, match=r"no answer within 0\.2 s") as caught:
        send_mail(settings_of(tmp_path, command), "", TO, MAIL)
    assert caught.value.temporary


def test_a_disk_without_room_is_a_temporary_failure(
    queue: StrictQueue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "away"))
    with pytest.raises(SendError, match="the mail could not be written") as caught:
        send_mail(settings_of(queue.program), "", TO, MAIL)
    assert caught.value.temporary
    with pytest.raises(SendError, match="the envelope could not be written"):
        queue_file(queue.program, Envelope(b"", (b"a",)), io.BytesIO())


def test_a_program_like_sendmail_gets_options_recipient_and_every_octet(tmp_path: Path) -> None:
    send_mail(settings_of(tmp_path, sendmail(tmp_path), "-oem"), "", TO, MAIL)
    assert (tmp_path / "arguments").read_bytes() == b"-oem|-i|-f||--|bob@example.net|"
    assert (tmp_path / "input").read_bytes() == MAIL


@pytest.mark.parametrize(
    ("address", "argument"),
    [
        ("bob@example.net", b"bob@example.net"),
        ("bob.o'neil+x=y@example.net", b"bob.o'neil+x=y@example.net"),
        ("root", b"root"),
        ("a,b@example.net", b'"a,b"@example.net'),
        ("a b@example.net", b'"a b"@example.net'),
        ('a"b\\@example.net', b'"a\\"b\\\\"@example.net'),
        ("a@b@example.net", b'"a@b"@example.net'),
        ("a..b@example.net", b'"a..b"@example.net'),
        ("b\xfcb@example.net", "b\xfcb@example.net".encode()),
        ("\udcff@example.net", b"\xff@example.net"),
    ],
)
def test_a_program_like_sendmail_takes_no_address_for_two(
    tmp_path: Path, address: str, argument: bytes
) -> None:
    send_mail(settings_of(tmp_path, sendmail(tmp_path)), "", address, MAIL)
    assert (tmp_path / "arguments").read_bytes() == b"-i|-f||--|" + argument + b"|"


@pytest.mark.parametrize("code", [1, 64, 67, 75])
def test_every_refusal_of_a_program_like_sendmail_is_temporary(tmp_path: Path, code: int) -> None:
    then = f"printf 'first\\nlast:\\tno \\033[2J' >&2; exit {code}"
    with pytest.raises(SendError, match=f"exited with {code}: first last: no ") as caught:
        send_mail(settings_of(tmp_path, sendmail(tmp_path, then)), "", TO, MAIL)
    assert caught.value.temporary


def test_only_the_end_of_what_a_program_said_is_told(tmp_path: Path) -> None:
    command = sendmail(tmp_path, "yes no | head -c 1000000 >&2; echo the end >&2; exit 75")
    with pytest.raises(SendError, match=r"the end$") as caught:
        send_mail(settings_of(tmp_path, command), "", TO, MAIL)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("address", "lack"),
    [
        ("", "is empty"),
        ("-oQ/tmp@example.net", "begins with -"),
        ("bob@example.net\n", "has a control character"),
        ("bob\r@example.net", "has a control character"),
        ("bob\0@example.net", "has a control character"),
        ("bob@example.net\x7f", "has a control character"),
        ("b" * 1_004, "is longer than 1003 bytes"),
        ("\ud800@example.net", "is not text"),
    ],
)
@pytest.mark.parametrize("way", ["queue", "command"])
def test_a_hostile_address_is_refused_for_good(
    queue: StrictQueue, tmp_path: Path, address: str, lack: str, way: str
) -> None:
    words = [sendmail(tmp_path)] if way == "command" else []
    settings = settings_of(queue.program, *words)
    with pytest.raises(SendError, match=f"an address {lack}") as caught:
        send_mail(settings, "", address, MAIL)
    assert not caught.value.temporary
    if address:
        with pytest.raises(SendError, match=f"an address {lack}"):
            send_mail(settings, address, TO, MAIL)
    assert queue.is_empty()
    assert not (tmp_path / "input").exists()


def test_a_program_runs_outside_of_our_session_and_folder(tmp_path: Path) -> None:
    command = sendmail(tmp_path, f"ps -o sid= -p $$ >{tmp_path}/session; pwd >{tmp_path}/folder")
    send_mail(settings_of(tmp_path, command), "", TO, MAIL)
    assert int((tmp_path / "session").read_text()) != os.getsid(0)
    assert (tmp_path / "folder").read_text() == "/\n"
