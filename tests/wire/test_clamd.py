from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.wire.clamd import (
    CHUNK_BYTES,
    FILDES,
    INSTREAM,
    NAME_CHARACTERS,
    REPLY_BYTES,
    VERSION,
    Clean,
    Failed,
    Found,
    LimitHit,
    ScanReply,
    Session,
    Version,
    encode_chunk,
    parse_scan_reply,
    parse_version_reply,
)
from mailwarden.wire.errors import PeerError, UsageError

TOO_OLD = Failed("clamd does not know the command: it is too old", temporary=False)
UNKNOWN = Failed("clamd met an error that we do not know: see its log", temporary=True)
BROKEN_PART = Failed("clamd cannot unpack a part of the message", temporary=False)
NO_MEMORY = Failed("clamd is out of memory", temporary=True)

SCAN_REPLIES: list[tuple[bytes, ScanReply]] = [
    (b"stream: OK", Clean()),
    (b"fd[12]: OK", Clean()),
    (b"stream: Win.Test.EICAR_HDB-1 FOUND", Found("Win.Test.EICAR_HDB-1")),
    (b"fd[7]: Eicar-Test-Signature FOUND", Found("Eicar-Test-Signature")),
    (b"stream: Heuristics.Encrypted.Zip FOUND", Found("Heuristics.Encrypted.Zip")),
    (b"stream: a FOUND FOUND", Found("a FOUND")),
    (b"stream: OK FOUND", Found("OK")),
    (b"stream: bad\r\n\xffname FOUND", Found("bad???name")),
    (b"stream: " + b"x" * 1_000 + b" FOUND", Found("x" * NAME_CHARACTERS)),
    (b"INSTREAM size limit exceeded. ERROR", LimitHit("StreamMaxLength")),
    (b"stream: Exceeded time limit ERROR", LimitHit("MaxScanTime")),
    (b"stream: CL_ETIMEOUT: Time limit reached ERROR", LimitHit("MaxScanTime")),
    (b"fd[9]: CL_EMAXREC ERROR", LimitHit("MaxRecursion")),
    (b"fd[9]: Exceeded max scan size ERROR", LimitHit("MaxScanSize")),
    (b"fd[9]: Exceeded max scan files ERROR", LimitHit("MaxFiles")),
    (b"stream: Can't allocate memory ERROR", NO_MEMORY),
    (b"stream: Bad format or broken data ERROR", BROKEN_PART),
    (b"UNKNOWN COMMAND", TOO_OLD),
    (b"Command invalid inside IDSESSION. ERROR", TOO_OLD),
    (
        b"fd[12]: Not a regular file ERROR",
        Failed("clamd was handed what is no file", temporary=False),
    ),
    (
        b"No file descriptor received. ERROR",
        Failed("clamd did not receive the descriptor: is it confined?", temporary=True),
    ),
    (
        b"Error writing to temporary file. ERROR",
        Failed("clamd cannot write its temporary files", temporary=True),
    ),
    (b"stream: OK ERROR", UNKNOWN),
    (b"something new. ERROR", UNKNOWN),
]

NO_SCAN_REPLIES = [
    b"",
    b"OK",
    b"stream:",
    b"stream: ",
    b"stream: OK ",
    b"stream: OK\n",
    b"stream: ok",
    b"stream:  FOUND",
    b"stream: FOUND",
    b" ERROR",
    b"fd[]: OK",
    b"fd[x]: OK",
    b"PONG",
    b"/etc/passwd: OK",
    b"unknown command",
    b"HTTP/1.1 200 OK",
]


@pytest.mark.parametrize(("reply", "expected"), SCAN_REPLIES)
def test_every_scan_reply_is_understood(reply: bytes, expected: ScanReply) -> None:
    assert parse_scan_reply(reply) == expected


@pytest.mark.parametrize("reply", NO_SCAN_REPLIES)
def test_what_is_no_scan_reply_is_the_peers_error(reply: bytes) -> None:
    with pytest.raises(PeerError):
        parse_scan_reply(reply)


@pytest.mark.parametrize(("reply", "expected"), SCAN_REPLIES)
def test_a_reply_is_the_same_whole_and_byte_by_byte(reply: bytes, expected: ScanReply) -> None:
    octets = b"1: " + reply + b"\0"

    whole = asked().receive(octets)
    session = asked()
    pieces = [session.receive(octets[at : at + 1]) for at in range(len(octets))]

    assert whole == reply
    assert pieces == [None] * (len(octets) - 1) + [reply]


@pytest.mark.parametrize(("reply", "expected"), SCAN_REPLIES)
def test_bytes_after_a_reply_are_the_peers_error(reply: bytes, expected: ScanReply) -> None:
    with pytest.raises(PeerError, match="more than"):
        asked().receive(b"1: " + reply + b"\0" + b"2")


@pytest.mark.parametrize(
    "octets", [b"2: stream: OK\0", b"stream: OK\0", b"01: x\0", b"1:\0", b"\0"]
)
def test_a_reply_with_another_number_is_the_peers_error(octets: bytes) -> None:
    with pytest.raises(PeerError, match="number"):
        asked().receive(octets)


def test_a_reply_that_does_not_end_is_refused_at_its_limit() -> None:
    session = asked()
    assert session.receive(b"x" * REPLY_BYTES) is None
    with pytest.raises(PeerError, match="longer"):
        session.receive(b"x")


def test_an_answer_that_nobody_asked_for_is_the_peers_error() -> None:
    with pytest.raises(PeerError, match="without being asked"):
        Session().receive(b"1: stream: OK\0")


def test_a_session_begins_once_and_counts_its_questions() -> None:
    session = Session()

    assert session.ask(FILDES) == b"zIDSESSION\0zFILDES\0\0"
    assert session.receive(b"1: fd[3]: OK\0") == b"fd[3]: OK"
    assert session.ask(INSTREAM) == b"zINSTREAM\0"
    assert session.receive(b"2: stream: OK\0") == b"stream: OK"
    assert session.ask(VERSION) == b"zVERSION\0"
    assert session.receive(b"3: ClamAV 1.4.6\0") == b"ClamAV 1.4.6"


def test_a_second_question_waits_for_the_first_ones_answer() -> None:
    session = asked()
    with pytest.raises(UsageError):
        session.ask(VERSION)


def test_a_chunk_carries_its_size_in_four_bytes() -> None:
    assert encode_chunk(b"abc") == b"\0\0\0\3abc"


def test_an_empty_chunk_would_end_the_message_and_is_our_error() -> None:
    with pytest.raises(UsageError, match=f"1 to {CHUNK_BYTES}"):
        encode_chunk(b"")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"ClamAV 1.4.6", Version("1.4.6")),
        (b"ClamAV devel-20240101", Version("devel-20240101")),
        (
            b"ClamAV 1.4.6/27000/Tue Jan  2 08:29:37 2024",
            Version("1.4.6", 27_000, datetime(2024, 1, 2, 8, 29, 37, tzinfo=UTC)),
        ),
        (
            b"ClamAV 0.103.9/26990/Sun Dec 31 23:59:59 2023",
            Version("0.103.9", 26_990, datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ),
    ],
)
def test_a_version_has_engine_and_signatures(reply: bytes, expected: Version) -> None:
    assert parse_version_reply(reply) == expected


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"ClamAV ",
        b"ClamAV 1.4.6/",
        b"ClamAV 1.4.6/27000",
        b"ClamAV 1.4.6/27000/",
        b"ClamAV 1.4.6/-1/Tue Jan  2 08:29:37 2024",
        b"ClamAV 1.4.6/27000/Tue Jan 42 08:29:37 2024",
        b"ClamAV 1.4.6/27000/Tue Foo  2 08:29:37 2024",
        b"ClamAV 1.4.6/27000/Tue Jan  2 08:29:37 2024 ",
        b"ClamAV 1.4.6\r\nX: y",
        b"UNKNOWN COMMAND",
    ],
)
def test_what_is_no_version_is_the_peers_error(reply: bytes) -> None:
    with pytest.raises(PeerError):
        parse_version_reply(reply)


PLAUSIBLE = st.lists(
    st.sampled_from([b"1: ", b"stream: ", b"fd[1]: ", b"OK", b" FOUND", b" ERROR", b"\0", b"x"])
    | st.binary(max_size=5)
).map(b"".join)


@given(st.binary() | PLAUSIBLE)
def test_any_bytes_are_a_scan_reply_or_the_peers_error(reply: bytes) -> None:
    try:
        parsed = parse_scan_reply(reply)
    except PeerError:
        return
    assert isinstance(parsed, Clean) == (reply.endswith(b": OK"))
    if isinstance(parsed, Found):
        assert parsed.name.isprintable()
        assert parsed.name.isascii()


@given(st.binary() | st.binary().map(b"ClamAV ".__add__))
def test_any_bytes_are_a_version_or_the_peers_error(reply: bytes) -> None:
    try:
        parsed = parse_version_reply(reply)
    except PeerError:
        return
    assert parsed.engine


@given(st.lists(st.binary(max_size=50) | PLAUSIBLE))
def test_any_bytes_to_a_session_are_an_answer_or_the_peers_error(pieces: list[bytes]) -> None:
    session = asked()
    for piece in pieces:
        try:
            reply = session.receive(piece)
        except PeerError:
            return
        if reply is not None:
            session.ask(VERSION)


def asked() -> Session:
    """A session that waits for the answer to its first question."""
    session = Session()
    session.ask(INSTREAM)
    return session
