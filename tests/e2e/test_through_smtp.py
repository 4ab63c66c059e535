"""A real SMTP client through a real SMTP server into the gate, past real scanners, to the queue."""

import base64
import contextlib
import json
import os
from collections.abc import Callable, Iterator

import pytest

from support.clamd import EICAR, EICAR_NAME, Clamd, running_clamd
from support.gate import Gate, Sections, gate
from support.smtp import RECIPIENT, SENDER, SmtpServer, mailfront, qpsmtpd, send
from support.spamd import Spamd, running_spamd
from support.waiting import wait_until

Start = Callable[..., contextlib.AbstractContextManager[SmtpServer]]
SERVERS = {"mailfront": mailfront, "qpsmtpd": qpsmtpd}

CLEAN = (
    b"From: A <a@example.org>\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\nX-Odd:folded\n\t again \n"
    b"\nbody \xff\xfe\n.\n..\n  trailing space \n\nno newline at the end? there is\n"
)
ENVELOPE = f"F{SENDER}\0T{RECIPIENT}\0\0".encode()
# Required are 6.5 points, see support.spamd.
THRESHOLDS: Sections = {
    "spam": {
        "subject": "*SPAM*",
        "quarantine_above": 3,
        "delete_above": 10,
        "reject": True,
        "report": True,
    }
}


@pytest.fixture(params=SERVERS)
def start(request: pytest.FixtureRequest) -> Start:
    return SERVERS[request.param]


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with running_clamd() as clamd:
        yield clamd


@pytest.fixture(scope="module")
def spamd() -> Iterator[Spamd]:
    with running_spamd() as spamd:
        yield spamd


@pytest.fixture(scope="module")
def shared_gate(clamd: Clamd, spamd: Spamd) -> Iterator[Gate]:
    addresses: Sections = {
        "clamd": {"addresses": [clamd.address]},
        "spamd": {"addresses": [spamd.unix]},
    }
    with gate(["clamd", "spamd"], {**THRESHOLDS, **addresses}) as running:
        yield running


@pytest.fixture
def whole_gate(shared_gate: Gate) -> Gate:
    """The gate of this module, its queue and quarantine empty."""
    shared_gate.clear()
    return shared_gate


def spam(score: float) -> bytes:
    return f"From: a@example.org\nSubject: offer\nX-Test-Score: {score}\n\nbuy now\n".encode()


def infected() -> bytes:
    encoded = base64.b64encode(EICAR).decode()
    return (
        "From: a@example.org\nSubject: bill\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nsee there\n"
        "--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"
        f'Content-Disposition: attachment; filename="bill.dat"\n\n{encoded}\n--b--\n'
    ).encode()


def added_fields(queued: bytes, original: bytes) -> set[bytes]:
    """The names of the fields on top of the original bytes; fails if those changed."""
    assert queued.endswith(b"\n" + original)
    lines = queued.removesuffix(original).splitlines()
    return {line.partition(b":")[0] for line in lines if line[:1] not in (b" ", b"\t")}


def test_clean_mail_is_queued_with_exact_bytes_and_only_our_fields_on_top(
    start: Start, whole_gate: Gate
) -> None:
    with start(whole_gate.client, whole_gate.environment) as server:
        assert send(server, CLEAN).code == 250
    queued = whole_gate.queue.only_message()
    servers_own = {b"Received", b"Authentication-Results"}
    assert added_fields(queued.message, CLEAN) <= servers_own | {b"X-Spam-Status", b"X-Spam-Level"}
    assert queued.envelope == ENVELOPE
    assert whole_gate.is_quarantine_empty()


def test_the_queue_inherits_no_trace_of_the_gate(start: Start, whole_gate: Gate) -> None:
    with start(whole_gate.client, whole_gate.environment) as server:
        send(server, CLEAN)
    queued = whole_gate.queue.only_message()
    assert "QMAILQUEUE" not in queued.environment
    assert set(queued.descriptors) == {0, 1, 2}


def test_many_recipients_get_one_copy(start: Start, whole_gate: Gate) -> None:
    recipients = [f"user{number}@example.net" for number in range(100)]
    with start(whole_gate.client, whole_gate.environment) as server:
        assert send(server, CLEAN, recipients=recipients).code == 250
    addresses = "".join(f"T{recipient}\0" for recipient in recipients)
    assert whole_gate.queue.only_message().envelope == f"F{SENDER}\0{addresses}\0".encode()


def test_a_bounce_keeps_its_empty_sender(start: Start, whole_gate: Gate) -> None:
    with start(whole_gate.client, whole_gate.environment) as server:
        assert send(server, CLEAN, sender="").code == 250
    assert whole_gate.queue.only_message().envelope == f"F\0T{RECIPIENT}\0\0".encode()


def test_large_mail_is_queued_with_exact_bytes(start: Start, whole_gate: Gate) -> None:
    body = base64.encodebytes(os.urandom(3_000_000))
    message = b"From: a@example.org\nSubject: large\n\n" + body
    with start(whole_gate.client, whole_gate.environment) as server:
        assert send(server, message).code == 250
    assert whole_gate.queue.only_message().message.endswith(b"\n" + message)


def test_spam_is_tagged_and_queued(start: Start, whole_gate: Gate) -> None:
    environment = {**whole_gate.environment, "QS_SPAMASSASSIN": "on"}
    with start(whole_gate.client, environment) as server:
        assert send(server, spam(8)).code == 250
    message = whole_gate.queue.only_message().message
    assert b"\nSubject: *SPAM* offer\n" in message
    assert b"X-Spam-Status: Yes, " in message
    assert b"\nX-Spam-Report:" in message
    assert message.endswith(b"X-Test-Score: 8\n\nbuy now\n")


def test_a_virus_is_quarantined_with_exact_bytes(start: Start, whole_gate: Gate) -> None:
    message = infected()
    with start(whole_gate.client, whole_gate.environment) as server:
        assert send(server, message).code == 250
    assert whole_gate.queue.is_empty()
    (kept,) = whole_gate.quarantined("viruses")
    assert added_fields(kept, message) <= {b"Received", b"Authentication-Results"}
    (slip,) = (whole_gate.folder / "quarantine/envelopes").iterdir()
    assert EICAR_NAME in json.dumps(json.loads(slip.read_text()))


def test_spam_above_the_quarantine_threshold_is_quarantined(whole_gate: Gate) -> None:
    with mailfront(whole_gate.client, whole_gate.environment) as server:
        assert send(server, spam(9.6)).code == 250
    assert whole_gate.queue.is_empty()
    (kept,) = whole_gate.quarantined("spam")
    assert kept.endswith(b"\n" + spam(9.6))


def test_spam_above_the_delete_threshold_is_rejected(whole_gate: Gate) -> None:
    with mailfront(whole_gate.client, whole_gate.environment) as server:
        assert send(server, spam(17)).code == 554
    assert whole_gate.queue.is_empty()
    assert whole_gate.is_quarantine_empty()


def test_it_is_deleted_for_a_client_with_sa_onlydelete_host(whole_gate: Gate) -> None:
    environment = {**whole_gate.environment, "SA_ONLYDELETE_HOST": ""}
    with mailfront(whole_gate.client, environment) as server:
        assert send(server, spam(17)).code == 250
    assert whole_gate.queue.is_empty()
    assert whole_gate.is_quarantine_empty()
    wait_until(lambda: "disposition=delete" in whole_gate.log(), 10, "the log says so")


def test_localhost_is_never_rejected(whole_gate: Gate) -> None:
    environment = {**whole_gate.environment, "QS_SPAMASSASSIN": "on"}
    with mailfront(whole_gate.client, environment, remote_ip="127.0.0.1") as server:
        assert send(server, spam(17)).code == 250
    assert whole_gate.queue.is_empty()


def test_relay_clients_are_not_scored_unless_asked_for(whole_gate: Gate) -> None:
    relay = {**whole_gate.environment, "RELAYCLIENT": ""}
    with mailfront(whole_gate.client, relay) as server:
        assert send(server, spam(17)).code == 250
    assert whole_gate.queue.only_message().message.endswith(b"\n" + spam(17))
    with mailfront(whole_gate.client, {**relay, "QS_SPAMASSASSIN": "on"}) as server:
        assert send(server, spam(17)).code == 554


@pytest.mark.parametrize(("code", "reply"), [(11, 554), (31, 554), (53, 451), (71, 451), (91, 451)])
def test_the_queues_failure_reaches_the_client(code: int, reply: int, whole_gate: Gate) -> None:
    environment = {**whole_gate.environment, "STRICT_QUEUE_EXIT": str(code)}
    with mailfront(whole_gate.client, environment) as server:
        assert send(server, CLEAN).code == reply
    assert whole_gate.queue.is_empty()


def test_every_exit_code_of_the_queue_is_passed_through(whole_gate: Gate) -> None:
    codes = [*range(1, 256)]
    assert [
        whole_gate.run(CLEAN, ENVELOPE, RELAYCLIENT="", STRICT_QUEUE_EXIT=str(code))
        for code in codes
    ] == codes
    assert whole_gate.queue.is_empty()


@pytest.mark.parametrize("scanner", ["clamd", "spamd"])
def test_mail_is_deferred_while_a_scanner_is_away(scanner: str, start: Start) -> None:
    nowhere: Sections = {scanner: {"addresses": ["unix:/nonexistent/socket"]}}
    with gate([scanner], nowhere) as running:
        environment = {**running.environment, "QS_SPAMASSASSIN": "on"}
        with start(running.client, environment) as server:
            assert 400 <= send(server, CLEAN).code < 500
        assert running.queue.is_empty()
        assert running.is_quarantine_empty()


def test_mail_flows_again_when_clamd_is_back() -> None:
    with (
        running_clamd() as clamd,
        gate(["clamd"], {"clamd": {"addresses": [clamd.address]}}) as running,
        mailfront(running.client, running.environment) as server,
    ):
        clamd.kill()
        assert send(server, CLEAN).code == 451
        clamd.start()
        assert send(server, CLEAN).code == 250
        assert running.queue.only_message().message.endswith(b"\n" + CLEAN)


def test_without_a_daemon_mail_is_deferred(start: Start) -> None:
    with gate() as running:
        environment = {**running.environment, "MAILWARDEN_SOCKET": "/nonexistent/socket"}
        with start(running.client, environment) as server:
            assert 400 <= send(server, CLEAN).code < 500
        assert running.queue.is_empty()
