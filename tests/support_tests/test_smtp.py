"""The SMTP servers and swaks, proven against the strict queue directly, without a gate."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from support.smtp import RECIPIENT, SENDER, SmtpServer, mailfront, qpsmtpd, send
from support.strict_queue import StrictQueue, strict_queue

SERVERS = {"mailfront": mailfront, "qpsmtpd": qpsmtpd}
MESSAGE = b"Subject: x\nFrom: <a@example.org>\n\nbody\n.\n..\n%FROM_ADDRESS% \\n \xe4\xff\nlast\n"

Start = Callable[..., contextlib.AbstractContextManager[SmtpServer]]


@pytest.fixture(params=SERVERS)
def start(request: pytest.FixtureRequest) -> Start:
    return SERVERS[request.param]


@pytest.fixture
def queue() -> Iterator[StrictQueue]:
    with strict_queue("c") as queue:
        yield queue


def test_a_message_arrives_with_exact_bytes_under_the_servers_own_fields(
    start: Start, queue: StrictQueue
) -> None:
    with start(queue.program, queue.environment) as server:
        assert send(server, MESSAGE).code == 250
    queued = queue.only_message()
    assert queued.message.endswith(b"\n" + MESSAGE)
    assert queued.message.startswith(b"Received: from ")
    assert queued.envelope == f"F{SENDER}\0T{RECIPIENT}\0\0".encode()
    assert queued.environment["QMAILQUEUE"] == str(queue.program)


def test_a_bounce_and_two_recipients_arrive(start: Start, queue: StrictQueue) -> None:
    both = ["a@example.net", "b@example.net"]
    with start(queue.program, queue.environment) as server:
        assert send(server, MESSAGE, sender="", recipients=both[:1]).code == 250
        assert send(server, MESSAGE, recipients=both).code == 250
    bounce, pair = queue.messages()
    assert bounce.envelope == b"F\0Ta@example.net\0\0"
    assert pair.envelope == f"F{SENDER}\0Ta@example.net\0Tb@example.net\0\0".encode()


def test_a_megabyte_arrives_with_exact_bytes(start: Start, queue: StrictQueue) -> None:
    message = b"Subject: large\n\n" + b"0123456789abcdef" * 4 + b"\n"
    message += b"line of text\n" * 80_000
    with start(queue.program, queue.environment) as server:
        assert send(server, message).code == 250
    assert queue.only_message().message.endswith(b"\n" + message)


def test_strangers_cannot_relay(start: Start, queue: StrictQueue) -> None:
    with start(queue.program, queue.environment) as server:
        assert send(server, MESSAGE, recipients=["user@elsewhere.example"]).code == 550
    assert queue.is_empty()


def test_mailfront_tells_who_the_client_is(queue: StrictQueue) -> None:
    with mailfront(queue.program, {**queue.environment, "RELAYCLIENT": ""}) as server:
        assert send(server, MESSAGE, recipients=["user@elsewhere.example"]).code == 250
    environment = queue.only_message().environment
    assert environment["TCPREMOTEIP"] == "192.0.2.1"
    assert environment["RELAYCLIENT"] == ""


@pytest.mark.parametrize(("code", "reply"), [(11, 554), (31, 554), (71, 451), (81, 451), (82, 451)])
def test_mailfront_answers_by_the_queues_code(code: int, reply: int, queue: StrictQueue) -> None:
    environment = {**queue.environment, "STRICT_QUEUE_EXIT": str(code)}
    with mailfront(queue.program, environment) as server:
        assert send(server, MESSAGE).code == reply
    assert queue.is_empty()


@pytest.mark.parametrize("code", [11, 31, 71, 82])
def test_qpsmtpd_makes_every_failure_temporary(code: int, queue: StrictQueue) -> None:
    environment = {**queue.environment, "STRICT_QUEUE_EXIT": str(code)}
    with qpsmtpd(queue.program, environment) as server:
        assert 400 <= send(server, MESSAGE).code < 500
    assert queue.is_empty()
