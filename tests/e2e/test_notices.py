"""Who is told of a blocked message, and who never: from the client to the mail that is queued.

One queue takes mail and notices, so that whatever is queued by anybody is seen.
"""

import contextlib
import email
import os
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from support import queue_program
from support.clamd import EICAR
from support.daemon_process import (
    Daemon,
    Sections,
    children_of,
    daemon_folder,
    start_daemon,
    write_settings,
)
from support.gate import Gate, gate, installed
from support.planned_queue import PlannedQueue, planned_queue
from support.spamd import GTUBE
from support.strict_queue import QueuedMessage
from support.waiting import wait_until

PATIENCE_SECONDS = 30.0
ADMIN = "antivirus@example.net"
USER = "user@example.net"
SENDER = "ann@example.org"
LEARN = "learn@example.net"
STRANGER = {"TCPREMOTEIP": "192.0.2.7"}
RELAY = {**STRANGER, "RELAYCLIENT": ""}
INFECTED = b"From: Ann <ann@example.org>\nSubject: your bill\n\n" + EICAR + b"\n"
FORBIDDEN = (
    b"From: Ann <ann@example.org>\nSubject: a program\nMIME-Version: 1.0\n"
    b'Content-Type: application/octet-stream; name="run.pif"\n\nx\n'
)
SPAM = b"From: x@example.org\nSubject: offer \xff\n\n" + GTUBE + b"\n"
SETTINGS = """
[outbox]
gather_seconds = 0.1
per_hour = 1000

[notices]
admin = "antivirus@example.net"
admin_name = "Antivirus MYDOMAIN"
local_domains = ["example.net", "example.org", "de.example"]
notify = ["admin"]

[spam]
quarantine_above = 1

[[profile]]
match = ["all.example", "alls.example.net"]
notices.notify = ["all"]
notices.local_domains = ["all.example", "alls.example.net", "example.org"]

[[profile]]
match = ["twin.example"]
headers.descriptive = "yes"
notices.notify = ["all"]
notices.local_domains = ["twin.example", "example.org"]

[[profile]]
match = ["de.example"]
notices.language = "de_DE"
notices.admin = "chef@de.example"
notices.admin_name = "J\\u00fcrgens Post"
notices.notify = ["admin", "recips"]

[[profile]]
match = ["own.example"]
notices.templates = "TEMPLATES"

[[profile]]
match = ["learn.example"]
spam.forward = "learn@example.net"
notices.notify = ["none"]

[[profile]]
match = ["verbose.example"]
spam.forward = "learn@example.net"
spam.forward_verbose = true
notices.notify = ["none"]
"""

ADMINS = """
[notices]
admin = "antivirus@example.net"
notify = ["admin", "sender"]
"""


@dataclass(frozen=True, slots=True)
class Post:
    """A gate, and the queue that gets its mail and its notices."""

    gate: Gate
    queue: PlannedQueue

    def run(self, message: bytes, *recipients: str, sender: str = SENDER, **variables: str) -> int:
        environment = {"MAILWARDEN_QMAIL_QUEUE": str(self.queue.program), **variables}
        return self.gate.run(message, envelope(sender, *recipients), **environment)

    def notices(self, count: int) -> list["Notice"]:
        """Everything that is queued once nothing waits, which must be so much."""

        def is_sent() -> bool:
            return len(self.queue.messages()) >= count and not self.waiting()

        wait_until(is_sent, PATIENCE_SECONDS, "nothing waits to be sent")
        sent = [Notice(one) for one in self.queue.messages()]
        assert len(sent) == count, [(one.to, one.subject) for one in sent]
        return sent

    def waiting(self) -> list[tuple[str, int]]:
        """To whom something waits to be sent, and how often it was tried."""
        return self.ask("SELECT recipient, tries FROM errands")

    def ask(self, statement: str) -> list[tuple[str, int]]:
        database = sqlite3.connect(self.gate.folder / "mailwarden.db", timeout=PATIENCE_SECONDS)
        with contextlib.closing(database), database:
            return database.execute(statement).fetchall()


@dataclass(frozen=True, slots=True)
class Notice:
    """A queued mail, taken apart by the standard library."""

    queued: QueuedMessage

    @property
    def to(self) -> str:
        """The one envelope recipient; the sender must be empty."""
        sender, recipient, *end = self.queued.envelope.split(b"\0")
        assert (sender, end) == (b"F", [b"", b""])
        return recipient.decode()[1:]

    @property
    def mail(self) -> EmailMessage:
        mail = email.message_from_bytes(self.queued.message, policy=default)
        assert isinstance(mail, EmailMessage)
        return mail

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"])

    @property
    def text(self) -> str:
        part = self.mail.get_body(("plain",))
        assert part is not None
        return str(part.get_content())


def envelope(sender: str, *recipients: str) -> bytes:
    addresses = "".join(f"T{recipient}\0" for recipient in recipients)
    return f"F{sender}\0{addresses}\0".encode()


@contextlib.contextmanager
def post(settings: str = SETTINGS, *, outbox: bool = True) -> Iterator[Post]:
    with planned_queue() as queue:
        templates = queue.folder / "templates"
        templates.mkdir()
        (templates / "admin.txt").write_text("Our own words about {{ mail.name }}.\n")
        sections = {"queue": {"program": str(queue.program)}}
        more = settings.replace("TEMPLATES", str(templates)).replace("FOLDER", str(queue.folder))
        with gate(["test-patterns"], sections, more=more, outbox=outbox) as running:
            yield Post(running, queue)


@pytest.fixture(scope="module")
def shared_post() -> Iterator[Post]:
    with post() as made:
        yield made


@pytest.fixture
def office(shared_post: Post) -> Iterator[Post]:
    yield shared_post
    shared_post.notices(len(shared_post.queue.messages()))
    shared_post.queue.clear()
    shared_post.gate.clear()


def test_the_administrator_is_told_of_a_virus_by_a_mail_that_nobody_answers(office: Post) -> None:
    assert office.run(INFECTED, USER, **STRANGER) == 0
    assert office.gate.quarantined("viruses") == [INFECTED]
    (notice,) = office.notices(1)
    assert notice.to == ADMIN
    mail = notice.mail
    assert mail["From"] == f"Antivirus MYDOMAIN <{ADMIN}>"
    assert mail["To"] == ADMIN
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Precedence"] == "bulk"
    assert "to=admin; messages=1" in mail["X-Mailwarden-Notice"]
    for word in ("Eicar-Test-Signature", SENDER, USER, "your bill", "192.0.2.7"):
        assert word in notice.text
    assert EICAR not in notice.queued.message
    assert "QMAILQUEUE" not in notice.queued.environment


def test_a_relay_clients_person_is_told_as_an_answer(office: Post) -> None:
    office.run(INFECTED, "bob@all.example", **RELAY)
    told = {notice.to: notice.mail for notice in office.notices(3)}
    assert told.keys() == {ADMIN, SENDER, "bob@all.example"}
    assert told[SENDER]["Auto-Submitted"] == "auto-replied"
    assert told["bob@all.example"]["Auto-Submitted"] == "auto-generated"


LIST = b"List-Id: <all.lists.example.org>\n"
NEVER = {
    "a stranger, whose address is forged": ({**STRANGER}, SENDER, b""),
    "fetchmail's": ({"TCPREMOTEIP": "127.0.0.1", "QS_SPAMASSASSIN": "on"}, SENDER, b""),
    "a bounce": (RELAY, "", b""),
    "a double bounce": (RELAY, "#@[]", b""),
    "a mailing list": (RELAY, SENDER, LIST),
    "bulk mail": (RELAY, SENDER, b"Precedence: bulk\n"),
    "an answering machine": (RELAY, SENDER, b"Auto-Submitted: auto-replied\n"),
    "a list's owner": (RELAY, "owner-all@example.org", b""),
    "a list's bounces": (RELAY, "all-bounces+bob=all.example@example.org", b""),
    "a daemon": (RELAY, "MAILER-DAEMON@example.org", b""),
    "nobody who reads": (RELAY, "no-reply@example.org", b""),
    "two addresses in one": (RELAY, "a@example.org,b@example.org", b""),
    "an option": (RELAY, "-oQ/tmp@example.org", b""),
    "a line break": (RELAY, "a\nBcc: b@example.org", b""),
}


def test_nobody_else_who_sends_is_told(office: Post) -> None:
    told = {ADMIN}
    for number, (variables, sender, fields) in enumerate(NEVER.values()):
        recipient = f"case-{number}@all.example"
        told.add(recipient)
        assert office.run(fields + INFECTED, recipient, sender=sender, **variables) == 0
    wait_until(lambda: not office.waiting(), PATIENCE_SECONDS, "nothing waits to be sent")
    assert {Notice(one).to for one in office.queue.messages()} == told
    assert len(office.gate.quarantined("viruses")) == len(NEVER)


def test_silent_viruses_and_spam_are_not_told_to_their_sender(office: Post) -> None:
    office.run(SPAM, "bob@all.example", QS_SPAMASSASSIN="on", **STRANGER, RELAYCLIENT="")
    assert SENDER not in {notice.to for notice in office.notices(2)}


def test_only_recipients_in_local_domains_are_told_each_of_himself_alone(office: Post) -> None:
    recipients = ["bob@all.example", "eve@alls.example.net", "joe@elsewhere.all.example"]
    office.run(INFECTED, *recipients, USER, **STRANGER)
    told = {notice.to: notice.text for notice in office.notices(3)}
    assert told.keys() == {ADMIN, *recipients[:2]}
    for address in recipients:
        assert address in told[ADMIN]
    assert "eve" not in told["bob@all.example"]
    assert "bob" not in told["eve@alls.example.net"]


def test_of_one_message_to_two_groups_an_address_hears_once(office: Post) -> None:
    office.run(INFECTED, "bob@all.example", "eve@twin.example", **RELAY)
    told = {notice.to: notice for notice in office.notices(4)}
    assert told.keys() == {ADMIN, SENDER, "bob@all.example", "eve@twin.example"}
    for address in (ADMIN, SENDER):
        assert "messages=1" in told[address].mail["X-Mailwarden-Notice"]
        assert "bob@all.example, eve@twin.example" in told[address].text


def test_each_group_has_its_own_language_and_administrator(office: Post) -> None:
    office.run(INFECTED, USER, "erika@de.example", **STRANGER)
    told = {notice.to: notice for notice in office.notices(3)}
    assert told.keys() == {ADMIN, "chef@de.example", "erika@de.example"}
    assert told[ADMIN].subject == "Virus: Eicar-Test-Signature (quarantined)"
    german = told["erika@de.example"]
    assert (
        german.mail["From"]
        == "J\N{LATIN SMALL LETTER U WITH DIAERESIS}rgens Post <chef@de.example>"
    )
    assert USER not in told["chef@de.example"].text
    assert re.search(r"\b(wurde|Nachricht)\b", german.subject + german.text)


def test_templates_of_ones_own_are_used_for_those_who_have_them(office: Post) -> None:
    office.run(INFECTED, "bob@own.example", **STRANGER)
    (notice,) = office.notices(1)
    assert notice.text == "Our own words about Eicar-Test-Signature.\n"


def test_spam_is_forwarded_to_who_learns_exact_to_the_byte(office: Post) -> None:
    office.run(SPAM, "bob@learn.example", **STRANGER)
    (forwarded,) = office.notices(1)
    assert forwarded.to == LEARN
    assert forwarded.queued.message == SPAM


def test_spam_is_forwarded_once_with_fields_where_that_is_wanted(office: Post) -> None:
    office.run(SPAM, "bob@verbose.example", "eve@learn.example", **STRANGER)
    (forwarded,) = office.notices(1)
    fields = forwarded.queued.message.removesuffix(SPAM)
    assert fields.startswith(b"X-Spam-Status: Yes, score=1000")


def test_while_the_queue_fails_messages_are_answered_and_notices_wait(office: Post) -> None:
    office.queue.plan_all("53")
    begun = time.monotonic()
    assert office.run(INFECTED, USER, **STRANGER) == 0
    assert time.monotonic() - begun < 5
    assert office.gate.quarantined("viruses") == [INFECTED]
    wait_until(lambda: office.waiting() == [(ADMIN, 1)], PATIENCE_SECONDS, "it is tried in vain")
    wait_until(
        lambda: "exited with 53" in office.gate.log(), PATIENCE_SECONDS, "and the log says so"
    )
    office.queue.plan_all("")
    office.ask("UPDATE errands SET due = 0")
    (notice,) = office.notices(1)
    assert notice.to == ADMIN


def test_while_the_database_is_locked_messages_are_answered_and_notices_wait(office: Post) -> None:
    database = sqlite3.connect(office.gate.folder / "mailwarden.db", timeout=PATIENCE_SECONDS)
    with contextlib.closing(database):
        database.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        assert office.run(INFECTED, USER, **STRANGER) == 0
        assert time.monotonic() - begun < 6
        database.rollback()
    office.notices(1)


def run_client(folder: Path) -> int:
    variables = {**STRANGER, "MAILWARDEN_SOCKET": str(folder / "queue.sock")}
    client = [installed("mailwarden-queue")]
    return queue_program.run(client, variables, message=INFECTED, envelope=envelope(SENDER, USER))


def kill_all(daemon: Daemon) -> None:
    """The supervisor first, so that nobody replaces a child."""
    children = children_of(daemon.process.pid)
    for pid in (daemon.process.pid, *children):
        os.kill(pid, signal.SIGKILL)
    daemon.process.wait()


def test_a_daemon_killed_right_after_success_sends_the_notice_when_it_is_back() -> None:
    with planned_queue() as queue, daemon_folder() as folder:
        sections: Sections = {
            "queue": {"program": str(queue.program)},
            "notices": {"admin": ADMIN},
            "outbox": {"gather_seconds": 0.1},
        }
        write_settings(folder, sections)
        for life in (1, 2):
            daemon = start_daemon(folder, outbox=True)
            daemon.wait_until_ready(times=life)
            assert run_client(folder) == 0
            kill_all(daemon)
        daemon = start_daemon(folder, outbox=True)
        daemon.wait_until_ready(times=3)
        wait_until(lambda: told_of(queue) >= 2, PATIENCE_SECONDS, "the notices are sent")
        assert daemon.stop() == 0
        assert told_of(queue) == 2
        assert len(list((folder / "quarantine/viruses/new").iterdir())) == 2


def told_of(queue: PlannedQueue) -> int:
    """Of how many messages the notices tell that were sent."""
    fields = (Notice(one).mail["X-Mailwarden-Notice"] for one in queue.messages())
    return sum(int(field.rpartition("=")[2]) for field in fields)


SENDMAIL = """\
#!/bin/sh
printf '%s\\n' "$@" > {folder}/words.new
cat > {folder}/mail
mv {folder}/words.new {folder}/words
"""


def test_notices_go_through_a_program_like_sendmail_where_one_is_named() -> None:
    with post(
        '[outbox]\ngather_seconds = 0.1\ncommand = ["FOLDER/sendmail", "-v"]\n' + ADMINS
    ) as made:
        folder = made.queue.folder
        (folder / "sendmail").write_text(SENDMAIL.format(folder=folder))
        (folder / "sendmail").chmod(0o755)
        assert made.run(INFECTED, USER, **STRANGER) == 0
        wait_until((folder / "words").exists, PATIENCE_SECONDS, "sendmail is run")
        assert (folder / "words").read_text().split("\n") == ["-v", "-i", "-f", "", "--", ADMIN, ""]
        assert b"\nTo: <antivirus@example.net>\n" in (folder / "mail").read_bytes()
        assert made.queue.calls == 0


BURST = 2_000
AT_ONCE = 8


def test_a_flood_of_viruses_from_a_forged_sender_is_one_summary_and_no_backscatter() -> None:
    with post(f"[outbox]\ngather_seconds = 600\n{ADMINS}") as made:
        codes = flood(made)
        assert codes == [0] * BURST
        kept = made.gate.quarantined("viruses")
        assert len({one.splitlines()[0] for one in kept}) == len(kept) == BURST
        assert made.queue.calls == 0, "all are gathered"
        settings = made.gate.folder / "mailwarden.toml"
        settings.write_text(settings.read_text().replace("= 600", "= 0.1"))
        os.kill(made.gate.pid, signal.SIGHUP)
        (summary,) = made.notices(1)
        assert summary.to == ADMIN
        assert f"messages={BURST}" in summary.mail["X-Mailwarden-Notice"]
        assert summary.subject == f"{BURST:,} messages were blocked"
        assert len(summary.queued.message) < 100_000
        assert "was not written" not in made.gate.log()


def flood(made: Post) -> list[int]:
    """Send viruses from several clients at once; the exit codes."""
    codes: list[int] = []

    def send(first: int) -> None:
        for number in range(first, BURST, AT_ONCE):
            message = b"Subject: %d\n" % number + INFECTED
            codes.append(made.run(message, USER, sender="forged@victim.example", **STRANGER))

    threads = [threading.Thread(target=send, args=(first,)) for first in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes
