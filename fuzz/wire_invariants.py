"""What must hold for whatever a peer or a file says: one function of bytes for each invariant."""

from collections.abc import Callable
from contextlib import suppress

from mailwarden.sandbox.messages import decode_outcome
from mailwarden.settings.rule_files import parse_rules
from mailwarden.unpack.formats.archives import unar
from mailwarden.unpack.members import UnreadableError
from mailwarden.wire import clamd, envelope, gate, spamd, spamd_markup
from mailwarden.wire.errors import PeerError

# How many octets the replies of helper processes may point into.
_KEPT_BYTES = 1_000


def envelopes(octets: bytes) -> None:
    """An envelope that is read is written again to the byte; any other is the peer's error."""
    with suppress(PeerError):
        assert envelope.encode_envelope(envelope.parse_envelope(octets)) == octets


def gate_packets(packet: bytes) -> None:
    """Both sides of the client protocol write again what they read, or call it an error."""
    with suppress(PeerError):
        assert gate.encode_request(gate.parse_request(packet)) == packet
    with suppress(PeerError):
        answer = gate.parse_answer(packet)
        if isinstance(answer, gate.Exit):
            # What the client does not trust it does not write: text and flag are as they came.
            assert packet[1:4] == bytes((answer.code, answer.fallback, answer.descriptor))
            assert answer.text == packet[5:]
        else:
            assert gate.encode_answer(answer) == packet
    with suppress(PeerError):
        assert gate.encode_submitted(gate.parse_submitted(packet)) == packet


def clamd_session(octets: bytes) -> None:
    """An answer of clamd is the same whole and byte by byte, and read or an error."""
    assert _received(octets, len(octets) or 1) == _received(octets, 1)
    for reply in (octets, _received(octets, 1) or b""):
        _or_peer_error(clamd.parse_scan_reply, reply)
        _or_peer_error(clamd.parse_version_reply, reply)


def _received(octets: bytes, piece_bytes: int) -> bytes | None:
    """What the session makes of an answer that comes in such pieces; empty for an error."""
    session = clamd.Session()
    session.ask(clamd.VERSION)
    answer: bytes | None = None
    try:
        for at in range(0, len(octets), piece_bytes):
            answer = session.receive(octets[at : at + piece_bytes])
    except PeerError:
        return b""
    return answer


def _or_peer_error(parse: Callable[[bytes], object], octets: bytes) -> None:
    with suppress(PeerError):
        parse(octets)


def spamd_answers(octets: bytes) -> None:
    """No beginning of an answer that is read says something else than the whole."""
    for method in spamd.Method:
        try:
            answer = spamd.parse_answer(method, octets)
        except PeerError:
            continue
        if answer is None:
            continue
        for end in (1, len(octets) // 2, len(octets) - 1):
            assert spamd.parse_answer(method, octets[:end]) in (None, answer)


def spamd_bodies(octets: bytes) -> None:
    """Bodies of spamd's answers are read or an error; its fields are whole and hold no control."""
    _or_peer_error(spamd_markup.parse_symbols, octets)
    _or_peer_error(spamd_markup.parse_report, octets)
    body, _, original = octets.partition(b"\0")
    with suppress(PeerError):
        markup = spamd_markup.parse_markup(body, original)
        for field in markup.fields:
            assert field.endswith(b"\n")
            assert b"\n\n" not in field
        assert len(markup.tests) <= spamd_markup.TESTS


def outcomes(octets: bytes) -> None:
    """What a helper process tells is possible and points into what it kept, or is an error."""
    with suppress(PeerError):
        outcome = decode_outcome(octets, _KEPT_BYTES)
        assert outcome.failure.isascii()
        for item in outcome.contents.items if outcome.contents else ():
            if item.extracted is not None:
                assert 0 <= item.extracted.start <= item.extracted.end <= _KEPT_BYTES


def lists_of_lsar(octets: bytes) -> None:
    """Whatever lsar prints is a list of members with possible sizes, or unreadable."""
    with suppress(UnreadableError):
        for line in unar._lines(unar._read_json(octets)):
            assert line.size_bytes >= 0
            line.name.encode("utf-8")


def rule_files(octets: bytes) -> None:
    """Every line of a rule file is a rule, a comment or a mistake that names the line."""
    rules, mistakes = parse_rules(octets)
    lines = octets.count(b"\n") + 1
    assert len(rules) + len(mistakes) <= lines
    assert all(0 < mistake.line <= lines for mistake in mistakes)
    assert all(rule.name for rule in rules)
