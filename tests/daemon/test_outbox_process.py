"""The process that sends: alone at its database, ended by a signal or with its supervisor."""

import configparser
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailwarden.daemon.outbox_process import lock_path, run_outbox
from mailwarden.ports.keeping import Maildir
from mailwarden.quarantine.folder import QuarantineFolder
from mailwarden.settings.model import LogSettings, QuarantineSettings, Settings
from mailwarden.store.errands import StoredErrands, list_errands
from mailwarden.store.schema import open_database
from mailwarden.store.writer import BatchWriter
from mailwarden.verdict.errand import Errand
from mailwarden.verdict.record import Json, text_of
from support.daemon_process import is_alive
from support.errands import forward, late_copy, notice, outbox_settings
from support.payload import BytesPayload
from support.strict_queue import StrictQueue, strict_queue
from support.waiting import wait_until

MAIL = b"Subject: x\r\n\r\nNUL \0 and \xff\n"
SLIP: Json = {
    "sender": "ann@example.org",
    "recipients": [{"address": "bob@example.net"}, {"address": text_of(b"\xff@example.net")}],
}
PATIENCE_SECONDS = 30.0


@dataclass(slots=True)
class Bench:
    """A database, a quarantine and a queue for processes that the test starts."""

    folder: Path
    queue: StrictQueue
    pids: list[int] = field(default_factory=list)
    pipes: list[int] = field(default_factory=list)
    database: Path = field(init=False)

    def __post_init__(self) -> None:
        self.database = self.folder / "mailwarden.db"

    @property
    def settings(self) -> Settings:
        made = outbox_settings(self.database, self.queue.program)
        quarantine = QuarantineSettings(directory=self.folder / "quarantine")
        return made.model_copy(update={"quarantine": quarantine, "log": LogSettings()})

    def start(self) -> int:
        """An outbox as the supervisor forks it; `pipes` are our ends."""
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                for descriptor in (reading, *self.pipes):
                    os.close(descriptor)
                with (self.folder / "log").open("a", buffering=1) as log:
                    run_outbox(self.settings, writing, log)
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        self.pids.append(pid)
        self.pipes.append(reading)
        return pid

    def keep(self, *errands: Errand) -> None:
        engine = open_database(self.settings.store.database)
        writer = BatchWriter(engine)
        complaints: list[str] = []
        for errand in errands:
            StoredErrands(writer, complaints.append).send(errand)
        writer.close()
        engine.dispose()
        assert not complaints

    def quarantine(self, name: str, slip: Json = SLIP) -> None:
        folder = QuarantineFolder(self.settings.quarantine.directory)
        folder.make()
        with BytesPayload(MAIL) as payload:
            folder.keep(name, payload, Maildir.UNDELIVERED, slip)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def wait_for(self, words: str, times: int = 1) -> None:
        wait_until(lambda: self.log().count(words) >= times, PATIENCE_SECONDS, f"log: {words}")

    def ended(self, pid: int) -> int:
        """The exit code of a process that ends, or the negative number of its signal."""
        wait_until(lambda: not is_alive(pid), PATIENCE_SECONDS, "the process ends")
        self.pids.remove(pid)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def waiting(self) -> list[str]:
        engine = open_database(self.settings.store.database)
        try:
            return [one.id for one in list_errands(engine)]
        finally:
            engine.dispose()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with strict_queue() as queue:
        for name, value in queue.environment.items():
            monkeypatch.setenv(name, value)
        made = Bench(tmp_path, queue)
        try:
            yield made
        finally:
            for pid in list(made.pids):
                os.kill(pid, signal.SIGTERM)
                made.ended(pid)
            for descriptor in made.pipes:
                with contextlib.suppress(OSError):
                    os.close(descriptor)


def test_it_sends_what_waits_and_what_comes_and_ends_when_told(bench: Bench) -> None:
    bench.keep(notice("first", at=time.time() - 60))
    pid = bench.start()
    bench.wait_for("event=errand-sent")
    bench.keep(notice("second", at=time.time() - 60))
    bench.wait_for("event=errand-sent", times=2)
    os.kill(pid, signal.SIGHUP)
    os.kill(pid, signal.SIGTERM)
    assert bench.ended(pid) == 0
    assert b"Test-Virus" in bench.queue.messages()[0].message
    assert len(bench.queue.messages()) == 2
    assert "event=outbox-stopped" in bench.log()


def test_a_line_of_the_log_names_the_mail_and_cannot_be_forged(bench: Bench) -> None:
    bench.keep(notice("one", at=time.time() - 60, topic="virus:x\nlevel=forged"))
    bench.start()
    bench.wait_for("event=errand-sent")
    (line,) = [line for line in bench.log().splitlines() if "event=errand-sent" in line]
    for word in ("kind=notice", "id=one", "recipient=postmaster@example.net", "count=1", "tries=1"):
        assert word in line
    assert r'topic="virus:x\\nlevel=forged"' in line


def test_only_one_at_a_time_is_at_work_and_the_next_takes_over(bench: Bench) -> None:
    first = bench.start()
    bench.wait_for("event=outbox-ready")
    second = bench.start()
    bench.wait_for("event=outbox-waits")
    assert f"another outbox is at work: it holds {lock_path(bench.settings)}" in bench.log()
    third = bench.start()
    bench.wait_for("event=outbox-waits", times=2)
    os.kill(third, signal.SIGTERM)
    assert bench.ended(third) == 0, "also while it waits"
    os.kill(first, signal.SIGKILL)
    assert bench.ended(first) == -signal.SIGKILL
    bench.wait_for("event=outbox-ready", times=2)
    assert is_alive(second)


def test_it_ends_when_its_supervisor_is_gone(bench: Bench) -> None:
    pid = bench.start()
    bench.wait_for("event=outbox-ready")
    os.close(bench.pipes[0])
    assert bench.ended(pid) == 0


def test_it_waits_for_the_folder_of_its_database(bench: Bench) -> None:
    bench.database = bench.folder / "later" / "mailwarden.db"
    bench.start()
    bench.wait_for("later/mailwarden.db.outbox-lock: No such file or directory")
    bench.database.parent.mkdir()
    bench.wait_for("event=outbox-ready")
    assert bench.log().count("event=outbox-waits") == 1


def test_told_to_end_while_it_sends_it_ends_after_that_mail(bench: Bench) -> None:
    slow = bench.folder / "qmail-queue"
    slow.write_text(
        f"#!/bin/sh\ntouch {bench.folder}/begun\n"
        f"until [ -e {bench.folder}/go ]; do sleep 0.02; done\nexec {bench.queue.program}\n"
    )
    slow.chmod(0o755)
    bench.queue = StrictQueue(slow, bench.queue.folder)
    bench.quarantine("kept")
    bench.keep(forward("a", "kept"), forward("b", "kept"))
    pid = bench.start()
    wait_until((bench.folder / "begun").exists, PATIENCE_SECONDS, "it sends")
    os.kill(pid, signal.SIGTERM)
    (bench.folder / "go").touch()
    assert bench.ended(pid) == 0
    assert len(bench.queue.messages()) == 1
    assert bench.waiting() == ["b"]


def test_a_late_copy_is_queued_exact_to_its_envelope_and_leaves_quarantine(bench: Bench) -> None:
    bench.quarantine("kept")
    bench.keep(late_copy("one", "kept"))
    bench.start()
    bench.wait_for("event=errand-sent")
    queued = bench.queue.only_message()
    assert queued.message == MAIL
    assert queued.envelope == b"Fann@example.org\0Tbob@example.net\0T\xff@example.net\0\0"
    assert list(QuarantineFolder(bench.settings.quarantine.directory).all_ids()) == []


def test_a_late_copy_that_cannot_be_taken_out_is_said_and_not_queued_again(bench: Bench) -> None:
    bench.quarantine("kept")
    path = bench.settings.quarantine.directory / "undelivered" / "new" / "kept"
    program = bench.folder / "qmail-queue"
    program.write_text(f"#!/bin/sh\nrm {path}\nexec {bench.queue.program}\n")
    program.chmod(0o755)
    bench.queue = StrictQueue(program, bench.queue.folder)
    bench.keep(late_copy("one", "kept"))
    bench.start()
    bench.wait_for("event=errand-sent")
    assert "queued, but still in quarantine" in bench.log()
    assert len(bench.queue.messages()) == 1


def test_spam_is_forwarded_from_quarantine_and_stays_there(bench: Bench) -> None:
    bench.quarantine("kept")
    bench.keep(forward("one", "kept", "X-Spam-Level: ***\n"))
    bench.start()
    bench.wait_for("event=errand-sent")
    assert bench.queue.only_message().message == b"X-Spam-Level: ***\n" + MAIL
    assert len(list(QuarantineFolder(bench.settings.quarantine.directory).all_ids())) == 1


def test_a_late_copy_that_was_released_meanwhile_is_done(bench: Bench) -> None:
    bench.quarantine("other")
    bench.keep(late_copy("one", "released"))
    bench.start()
    bench.wait_for("event=errand-gone")
    assert bench.waiting() == []


def lose_the_quarantine(bench: Bench) -> None:
    bench.settings.quarantine.directory.rename(bench.folder / "not mounted")


def lose_the_envelope(bench: Bench) -> None:
    (bench.settings.quarantine.directory / "envelopes" / "kept.json").unlink()


def lose_the_octets(bench: Bench) -> None:
    maildir = bench.settings.quarantine.directory / "undelivered"
    (maildir / "new" / "kept").unlink()
    (maildir / "cur" / "kept:2,S").symlink_to("kept:2,S")


@pytest.mark.parametrize("damage", [lose_the_quarantine, lose_the_envelope, lose_the_octets])
def test_a_late_copy_is_kept_and_tried_again_whatever_is_wrong(
    bench: Bench, damage: Callable[[Bench], None]
) -> None:
    bench.quarantine("kept")
    damage(bench)
    bench.keep(late_copy("one", "kept"))
    bench.start()
    bench.wait_for("event=errand-postponed")
    assert bench.waiting() == ["one"]
    assert bench.queue.is_empty()


def test_a_template_of_the_administrator_that_is_wrong_is_said(bench: Bench) -> None:
    templates = bench.folder / "templates"
    templates.mkdir()
    (templates / "admin.txt").write_text("{% oops %}")
    one = notice("one", at=time.time() - 60)
    one.content["templates"] = str(templates)
    bench.keep(one)
    bench.start()
    bench.wait_for("event=errand-sent")
    bench.wait_for("event=template")
    assert "ours is used" in bench.log()


def test_what_is_wrong_with_the_database_is_said(bench: Bench) -> None:
    bench.settings.store.database.write_bytes(b"no database" * 1_000)
    pid = bench.start()
    bench.wait_for("event=outbox ")
    assert "file is not a database" in bench.log()
    os.kill(pid, signal.SIGTERM)
    assert bench.ended(pid) == 0


def test_the_unit_lets_a_setuid_queue_program_work() -> None:
    """Options that imply NoNewPrivileges where User= is set: systemd.exec(5)."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # how its manual says it
    unit.read(Path(__file__).parents[2] / "packaging/systemd/mailwarden-outbox.service")
    assert unit["Service"]["ExecStart"].endswith("/mailwarden outbox")
    assert not unit["Service"].keys() & {
        "NoNewPrivileges",
        "SystemCallFilter",
        "SystemCallLog",
        "SystemCallArchitectures",
        "RestrictAddressFamilies",
        "RestrictFileSystems",
        "RestrictNamespaces",
        "RestrictRealtime",
        "RestrictSUIDSGID",
        "PrivateDevices",
        "ProtectKernelTunables",
        "ProtectKernelModules",
        "ProtectKernelLogs",
        "ProtectClock",
        "ProtectHostname",
        "LockPersonality",
        "MemoryDenyWriteExecute",
        "DynamicUser",
    }
