"""A mail server as the page of Qmail-Scanner's 'st' patch has it, for the tests in `tests/seed`.

    with site(clamd, spamd, spam={"quarantine_above": 2.1}) as running:
        assert running.run(scored("8.7"), BOB) == 0
        assert running.kept("spam") == [scored("8.7")]

The whole installed gate, real clamd and real spamd (required are 6.5 points). What the gate sends
itself, notices, forwarded spam and released messages, goes to a queue of its own, `post`.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

from support import samples
from support.clamd import EICAR, Clamd
from support.commands import Done, Word, command
from support.commands import run as run_command
from support.gate import Gate, Value, gate
from support.spamd import Spamd
from support.strict_queue import QueuedMessage, StrictQueue, strict_queue
from support.waiting import wait_until

ANN, BOB, ADMIN = "ann@sender.example", "bob@example.net", "antivirus@example.net"
# Another machine, as the SMTP server tells it; it may not relay.
STRANGER: Mapping[str, str] = {"TCPREMOTEIP": "192.0.2.7"}

_PATIENCE_SECONDS = 30.0
_FOLDER = "@FOLDER@"
_SETTLED = "From: ann@sender.example\nMessage-ID: <{}>\n\nall before is on record\n"
_SETTLING = "-settled@example.net"
_QUEUE_REFUSES = 53
_numbers = itertools.count(1)

Table = Mapping[str, Value]
Tables = Mapping[str, Table]


def scored(score: str, subject: str = "offer", body: bytes = b"buy now\n") -> bytes:
    """A message that gets exactly `score` points."""
    head = f"From: {ANN}\nTo: {BOB}\nSubject: {subject}\nX-Test-Score: {score}\n\n"
    return head.encode() + body


def infected(subject: str = "bill") -> bytes:
    """A message with a file that clamd takes for a virus."""
    file = samples.attached(b"bill.dat", EICAR)
    return samples.multipart(samples.text_part(), file, subject=subject.encode())


def fields_of(message: bytes, name: str) -> list[str]:
    """The values of a message's own fields of that name, unfolded."""
    parsed = BytesParser(policy=default).parsebytes(message, headersonly=True)
    return [" ".join(str(value).split()) for value in parsed.get_all(name, [])]


@dataclass(frozen=True, slots=True)
class Site:
    """A running gate with its quarantine, the queue behind it, and `post` for its own mail.

    `sends_mail` is false where nobody is told of anything, so that nothing is to be waited for.
    """

    gate: Gate
    post: StrictQueue
    sends_mail: bool

    @property
    def folder(self) -> Path:
        """Holds everything of the gate; `mailwarden.toml` are its settings."""
        return self.gate.folder

    @property
    def environment(self) -> dict[str, str]:
        """What an SMTP server's environment needs beside QMAILQUEUE."""
        return self.gate.environment

    def run(self, message: bytes, *recipients: str, sender: str = ANN, **variables: str) -> int:
        """Hand over a message as qmail-smtpd does for a stranger; the exit code."""
        return self.hand_over(message, *recipients, sender=sender, **{**STRANGER, **variables})

    def hand_over(
        self, message: bytes, *recipients: str, sender: str = ANN, **variables: str
    ) -> int:
        """The same with these variables alone: without TCPREMOTEIP it comes from this machine."""
        addresses = "".join(f"T{recipient}\0" for recipient in recipients or (BOB,))
        return self.gate.run(message, f"F{sender}\0{addresses}\0".encode(), **variables)

    def queued(self) -> list[QueuedMessage]:
        """What went on to the recipients."""
        return self.gate.queue.messages()

    def kept(self, maildir: str) -> list[bytes]:
        """The messages in one of the quarantine's Maildirs."""
        return self.gate.quarantined(maildir)

    def is_gone(self) -> bool:
        """No trace of a message but in records and logs: neither queued nor in quarantine."""
        return self.gate.queue.is_empty() and self.gate.is_quarantine_empty()

    def command(self, *words: Word) -> Done:
        """Run `mailwarden` on this site's settings."""
        return run_command(command("--config", self.folder / "mailwarden.toml", *words))

    def log_file(self, name: str) -> str:
        """One of the logs in Qmail-Scanner's formats, as far as it is written."""
        path = self.folder / "logs" / name
        return path.read_text() if path.exists() else ""

    def records(self) -> list[dict[str, Any]]:  # as JSON has it
        """The record of every message since the site began, the oldest first."""
        self.settle()
        written = [json.loads(text) for (text,) in self._rows("SELECT record FROM records")]
        ours = (one for one in written if _SETTLING not in one["message_id"])
        return sorted(ours, key=lambda one: float(one["at"]))

    def mail(self) -> list[QueuedMessage]:
        """Everything that the gate has sent itself; waits for what is still to be sent."""
        self.settle()
        return self.post.messages()

    def notices(self, address: str) -> list[str]:
        """The text of every notice to one address."""
        envelope = f"F\0T{address}\0\0".encode()
        return [text_of(one.message) for one in self.mail() if one.envelope == envelope]

    def settle(self) -> None:
        """Wait until all that was handed over is on record, and all mail about it is sent.

        One worker writes its rows in order: when the row of a message that the queue refuses is
        there, all rows before it are.
        """
        name = f"{next(_numbers)}{_SETTLING}"
        refused = {"STRICT_QUEUE_EXIT": str(_QUEUE_REFUSES), "RELAYCLIENT": ""}
        assert self.hand_over(_SETTLED.format(name).encode(), **refused) == _QUEUE_REFUSES
        on_record = "SELECT count(*) FROM records WHERE instr(record, ?)"
        wait_until(
            lambda: self._rows(on_record, f"<{name}>") == [(1,)],
            _PATIENCE_SECONDS,
            "all is on record",
        )
        wait_until(
            lambda: self._rows("SELECT count(*) FROM errands") == [(0,)],
            _PATIENCE_SECONDS,
            "all mail is sent",
        )

    def edit(self, before: str, after: str) -> None:
        """Change a line of the settings file, as an administrator does with an editor."""
        path = self.folder / "mailwarden.toml"
        text = path.read_text()
        assert text.count(before) == 1
        path.write_text(text.replace(before, after))

    def reload(self) -> None:
        """Send the daemon SIGHUP; returns when the settings file of now holds for all mail."""
        old = self.gate.worker_pids()
        os.kill(self.gate.pid, signal.SIGHUP)
        wait_until(
            lambda: not set(old) & set(self.gate.worker_pids()),
            _PATIENCE_SECONDS,
            "workers with the new settings are at work",
        )

    def clear(self) -> None:
        """Empty queue, quarantine and post, for the next test; logs and records stay."""
        if self.sends_mail:
            self.settle()
        self.gate.clear()
        for entry in (self.post.folder / "new").iterdir():
            shutil.rmtree(entry)

    def _rows(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.folder / "mailwarden.db")) as database:
            return database.execute(statement, values).fetchall()


@contextlib.contextmanager
def site(
    clamd: Clamd,
    spamd: Spamd,
    *,
    spam: Table | None = None,
    sections: Tables | None = None,
    more: str = "",
) -> Iterator[Site]:
    """A gate with these settings of `[spam]`, other tables, and TOML for the end of the file.

    `@FOLDER@` in a setting is the gate's folder; the administrator is told of blocked messages.
    """
    own: Tables = {
        "spam": spam or {},
        "clamd": {"addresses": [clamd.address]},
        "spamd": {"addresses": [spamd.unix]},
        "daemon": {"workers": 1},
        "notices": {"admin": ADMIN},
        "outbox": {"gather_seconds": 0.01, "per_hour": 1_000_000},
        "log": {"directory": f"{_FOLDER}/logs", "quarantine_log": True, "queue_log": "important"},
    }
    given = sections or {}
    with strict_queue("c") as post:
        program = _program_for(post)
        tables = {
            name: {**own.get(name, {}), **given.get(name, {})}
            for name in dict.fromkeys([*own, "queue", *given])
        }
        tables["queue"] = {**tables["queue"], "program": str(program)}
        with gate(["clamd", "spamd"], tables, _name_the_folder, more, outbox=True) as running:
            yield Site(running, post, tables["notices"].get("notify") != ["none"])


def text_of(message: bytes) -> str:
    """What a notice says to people in plain text, its subject first."""
    parsed = BytesParser(policy=default).parsebytes(message)
    body = parsed.get_body(("plain",))
    assert body is not None
    return f"{parsed['Subject']}\n{body.get_content()}"


def _program_for(post: StrictQueue) -> Path:
    """The queue program as the gate starts it: with nothing of the tests' in its environment."""
    program = post.folder / "program"
    variables = " ".join(f"{name}={value}" for name, value in post.environment.items())
    program.write_text(f"#!/bin/sh\nexec env {variables} {post.program}\n")
    program.chmod(0o755)
    return program


def _name_the_folder(folder: Path) -> None:
    settings = folder / "mailwarden.toml"
    settings.write_text(settings.read_text().replace(_FOLDER, str(folder)))
    (folder / "logs").mkdir()
