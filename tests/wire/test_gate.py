"""The client protocol, both sides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.wire.errors import PeerError, UsageError
from mailwarden.wire.gate import (
    PACKET_BYTES,
    TEXT_BYTES,
    VALUE_BYTES,
    VARIABLES,
    Accepted,
    Alive,
    Answer,
    Exit,
    Queue,
    Received,
    Submit,
    Submitted,
    encode_answer,
    encode_request,
    encode_submitted,
    parse_answer,
    parse_request,
    parse_submitted,
)

LONGEST = b"v" * VALUE_BYTES
# What random requests are made of, so that some are nearly right.
PIECES = [b"MWQ1\0", b"\0", b"PROTO", b"TCPREMOTEIP", b"=", b"x"]
TEXT = b"D" + b"t" * (TEXT_BYTES - 1)

REQUESTS: list[tuple[bytes, dict[str, bytes]]] = [
    (b"MWQ1\0", {}),
    (b"MWQ1\0RELAYCLIENT=\0", {"RELAYCLIENT": b""}),
    (b"MWQ1\0TCPREMOTEINFO=a=b\xff\n\0", {"TCPREMOTEINFO": b"a=b\xff\n"}),
    (
        b"MWQ1\0TCPREMOTEIP=192.0.2.1\0RELAYCLIENT=\0",
        {"TCPREMOTEIP": b"192.0.2.1", "RELAYCLIENT": b""},
    ),
    (b"MWQ1\0PROTO=" + LONGEST + b"\0", {"PROTO": LONGEST}),
]

WRONG_REQUESTS = [
    b"",
    b"\0",
    b"MWQ1",
    b"MWQ2\0",
    b"mwq1\0",
    b"MWQ1\0\0",
    b"MWQ1\0RELAYCLIENT",
    b"MWQ1\0RELAYCLIENT=",
    b"MWQ1\0RELAYCLIENT\0",
    b"MWQ1\0=x\0",
    b"MWQ1\0relayclient=\0",
    b"MWQ1\0PATH=/bin\0",
    b"MWQ1\0QMAILQUEUE=/bin/true\0",
    b"MWQ1\0\xff=x\0",
    b"MWQ1\0RELAYCLIENT=\0RELAYCLIENT=\0",
    b"MWQ1\0PROTO=" + LONGEST + b"v\0",
    b"MWQ1\0RELAYCLIENT=\0\0PROTO=x\0",
]

ANSWERS: list[tuple[bytes, Answer]] = [
    (b"A", Accepted()),
    (b"K", Alive()),
    (b"R", Received()),
    (b"S", Submit()),
    (b"Q", Queue()),
    (b"X\x1f\0\0\0", Exit(31)),
    (b"X\0\0\0\0", Exit(0)),
    (b"X\x52\x1f\x04\0Dno", Exit(82, 31, 4, text=b"Dno")),
    (b"X\x52\x47\x02\x01Zlater", Exit(82, 71, 2, use_error_fd=True, text=b"Zlater")),
    (b"X\xff\xff\xff\x01" + TEXT, Exit(255, 255, 255, use_error_fd=True, text=TEXT)),
]

WRONG_ANSWERS = [
    b"",
    b"\0",
    b"a",
    b"AA",
    b"KR",
    b"Q\0",
    b"S\0",
    b"D\0",
    b"X",
    b"X\x1f\0\0",
    b"x\x1f\0\0\0",
    b"X\x52\x1f\x04\0" + TEXT + b"t",
    b"X" + bytes(PACKET_BYTES),
]

texts = st.text(st.characters(max_codepoint=127, exclude_characters="\n"), max_size=TEXT_BYTES)
octet = st.integers(0, 255)
exits = st.builds(Exit, octet, octet, octet, use_error_fd=st.booleans(), text=texts.map(str.encode))
values = st.binary(max_size=60).map(lambda value: value.replace(b"\0", b""))


@pytest.mark.parametrize(("packet", "variables"), REQUESTS, ids=lambda value: repr(value)[:40])
def test_a_request_is_read_and_written_exactly(packet: bytes, variables: dict[str, bytes]) -> None:
    assert parse_request(packet) == variables
    assert encode_request(variables) == packet


@pytest.mark.parametrize("packet", WRONG_REQUESTS, ids=lambda value: repr(value)[:40])
def test_a_wrong_request_is_refused(packet: bytes) -> None:
    with pytest.raises(PeerError):
        parse_request(packet)


def test_a_request_longer_than_a_packet_is_refused() -> None:
    with pytest.raises(PeerError):
        parse_request(b"MWQ1\0" + b"PROTO=x\0" * PACKET_BYTES)


@pytest.mark.parametrize(("packet", "variables"), REQUESTS, ids=lambda value: repr(value)[:40])
def test_a_request_cut_anywhere_never_tells_more_than_was_said(
    packet: bytes, variables: dict[str, bytes]
) -> None:
    for end in range(len(packet)):
        try:
            heard = parse_request(packet[:end])
        except PeerError:
            continue
        assert heard.items() <= variables.items()


@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), values))
def test_any_variables_come_through(variables: dict[str, bytes]) -> None:
    assert parse_request(encode_request(variables)) == variables


@given(st.binary() | st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_any_bytes_give_variables_or_a_peer_error(packet: bytes) -> None:
    try:
        variables = parse_request(packet)
    except PeerError:
        return
    assert variables.keys() <= VARIABLES


@pytest.mark.parametrize(
    "variables",
    [{"PATH": b"/bin"}, {"PROTO": LONGEST + b"v"}, {"PROTO": b"a\0RELAYCLIENT="}],
    ids=["unknown", "too long", "NUL"],
)
def test_variables_that_cannot_be_said_are_our_mistake(variables: dict[str, bytes]) -> None:
    with pytest.raises(UsageError):
        encode_request(variables)


@pytest.mark.parametrize(("packet", "answer"), ANSWERS, ids=lambda value: repr(value)[:40])
def test_an_answer_is_read_and_written_exactly(packet: bytes, answer: Answer) -> None:
    assert parse_answer(packet) == answer
    assert encode_answer(answer) == packet


@pytest.mark.parametrize("packet", WRONG_ANSWERS, ids=lambda value: repr(value)[:40])
def test_a_wrong_answer_is_refused(packet: bytes) -> None:
    with pytest.raises(PeerError):
        parse_answer(packet)


@given(exits)
def test_any_exit_comes_through(answer: Exit) -> None:
    assert parse_answer(encode_answer(answer)) == answer


@given(st.binary() | st.binary(max_size=300).map(lambda octets: b"X" + octets))
def test_any_bytes_give_an_answer_or_a_peer_error(packet: bytes) -> None:
    try:
        answer = parse_answer(packet)
    except PeerError:
        return
    assert isinstance(answer, Answer)


@pytest.mark.parametrize(
    "answer",
    [
        Exit(256),
        Exit(-1),
        Exit(82, 300),
        Exit(82, 31, 256),
        Exit(82, 31, 4, text=TEXT + b"t"),
        Exit(82, 31, 4, text=b"Dtwo\nlines"),
        Exit(82, 31, 4, text=b"D\xe9"),
    ],
)
def test_an_exit_that_cannot_be_said_is_our_mistake(answer: Exit) -> None:
    with pytest.raises(UsageError):
        encode_answer(answer)


@pytest.mark.parametrize("code", [0, 31, 255])
def test_how_a_copy_ended_is_read_and_written_exactly(code: int) -> None:
    packet = b"D" + bytes((code,))
    assert parse_submitted(packet) == Submitted(code)
    assert encode_submitted(Submitted(code)) == packet


@pytest.mark.parametrize("packet", [b"", b"D", b"D\0\0", b"d\0", b"S\0", b"0", b"D0\n", bytes(99)])
def test_an_end_that_is_not_of_the_protocol_is_refused(packet: bytes) -> None:
    with pytest.raises(PeerError):
        parse_submitted(packet)


@given(st.binary(max_size=5) | st.binary(max_size=5).map(lambda octets: b"D" + octets))
def test_any_bytes_give_an_end_or_a_peer_error(packet: bytes) -> None:
    try:
        submitted = parse_submitted(packet)
    except PeerError:
        return
    assert encode_submitted(submitted) == packet


@pytest.mark.parametrize("code", [-1, 256])
def test_an_end_that_is_no_exit_code_is_our_mistake(code: int) -> None:
    with pytest.raises(UsageError):
        encode_submitted(Submitted(code))
