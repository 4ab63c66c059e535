"""The mark of a released message: believed for this message and these reasons, and no others."""

import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.headers import read_header, value_of
from mailwarden.message.limits import ReadingLimits
from mailwarden.verdict.release_mark import (
    CHUNK_BYTES,
    LIFETIME_SECONDS,
    NAME,
    make_mark,
    read_mark,
)
from support.arrivals import RELEASE_KEY

LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=1_000, parts=10, depth=5)
RAW = b"Received: from a by b; date\nSubject: hi\n\nbody\n"
KEYS = frozenset({"virus:Eicar-Test-Signature", "spam"})
ID = "20070502-171037-abcdefgh"
AT = 1_178_125_837


def marked(keys: frozenset[str] = KEYS, raw: bytes = RAW) -> bytes:
    return make_mark(RELEASE_KEY, ID, keys, raw, AT) + raw


def believed(message: bytes, key: bytes = RELEASE_KEY, now: float = AT) -> list[frozenset[str]]:
    """What each mark of a message forgives, from the top."""
    header = read_header(message, 0, len(message), LIMITS)
    return [
        read_mark(key, value_of(message, field), message, field.end, now)
        for field in header.all(NAME)
    ]


def with_crlf(message: bytes) -> bytes:
    return message.replace(b"\n", b"\r\n")


def test_a_mark_forgives_what_it_was_made_for() -> None:
    assert believed(marked()) == [KEYS]


@pytest.mark.parametrize("raw", [b"", b"\n", b"no header at all", RAW, b"\r", b"\r\n\r\r\n"])
def test_any_message_can_be_marked(raw: bytes) -> None:
    assert believed(marked(raw=raw))[0] == KEYS


@given(st.frozensets(st.text(max_size=20), max_size=8))
def test_any_keys_come_back_each_as_it_was(keys: frozenset[str]) -> None:
    assert believed(marked(keys)) == [keys]


def test_a_key_with_a_line_end_is_not_taken_for_two() -> None:
    assert believed(marked(frozenset({"virus:x\nspam"}))) == [frozenset({"virus:x\nspam"})]


def test_the_mark_is_one_line_whatever_the_keys_say() -> None:
    mark = make_mark(RELEASE_KEY, ID, ["virus:x\r\nX-Evil: yes", "\udc80"], RAW, AT)
    assert mark.count(b"\n") == 1
    assert mark.endswith(b"\n")
    assert b"\r" not in mark


def test_fields_that_servers_put_above_do_no_harm() -> None:
    assert believed(b"Received: from x by y;\n\tdate\nX-Other: z\n" + marked()) == [KEYS]


def test_a_mark_survives_a_server_that_changes_the_line_ends() -> None:
    assert believed(with_crlf(marked())) == [KEYS]
    assert believed(marked(raw=with_crlf(RAW)).replace(b"\r\n", b"\n")) == [KEYS]


@pytest.mark.parametrize("position", range(CHUNK_BYTES - 3, CHUNK_BYTES + 3))
def test_a_crlf_on_the_border_of_a_chunk_counts_as_one_line_end(position: int) -> None:
    raw = b"a" * position + b"\n" + b"b" * 10 + b"\n"
    assert believed(with_crlf(marked(raw=raw))) == [KEYS]
    assert believed(marked(raw=with_crlf(raw))) == [KEYS]


def test_a_bare_cr_on_the_border_of_a_chunk_is_not_lost() -> None:
    for tail in (b"", b"\r", b"x", b"\rx"):
        message = marked(raw=b"a" * (CHUNK_BYTES - 1) + b"\r" + tail)
        assert believed(message) == [KEYS]
        assert believed(message.replace(b"a\r", b"a")) == [frozenset()]


def test_a_mapped_message_is_read_like_one_in_memory() -> None:
    message = marked()
    with mmap.mmap(-1, len(message)) as mapped:
        mapped[:] = message
        field = read_header(mapped, 0, len(mapped), LIMITS).fields[0]
        assert read_mark(RELEASE_KEY, value_of(mapped, field), mapped, field.end, AT) == KEYS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"body", b"Body"),
        (b"body\n", b"body\n\n"),
        (b"body\n", b"body"),
        (b"Subject: hi", b"Subject: buy"),
        (b"Received", b"X-Added: 1\nReceived"),
        (b"id=2007", b"id=2008"),
        (b"v=1", b"v=2"),
        (b"t=1", b"t=2"),
        (b"mac=", b"mac=0"),
        (b"for=", b"for=AAAA"),
        (b"body", b"bo\rdy"),
    ],
)
def test_a_mark_on_a_message_that_was_changed_forgives_nothing(old: bytes, new: bytes) -> None:
    message = marked()
    assert old in message
    assert believed(message.replace(old, new, 1)) == [frozenset()]


def test_a_mark_moved_to_another_message_forgives_nothing() -> None:
    mark = make_mark(RELEASE_KEY, ID, KEYS, RAW, AT)
    assert believed(mark + b"Subject: other\n\nvirus\n") == [frozenset()]


def test_the_mark_of_another_installation_forgives_nothing() -> None:
    assert believed(marked(), key=b"x" * 32) == [frozenset()]


def test_the_keys_of_one_mark_cannot_be_put_into_another() -> None:
    more = (
        make_mark(RELEASE_KEY, ID, ["virus:worse"], b"other", AT).split(b"for=")[1].split(b";")[0]
    )
    mine = make_mark(RELEASE_KEY, ID, KEYS, RAW, AT)
    listed = mine.split(b"for=")[1].split(b";")[0]
    assert believed(mine.replace(listed, more) + RAW) == [frozenset()]


def test_of_several_marks_each_counts_for_itself() -> None:
    twice = make_mark(RELEASE_KEY, ID, ["policy:extension-exe"], marked(), AT) + marked()
    assert believed(twice) == [frozenset({"policy:extension-exe"}), KEYS]
    forged = NAME + b": v=1; id=x; t=9; for=; mac=" + b"0" * 64 + b"\n"
    assert believed(forged + marked()) == [frozenset(), KEYS]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"v=1",
        b"\0" * 100,
        b"v=1; id=a; t=9; for=!; mac=" + b"0" * 64,
        b"v=1; " + b"x" * 1_000_000,
    ],
)
def test_rubbish_forgives_nothing_and_does_not_raise(value: bytes) -> None:
    assert read_mark(RELEASE_KEY, value, RAW, 0, AT) == frozenset()


@given(st.binary(max_size=200))
def test_any_value_forgives_nothing_and_does_not_raise(value: bytes) -> None:
    assert read_mark(RELEASE_KEY, value, RAW, 0, AT) == frozenset()


def test_a_mark_counts_as_long_as_a_queue_may_hold_the_message_and_no_longer() -> None:
    assert believed(marked(), now=AT + LIFETIME_SECONDS) == [KEYS]
    assert believed(marked(), now=AT + LIFETIME_SECONDS + 1) == [frozenset()]


def test_a_reason_found_many_times_is_listed_once() -> None:
    many = make_mark(RELEASE_KEY, ID, ["policy:extension-exe"] * 5_000, RAW, AT)
    assert believed(many + RAW) == [frozenset({"policy:extension-exe"})]
