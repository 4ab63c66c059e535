"""The spamd protocol: heads as bytes, answers from bytes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.wire.errors import PeerError, UsageError
from mailwarden.wire.spamd import (
    Answer,
    Lesson,
    Method,
    Pong,
    Refused,
    Request,
    Scored,
    Told,
    encode_request,
    parse_answer,
)

OK = b"SPAMD/1.1 0 EX_OK\r\n"
SPAM = b"Spam: True ; 8.7 / 6.5\r\n"


def scored(score: str, required: str, body: bytes = b"") -> Scored:
    return Scored(Decimal(score), Decimal(required), body)


ANSWERS = [
    (Method.CHECK, OK + SPAM + b"\r\n", scored("8.7", "6.5")),
    (Method.CHECK, OK + b"Spam: False ; -0.0 / 6.5\r\n\r\n", scored("-0.0", "6.5")),
    (Method.CHECK, OK + b"Spam: False ; 2 / 5\r\n\r\n", scored("2", "5")),
    (Method.CHECK, OK + b"spam:Yes;1000.0/-1\r\n\r\n", scored("1000.0", "-1")),
    (Method.CHECK, OK + b"X-New: a: b\r\n" + SPAM + b"\r\n", scored("8.7", "6.5")),
    (
        Method.SYMBOLS,
        OK + b"Content-length: 3\r\n" + SPAM + b"\r\nA,B",
        scored("8.7", "6.5", b"A,B"),
    ),
    (Method.SYMBOLS, OK + b"Content-length: 0\r\n" + SPAM + b"\r\n", scored("8.7", "6.5")),
    (
        Method.REPORT,
        b"SPAMD/1.5 0 EX_OK\r\n" + SPAM + b"content-LENGTH: 2\r\n\r\n\r\n",
        scored("8.7", "6.5", b"\r\n"),
    ),
    (
        Method.HEADERS,
        OK + b"Content-length: 6\r\n" + SPAM + b"\r\nX: y\n\n",
        scored("8.7", "6.5", b"X: y\n\n"),
    ),
    (Method.TELL, OK + b"DidSet: local\r\n\r\n", Told(changed=True)),
    (Method.TELL, OK + b"DidRemove: local\r\n\r\n", Told(changed=True)),
    (Method.TELL, OK + b"\r\n", Told(changed=False)),
    (Method.PING, b"SPAMD/1.5 0 PONG\r\n", Pong()),
    (Method.CHECK, b"SPAMD/1.0 76 Bad header line: (too many headers)\r\n", Refused(76)),
    (Method.PING, b"SPAMD/1.0 79 Timeout: (...)\r\n", Refused(79)),
]


@pytest.mark.parametrize(("method", "octets", "answer"), ANSWERS)
def test_an_answer_is_read_whole(method: Method, octets: bytes, answer: Answer) -> None:
    assert parse_answer(method, octets) == answer


@pytest.mark.parametrize(("method", "octets", "answer"), ANSWERS)
def test_an_answer_is_read_byte_by_byte(method: Method, octets: bytes, answer: Answer) -> None:
    for size in range(len(octets)):
        assert parse_answer(method, bytearray(octets[:size])) is None
    assert parse_answer(method, bytearray(octets)) == answer


@pytest.mark.parametrize(("method", "octets", "answer"), ANSWERS)
def test_line_ends_after_an_answer_are_harmless(
    method: Method, octets: bytes, answer: Answer
) -> None:
    assert parse_answer(method, octets + b"\r\n\r\n") == answer


@pytest.mark.parametrize(
    ("method", "octets", "answer"),
    [case for case in ANSWERS if not isinstance(case[2], Refused)],
)
def test_an_answer_that_goes_on_is_broken(method: Method, octets: bytes, answer: Answer) -> None:
    with pytest.raises(PeerError, match="goes on"):
        parse_answer(method, octets + b"\r\nX")


@pytest.mark.parametrize(
    ("method", "octets", "word"),
    [
        (Method.CHECK, b"\r\n", "status line"),
        (Method.CHECK, b"HTTP/1.1 200 OK\r\n", "status line"),
        (Method.CHECK, b"SPAMD/1.1 -1 EX_OK\r\n", "status line"),
        (Method.CHECK, b"SPAMD/1.1 0000 EX_OK\r\n", "status line"),
        (Method.CHECK, b"x" * 8_192, "8192 bytes"),
        (Method.CHECK, OK + b"X: " + b"x" * 8_192, "8192 bytes"),
        (Method.CHECK, OK + b"".join(b"X%d: 1\r\n" % n for n in range(65)) + b"\r\n", "64 lines"),
        (Method.CHECK, OK + b"no field\r\n\r\n", "no field"),
        (Method.CHECK, OK + SPAM + SPAM + b"\r\n", "twice"),
        (Method.CHECK, OK + b"\r\n", "Spam field"),
        (Method.CHECK, OK + b"Spam: True ; nan / 6.5\r\n\r\n", "Spam field"),
        (Method.CHECK, OK + b"Spam: True ; 1e9 / 6.5\r\n\r\n", "Spam field"),
        (Method.CHECK, OK + b"Spam: True ; 1,5 / 6.5\r\n\r\n", "Spam field"),
        (Method.CHECK, OK + b"Spam: True ; " + b"9" * 13 + b" / 6.5\r\n\r\n", "Spam field"),
        (Method.CHECK, OK + b"Spam: Maybe ; 1 / 6.5\r\n\r\n", "Spam field"),
        (Method.CHECK, OK + b"Spam: \xb2 ; \xb2 / \xb2\r\n\r\n", "Spam field"),
        (Method.SYMBOLS, OK + SPAM + b"\r\n", "Content-length"),
        (Method.SYMBOLS, OK + SPAM + b"Content-length: -1\r\n\r\n", "Content-length"),
        (Method.SYMBOLS, OK + SPAM + b"Content-length: 0x10\r\n\r\n", "Content-length"),
        (Method.HEADERS, OK + SPAM + b"Content-length: 4000001\r\n\r\n", "over 4000000"),
        (Method.PING, b"SPAMD/1.5 0 EX_OK\r\n", "not PONG"),
    ],
)
def test_a_broken_answer_says_where(method: Method, octets: bytes, word: str) -> None:
    with pytest.raises(PeerError, match=word):
        parse_answer(method, octets)


_PIECES = st.sampled_from(
    [OK, SPAM, b"\r\n", b"Content-length: 3\r\n", b"A,B", b"DidSet: local\r\n", b"0", b":", b"\xff"]
)


@given(
    method=st.sampled_from(Method),
    octets=st.binary(max_size=200) | st.lists(_PIECES, max_size=8).map(b"".join),
)
def test_any_bytes_are_an_answer_or_broken_or_want_more(method: Method, octets: bytes) -> None:
    try:
        answer = parse_answer(method, octets)
    except PeerError:
        return
    assert answer is None or isinstance(answer, Answer)


@pytest.mark.parametrize(
    ("request_", "head"),
    [
        (Request(Method.CHECK, 12), b"CHECK SPAMC/1.5\r\nContent-length: 12\r\n\r\n"),
        (Request(Method.PING), b"PING SPAMC/1.5\r\nContent-length: 0\r\n\r\n"),
        (
            Request(Method.HEADERS, 5, "a@b"),
            b"HEADERS SPAMC/1.5\r\nContent-length: 5\r\nUser: a@b\r\n\r\n",
        ),
        (
            Request(Method.TELL, 5, lesson=Lesson.SPAM),
            b"TELL SPAMC/1.5\r\nContent-length: 5\r\nMessage-class: spam\r\nSet: local\r\n\r\n",
        ),
        (
            Request(Method.TELL, 5, lesson=Lesson.HAM),
            b"TELL SPAMC/1.5\r\nContent-length: 5\r\nMessage-class: ham\r\nSet: local\r\n\r\n",
        ),
        (
            Request(Method.TELL, 5, "a", Lesson.FORGET),
            b"TELL SPAMC/1.5\r\nContent-length: 5\r\nUser: a\r\nRemove: local\r\n\r\n",
        ),
    ],
)
def test_a_request_becomes_a_head(request_: Request, head: bytes) -> None:
    assert encode_request(request_) == head


@pytest.mark.parametrize(
    "request_",
    [
        Request(Method.CHECK, user="a b"),
        Request(Method.CHECK, user="a\r\nSet: local"),
        Request(Method.CHECK, user="j\u00fcrgen"),
        Request(Method.CHECK, user="a" * 1_004),
        Request(Method.CHECK, lesson=Lesson.HAM),
        Request(Method.TELL),
    ],
)
def test_a_request_that_the_protocol_cannot_say_is_our_mistake(request_: Request) -> None:
    with pytest.raises(UsageError):
        encode_request(request_)
