"""Both versions of the strict queue: every test holds for the Python and for the C program."""

import os
import signal
import subprocess
from collections.abc import Iterator
from typing import get_args

import pytest

from support import queue_program
from support.strict_queue import Language, StrictQueue, strict_queue

MESSAGE = b"Subject: x\n\nbody \0 \r and \xff\n"
ENVELOPE = b"Fsender@example.org\0Tone@example.net\0Ttwo@example.net\0\0"
LONGEST = b"a" * 1002


@pytest.fixture(params=get_args(Language))
def queue(request: pytest.FixtureRequest) -> Iterator[StrictQueue]:
    with strict_queue(request.param) as queue:
        yield queue


def run(
    queue: StrictQueue, message: bytes, envelope: bytes, environment: dict[str, str] | None = None
) -> int:
    variables = {**queue.environment, **(environment or {})}
    return queue_program.run([queue.program], variables, message=message, envelope=envelope)


def test_a_message_is_queued_with_exact_bytes_and_its_envelope(queue: StrictQueue) -> None:
    assert run(queue, MESSAGE, ENVELOPE) == 0
    queued = queue.only_message()
    assert queued.message == MESSAGE
    assert queued.envelope == ENVELOPE


def test_messages_are_listed_in_the_order_of_arrival(queue: StrictQueue) -> None:
    texts = [b"one\n", b"two\n", b"three\n"]
    assert [run(queue, text, ENVELOPE) for text in texts] == [0, 0, 0]
    assert [queued.message for queued in queue.messages()] == texts


@pytest.mark.parametrize("size_bytes", [0, 65_536, 3_000_001])
def test_any_size_is_queued(queue: StrictQueue, size_bytes: int) -> None:
    message = os.urandom(size_bytes)
    assert run(queue, message, ENVELOPE) == 0
    assert queue.only_message().message == message


def test_its_environment_and_open_descriptors_are_recorded(queue: StrictQueue) -> None:
    assert run(queue, MESSAGE, ENVELOPE, {"RELAYCLIENT": "", "NAME": "a=b"}) == 0
    queued = queue.only_message()
    assert queued.environment["RELAYCLIENT"] == ""
    assert queued.environment["NAME"] == "a=b"
    assert "QMAILQUEUE" not in queued.environment
    assert sorted(queued.descriptors) == [0, 1, 2]
    assert queued.descriptors[0].startswith("pipe:")


def test_a_leaked_descriptor_shows(queue: StrictQueue) -> None:
    envelope = queue.folder / "an-envelope"
    envelope.write_bytes(ENVELOPE)
    with envelope.open("rb") as opened, (queue.folder / "leaked").open("wb") as leaked:
        subprocess.run(
            [queue.program],
            stdin=subprocess.DEVNULL,
            stdout=opened,
            env=queue.environment,
            pass_fds=[leaked.fileno()],
            check=True,
            timeout=20,
        )
    assert str(queue.folder / "leaked") in queue.only_message().descriptors.values()


def test_an_envelope_cut_anywhere_was_abandoned(queue: StrictQueue) -> None:
    for length in range(len(ENVELOPE)):
        assert run(queue, MESSAGE, ENVELOPE[:length]) == 54
    assert queue.is_empty()


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        pytest.param(b"F\0Ta@example.net\0\0", 0, id="bounce"),
        pytest.param(b"F#@[]\0Ta@example.net\0\0", 0, id="double bounce"),
        pytest.param(b"F\0T\0\0", 0, id="empty recipient"),
        pytest.param(b"F" + LONGEST + b"\0T" + LONGEST + b"\0\0", 0, id="longest addresses"),
        pytest.param(b"F" + LONGEST + b"a\0Ta\0\0", 11, id="sender too long"),
        pytest.param(b"F\0T" + LONGEST + b"a\0\0", 11, id="recipient too long"),
        pytest.param(b"F" + LONGEST + b"a", 11, id="too long and cut"),
        pytest.param(b"F" + LONGEST, 54, id="longest and cut"),
        pytest.param(b"Xa\0Tb\0\0", 91, id="no F"),
        pytest.param(b"Ta\0Tb\0\0", 91, id="T first"),
        pytest.param(b"Fa\0Fb\0\0", 91, id="F twice"),
        pytest.param(b"Fa\0b\0\0", 91, id="no T"),
        pytest.param(b"Fa\0\0", 91, id="no recipients"),
        pytest.param(b"\0\0", 91, id="only NULs"),
        pytest.param(b"Fa\0Tb\0\0x", 91, id="something after the end"),
        pytest.param(b"Fa\0Tb\0\0\0", 91, id="NUL after the end"),
    ],
)
def test_the_grammar_of_the_envelope(queue: StrictQueue, envelope: bytes, code: int) -> None:
    assert run(queue, MESSAGE, envelope) == code
    assert queue.is_empty() == (code != 0)


def test_ten_thousand_recipients_are_queued(queue: StrictQueue) -> None:
    recipients = b"".join(b"Tuser%d@example.net\0" % number for number in range(10_000))
    envelope = b"F\0" + recipients + b"\0"
    assert run(queue, MESSAGE, envelope) == 0
    assert queue.only_message().envelope == envelope


@pytest.mark.parametrize("code", [1, 11, 31, 53, 71, 91, 111, 255])
def test_it_fails_with_the_code_it_is_told_to(queue: StrictQueue, code: int) -> None:
    assert run(queue, MESSAGE, ENVELOPE, {"STRICT_QUEUE_EXIT": str(code)}) == code
    assert queue.is_empty()


@pytest.mark.parametrize("after", [0, 5])
def test_it_dies_in_the_middle_when_told_to(queue: StrictQueue, after: int) -> None:
    code = run(queue, MESSAGE, ENVELOPE, {"STRICT_QUEUE_DIE_AFTER": str(after)})
    assert code == -signal.SIGKILL
    assert queue.messages() == []
    assert len(queue.leftovers()) == 1


def test_without_a_queue_folder_it_says_so(queue: StrictQueue) -> None:
    assert run(queue, MESSAGE, ENVELOPE, {"STRICT_QUEUE_DIR": "/nonexistent"}) == 62
    assert queue.is_empty()


def test_a_message_that_cannot_be_read_is_a_read_error(queue: StrictQueue) -> None:
    with (queue.folder / "write-only").open("wb") as unreadable:
        code = queue_program.run(
            [queue.program], queue.environment, descriptors={0: unreadable.fileno()}
        )
    assert code == 54
    assert queue.is_empty()


def test_a_full_disk_is_a_write_error(queue: StrictQueue) -> None:
    limited = f"ulimit -f 1; trap '' XFSZ; exec {queue.program} <{queue.program}"
    result = subprocess.run(
        ["sh", "-c", limited],
        stdout=subprocess.DEVNULL,
        env=queue.environment,
        check=False,
        timeout=20,
    )
    assert result.returncode == 53
    assert queue.is_empty()
