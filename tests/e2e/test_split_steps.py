"""A message of several copies while every step fails: what is heard, queued, kept and remembered.

Through the installed client, with a queue program that fails at the call that the test names; the
outbox has a queue of its own, which works unless the test says otherwise.
The rule: when success was heard, each recipient's copy is in one place in the end; when it was not,
nothing is in quarantine, and a retry brings all.
"""

import contextlib
import itertools
import json
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mailwarden.quarantine.folder import QuarantineFolder
from support import queue_program
from support.clamd import EICAR
from support.daemon_process import children_of
from support.gate import Gate, gate
from support.planned_queue import PlannedQueue, planned_queue, release
from support.queue_program import Running
from support.spamd import GTUBE
from support.tiny_disk import tiny_disk
from support.waiting import wait_until

PATIENCE_SECONDS = 30.0
SENDER = "a@example.org"
STRANGER = {"TCPREMOTEIP": "192.0.2.7"}
# A virus, spam and a forbidden file in one: each group has its own reason to be blocked.
MESSAGE = (
    b"From: a@example.org\nSubject: all in one\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/mixed; boundary="b"\n\n'
    b"--b\nContent-Type: text/plain\n\n" + EICAR + b"\n" + GTUBE + b"\n"
    b'--b\nContent-Type: application/octet-stream; name="run.pif"\n\nx\n--b--\n'
)
ONE, TWO, THREE = "one.example", "two.example", "three.example"
VIRUS, POLICY, SPAM, GONE = "virus.example", "policy.example", "spam.example", "gone.example"
_PASSING = """
[[profile]]
match = ["{name}.example"]
dispositions.virus = "accept"
dispositions.policy = "accept"
headers.prefix = "X-{name}"
headers.descriptive = "yes"
"""
PROFILES = (
    "".join(_PASSING.format(name=name) for name in ("one", "two", "three"))
    + """
[[profile]]
match = ["policy.example"]
scanners = []

[[profile]]
match = ["spam.example"]
dispositions.virus = "accept"
dispositions.policy = "accept"
spam.quarantine_above = 1

[[profile]]
match = ["gone.example"]
dispositions.virus = "delete"
"""
)
GROUPS = [
    (ONE, TWO),
    (VIRUS, ONE),
    (ONE, GONE),
    (ONE, TWO, THREE),
    (VIRUS, ONE, TWO),
    (VIRUS, POLICY, ONE),
    (SPAM, ONE, GONE),
    (VIRUS, POLICY, SPAM, ONE, TWO),
]
PASSING = {ONE, TWO, THREE}
# What the queue program does, and what the client says of it when that was the first copy.
FAILURES = {"31": 31, "53": 53, "120": 120, "killed": 81}


@dataclass(slots=True)
class Split:
    """A gate, the queue of its clients, and that of its outbox."""

    gate: Gate
    queue: PlannedQueue
    outbox: PlannedQueue
    quarantine: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def recipients(self, domains: tuple[str, ...]) -> list[str]:
        """One in each domain, who gets no other message."""
        number = next(self.numbers)
        return [f"user{number}@{domain}" for domain in domains]

    def run(self, recipients: list[str], **variables: str) -> int:
        return self.start(recipients, **variables).wait()

    def start(self, recipients: list[str], **variables: str) -> Running:
        environment = {**self.gate.environment, **STRANGER, **variables}
        environment["MAILWARDEN_QMAIL_QUEUE"] = str(self.queue.program)
        return queue_program.start(
            [self.gate.client], environment, message=MESSAGE, envelope=envelope(recipients)
        )

    def clear(self) -> None:
        self.settle()
        self.queue.clear()
        self.outbox.clear()
        self.gate.clear()

    def settle(self) -> None:
        """Wait until nothing waits to be sent."""
        wait_until(lambda: not self.errands(), PATIENCE_SECONDS, "all errands are done")

    def errands(self) -> list[tuple[str, float]]:
        """The kind of what waits to be sent, and when it is due."""
        return self._ask("SELECT kind, due FROM errands")

    def hurry(self) -> None:
        """Have everything that was put off tried again now."""
        self._ask("UPDATE errands SET due = 0")

    def wait_for_record(self, recipients: list[str], *words: str) -> None:
        """Wait until the newest record of a message to these says so of each."""
        expected = dict(zip(recipients, words, strict=True))

        def is_there() -> bool:
            texts = self._ask("SELECT record FROM records ORDER BY at DESC")
            told = (json.loads(text)["recipients"] for (text,) in texts)
            shares = ({one["address"]: one["disposition"] for one in each} for each in told)
            return next((one for one in shares if one.keys() == expected.keys()), None) == expected

        wait_until(is_there, PATIENCE_SECONDS, f"a record says {words} of {recipients}")

    def places(self) -> Counter[str]:
        """In how many places each recipient's copy is, in quarantine or queued."""
        found: Counter[str] = Counter()
        for queue in (self.queue, self.outbox):
            for message in queue.messages():
                found.update(addressed(message.envelope))
        for path in self.kept():
            slip = json.loads((self.quarantine / "envelopes" / f"{path.name}.json").read_text())
            found.update(one["address"] for one in slip["recipients"])
        return found

    def kept(self) -> list[Path]:
        return list(self.quarantine.glob("*/new/*"))

    def half_done(self) -> list[Path]:
        """What was begun and not finished, in quarantine and queues."""
        queues = [queue.queue.folder / "tmp" for queue in (self.queue, self.outbox)]
        begun = [path for folder in queues for path in folder.iterdir()]
        kept = {path.name for path in self.kept()}
        slips = (
            path for path in (self.quarantine / "envelopes").iterdir() if path.stem not in kept
        )
        return [*begun, *self.quarantine.glob("*/tmp/*"), *slips]

    def sweep(self) -> None:
        """What the daemon does at its start, two days later."""
        for path in self.half_done():
            os.utime(path, (time.time() - 200_000,) * 2)
        QuarantineFolder(self.quarantine).sweep()

    def break_errands(self, *, broken: bool) -> None:
        """Have the database refuse errands, or take them again."""
        self._ask("DROP TRIGGER IF EXISTS refused")
        if broken:
            refusal = "BEGIN SELECT RAISE(FAIL, 'refused'); END"
            self._ask(f"CREATE TRIGGER refused BEFORE INSERT ON errands {refusal}")

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(self.gate.folder / "mailwarden.db", timeout=PATIENCE_SECONDS)
        with contextlib.closing(database), database:
            return database.execute(statement).fetchall()


@contextlib.contextmanager
def split_gate(quarantine: Path | None = None) -> Iterator[Split]:
    with planned_queue() as queue, planned_queue() as outbox:
        sections: dict[str, dict[str, str]] = {"queue": {"program": str(outbox.program)}}
        if quarantine:
            sections["quarantine"] = {"directory": str(quarantine)}
        with gate(["test-patterns"], sections, more=PROFILES, outbox=True) as running:
            folder = quarantine or running.folder / "quarantine"
            yield Split(running, queue, outbox, folder)


@pytest.fixture(scope="module")
def shared_split() -> Iterator[Split]:
    with split_gate() as split:
        yield split


@pytest.fixture
def split(shared_split: Split) -> Iterator[Split]:
    yield shared_split
    shared_split.clear()


def envelope(recipients: list[str]) -> bytes:
    addresses = "".join(f"T{recipient}\0" for recipient in recipients)
    return f"F{SENDER}\0{addresses}\0".encode()


def addressed(octets: bytes) -> list[str]:
    return [part.decode()[1:] for part in octets.split(b"\0") if part.startswith(b"T")]


def in_place(recipients: list[str]) -> Counter[str]:
    """Each has one copy, but for those whose copy is deleted."""
    return Counter(one for one in recipients if not one.endswith(GONE))


def assert_bytes_are_those_of_each_group(split: Split) -> None:
    """Queued copies have the edits of their group alone; quarantined ones have none."""
    for queue in (split.queue, split.outbox):
        for copy in queue.messages():
            names = {
                address.partition("@")[2].partition(".")[0] for address in addressed(copy.envelope)
            }
            (name,) = names
            assert copy.message.endswith(b"\n" + MESSAGE)
            written = {
                other
                for other in ("one", "two", "three")
                if f"\nX-{other}-".encode() in copy.message
            }
            assert written == {name}
    for path in split.kept():
        assert path.read_bytes() == MESSAGE


def test_a_copy_for_each_group_is_in_its_place(split: Split) -> None:
    recipients = split.recipients((VIRUS, POLICY, SPAM, GONE, ONE, TWO, THREE))
    assert split.run(recipients) == 0
    assert split.places() == in_place(recipients)
    assert {path.parts[-3] for path in split.kept()} == {"viruses", "policy", "spam"}
    assert_bytes_are_those_of_each_group(split)
    split.wait_for_record(recipients, *["quarantine"] * 3, "delete", *["tag"] * 3)


@pytest.mark.parametrize("failure", FAILURES)
def test_when_the_first_copy_fails_its_code_is_heard_and_nothing_is_kept(
    split: Split, failure: str
) -> None:
    refused = [split.recipients(domains) for domains in GROUPS]
    for number, recipients in enumerate(refused, 1):
        split.queue.plan(number, failure)
        assert split.run(recipients) == FAILURES[failure], recipients
        assert not split.places()
        assert not split.half_done()
        assert split.queue.calls == number, "and no other copy is tried"
    for recipients in refused:
        heard = "reject" if FAILURES[failure] == 31 else "defer"
        split.wait_for_record(recipients, *[heard] * len(recipients))
    for recipients in refused:
        assert split.run(recipients) == 0, "a retry"
    assert split.places() == in_place(list(itertools.chain(*refused)))


@pytest.mark.parametrize("failure", FAILURES)
def test_when_a_later_copy_fails_it_is_kept_and_queued_once_the_queue_works(
    split: Split, failure: str
) -> None:
    everybody: list[str] = []
    late = 0
    for domains in GROUPS:
        copies = len(PASSING & set(domains))
        for failed in [{2}, {3}, {2, 3}]:
            if max(failed) > copies:
                continue
            recipients = split.recipients(domains)
            everybody += recipients
            late += len(failed)
            for call in failed:
                split.queue.plan(split.queue.calls + call, failure)
            assert split.run(recipients) == 0, (domains, failed)
    split.settle()
    assert split.places() == in_place(everybody)
    assert split.outbox.calls == late
    assert_bytes_are_those_of_each_group(split)
    assert not split.half_done()


def test_a_late_copy_is_kept_as_long_as_the_queue_fails_and_queued_exactly_once(
    split: Split,
) -> None:
    recipients = split.recipients((VIRUS, ONE, TWO))
    split.queue.plan(2, "53")
    split.outbox.plan_all("71")
    assert split.run(recipients) == 0
    for tries in (1, 2):
        wait_until(lambda n=tries: split.outbox.calls == n, PATIENCE_SECONDS, "it is tried")  # type: ignore[misc]
        wait_until(lambda: split.errands()[0][1] > time.time(), PATIENCE_SECONDS, "it is put off")
        assert split.places() == in_place(recipients)
        (path,) = (split.quarantine / "undelivered" / "new").iterdir()
        assert b"X-two-" in path.read_bytes()
        split.hurry()
    split.outbox.plan_all("")
    split.hurry()
    split.settle()
    assert split.places() == in_place(recipients)
    (queued,) = split.outbox.messages()
    assert queued.envelope == envelope(recipients[2:])
    assert_bytes_are_those_of_each_group(split)


def test_a_late_copy_that_nobody_would_queue_is_not_kept(split: Split) -> None:
    recipients = split.recipients((ONE, TWO))
    split.queue.plan(2, "53")
    split.break_errands(broken=True)
    assert split.run(recipients) == 53
    split.break_errands(broken=False)
    assert split.places() == Counter(recipients[:1]), "the first copy, which nobody can take back"
    assert not split.half_done()
    assert split.run(recipients) == 0, "a retry"
    assert split.places() == Counter({recipients[0]: 2, recipients[1]: 1})


def test_a_client_killed_with_the_first_copy_leaves_nothing_in_quarantine(split: Split) -> None:
    recipients = split.recipients((VIRUS, GONE, ONE, TWO))
    split.queue.plan(1, "held")
    client = split.start(recipients)
    held = split.queue.wait_until_held(1)
    assert split.half_done(), "staged, to be kept with the copy"
    os.kill(client.pid, signal.SIGKILL)
    assert client.wait() == -signal.SIGKILL
    wait_until(lambda: not list(split.quarantine.glob("*/tmp/*")), PATIENCE_SECONDS, "it is let go")
    release(held)
    wait_until(lambda: bool(split.queue.messages()), PATIENCE_SECONDS, "qmail-queue goes on alone")
    assert split.places() == Counter([recipients[2]])
    split.wait_for_record(recipients, *["defer"] * len(recipients))  # nothing was deleted
    assert split.run(recipients) == 0, "a retry"
    assert split.places() == in_place([*recipients, recipients[2]])
    assert not split.half_done()


def test_a_client_killed_with_a_later_copy_keeps_nothing_that_a_retry_would_double(
    split: Split,
) -> None:
    recipients = split.recipients((VIRUS, ONE, TWO, THREE))
    split.queue.plan(2, "held")
    client = split.start(recipients)
    held = split.queue.wait_until_held(2)
    os.kill(client.pid, signal.SIGKILL)
    assert client.wait() == -signal.SIGKILL
    split.wait_for_record(recipients, *["defer"] * 4)
    release(held)
    wait_until(lambda: len(split.queue.messages()) == 2, PATIENCE_SECONDS, "it goes on alone")
    split.settle()
    before = in_place(recipients[1:3])
    assert split.places() == before  # nothing in quarantine: all of it comes again
    assert split.run(recipients) == 0, "a retry"
    assert split.places() == before + in_place(recipients)
    assert not split.half_done()


def kill_workers(split: Split) -> None:
    for pid in children_of(split.gate.pid):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("call", [1, 2])
def test_a_daemon_killed_while_a_copy_is_queued_makes_the_client_try_again(
    split: Split, call: int
) -> None:
    recipients = split.recipients((VIRUS, ONE, TWO))
    split.queue.plan(call, "held")
    client = split.start(recipients)
    held = split.queue.wait_until_held(call)
    kill_workers(split)
    release(held)
    assert client.wait() == 71
    before = split.places()
    assert before == Counter(recipients[1 : call + 1] + recipients[:1] * (call - 1))
    assert split.run(recipients) == 0, "a retry"
    assert split.places() == before + in_place(recipients)
    assert all(path.parent.name in ("tmp", "envelopes") for path in split.half_done())
    split.sweep()
    assert not split.half_done()


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1_024))
    return filler


def test_a_full_disk_makes_the_client_try_again_and_leaves_nothing_half_done() -> None:
    with tiny_disk() as disk, split_gate(disk / "quarantine") as split:
        blocked, late = split.recipients((VIRUS, POLICY, ONE)), split.recipients((ONE, TWO))
        filler = fill(disk)
        assert split.run(blocked) == 53
        assert not split.places()
        split.queue.plan(2, "53")
        assert split.run(late) == 53
        assert split.places() == Counter(late[:1]), "queued before the other could not be kept"
        assert not split.half_done()
        filler.unlink()
        assert split.run(blocked) == 0
        assert split.places() == in_place(blocked) + Counter(late[:1])
        assert_bytes_are_those_of_each_group(split)
