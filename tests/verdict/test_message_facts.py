"""What rules may know of a message: decoded and as written, of all its readings, and no more."""

from mailwarden.message.headers import Header, read_header
from mailwarden.message.limits import ReadingLimits
from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.message_facts import VALUES_PER_FIELD, MessageFacts, message_facts
from mailwarden.wire.envelope import Envelope

LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=10, depth=10)


def arrival_of(raw: bytes, envelope: Envelope, **variables: bytes) -> Arrival:
    return Arrival("id", envelope, Origin(variables), raw, len(raw), at=0.0)


def facts_of(raw: bytes, *names: str, parts: tuple[bytes, ...] = ()) -> MessageFacts:
    whole = b"".join((raw, *parts))
    starts = [sum(map(len, (raw, *parts)[:count])) for count in range(len(parts) + 1)]
    headers: list[Header] = [read_header(whole, start, len(whole), LIMITS) for start in starts]
    return message_facts(arrival_of(whole, Envelope(b"", ())), headers, frozenset(names))


def test_values_are_there_decoded_and_as_written() -> None:
    facts = facts_of(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nsubject: two\n three\n\n", "subject")
    assert facts.fields == {"subject": ("Grüße", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "two three")}


def test_fields_that_no_rule_names_are_not_there() -> None:
    assert facts_of(b"Subject: a\nFrom: b\n\n", "from", "to").fields == {"from": ("b",), "to": ()}
    assert facts_of(b"Subject: a\n\n").fields == {}


def test_content_fields_of_parts_count_and_other_fields_of_parts_do_not() -> None:
    facts = facts_of(
        b"Content-Type: a\nSubject: b\n\n",
        "content-type",
        "subject",
        parts=(b"Content-Type: c\nSubject: d\n\n",),
    )
    assert facts.fields == {"content-type": ("a", "c"), "subject": ("b",)}


def test_a_long_value_is_there_by_its_ends() -> None:
    facts = facts_of(b"X: %s%s\n\n" % (b"a" * 5_000, b"b" * 1_000), "x")
    assert facts.fields["x"] == ("a" * 1_000, "b" * 1_000)


def test_more_values_than_are_looked_at_are_said_to_be_so() -> None:
    many = b"".join(b"X: %d\n" % number for number in range(VALUES_PER_FIELD))
    assert not facts_of(many + b"\n", "x").exceeded
    assert facts_of(many + b"X: end\n\n", "x").exceeded


def test_repeated_values_count_once() -> None:
    assert not facts_of(b"X: same\n" * (VALUES_PER_FIELD + 1) + b"\n", "x").exceeded


def test_envelope_and_client_are_there_as_texts() -> None:
    envelope = Envelope("jörg@sender.example".encode(), (b"a@b.example", b"\xff@b.example"))
    arrival = arrival_of(b"\n", envelope, TCPREMOTEIP=b"192.0.2.9", RELAYCLIENT=b"")
    facts = message_facts(arrival, (), frozenset())
    assert facts.sender == "jörg@sender.example"
    assert facts.recipients == ("a@b.example", "ÿ@b.example")
    assert (facts.client, facts.is_relay_client) == ("192.0.2.9", True)
