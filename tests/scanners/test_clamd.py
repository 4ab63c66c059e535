"""The adapter against the real clamd, and against servers that are not what they should be."""

import asyncio
import base64
import contextlib
import errno
import gc
import os
import resource
import weakref
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Literal, NoReturn

import pytest

from mailwarden.net.payload import MemoryPayload
from mailwarden.pipeline.extraction import MAIL_BEGINNINGS, SEEN_DEPTH
from mailwarden.ports.scanner import ExtractedPart, Question, Scanner, Wave
from mailwarden.scanners.clamd import ClamdScanner
from mailwarden.settings.addresses import Address, TcpAddress, UnixAddress
from mailwarden.settings.model import ClamdSettings
from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.report import Answer, Fault, Finding, Kind
from mailwarden.wire.envelope import Envelope
from support.clamd import EICAR, EICAR_NAME, MARKER, MARKER_NAME, Clamd, running_clamd
from support.payload import BytesPayload
from support.scripted import Peer, Script, scripted
from support.waiting import wait_until

Method = Literal["auto", "fildes", "instream"]

ENOUGH_SECONDS = 60.0
SHORT_SECONDS = 0.3
CLEAN = Answer()
HEADER = b"From: a@example.net\r\nSubject: hello\r\n\r\n"
NOWHERE = "unix:/nowhere/at/all"
ALMOST_30_MB = b"just a line of text in a very long message\r\n" * 680_000
# `zip -X -P pw e.zip inner.txt`, with one line of text in it.
ENCRYPTED_ZIP = base64.b64decode(
    "UEsDBAoACQAAAHN+dl3stHmfHwAAABMAAAAJAAAAaW5uZXIudHh0DuYGx+/bXoxZ+rv9uWilYPU/"
    "UWxSQiSBuca43scvKFBLBwjstHmfHwAAABMAAABQSwECHgMKAAkAAABzfnZd7LR5nx8AAAATAAAA"
    "CQAAAAAAAAABAAAApIEAAAAAaW5uZXIudHh0UEsFBgAAAAABAAEANwAAAFYAAAAAAA=="
)

_MULTIPART = b"Content-Type: multipart/mixed; boundary=b%\r\n\r\n--b%\r\n"
_MULTIPART_WITH_MAIL = _MULTIPART + b"Content-Type: message/rfc822\r\n\r\nFrom: a@a.example\r\n"
_ENCODED_MARKER = (
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(b"a\n" + MARKER + b"\n")
)

ARRIVAL = Arrival("id", Envelope(b"", ()), Origin(), b"", 0, 0.0)

WAYS = pytest.mark.parametrize(
    ("transport", "method"),
    [("unix", "auto"), ("unix", "fildes"), ("unix", "instream"), ("tcp", "auto")],
)


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with running_clamd() as running:
        yield running


@pytest.fixture
def own_clamd() -> Iterator[Clamd]:
    """One that the test may kill."""
    with running_clamd() as running:
        yield running


# The real clamd


@WAYS
async def test_an_ordinary_message_is_clean(clamd: Clamd, transport: str, method: Method) -> None:
    async with scanner(place(clamd, transport), method=method) as asked:
        assert await scan(asked, HEADER + b"Nothing to see.\r\n") == CLEAN


@WAYS
async def test_an_empty_message_is_clean(clamd: Clamd, transport: str, method: Method) -> None:
    async with scanner(place(clamd, transport), method=method) as asked:
        assert await scan(asked, b"") == CLEAN


@WAYS
async def test_a_virus_is_found(clamd: Clamd, transport: str, method: Method) -> None:
    async with scanner(place(clamd, transport), method=method) as asked:
        assert await scan(asked, EICAR) == virus(EICAR_NAME)


@pytest.fixture(scope="module")
def silent_clamd() -> Iterator[Clamd]:
    """One that says nothing of its limits, as clamd.conf(5) has it where nobody changes it."""
    with running_clamd(AlertExceedsMax="no") as running:
        yield running


@pytest.mark.parametrize("first", MAIL_BEGINNINGS)
async def test_a_virus_is_found_in_whatever_is_taken_for_seen_with_the_message(
    silent_clamd: Clamd, first: bytes
) -> None:
    async with scanner(silent_clamd.address) as asked:
        for opening in (_MULTIPART, _MULTIPART_WITH_MAIL):
            levels = SEEN_DEPTH // opening.count(b"Content-Type")
            above = b"".join(opening.replace(b"%", b"%d" % number) for number in range(levels))
            message = first + b"x\r\n" + above + _ENCODED_MARKER
            assert await scan(asked, message) == virus(MARKER_NAME)


async def test_thousands_of_parts_take_no_more_descriptors_than_connections(clamd: Clamd) -> None:
    payloads = [MemoryPayload(b"%d" % number) for number in range(1_000)]
    parts = tuple(ExtractedPart("1", "", payload) for payload in payloads)
    os.close(next_free := os.dup(0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_free + 50, hard))
    try:
        async with scanner(clamd.address, connections=4) as asked:
            with BytesPayload(HEADER) as payload:
                answer = await asked.scan(Question(ARRIVAL, payload, extracted=parts), soon())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert answer == CLEAN


async def test_a_machine_without_room_for_a_descriptor_is_a_fault(clamd: Clamd) -> None:
    class FullPayload(BytesPayload):
        def lend(self) -> NoReturn:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async with scanner(clamd.address) as asked:
        with FullPayload(b"x") as payload:
            answer = await asked.scan(Question(ARRIVAL, payload), soon())
    assert answer == fault("no room to ask: Too many open files")


async def test_a_virus_in_an_attachment_is_found(clamd: Clamd) -> None:
    message = (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
        b'Content-Type: application/octet-stream; name="a.com"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(EICAR) + b"\r\n--b--\r\n"
    )
    async with scanner(clamd.address) as asked:
        assert await scan(asked, message) == virus(EICAR_NAME)


@WAYS
async def test_a_message_of_30_mb_is_looked_at_to_its_end(
    clamd: Clamd, transport: str, method: Method
) -> None:
    async with scanner(place(clamd, transport), method=method, max_bytes=40_000_000) as asked:
        assert await scan(asked, ALMOST_30_MB) == CLEAN
        assert await scan(asked, ALMOST_30_MB + MARKER) == virus(MARKER_NAME)


async def test_what_was_extracted_is_asked_about_and_told_by_its_place(clamd: Clamd) -> None:
    async with scanner(clamd.address) as asked:
        answer = await scan_with_parts(asked, {"2/a.7z/a.com": EICAR, "2/a.7z/b.txt": b"text"})
    assert answer == Answer(
        (Finding("clamd", Kind.VIRUS, EICAR_NAME, part="2/a.7z/a.com", filename="a.com"),)
    )


async def test_a_part_over_our_limit_is_a_finding_beside_what_other_parts_hold(
    clamd: Clamd,
) -> None:
    async with scanner(clamd.address, max_bytes=1_000) as asked:
        answer = await scan_with_parts(asked, {"1/a.zip/long": b"x" * 2_000, "1/a.zip/e": EICAR})
    assert [(finding.kind, finding.part) for finding in answer.findings] == [
        (Kind.OVER_LIMIT, "1/a.zip/long"),
        (Kind.VIRUS, "1/a.zip/e"),
    ]


async def test_a_thousand_infected_parts_are_a_few_findings(clamd: Clamd) -> None:
    parts = {f"1/a.zip/{number}": EICAR + b" " * number for number in range(1_000)}
    async with scanner(clamd.address) as asked:
        answer = await scan_with_parts(asked, parts)
    assert 0 < len(answer.findings) <= 20


async def test_a_clamd_that_is_away_is_one_fault_for_all_parts() -> None:
    async with scanner(NOWHERE) as asked:
        answer = await scan_with_parts(asked, {"1": b"one", "2": b"two"})
    assert not answer.findings
    assert len(answer.faults) == 1


async def test_a_message_over_our_limit_is_not_sent_but_a_finding() -> None:
    async with scanner(NOWHERE) as asked:
        answer = await scan(asked, ALMOST_30_MB)
    assert answer == limit("max_bytes", f"Not sent to clamd: {len(ALMOST_30_MB)} bytes.")


@pytest.mark.parametrize("transport", ["unix", "tcp"])
async def test_a_message_over_clamds_stream_limit_is_a_finding(transport: str) -> None:
    with running_clamd(StreamMaxLength="1M") as clamd:
        async with scanner(
            place(clamd, transport), method="instream", max_bytes=40_000_000
        ) as asked:
            answer = await scan(asked, ALMOST_30_MB + MARKER)
            assert answer == limit("StreamMaxLength", "clamd stopped at its StreamMaxLength.")
            assert await scan(asked, MARKER) == virus(MARKER_NAME)


@pytest.mark.parametrize("method", ["fildes", "instream"])
async def test_a_message_over_clamds_file_limit_is_a_finding(method: Method) -> None:
    with running_clamd(MaxFileSize="1M") as clamd:
        async with scanner(clamd.address, method=method, max_bytes=40_000_000) as asked:
            (finding,) = (await scan(asked, ALMOST_30_MB + MARKER)).findings
    assert finding.kind is Kind.OVER_LIMIT
    assert finding.name == "Heuristics.Limits.Exceeded.MaxFileSize"


async def test_an_encrypted_archive_is_a_finding_of_its_own_kind(clamd: Clamd) -> None:
    async with scanner(clamd.address) as asked:
        (finding,) = (await scan(asked, ENCRYPTED_ZIP)).findings
    assert (finding.kind, finding.name) == (Kind.ENCRYPTED, "Heuristics.Encrypted.Zip")


@WAYS
async def test_twenty_messages_at_once_get_their_own_answers(
    clamd: Clamd, transport: str, method: Method
) -> None:
    async with scanner(place(clamd, transport), method=method, connections=4) as asked:
        messages = [HEADER + (MARKER if number % 3 else b"clean") for number in range(20)]
        answers = await asyncio.gather(*(scan(asked, message) for message in messages))
        again = await asyncio.gather(*(scan(asked, message) for message in messages))
    expected = [virus(MARKER_NAME) if number % 3 else CLEAN for number in range(20)]
    assert answers == again == expected


async def test_a_descriptor_that_is_no_file_is_a_lasting_fault(clamd: Clamd) -> None:
    class PipePayload(BytesPayload):
        @contextlib.contextmanager
        def lend(self) -> Iterator[int]:
            yield reader

    reader, writer = os.pipe()
    async with scanner(clamd.address) as asked:
        with PipePayload(b"x") as payload:
            answer = await asked.scan(Question(ARRIVAL, payload), soon())
    os.close(reader)
    os.close(writer)
    assert answer == fault("clamd was handed what is no file", temporary=False)


async def test_a_clamd_that_is_killed_while_it_scans_is_a_fault(own_clamd: Clamd) -> None:
    async with scanner(own_clamd.address) as asked:
        assert await scan(asked, HEADER) == CLEAN
        own_clamd.freeze()
        scanning = asyncio.create_task(scan(asked, HEADER))
        await asyncio.wait([scanning], timeout=SHORT_SECONDS)
        assert not scanning.done()
        own_clamd.kill()
        assert (await scanning).faults == (
            Fault("clamd", f"{own_clamd.address}: Connection refused"),
        )


async def test_another_clamd_answers_when_one_is_killed_while_it_scans(
    clamd: Clamd, own_clamd: Clamd
) -> None:
    async with scanner(own_clamd.address, clamd.tcp_address) as asked:
        own_clamd.freeze()
        scanning = asyncio.create_task(scan(asked, MARKER))
        await asyncio.wait([scanning], timeout=SHORT_SECONDS)
        own_clamd.kill()
        assert await scanning == virus(MARKER_NAME)


async def test_a_clamd_that_was_started_again_is_found_again(own_clamd: Clamd) -> None:
    async with scanner(own_clamd.address) as asked:
        assert await scan(asked, MARKER) == virus(MARKER_NAME)
        own_clamd.kill()
        own_clamd.start()
        assert await scan(asked, MARKER) == virus(MARKER_NAME)
        own_clamd.stop()
        assert (await scan(asked, MARKER)).faults
        own_clamd.start()
        assert await scan(asked, MARKER) == virus(MARKER_NAME)


async def test_a_clamd_that_hangs_is_a_fault_and_is_asked_again_later(own_clamd: Clamd) -> None:
    async with scanner(own_clamd.address, timeout_seconds=SHORT_SECONDS) as asked:
        own_clamd.freeze()
        assert await scan(asked, MARKER) == fault(f"{own_clamd.address} did not answer in time")
        own_clamd.thaw()
    async with scanner(own_clamd.address) as asked:
        assert await scan(asked, MARKER) == virus(MARKER_NAME)


async def test_a_session_open_during_a_reload_knows_the_new_signatures(own_clamd: Clamd) -> None:
    message = HEADER + b"something new under the sun"
    async with scanner(own_clamd.address, connections=1) as asked:
        assert await scan(asked, message) == CLEAN
        own_clamd.add_signature("new.ndb", f"Test.New:0:*:{b'under the sun'.hex()}\n")
        own_clamd.reload()
        wait_until(lambda: own_clamd.finds(message), ENOUGH_SECONDS, "the new signature is known")
        assert await scan(asked, message) == virus("Test.New.UNOFFICIAL")


async def test_the_version_is_heard_at_a_refresh(clamd: Clamd) -> None:
    async with scanner(clamd.address) as asked:
        assert (asked.version, asked.signatures_at) == ("clamdscan.", None)
        await asked.refresh(soon())
        engine = clamd.ask(b"zVERSION\0").decode().removeprefix("ClamAV ").rstrip("\0")
        assert (asked.version, asked.signatures_at) == (f"clamdscan: {engine}.", None)


async def test_one_session_serves_scans_and_refreshes(clamd: Clamd) -> None:
    async with scanner(clamd.address, connections=1) as asked:
        assert await scan(asked, MARKER) == virus(MARKER_NAME)
        await asked.refresh(soon())
        assert await scan(asked, HEADER) == CLEAN


# What is no clamd


async def test_a_clamd_that_is_away_is_a_temporary_fault() -> None:
    async with scanner(NOWHERE) as asked:
        assert await scan(asked, HEADER) == fault(f"{NOWHERE}: No such file or directory")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"rubbish\0", "clamd's answer does not bear its question's number"),
        (b"1: rubbish\0", "clamd's answer is none of OK, FOUND and ERROR"),
        (b"2: stream: OK\0", "clamd's answer does not bear its question's number"),
        (b"stream: OK\0", "clamd's answer does not bear its question's number"),
        (b"1: stream: OK\0002: stream: OK\0", "clamd sent more than the answer to one question"),
        (b"x" * 1_000_000, "clamd's answer is longer than 2048 bytes"),
        (b"1: stream: " + b"x" * 10_000 + b" FOUND\0", "clamd's answer is longer than 2048 bytes"),
        (b"\0", "clamd's answer does not bear its question's number"),
    ],
)
@pytest.mark.parametrize("kind", [UnixAddress, TcpAddress])
async def test_an_answer_that_is_not_of_the_protocol_is_a_fault(
    kind: type[Address], said: bytes, reason: str
) -> None:
    async with scripted(answering(said), kind) as address, scanner(str(address)) as asked:
        assert await scan(asked, HEADER) == fault(reason)


@pytest.mark.parametrize("said", [b"", b"1", b"1: stream: OK", b"1: stream: x FOU"])
async def test_an_answer_that_is_cut_off_is_a_fault(said: bytes) -> None:
    async with scripted(answering(said)) as address, scanner(str(address)) as asked:
        assert await scan(asked, HEADER) == fault(
            f"{address} closed the connection before it had answered"
        )


async def test_an_answer_in_single_bytes_is_understood() -> None:
    async def dribble(peer: Peer) -> None:
        await peer.read_until(b"\0\0\0\0")
        for octet in b"1: stream: Some.Virus FOUND\0":
            await peer.say(bytes([octet]))
            await asyncio.sleep(0)
        await peer.hang()

    async with (
        scripted(dribble, TcpAddress) as address,
        scanner(str(address)) as asked,
    ):
        assert await scan(asked, HEADER) == virus("Some.Virus")


@pytest.mark.parametrize("said", [b"", b"1: stream: OK"])
async def test_a_clamd_that_stops_talking_is_a_fault(said: bytes) -> None:
    async def hang(peer: Peer) -> None:
        await peer.say(said)
        await peer.hang()

    async with (
        scripted(hang) as address,
        scanner(str(address), timeout_seconds=SHORT_SECONDS) as asked,
    ):
        assert await scan(asked, HEADER) == fault(f"{address} did not answer in time")


async def test_a_clamd_that_does_not_read_is_a_fault() -> None:
    async def hang(peer: Peer) -> None:
        await peer.hang()

    async with (
        scripted(hang, TcpAddress) as address,
        scanner(str(address), timeout_seconds=SHORT_SECONDS, max_bytes=40_000_000) as asked,
    ):
        assert await scan(asked, ALMOST_30_MB) == fault(f"{address} did not answer in time")


@pytest.mark.parametrize("kind", [UnixAddress, TcpAddress])
async def test_a_message_called_clean_before_it_was_read_is_a_fault(kind: type[Address]) -> None:
    async def judge_early(peer: Peer) -> None:
        await peer.read()
        await peer.say(b"1: stream: OK\0")

    async with (
        scripted(judge_early, kind) as address,
        scanner(str(address), method="instream", max_bytes=40_000_000) as asked,
    ):
        answer = await scan(asked, ALMOST_30_MB)
    assert answer == fault("clamd called clean what it had not read to the end")


async def test_the_message_is_asked_about_at_the_next_address_after_rubbish(clamd: Clamd) -> None:
    async with (
        scripted(answering(b"rubbish\0")) as address,
        scanner(str(address), clamd.address) as asked,
    ):
        assert await scan(asked, MARKER) == virus(MARKER_NAME)


async def test_an_answer_that_arrives_before_its_question_is_nobodys() -> None:
    async def answer_ahead(peer: Peer) -> None:
        await peer.read_until(b"\0\0\0\0")
        await peer.say(b"1: stream: Virus.%d FOUND\0" % peer.number)
        if peer.number == 1:
            await is_idle.wait()
            await peer.say(b"2: stream: OK\0")
            is_said.set()
        await peer.hang()

    is_idle, is_said = asyncio.Event(), asyncio.Event()
    async with (
        scripted(answer_ahead) as address,
        scanner(str(address), method="instream", connections=1) as asked,
    ):
        assert await scan(asked, HEADER) == virus("Virus.1")
        is_idle.set()
        await is_said.wait()
        assert await scan(asked, HEADER) == virus("Virus.2")


async def test_nothing_of_a_message_outlives_its_fault() -> None:
    payload = BytesPayload(HEADER)
    async with scripted(answering(b"rubbish\0")) as address, scanner(str(address)) as asked:
        await asked.scan(Question(ARRIVAL, payload), soon())
        gc.disable()
        try:
            await asked.scan(Question(ARRIVAL, payload), soon())
            payload.close()
            watched = weakref.ref(payload)
            del payload
            assert watched() is None
        finally:
            gc.enable()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"Can't allocate memory", Fault("clamd", "clamd is out of memory")),
        (b"<a secret>", Fault("clamd", "clamd met an error that we do not know: see its log")),
        (
            b"Bad format or broken data",
            Fault("clamd", "clamd cannot unpack a part of the message", temporary=False),
        ),
    ],
)
async def test_an_error_of_clamds_is_a_fault_in_our_own_words(said: bytes, expected: Fault) -> None:
    error = b"1: stream: " + said + b" ERROR\0"
    async with scripted(answering(error)) as address, scanner(str(address)) as asked:
        assert await scan(asked, HEADER) == Answer(faults=(expected,))


async def test_a_session_ends_with_an_error() -> None:
    async def fail(peer: Peer) -> None:
        numbers.append(peer.number)
        await peer.read_until(b"\0\0\0\0")
        await peer.say(b"1: stream: Can't allocate memory ERROR\0")
        await peer.hang()

    numbers: list[int] = []
    async with scripted(fail, TcpAddress) as address, scanner(str(address)) as asked:
        await scan(asked, HEADER)
        await scan(asked, HEADER)
    assert numbers == [1, 2]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Heuristics.Limits.Exceeded", Kind.OVER_LIMIT),
        ("Heuristics.Limits.Exceeded.MaxRecursion", Kind.OVER_LIMIT),
        ("Heuristics.Limits.Exceeded.EmailHeaderBytes", Kind.OVER_LIMIT),
        ("Heuristics.XZ.DicSizeLimit", Kind.OVER_LIMIT),
        ("Heuristics.Encrypted.PDF", Kind.ENCRYPTED),
        ("Heuristics.Phishing.Email.SpoofedDomain", Kind.VIRUS),
        ("Win.Test.EICAR_HDB-1", Kind.VIRUS),
    ],
)
async def test_a_names_kind_follows_from_its_beginning(name: str, kind: Kind) -> None:
    found = f"1: stream: {name} FOUND\0".encode()
    async with scripted(answering(found)) as address, scanner(str(address)) as asked:
        assert (await scan(asked, HEADER)).findings == (Finding("clamd", kind, name),)


async def test_cancellation_passes_through_and_leaves_a_usable_scanner() -> None:
    async def answer_the_second(peer: Peer) -> None:
        if peer.number == 1:
            begun.set()
            await peer.hang()
        await peer.read_until(b"\0\0\0\0")
        await peer.say(b"1: stream: OK\0")

    begun = asyncio.Event()
    async with (
        scripted(answer_the_second, TcpAddress) as address,
        scanner(str(address), connections=1) as asked,
    ):
        scanning = asyncio.create_task(scan(asked, HEADER))
        await begun.wait()
        scanning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scanning
        assert await scan(asked, HEADER) == CLEAN


async def test_the_deadline_of_the_question_counts_too() -> None:
    async def hang(peer: Peer) -> None:
        await peer.hang()

    async with scripted(hang) as address, scanner(str(address)) as asked:
        with BytesPayload(HEADER) as payload:
            answer = await asked.scan(Question(ARRIVAL, payload), soon(SHORT_SECONDS))
    assert answer == fault(f"{address} did not answer in time")


async def test_version_and_signature_date_are_those_of_the_last_refresh() -> None:
    version = b"1: ClamAV 1.4.6/27000/Tue Jan  2 08:29:37 2024\0"
    async with scripted(answering(version)) as address, scanner(str(address)) as asked:
        await asked.refresh(soon())
    assert asked.version == "clamdscan: 1.4.6/27000/2024-01-02."
    assert asked.signatures_at == datetime(2024, 1, 2, 8, 29, 37, tzinfo=UTC)


@pytest.mark.parametrize("said", [b"", b"1: ClamAV \xff\0", b"1: UNKNOWN COMMAND\0"])
async def test_a_refresh_that_fails_keeps_the_old_version(said: bytes) -> None:
    async def answer_the_first(peer: Peer) -> None:
        await peer.read_until(b"VERSION\0")
        await peer.say(b"1: ClamAV 1.4.6/27000/Tue Jan  2 08:29:37 2024\0" * (peer.number == 1))
        await peer.say(said * (peer.number > 1))

    async with scripted(answer_the_first) as address, scanner(str(address)) as asked:
        await asked.refresh(soon())
        await asked.refresh(soon())
    assert asked.version == "clamdscan: 1.4.6/27000/2024-01-02."


async def test_it_is_a_scanner_of_the_virus_wave() -> None:
    async with scanner(NOWHERE) as asked:
        as_port: Scanner = asked
        assert (as_port.name, as_port.wave) == ("clamd", Wave.VIRUS)


def place(clamd: Clamd, transport: str) -> str:
    return clamd.tcp_address if transport == "tcp" else clamd.address


@contextlib.asynccontextmanager
async def scanner(
    *addresses: str,
    method: Method = "auto",
    timeout_seconds: float = ENOUGH_SECONDS,
    max_bytes: int = 25_000_000,
    connections: int = 8,
) -> AsyncIterator[ClamdScanner]:
    asked = ClamdScanner(
        ClamdSettings(
            addresses=addresses,
            method=method,
            timeout_seconds=timeout_seconds,
            max_bytes=max_bytes,
            connections=connections,
        )
    )
    try:
        yield asked
    finally:
        await asked.close()


async def scan_with_parts(asked: Scanner, parts: dict[str, bytes]) -> Answer:
    """Ask about a harmless message, and about what came out of it."""
    async with contextlib.AsyncExitStack() as stack:
        payloads = {
            path: stack.enter_context(BytesPayload(octets)) for path, octets in parts.items()
        }
        extracted = tuple(
            ExtractedPart(path, path.rpartition("/")[2], payload)
            for path, payload in payloads.items()
        )
        whole = stack.enter_context(BytesPayload(HEADER))
        deadline = asyncio.get_running_loop().time() + ENOUGH_SECONDS
        return await asked.scan(Question(ARRIVAL, whole, extracted=extracted), deadline)


async def scan(asked: ClamdScanner, message: bytes) -> Answer:
    with BytesPayload(message) as payload:
        return await asked.scan(Question(ARRIVAL, payload), soon())


def answering(said: bytes) -> Script:
    """A server that says `said` once it has read something, and closes."""

    async def script(peer: Peer) -> None:
        await peer.read()
        await peer.say(said)

    return script


def soon(seconds: float = ENOUGH_SECONDS) -> float:
    return asyncio.get_running_loop().time() + seconds


def virus(name: str) -> Answer:
    return Answer(findings=(Finding("clamd", Kind.VIRUS, name),))


def limit(name: str, detail: str) -> Answer:
    return Answer(findings=(Finding("clamd", Kind.OVER_LIMIT, name, detail=detail),))


def fault(reason: str, *, temporary: bool = True) -> Answer:
    return Answer(faults=(Fault("clamd", reason, temporary),))
