"""What the remote server sees of a rejection: through SMTP servers, and in each flavour of qmail.

mailfront answers as a qmail-smtpd without patches does, by the exit code alone; qpsmtpd takes every
code for a temporary one. What the patched ones do with a text is done here by `ask_as`.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from support import queue_program
from support.clamd import EICAR
from support.gate import Gate, gate
from support.queue_program import pipe, read_to_end
from support.smtp import STRANGER_IP, mailfront, qpsmtpd, send
from support.spamd import GTUBE
from support.waiting import wait_until

HEADER = b"From: a@example.org\nSubject: a message\n"
CLEAN = HEADER + b"\nnothing to see\n"
VIRUS = HEADER + b"\n" + EICAR + b"\n"
SPAM = HEADER + b"\n" + GTUBE + b"\n"
POLICY = (
    HEADER + b'MIME-Version: 1.0\nContent-Type: application/octet-stream; name="run.pif"\n\nx\n'
)
LARGE = (
    HEADER + b"\n" + b"seventy bytes of text that are nothing but text, line after line ...\n" * 300
)
BLOCKED = [VIRUS, POLICY, SPAM, LARGE]
REJECTING = """
[limits]
message_bytes = 15000
memory_bytes = 15000

[dispositions]
virus = "reject"
policy = "reject"

[spam]
delete_above = 5
reject = true

[[profile]]
match = ["own@example.net"]
rejection.virus = "Take your virus back (#5.7.1)"
rejection.policy = "No programs here (#5.7.1)"
rejection.spam = "No, thank you (#5.7.1)"
rejection.oversize = "Too large for us (#5.3.4)"

[[profile]]
match = ["open@example.net"]
scanners = []
attachments.default_rules = false
attachments.forbidden_extensions = []

[[profile]]
match = ["later@example.net"]
dispositions.virus = "defer"
rejection.defer = "Not today (#4.3.0)"
"""


@dataclass(frozen=True, slots=True)
class Flavour:
    """How a patched qmail.c hears its queue program: where, and whether it says so in ERROR_FD."""

    descriptor: int
    variables: Mapping[str, str]


FLAVOURS = {
    "custom-error": [Flavour(4, {})],
    "sagredo": [Flavour(4, {}), Flavour(7, {"ERROR_FD": "7"})],
    "indimail": [Flavour(2, {}), Flavour(9, {"ERROR_FD": "9"})],
    "notqmail": [Flavour(6, {})],
}
# What a qmail-smtpd says by itself, of the codes that count here (facts 1.2).
PERMANENT = "554 mail server permanently rejected message (#5.3.0)"
TEMPORARY = "451 mail server temporarily rejected message (#4.3.0)"


@contextlib.contextmanager
def rejecting_gate(flavour: str = "plain") -> Iterator[Gate]:
    sections = {"queue": {"flavour": flavour}}
    with gate(["test-patterns"], sections, more=REJECTING) as running:
        yield running


@pytest.fixture(scope="module")
def plain_gate() -> Iterator[Gate]:
    with rejecting_gate() as running:
        yield running


@pytest.fixture
def plain(plain_gate: Gate) -> Gate:
    plain_gate.clear()
    return plain_gate


def is_untouched(running: Gate) -> bool:
    """Nothing is queued, and nothing kept."""
    return running.queue.is_empty() and running.is_quarantine_empty()


def ask_as(
    flavour: Flavour, running: Gate, message: bytes, recipient: str, **variables: str
) -> str:
    """Queue a message as this flavour's qmail-smtpd does; what it says to the remote server.

    It reads the text to its end, which is when nobody holds the pipe any more, then waits for the
    program; 82 is the code that sends it to the text, whose first letter says how long it lasts.
    """
    envelope = f"Fa@example.org\0T{recipient}\0\0".encode()
    environment = {
        **running.environment,
        "TCPREMOTEIP": STRANGER_IP,
        **flavour.variables,
        **variables,
    }
    with pipe() as error:
        program = queue_program.start(
            [running.client],
            environment,
            message=message,
            envelope=envelope,
            descriptors={flavour.descriptor: error.writer},
        )
        error.close_writer()
        text = read_to_end(error.reader).decode("ascii")
        code = program.wait()
    match code:
        case 0:
            assert text == ""
            return "250 ok"
        case 82:
            assert text[:1] in ("D", "Z")
            assert len(text) <= 255
            return ("554 " if text[0] == "D" else "451 ") + text[1:]
        case 31:
            return PERMANENT
        case _:
            return PERMANENT if 11 <= code <= 40 else TEMPORARY


ANYBODY, OWN, OPEN = "bob@example.net", "own@example.net", "open@example.net"
LATER = "later@example.net"
WORDS = [
    (CLEAN, ANYBODY, "250 ok"),
    (VIRUS, ANYBODY, "554 This message was rejected: it carries a virus (#5.7.1)"),
    (POLICY, ANYBODY, "554 This message was rejected by local policy (#5.7.1)"),
    (SPAM, ANYBODY, "554 This message was rejected: it looks like spam (#5.7.1)"),
    (LARGE, ANYBODY, "554 This message is too large (#5.3.4)"),
    (VIRUS, OWN, "554 Take your virus back (#5.7.1)"),
    (POLICY, OWN, "554 No programs here (#5.7.1)"),
    (SPAM, OWN, "554 No, thank you (#5.7.1)"),
    (LARGE, OWN, "554 Too large for us (#5.3.4)"),
    (VIRUS, LATER, "451 Not today (#4.3.0)"),
]


@pytest.mark.parametrize("name", FLAVOURS)
def test_each_flavour_tells_the_remote_server_why(name: str) -> None:
    with rejecting_gate(name) as running:
        for flavour in FLAVOURS[name]:
            for message, recipient, answer in WORDS:
                assert ask_as(flavour, running, message, recipient) == answer
            for code, answer in [("31", PERMANENT), ("53", TEMPORARY)]:
                said = ask_as(flavour, running, CLEAN, ANYBODY, STRICT_QUEUE_EXIT=code)
                assert said == answer, "the queue's own answer"
        assert len(running.queue.messages()) == len(FLAVOURS[name])
        assert running.is_quarantine_empty()


def test_a_text_that_the_server_does_not_read_is_said_by_the_code() -> None:
    with rejecting_gate("notqmail") as running:
        (elsewhere,) = FLAVOURS["custom-error"]
        assert ask_as(elsewhere, running, VIRUS, ANYBODY) == PERMANENT
        assert ask_as(elsewhere, running, VIRUS, LATER) == TEMPORARY


def test_without_a_patch_the_code_alone_says_it(plain: Gate) -> None:
    (deaf,) = FLAVOURS["notqmail"]
    for message in BLOCKED:
        assert ask_as(deaf, plain, message, OWN) == PERMANENT
    assert ask_as(deaf, plain, VIRUS, LATER) == TEMPORARY
    assert is_untouched(plain)


@pytest.mark.parametrize("message", BLOCKED, ids=["virus", "policy", "spam", "large"])
def test_a_rejection_is_554_in_smtp_and_nothing_is_kept(plain: Gate, message: bytes) -> None:
    with mailfront(plain.client, plain.environment) as server:
        assert send(server, message).code == 554
    assert is_untouched(plain)


def test_a_deferral_is_451_in_smtp_whoever_else_could_have_it(plain: Gate) -> None:
    with mailfront(plain.client, plain.environment) as server:
        assert send(server, VIRUS, recipients=[LATER]).code == 451
        assert send(server, VIRUS, recipients=[OPEN, LATER, ANYBODY]).code == 451
    assert is_untouched(plain)


def test_qpsmtpd_makes_every_refusal_temporary(plain: Gate) -> None:
    with qpsmtpd(plain.client, plain.environment) as server:
        assert 400 <= send(server, VIRUS, recipients=[LATER]).code < 500
    refusing = {**plain.environment, "STRICT_QUEUE_EXIT": "31"}
    with qpsmtpd(plain.client, refusing) as server:
        assert 400 <= send(server, CLEAN).code < 500
    assert is_untouched(plain)


LOCAL = {
    "this machine": ({}, "127.0.0.1"),
    "this machine by IPv6": ({}, "::1"),
    "a secondary MX": ({"SA_ONLYDELETE_HOST": ""}, STRANGER_IP),
}


@pytest.mark.parametrize("who", LOCAL)
def test_some_clients_are_never_rejected(plain: Gate, who: str) -> None:
    variables, address = LOCAL[who]
    environment = {**plain.environment, "QS_SPAMASSASSIN": "on", **variables}
    with mailfront(plain.client, environment, remote_ip=address) as server:
        for message in BLOCKED:
            assert send(server, message).code == 250
    assert plain.queue.is_empty()
    kept = [*plain.quarantined("viruses"), *plain.quarantined("policy")]
    assert len(kept) == 3, "the virus, the program and the large one"
    for blocked in (VIRUS, POLICY, LARGE):
        assert any(one.endswith(blocked) for one in kept)
    assert not plain.quarantined("spam"), "it is deleted"
    wait_until(lambda: "disposition=delete" in plain.log(), 10, "and the log says so")


def test_a_group_that_rejects_beside_one_that_accepts_is_quarantined(plain: Gate) -> None:
    with mailfront(plain.client, plain.environment) as server:
        assert send(server, VIRUS, recipients=[OWN, OPEN, ANYBODY]).code == 250
        assert send(server, VIRUS, recipients=[OWN, ANYBODY]).code == 554, "all reject"
    queued = plain.queue.only_message()
    assert queued.envelope.endswith(b"\0T" + OPEN.encode() + b"\0\0")
    assert queued.message.endswith(b"\n" + VIRUS)
    (kept,) = plain.quarantined("viruses")
    assert kept.endswith(b"\n" + VIRUS)
    (slip,) = (plain.folder / "quarantine/envelopes").iterdir()
    recipients = {one["address"] for one in json.loads(slip.read_text())["recipients"]}
    assert recipients == {OWN, ANYBODY}


def test_no_text_of_a_message_reaches_the_remote_server(plain: Gate) -> None:
    message = POLICY.replace(b"run.pif", b"secret-name.pif")
    with mailfront(plain.client, plain.environment) as server:
        assert "secret" not in send(server, message).text
