"""The qmail-queue envelope."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.wire.envelope import (
    ADDRESS_BYTES,
    ENVELOPE_BYTES,
    AbandonedError,
    AddressTooLongError,
    Envelope,
    encode_envelope,
    parse_envelope,
)
from mailwarden.wire.errors import PeerError, UsageError

LONGEST = b"a" * ADDRESS_BYTES

WHOLE = [
    (b"Fa@b\0Tc@d\0\0", Envelope(b"a@b", (b"c@d",))),
    (b"F\0Tc@d\0\0", Envelope(b"", (b"c@d",))),
    (b"F#@[]\0Tc@d\0\0", Envelope(b"#@[]", (b"c@d",))),
    (b"Fa@b\0Tc@d\0Te@f\0Tc@d\0\0", Envelope(b"a@b", (b"c@d", b"e@f", b"c@d"))),
    (b"F\xff\n F\0T\xfeT\r\0\0", Envelope(b"\xff\n F", (b"\xfeT\r",))),
    (b"F" + LONGEST + b"\0T" + LONGEST + b"\0\0", Envelope(LONGEST, (LONGEST,))),
]

WRONG = [
    (b"", AbandonedError),
    (b"\0", AbandonedError),
    (b"Fa@b\0", AbandonedError),
    (b"Fa@b\0Tc@d\0", AbandonedError),
    (b"Fa@b\0Tc@d", AbandonedError),
    (b"Fa@b\0Tc@d\0\0T", AbandonedError),
    (b"\0\0", PeerError),
    (b"Fa@b\0\0", PeerError),
    (b"F\0\0", PeerError),
    (b"Ta@b\0Tc@d\0\0", PeerError),
    (b"a@b\0Tc@d\0\0", PeerError),
    (b"Fa@b\0Fc@d\0\0", PeerError),
    (b"Fa@b\0Tc@d\0e@f\0\0", PeerError),
    (b"Fa@b\0\0Tc@d\0\0", PeerError),
    (b"Fa@b\0Tc@d\0\0\0", PeerError),
    (b"Fa@b\0Tc@d\0\0Te@f\0\0", PeerError),
    (b"Fa" + LONGEST + b"\0Tc@d\0\0", AddressTooLongError),
    (b"Fa@b\0Tc" + LONGEST + b"\0\0", AddressTooLongError),
    (b"F\0T" + b"x" * ENVELOPE_BYTES + b"\0\0", PeerError),
]

octets_without_nul = st.binary(max_size=40).map(lambda octets: octets.replace(b"\0", b""))
envelopes = st.builds(
    Envelope, octets_without_nul, st.lists(octets_without_nul, min_size=1, max_size=5).map(tuple)
)


@pytest.mark.parametrize(("octets", "envelope"), WHOLE)
def test_a_whole_envelope_is_read_and_written_exactly(octets: bytes, envelope: Envelope) -> None:
    assert parse_envelope(octets) == envelope
    assert encode_envelope(envelope) == octets


@pytest.mark.parametrize(("octets", "error"), WRONG, ids=lambda value: repr(value)[:40])
def test_a_wrong_envelope_is_refused_by_the_right_error(
    octets: bytes, error: type[PeerError]
) -> None:
    with pytest.raises(error) as raised:
        parse_envelope(octets)
    assert type(raised.value) is error


@pytest.mark.parametrize(("octets", "envelope"), WHOLE)
def test_an_envelope_cut_anywhere_was_abandoned(octets: bytes, envelope: Envelope) -> None:
    for end in range(len(octets)):
        with pytest.raises(AbandonedError):
            parse_envelope(octets[:end])


def test_ten_thousand_recipients_are_read() -> None:
    envelope = Envelope(b"s@example.org", tuple(b"r%d@example.net" % n for n in range(10_000)))
    assert parse_envelope(encode_envelope(envelope)) == envelope


@given(envelopes)
def test_what_is_written_is_read_back(envelope: Envelope) -> None:
    assert parse_envelope(encode_envelope(envelope)) == envelope


@given(st.binary() | st.text("FT\0a").map(str.encode))
def test_any_bytes_give_an_envelope_or_a_peer_error(octets: bytes) -> None:
    try:
        envelope = parse_envelope(octets)
    except PeerError:
        return
    assert encode_envelope(envelope) == octets


def test_an_error_quotes_no_address() -> None:
    with pytest.raises(PeerError) as raised:
        parse_envelope(b"Fsecret@example.org\0secret@example.net\0\0")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "envelope", [Envelope(b"a", ()), Envelope(b"a\0", (b"b",)), Envelope(b"a", (b"b\0Tc",))]
)
def test_an_envelope_that_cannot_be_said_is_our_mistake(envelope: Envelope) -> None:
    with pytest.raises(UsageError):
        encode_envelope(envelope)
