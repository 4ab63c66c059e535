"""The queue's door, talked to packet by packet, by callers honest and hostile."""

import asyncio
import contextlib
import io
import os
import random
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import uvloop

from mailwarden.fronts.queue import visit
from mailwarden.fronts.queue.door import allowed_users
from mailwarden.ports.keeping import Maildir
from mailwarden.ports.scanner import Question
from mailwarden.verdict.reply import Trouble
from mailwarden.verdict.report import Answer
from mailwarden.wire import gate
from mailwarden.wire.envelope import ADDRESS_BYTES, ENVELOPE_BYTES
from mailwarden.wire.gate import Accepted, Alive, Exit, Queue, Received, Submit
from support.caller import (
    ENVELOPE,
    MESSAGE,
    PATIENCE_SECONDS,
    Caller,
    Verdict,
    fed_pipe,
    memory_file,
    open_descriptors,
    submit,
)
from support.door import CLEAN, VIRUS, Running, Shelf, door
from support.tiny_disk import tiny_disk
from support.waiting import wait_until

SMALL = {"memory_bytes": 1_000, "message_bytes": 3_000}
SEALED = 0x000E  # F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE
STRANGER = b"192.0.2.1"
NOBODY = 65_534
Script = Callable[[Question], Awaitable[Answer]]


async def virus(question: Question) -> Answer:
    return VIRUS


def until(event: threading.Event, then: Answer = CLEAN) -> Script:
    """A script that answers once the test, which is in another thread, says so."""

    async def script(question: Question) -> Answer:
        while not event.is_set():  # noqa: ASYNC110 - an event of another thread
            await asyncio.sleep(0.01)
        return then

    return script


def message_of(size_bytes: int) -> bytes:
    body = random.Random(size_bytes).randbytes(size_bytes).translate(_PRINTABLE)  # noqa: S311 - a sample
    return (b"Subject: sized\n\n" + body)[:size_bytes]


_PRINTABLE = bytes(32 + octet % 95 for octet in range(256))


def feeding(writer: int) -> io.FileIO:
    """The writing end of a pipe, unbuffered, closed at the end."""
    return io.FileIO(writer, "wb")


def wait_until_idle(running: Running) -> None:
    wait_until(lambda: running.is_idle, 10, "nobody is being served")


# Whole messages.


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("size_bytes", [0, 1, 999, 1_000, 1_001, 2_999, 3_000])
def test_a_clean_message_comes_back_exact_below_added_fields(
    size_bytes: int, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    message = message_of(size_bytes)
    with door(limits=SMALL, loop_factory=loop_factory) as running:
        verdict = submit(running.path, message)
    assert verdict.answers == (Accepted(), Received(), Queue())
    assert verdict.message.startswith(b"Received: from ")
    added = verdict.message.removesuffix(message)
    assert len(added) + size_bytes == len(verdict.message)
    assert added.endswith(b"\n")
    assert verdict.envelope == ENVELOPE
    assert verdict.seals[1] & SEALED == SEALED
    assert (verdict.seals[0] & SEALED == SEALED) == (size_bytes <= SMALL["memory_bytes"])
    assert running.tape.messages[0][2] == "handed-over"


def test_a_message_over_the_limit_is_rejected_without_keeping_its_bytes() -> None:
    seen: list[int] = []

    async def script(question: Question) -> Answer:
        seen.append(question.payload.size_bytes)
        return CLEAN

    with door(script, limits=SMALL) as running:
        verdict = submit(running.path, message_of(3_001), TCPREMOTEIP=STRANGER)
    assert verdict.code == 31
    assert not seen
    assert running.tape.messages[0][1].arrival.size_bytes == 3_001


def test_a_message_over_the_limit_from_this_machine_is_quarantined_whole() -> None:
    with door(limits=SMALL) as running:
        verdict = submit(running.path, message_of(3_001))
    assert verdict.code == 0
    assert running.shelf.kept == {"test-1": (message_of(3_001), Maildir.POLICY)}


@pytest.mark.parametrize("size_bytes", [500, 2_000])
def test_a_virus_is_quarantined_exact_and_answered_as_success(size_bytes: int) -> None:
    with door(virus, limits=SMALL) as running:
        verdict = submit(running.path, message_of(size_bytes))
    assert verdict.answers == (Accepted(), Received(), Exit(0))
    assert running.shelf.kept == {"test-1": (message_of(size_bytes), Maildir.VIRUSES)}


PROFILES = (
    {"match": ["one@example.net"], "dispositions": {"virus": "tag"}},
    {"match": ["two@example.net"], "dispositions": {"virus": "accept"}},
)


def two_groups(
    codes: tuple[int, ...], profile: Sequence[Mapping[str, object]]
) -> tuple[Running, Verdict]:
    """A virus for two recipients with settings of their own; `codes` are the queue's."""
    with door(virus, profile=profile) as running, Caller(running.path) as caller:
        caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        return running, caller.hear_verdict(codes)


def test_each_group_s_copy_is_submitted_with_its_own_envelope() -> None:
    _, verdict = two_groups((), PROFILES)
    assert verdict.answers[2:] == (Submit(), Submit(), Exit(0))
    envelopes = {copy.envelope for copy in verdict.copies}
    assert envelopes == {
        b"Fsender@example.org\0Tone@example.net\0\0",
        b"Fsender@example.org\0Ttwo@example.net\0\0",
    }
    assert all(copy.message.endswith(MESSAGE) for copy in verdict.copies)


@pytest.mark.parametrize(("code", "answered"), [(53, 53), (31, 31), (120, 120), (82, 71)])
def test_the_first_copy_s_refusal_is_the_answer_and_nothing_is_kept(
    code: int, answered: int
) -> None:
    running, verdict = two_groups((code,), PROFILES[:1])
    assert verdict.answers[2:] == (Submit(), Exit(answered))
    assert not running.shelf.kept
    heard = "reject" if code == 31 else "defer"
    assert [record.decision.disposition.word for record in running.book.noted] == [heard]


def test_a_later_copy_that_is_refused_is_kept_and_success_is_answered() -> None:
    running, verdict = two_groups((0, 53), PROFILES)
    assert verdict.answers[2:] == (Submit(), Submit(), Exit(0))
    ((octets, maildir),) = running.shelf.kept.values()
    assert maildir == Maildir.UNDELIVERED
    assert octets == verdict.copies[1].message


def test_a_client_that_goes_away_while_it_queues_leaves_nothing_in_quarantine() -> None:
    with door(virus, profile=PROFILES[:1]) as running:
        with Caller(running.path) as caller:
            caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
            caller.hear_until(Submit())
        wait_until(lambda: running.is_idle, PATIENCE_SECONDS, "the door is idle")
        assert not running.shelf.kept
        assert [trouble for trouble, _ in running.tape.troubles] == [Trouble.ABANDONED]


def test_ten_thousand_recipients_come_back_as_they_were() -> None:
    envelope = b"F\0" + b"".join(b"Tuser%d@example.net\0" % n for n in range(10_000)) + b"\0"
    with door() as running:
        assert submit(running.path, MESSAGE, envelope).envelope == envelope


def test_an_envelope_of_one_megabyte_is_queued() -> None:
    envelope = b"F\0" + b"Tsomebody@example.net\0" * 48_000 + b"\0"
    with door() as running, fed_pipe(envelope) as feed, Caller(running.path) as caller:
        caller.ask(memory_file(MESSAGE), feed)
        assert caller.hear_verdict().envelope == envelope


@pytest.mark.parametrize(
    ("flavour", "rejected"),
    [
        ("plain", Exit(31)),
        ("custom-error", Exit(82, 31, 4, text=b"DThis message is too large (#5.3.4)")),
        (
            "sagredo",
            Exit(82, 31, 4, use_error_fd=True, text=b"DThis message is too large (#5.3.4)"),
        ),
        (
            "indimail",
            Exit(82, 31, 2, use_error_fd=True, text=b"DThis message is too large (#5.3.4)"),
        ),
        ("notqmail", Exit(82, 31, 6, text=b"DThis message is too large (#5.3.4)")),
    ],
)
def test_a_rejection_is_told_as_the_flavour_can_tell_it(flavour: str, rejected: Exit) -> None:
    with door(limits=SMALL, queue={"flavour": flavour}) as running:
        verdict = submit(running.path, message_of(3_001), TCPREMOTEIP=STRANGER)
    assert verdict.answers[-1] == rejected


# Descriptors of all kinds.


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_pipes_are_read_to_their_end(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    message = message_of(3_000_000)
    with (
        door(loop_factory=loop_factory) as running,
        fed_pipe(message) as first,
        fed_pipe(ENVELOPE) as second,
        Caller(running.path) as caller,
    ):
        caller.ask(first, second)
        verdict = caller.hear_verdict()
    assert verdict.message.endswith(message)
    assert verdict.envelope == ENVELOPE


def test_sockets_are_read_to_their_end() -> None:
    ours, theirs = socket.socketpair()
    with door() as running, ours, Caller(running.path) as caller:
        caller.ask(theirs.detach(), memory_file(ENVELOPE))
        ours.sendall(MESSAGE)
        ours.shutdown(socket.SHUT_WR)
        assert caller.hear_verdict().message.endswith(MESSAGE)


def test_a_file_is_read_from_where_it_stands() -> None:
    with door() as running, Caller(running.path) as caller:
        message = memory_file(b"skipped" + MESSAGE)
        os.lseek(message, len(b"skipped"), os.SEEK_SET)
        caller.ask(message, memory_file(ENVELOPE))
        verdict = caller.hear_verdict()
    assert verdict.message.endswith(b"\n" + MESSAGE)


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_dev_null_is_a_message_of_0_bytes(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with door(loop_factory=loop_factory) as running, Caller(running.path) as caller:
        caller.ask(os.open("/dev/null", os.O_RDONLY), memory_file(ENVELOPE))
        assert caller.hear_verdict().is_queued
    assert running.tape.messages[0][1].arrival.size_bytes == 0


def write_only() -> int:
    return os.open("/dev/null", os.O_WRONLY)


def writing_end() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def directory() -> int:
    return os.open("/", os.O_RDONLY)


def path_only() -> int:
    return os.open("/etc/passwd", os.O_PATH)


def listening_socket() -> int:
    listener = socket.create_server(("127.0.0.1", 0))
    return listener.detach()


def zeroes() -> int:
    """Never at its end, and nothing that an event loop could wait for."""
    return os.open("/dev/zero", os.O_RDONLY)


def reset_socket() -> int:
    """A sender whose connection breaks after some bytes."""
    ours, theirs = socket.socketpair()
    theirs.send(b"never read")
    ours.sendall(MESSAGE)
    ours.close()
    return theirs.detach()


UNREADABLE = [write_only, writing_end, directory, path_only, listening_socket, zeroes, reset_socket]


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_a_message_that_cannot_be_read_is_54(
    unreadable: Callable[[], int], loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with (
        door(limits=SMALL, loop_factory=loop_factory) as running,
        Caller(running.path) as caller,
    ):
        caller.ask(unreadable(), memory_file(ENVELOPE))
        assert caller.hear_verdict().answers == (Accepted(), Exit(54))
    assert running.tape.troubles[0][0] is Trouble.ABANDONED


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_an_envelope_that_cannot_be_read_is_temporary(unreadable: Callable[[], int]) -> None:
    with door() as running, Caller(running.path) as caller:
        caller.ask(memory_file(MESSAGE), unreadable())
        assert caller.hear_verdict().code in (54, 91)
    assert not running.tape.bugs
    assert not running.tape.messages


def test_one_file_as_both_has_no_envelope_left() -> None:
    with door() as running, Caller(running.path) as caller:
        both = memory_file(MESSAGE + ENVELOPE)
        caller.say(gate.encode_request({}), (both, both))
        assert caller.hear_verdict().code == 54


def test_one_pipe_as_both_has_no_envelope_left() -> None:
    with door() as running, fed_pipe(MESSAGE) as both, Caller(running.path) as caller:
        caller.say(gate.encode_request({}), (both, both))
        assert caller.hear_verdict().code == 54


@pytest.mark.parametrize("count", [0, 1, 3, 8, 9, 50])
def test_a_wrong_number_of_descriptors_is_refused_and_all_are_closed(count: int) -> None:
    with door() as running:
        before = open_descriptors()
        with Caller(running.path) as caller:
            caller.say(gate.encode_request({}), [memory_file(b"") for _ in range(count)])
            assert caller.hear_verdict().answers == (Exit(54),)
        wait_until(lambda: open_descriptors() == before, 10, "all descriptors are closed")


def test_descriptors_of_an_empty_packet_are_closed() -> None:
    with door() as running:
        before = open_descriptors()
        with Caller(running.path) as caller:
            caller.say(b"", [memory_file(b""), memory_file(b"")])
            assert caller.hear_verdict().answers == (Exit(54),)
        wait_until(lambda: open_descriptors() == before, 10, "all descriptors are closed")


def test_nothing_stays_open_after_many_messages() -> None:
    with door(limits=SMALL) as running:
        submit(running.path)
        wait_until_idle(running)
        before = open_descriptors()
        for number in range(150):
            submit(running.path, message_of(number * 20))
        wait_until_idle(running)
        wait_until(lambda: open_descriptors() == before, 10, "as many descriptors as before")


# Senders that take their time, or never end.


def test_a_message_that_trickles_in_is_queued() -> None:
    reader, writer = os.pipe()
    with door(limits={"receive_idle_seconds": 5.0}) as running, Caller(running.path) as caller:
        caller.ask(reader, memory_file(ENVELOPE))
        caller.hear_until(Accepted())
        with feeding(writer) as feed:
            for octet in MESSAGE:
                feed.write(bytes([octet]))
                time.sleep(0.002)
        assert caller.hear_verdict().message.endswith(MESSAGE)


def test_a_sender_that_pauses_too_long_is_54() -> None:
    reader, writer = os.pipe()
    with (
        door(limits={"receive_idle_seconds": 0.2}) as running,
        feeding(writer) as feed,
        Caller(running.path) as caller,
    ):
        caller.ask(reader, memory_file(ENVELOPE))
        feed.write(b"Subject: and then nothing")
        assert caller.hear_verdict().code == 54


def test_pauses_shorter_than_the_limit_may_add_up() -> None:
    reader, writer = os.pipe()
    with (
        door(limits={"receive_idle_seconds": 0.5}) as running,
        Caller(running.path) as caller,
    ):
        caller.ask(reader, memory_file(ENVELOPE))
        with feeding(writer) as feed:
            for _ in range(8):
                feed.write(b"Subject: slow\n")
                time.sleep(0.1)
        assert caller.hear_verdict().is_queued


def test_an_endless_sender_is_cut_off() -> None:
    reader, writer = os.pipe()

    def write_until_cut() -> None:
        with contextlib.suppress(BrokenPipeError), feeding(writer) as feed:
            while True:
                feed.write(b"x" * 1_000)

    sending = threading.Thread(target=write_until_cut, daemon=True)
    sending.start()
    with door(limits=SMALL) as running, Caller(running.path) as caller:
        caller.ask(reader, memory_file(ENVELOPE))
        assert caller.hear_verdict().code == 54
        sending.join(10)
        assert not sending.is_alive()


def test_hundreds_of_waiting_senders_let_others_through() -> None:
    with door() as running, contextlib.ExitStack() as open_until_the_end:
        for _ in range(300):
            caller = open_until_the_end.enter_context(Caller(running.path))
            reader, writer = os.pipe()
            open_until_the_end.callback(os.close, writer)
            caller.ask(reader, memory_file(ENVELOPE))
            caller.hear_until(Accepted())
        assert submit(running.path).is_queued


# Envelopes.


@pytest.mark.parametrize("length", range(len(ENVELOPE)))
def test_an_envelope_cut_anywhere_was_abandoned(length: int, shared_door: Running) -> None:
    assert submit(shared_door.path, MESSAGE, ENVELOPE[:length]).code == 54


@pytest.fixture(scope="module")
def shared_door() -> Iterator[Running]:
    with door() as running:
        yield running


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        (b"rubbish\0\0", 91),
        (b"rubbish", 54),
        (b"\0\0", 91),
        (b"Fsender@example.org\0\0", 91),
        (b"Fsender@example.org\0Xone@example.net\0\0", 91),
        (b"Tone@example.net\0Fsender@example.org\0\0", 91),
        (b"Fsender@example.org\0Tone\0\0Ttwo\0\0", 91),
        (b"F" + b"s" * ADDRESS_BYTES + b"\0Tone@example.net\0\0", -1),
        (b"F" + b"s" * (ADDRESS_BYTES + 1) + b"\0Tone@example.net\0\0", 11),
        (b"Fs\0T" + b"r" * (ADDRESS_BYTES + 1) + b"\0\0", 11),
        (b"F\0" + b"T" * ENVELOPE_BYTES + b"\0\0", 91),
    ],
)
def test_a_bad_envelope_has_its_own_code(envelope: bytes, code: int, shared_door: Running) -> None:
    """-1 stands for none: it is queued."""
    verdict = submit(shared_door.path, MESSAGE, envelope)
    assert verdict.code == code
    assert verdict.is_queued == (code == -1)


def test_addresses_of_any_bytes_come_back_as_they_were(shared_door: Running) -> None:
    odd = bytes(range(1, 256))
    envelope = b"F" + odd + b"\0T" + odd[::-1] + b"\0\0"
    assert submit(shared_door.path, MESSAGE, envelope).envelope == envelope


def test_an_endless_envelope_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailwarden.fronts.queue.door.ENVELOPE_BYTES", 1_000)
    with door() as running, fed_pipe(b"F" * 100_000) as feed, Caller(running.path) as caller:
        caller.ask(memory_file(MESSAGE), feed)
        assert caller.hear_verdict().code == 54


# Requests.


@pytest.mark.parametrize(
    "packet",
    [
        b"?",
        b"MWQ2\0",
        b"MWQ1",
        b"MWQ1\0PATH=/bin\0",
        b"MWQ1\0TCPREMOTEIP",
        b"MWQ1\0TCPREMOTEIP\0",
        b"MWQ1\0PROTO=a\0PROTO=b\0",
        b"MWQ1\0PROTO=" + b"x" * 2_000 + b"\0",
        b"MWQ1\0" + b"x" * 20_000,
        b"\xff" * 100,
    ],
)
def test_a_rubbish_request_is_54_and_its_descriptors_are_closed(packet: bytes) -> None:
    with door() as running:
        before = open_descriptors()
        with Caller(running.path) as caller:
            caller.say(packet, [memory_file(MESSAGE), memory_file(ENVELOPE)])
            assert caller.hear_verdict().answers == (Exit(54),)
        wait_until(lambda: open_descriptors() == before, 10, "all descriptors are closed")


def test_a_request_that_never_comes_is_54(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "_REQUEST_SECONDS", 0.1)
    with door() as running, Caller(running.path) as caller:
        assert caller.hear_verdict().answers == (Exit(54),)


@pytest.mark.parametrize(("users", "code"), [(("root",), 71), (("root", "nobody"), 0)])
def test_only_the_named_users_are_served(users: tuple[str, ...], code: int) -> None:
    """The caller runs as nobody; 0 is for a virus that was kept."""
    with door(virus, queue={"users": users}) as running:
        source = _STRANGE_CALLER.format(path=str(running.path), envelope=ENVELOPE)
        done = subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", "--clear-groups", sys.executable, "-c", source],
            timeout=30,
            check=False,
        )
    assert done.returncode == code


_STRANGE_CALLER = """
import os, socket, sys
stream = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
stream.connect({path!r})
files = [os.memfd_create("x") for _ in range(2)]
os.write(files[1], {envelope!r})
os.lseek(files[1], 0, 0)
try:
    socket.send_fds(stream, [b"MWQ1\\0"], files)
    while (packet := stream.recv(1000))[:1] != b"X":
        pass
except OSError:
    sys.exit(71)  # refused before it was heard, which mailwarden-queue answers so
sys.exit(packet[1])
"""


def test_unknown_users_stand_for_nobody_and_ourselves_are_always_served() -> None:
    assert allowed_users(["no-such-user-here"]) == frozenset({os.geteuid()})
    assert allowed_users(["nobody"]) == frozenset({os.geteuid(), NOBODY})
    assert allowed_users(["nobody", "*"]) is None


# Clients that go away.


def test_a_client_that_leaves_without_a_word_is_forgotten() -> None:
    with door() as running:
        Caller(running.path).close()
        wait_until(lambda: len(running.tape.troubles) == 1, 10, "it was noticed")
        wait_until_idle(running)


def test_a_client_that_leaves_before_it_is_accepted_is_forgotten() -> None:
    with door() as running:
        before = open_descriptors()
        for _ in range(50):
            with Caller(running.path) as caller:
                caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        wait_until(lambda: open_descriptors() == before, 10, "all descriptors are closed")
        wait_until_idle(running)
    assert not running.tape.bugs


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_client_that_leaves_while_it_sends_ends_its_message(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    reader, writer = os.pipe()
    with door(loop_factory=loop_factory) as running, feeding(writer) as feed:
        with Caller(running.path) as caller:
            caller.ask(reader, memory_file(ENVELOPE))
            caller.hear_until(Accepted())
            feed.write(b"Subject: half")
        wait_until_idle(running)
        with pytest.raises(BrokenPipeError):
            feed.write(b" a message")
        assert running.tape.troubles == [(Trouble.ABANDONED, "the client went away")]
    assert not running.scanner.most_inside


def test_a_client_that_leaves_during_the_scan_has_nothing_kept_and_gives_its_turn_back() -> None:
    go = threading.Event()
    with door(until(go, VIRUS), limits={"scanning": 1, "wait_seconds": 5.0}) as running:
        with Caller(running.path) as caller:
            caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
            wait_until(lambda: running.scanner.inside == 1, 10, "it is being scanned")
        wait_until_idle(running)
        assert running.scanner.cancelled == 1
        assert not running.shelf.kept
        assert not running.book.noted
        go.set()
        assert submit(running.path).code == 0
    assert len(running.shelf.kept) == 1


def test_a_client_that_leaves_while_it_waits_for_its_turn_takes_no_turn() -> None:
    go = threading.Event()
    with door(until(go), limits={"scanning": 1}) as running, Caller(running.path) as first:
        first.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        wait_until(lambda: running.scanner.inside == 1, 10, "the first is being scanned")
        with Caller(running.path) as second:
            second.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
            second.hear_until(Received())
        wait_until(lambda: running.door.serving == 1, 10, "the second is forgotten")
        go.set()
        assert first.hear_verdict().is_queued
        assert submit(running.path).is_queued


def test_a_client_that_says_more_than_its_request_is_let_go() -> None:
    with door(until(threading.Event())) as running:
        before = open_descriptors()
        with Caller(running.path) as caller:
            caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
            caller.hear_until(Received())
            caller.say(b"and another thing", [memory_file(b"")])
            wait_until_idle(running)
            assert caller.hear_verdict().answers == ()
        wait_until(lambda: open_descriptors() == before, 10, "all descriptors are closed")


def test_what_is_being_kept_is_kept_although_the_client_leaves() -> None:
    shelf = Shelf(hold=threading.Event())
    assert shelf.hold
    with door(virus, shelf=shelf) as running:
        with Caller(running.path) as caller:
            caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
            assert shelf.keeping.wait(10)
        shelf.hold.set()
        wait_until_idle(running)
    assert shelf.kept["test-1"][0] == MESSAGE
    assert running.tape.messages[0][2] == "client-gone"


# Signs of life, limits and deadlines.


def test_the_client_hears_that_we_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "KEEPALIVE_SECONDS", 0.02)
    go = threading.Event()
    with door(until(go)) as running, Caller(running.path) as caller:
        caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        caller.hear_until(Received())
        assert [caller.hear() for _ in range(5)] == [Alive()] * 5
        go.set()
        assert caller.hear_verdict().is_queued


def test_a_client_that_does_not_listen_costs_nothing_but_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "KEEPALIVE_SECONDS", 0.0005)
    go = threading.Event()
    with door(until(go)) as running, Caller(running.path) as deaf:
        deaf.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        wait_until(lambda: running.scanner.inside == 1, 10, "it is being scanned")
        time.sleep(0.5)  # the deaf client's packets pile up meanwhile
        go.set()
        wait_until_idle(running)
        assert submit(running.path).is_queued


def test_no_more_than_the_limit_are_scanned_at_once_and_the_rest_wait() -> None:
    go = threading.Event()
    with door(until(go), limits={"scanning": 2}) as running, contextlib.ExitStack() as stack:
        callers = [stack.enter_context(Caller(running.path)) for _ in range(6)]
        for caller in callers:
            caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
            caller.hear_until(Received())
        wait_until(lambda: running.scanner.inside == 2, 10, "two are being scanned")
        go.set()
        assert all(caller.hear_verdict().is_queued for caller in callers)
    assert running.scanner.most_inside == 2


def test_who_waits_too_long_for_a_turn_is_put_off() -> None:
    go = threading.Event()
    limits = {"scanning": 1, "wait_seconds": 0.2}
    with door(until(go), limits=limits) as running, Caller(running.path) as first:
        first.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        wait_until(lambda: running.scanner.inside == 1, 10, "the first is being scanned")
        assert submit(running.path).code == 71
        go.set()
        assert first.hear_verdict().is_queued
        assert submit(running.path).is_queued


def test_more_senders_than_the_limit_are_put_off() -> None:
    with door(limits={"receiving": 2}) as running, contextlib.ExitStack() as stack:
        for _ in range(2):
            caller = stack.enter_context(Caller(running.path))
            reader, writer = os.pipe()
            stack.callback(os.close, writer)
            caller.ask(reader, memory_file(ENVELOPE))
            caller.hear_until(Accepted())
        assert submit(running.path).answers == (Exit(71),)
    assert running.tape.troubles[0][0] is Trouble.BUSY


def test_slow_senders_are_not_counted_among_those_being_scanned() -> None:
    limits = {"scanning": 1, "message_seconds": 0.3}
    reader, writer = os.pipe()
    with (
        door(limits=limits) as running,
        feeding(writer) as feed,
        Caller(running.path) as slow,
    ):
        slow.ask(reader, memory_file(ENVELOPE))
        slow.hear_until(Accepted())
        assert submit(running.path).is_queued
        time.sleep(0.4)  # longer than the deadline, which starts when the message is complete
        feed.write(MESSAGE)
        feed.close()
        assert slow.hear_verdict().is_queued


@pytest.mark.parametrize("size_bytes", [500, 2_000])
def test_a_message_that_takes_too_long_is_52(size_bytes: int) -> None:
    limits = {**SMALL, "message_seconds": 0.2}
    with door(until(threading.Event()), limits=limits) as running:
        assert submit(running.path, message_of(size_bytes)).code == 52
        wait_until_idle(running)
        assert running.scanner.cancelled == running.scanner.most_inside
        assert not running.tape.messages


def test_a_thread_that_still_looks_at_a_large_message_does_not_turn_52_into_a_bug() -> None:
    looks: list[memoryview] = []

    async def script(question: Question) -> Answer:
        looks.append(memoryview(question.arrival.raw))
        await asyncio.sleep(60)
        return CLEAN

    with door(script, limits={**SMALL, "message_seconds": 0.2}) as running:
        assert submit(running.path, message_of(2_000)).code == 52
        wait_until_idle(running)
        assert bytes(looks[0]) == message_of(2_000)
        looks[0].release()
    assert not running.tape.bugs


# What goes wrong on our side.


def test_our_bug_is_81_and_is_logged() -> None:
    async def script(question: Question) -> Answer:
        raise RuntimeError("a bug")

    with door(script) as running:
        assert submit(running.path).answers[-1] == Exit(81)
        wait_until_idle(running)
    assert len(running.tape.bugs) == 1


def test_too_little_memory_is_51(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("mailwarden.fronts.queue.door.parse_envelope", too_large)
    with door() as running:
        assert submit(running.path).answers[-1] == Exit(51)
        wait_until_idle(running)
    assert running.tape.troubles[0][0] is Trouble.OUT_OF_MEMORY


def test_the_wait_for_a_turn_counts_into_the_messages_time() -> None:
    go = threading.Event()
    limits = {"scanning": 1, "wait_seconds": 10.0, "message_seconds": 0.5}
    with door(until(go), limits=limits) as running, Caller(running.path) as first:
        first.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        wait_until(lambda: running.scanner.inside == 1, 10, "the first is being scanned")
        assert submit(running.path).code == 52
        assert first.hear_verdict().code == 52
        wait_until_idle(running)


def test_a_quarantine_that_cannot_keep_is_53() -> None:
    with door(virus, shelf=Shelf(full=True)) as running:
        assert submit(running.path).code == 53
        wait_until_idle(running)
    assert [record.decision.disposition.word for record in running.book.noted] == ["defer"]


def test_a_full_spool_is_53_and_is_empty_again_afterwards() -> None:
    with tiny_disk(64) as disk, door(spool=disk, limits={"memory_bytes": 1_000}) as running:
        assert submit(running.path, message_of(200_000)).code == 53
        wait_until_idle(running)
        assert submit(running.path, message_of(20_000)).is_queued
        wait_until_idle(running)
        wait_until(lambda: _used_bytes(disk) == 0, 10, "the spool is empty")


def test_a_spool_that_cannot_hold_the_edited_copy_is_53() -> None:
    with tiny_disk(64) as disk, door(spool=disk, limits={"memory_bytes": 1_000}) as running:
        assert submit(running.path, message_of(50_000)).code == 53
        wait_until_idle(running)
        wait_until(lambda: _used_bytes(disk) == 0, 10, "the spool is empty")
    assert running.tape.troubles[0][0] is Trouble.CANNOT_WRITE


def test_a_missing_spool_is_53(tmp_path: Path) -> None:
    limits = {"memory_bytes": 1_000}
    with door(spool=tmp_path / "absent", limits=limits) as running:
        assert submit(running.path, message_of(2_000)).code == 53
        assert submit(running.path, message_of(500)).is_queued


def _used_bytes(disk: Path) -> int:
    status = os.statvfs(disk)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def test_no_free_descriptor_makes_callers_wait_and_the_loop_rest() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with door() as running, Caller(running.path) as first:
        first.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        assert first.hear_verdict().is_queued
        wait_until_idle(running)
        waiting = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        files = memory_file(MESSAGE), memory_file(ENVELOPE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (_highest_descriptor() + 1, hard))
        try:
            with _all_descriptors_taken():
                waiting.connect(str(running.path))
                time.sleep(0.7)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        complaints = len(running.tape.troubles)
        assert 1 <= complaints <= 3
        socket.send_fds(waiting, [gate.encode_request({})], files)
        waiting.settimeout(10)
        assert waiting.recv(1) == b"A"
        waiting.close()
        for file in files:
            os.close(file)


def _highest_descriptor() -> int:
    return max(int(link.name) for link in Path("/proc/self/fd").iterdir())


@contextlib.contextmanager
def _all_descriptors_taken() -> Iterator[None]:
    taken: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)


# The end.


def test_draining_waits_for_messages_in_work() -> None:
    go = threading.Event()
    with door(until(go)) as running, Caller(running.path) as caller:
        caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        wait_until(lambda: running.scanner.inside == 1, 10, "it is being scanned")
        threading.Timer(0.1, go.set).start()
        running.drain(10.0)
        assert caller.hear_verdict().is_queued


def test_draining_puts_off_who_takes_too_long() -> None:
    with door(until(threading.Event())) as running, Caller(running.path) as caller:
        caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        wait_until(lambda: running.scanner.inside == 1, 10, "it is being scanned")
        running.drain(0.05)
        assert caller.hear_verdict().code == 71
    assert not running.shelf.kept


def test_draining_finishes_what_is_being_kept_and_says_so() -> None:
    """A sender that heard "try again" of a message that was kept would send it twice."""
    shelf = Shelf(hold=threading.Event())
    assert shelf.hold
    with door(virus, shelf=shelf) as running, Caller(running.path) as caller:
        caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        assert shelf.keeping.wait(10)
        threading.Timer(0.3, shelf.hold.set).start()
        running.drain(0.05)
        assert caller.hear_verdict().code == 0
    assert len(shelf.kept) == 1


def test_draining_tells_what_could_not_be_kept() -> None:
    shelf = Shelf(hold=threading.Event(), full=True)
    assert shelf.hold
    with door(virus, shelf=shelf) as running, Caller(running.path) as caller:
        caller.ask(memory_file(MESSAGE), memory_file(ENVELOPE))
        assert shelf.keeping.wait(10)
        threading.Timer(0.3, shelf.hold.set).start()
        running.drain(0.05)
        assert caller.hear_verdict().code == 53


def test_many_callers_at_once_each_get_their_own_message() -> None:
    results: dict[int, bool] = {}

    def call(number: int) -> None:
        message = b"Subject: %d\n\n" % number + message_of(number * 97)
        envelope = b"Fs%d@example.org\0Tr@example.net\0\0" % number
        verdict = submit(path, message, envelope)
        results[number] = verdict.message.endswith(message) and verdict.envelope == envelope

    with door(limits=SMALL) as running:
        path = running.path
        _run_all([threading.Thread(target=call, args=(n,), daemon=True) for n in range(30)])
    assert results == dict.fromkeys(range(30), True)


def _run_all(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
