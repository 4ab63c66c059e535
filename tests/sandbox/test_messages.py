from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.sandbox.messages import (
    MOST_OUTCOME_BYTES,
    Outcome,
    Protection,
    decode_job,
    decode_outcome,
    decode_protection,
    encode,
)
from mailwarden.unpack.budget import Spent, UnpackLimits
from mailwarden.unpack.contents import Contents, Item, Reason, Span, Unopened
from mailwarden.unpack.members import Trait
from mailwarden.unpack.walk import Job
from mailwarden.wire.errors import PeerError

_LIMITS = UnpackLimits(bytes_produced=10**9, files=1000, depth=5, ratio=200, seconds=1.5)
_ITEM = Item(
    "1.2/a.zip/b",
    ("b", "c"),
    ("message", "zip"),
    5,
    "text",
    traits=(Trait.ENCRYPTED,),
    extracted=Span(0, 5),
)
_CONTENTS = Contents(
    (_ITEM,), (Unopened(Reason.UNREADABLE, "zip", "1.2", "a.zip", "cut"),), Spent(5, 1, 0.25)
)


@pytest.mark.parametrize("name", ["a.zip", "", "\u202etxt.exe", "\U0001f4a3", '"\\\n\0'])
def test_a_job_arrives_as_it_was_given(name: str) -> None:
    job = Job("1.2", (name,), "application/zip", _LIMITS, keeps_archives=True)
    assert decode_job(encode(job)) == job


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    job = Job("1.2", ("a\ud800b", "c"), "text/plain", _LIMITS)
    assert decode_job(encode(job)).names == ("a?b", "c")


def test_an_outcome_arrives_as_it_was_told() -> None:
    outcome = Outcome(_CONTENTS)
    assert decode_outcome(encode(outcome), kept_bytes=5) == outcome


def test_a_span_behind_what_was_kept_is_no_outcome() -> None:
    with pytest.raises(PeerError):
        decode_outcome(encode(Outcome(_CONTENTS)), kept_bytes=4)


def test_a_failure_is_cut_and_cannot_forge_a_line() -> None:
    told = decode_outcome(encode(Outcome(failure="a\nb\x1b[31m\u202e" + "x" * 1000)), 0)
    assert told.failure.startswith("ab[31mxxx")
    assert len(told.failure) <= 200


@given(st.binary())
def test_any_bytes_are_an_outcome_or_a_peer_error(octets: bytes) -> None:
    with suppress(PeerError):
        decode_outcome(octets, 10)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["contents", "items", "path", "names", "spent", "extracted", "failure"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(_JSON)
def test_any_json_is_an_outcome_or_a_peer_error(value: object) -> None:
    with suppress(PeerError):
        decode_outcome(msgspec.json.encode(value), 10)


def test_deep_and_huge_values_are_no_outcome() -> None:
    for octets in (b"[" * 100_000, b'{"contents":{"spent":{"seconds":1e999}}}', b'{"a":' * 50_000):
        with pytest.raises(PeerError):
            decode_outcome(octets, 0)


def test_text_that_is_no_utf_8_is_no_outcome_and_no_error_of_the_daemon() -> None:
    with pytest.raises(PeerError):
        decode_outcome(b'{"failure":"\xcb"}', 0)


def test_the_largest_outcome_is_read_in_little_time_and_memory() -> None:
    smallest = b'{"path":"","names":[],"containers":[]},'
    items = (smallest * (MOST_OUTCOME_BYTES // len(smallest))).rstrip(b",")
    outcome = decode_outcome(b'{"contents":{"items":[' + items + b"]}}", 0)
    assert outcome.contents
    assert len(outcome.contents.items) > 100_000


@pytest.mark.parametrize(
    ("protection", "missing"),
    [
        (Protection(7, has_seccomp=True), 0),
        (Protection(0, has_seccomp=True), 1),
        (Protection(1, has_seccomp=False), 1),
        (Protection(0, has_seccomp=False), 3),
    ],
)
def test_what_protects_the_helpers_is_told(protection: Protection, missing: int) -> None:
    assert decode_protection(encode(protection)) == protection
    assert len(protection.missing) == missing
