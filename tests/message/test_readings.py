import mmap
import tempfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message import readings
from mailwarden.message.leaves import leaves
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.raw import Raw
from mailwarden.message.readings import READ_BYTES, Readings, read_every_way
from support import samples

LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=2_000, depth=50)
MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"
HIDDEN = (
    b"Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\naGlkZGVu\n"
)


def read(raw: Raw) -> Readings:
    return read_every_way(raw, LIMITS)


def found(raw: bytes) -> dict[str, bytes]:
    """What the leaves hold, by their paths."""
    return {leaf.path: leaf.octets for leaf in leaves(read(raw))}


@pytest.mark.parametrize(
    "raw",
    [
        samples.clean(),
        samples.eicar(),
        samples.with_crlf(samples.with_attachment(b"a.txt", b"hello" * 100)),
        samples.clean(body=b"Hello\n-- \nAnn\n--\nhttps://sender.example\n"),
        MIXED + b"--b\n\none\n",
        MIXED + b"--b\n" + MIXED.replace(b"=b", b"=c") + b"--c\n\nx\n--c--\n\n--b--\n",
        b"",
    ],
)
def test_an_honest_message_has_one_reading(raw: bytes) -> None:
    assert read(raw).others == ()
    assert read(raw).exceeded == ()


@pytest.mark.parametrize(
    ("raw", "dialect"),
    [
        (b"X: y\rContent-Type: application/zip\n\nx", "cr-is-line-end"),
        (b"Content-\rType: application/zip\n\nx", "cr-dropped"),
        (b"Content-\0Type: application/zip\n\nx", "nul-dropped"),
        (MIXED + b"--b\n\nx\n\0--b\n" + HIDDEN + b"--b--\n", "nul-dropped"),
        (b"\n" + MIXED + b"--b\n\nx\n--b--\n", "first-lines-dropped"),
        (b"Subject: x\njunk\nContent-Type: application/zip\n\nx", "field-ends-header"),
        (b"Subject: x\n \nContent-Type: application/zip\n\nx", "blanks-end-header"),
        (b"Content-Type : application/zip\n\nx", "exact-field-names"),
        (b"Content-Type(y): application/zip\n\nx", "repaired-field-names"),
        (MIXED + b"--bX\n\nx\n--bX--\n", "boundary-prefix"),
        (MIXED + b"--b\n\nx\n--b--\n--b\n\ny\n--b--\n", "ends-at-closing"),
        (MIXED + b"--b\nX: y\n--b\n\nx\n--b--\n", "whole-headers"),
        (MIXED + b"--b\n" + MIXED + b"--b\n\nx\n--b--\n--b\n\ny\n--b--\n", "outer-boundary"),
        (
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nX: y\n\nz",
            "encoded-messages",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b; boundary=c\n\n--c\n\nx\n--c--\n--b\n\ny",
            "second-boundary",
        ),
        (
            b"Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n",
            "second-type",
        ),
        (b"Subject: x\n\n--b\n" + HIDDEN + b"--b--\n", "loose"),
    ],
)
def test_each_oddity_is_read_as_some_client_reads_it(raw: bytes, dialect: str) -> None:
    assert dialect in [reading.dialect for reading in read(raw).others]


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\n\n--b\n" + HIDDEN + b"--b--\n",
        b"Content-Type: multipart\n\n--b\n" + HIDDEN + b"--b--\n",
        MIXED + b"--c\n" + HIDDEN + b"--c--\n",
        MIXED + b"--b\v\n" + HIDDEN + b"--b\v--\n",
        MIXED + b"\n\r--b\n" + HIDDEN + b"\n\r--b--\n",
        MIXED + b"--b\n\nx\n--b--\n--b\n" + HIDDEN + b"--b--\n",
        MIXED + b"--b\nContent-Type: text/plain\n--b--\n\n--b\n" + HIDDEN,
        MIXED.replace(b"\n\n", b"\n--b--\n\n") + b"--b\n" + HIDDEN,
        MIXED.replace(b"\n", b"\r") + b"--b\r" + HIDDEN.replace(b"\n", b"\r") + b"--b--\r",
        b"\n" + MIXED + b"--b\n" + HIDDEN + b"--b--\n",
        MIXED + b"--b\n \n" + HIDDEN + b"--b--\n",
        MIXED + b"--b\nX: y\n \n" + HIDDEN + b"--b--\n",
        b"X: y\n \n" + MIXED + b"--b\n" + HIDDEN + b"--b--\n",
    ],
)
def test_what_is_hidden_in_a_bent_structure_is_found(raw: bytes) -> None:
    assert b"hidden" in found(raw).values()


def test_the_place_of_a_leaf_names_the_dialect_that_found_it() -> None:
    assert found(b"Subject: x\n\n--b\n" + HIDDEN + b"--b--\n")["loose:1"] == b"hidden"


def test_a_reading_that_finds_nothing_new_is_dropped() -> None:
    raw = b"Content-Type: message/partial\n\nhello"
    assert read(raw).others == ()


def test_limits_that_another_reading_hits_are_said() -> None:
    raw = b"Subject: x\n\n" + b"--b\nContent-A: b\n\nx\n" * 2_001
    assert "parts" in read(raw).exceeded


def test_too_many_readings_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "MOST_READINGS", 1)
    raw = b"X : y\nContent-Type : text/plain\njunk\n\nx"
    assert read(raw).exceeded == ("readings",)


def test_a_message_too_large_for_a_copy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "COPIED_BYTES", 10)
    assert "readings" in read(b"Content-\0Type: application/zip\n\nx").exceeded


# Everything is odd about its header, so that every dialect is tried.
ODD = (
    b"Content-Type: multipart/mixed; boundary=b; boundary=c\nX : y\nContent-Type : a/b\njunk\n \n\n"
)


@pytest.mark.parametrize(
    "piece",
    [
        b"--\n", b"--b\n", b"--b\0\n", b"--b\nX: y\n", b"--a: b\n", b"\r--b\n", b" \n", b":\n",
        b"--b\nContent-A: b\n", b"--b\n" + MIXED, b"Content-Type: message/rfc822\n\n", b"X: y\n \n",
    ],
)  # fmt: skip
def test_oddities_over_and_over_take_no_time(piece: bytes) -> None:
    for top in (ODD, ODD.rstrip() + b"\n"):
        raw = top + piece * (400_000 // len(piece))
        before = time.process_time()
        leaves(read(raw))
        assert time.process_time() - before < 8


def test_a_hundred_thousand_fields_and_twenty_thousand_levels_are_limits() -> None:
    for raw, limit in (
        (ODD.rstrip() + b"\n" + b"X: y\n" * 100_000 + b"\nbody", "header"),
        (samples.nested(20_000), "depth"),
        (b"X : y\n" + b"Content-Type: message/rfc822\n\n" * 20_000, "depth"),
    ):
        before = time.process_time()
        assert limit in read(raw).exceeded
        assert time.process_time() - before < 8


PIECES = [
    b"\n", b"\r", b"\0", b" ", b"--b", b"--b--", b"--c", b"\n\n", b"x", b"Content-Type: ", b"(x)",
    b"multipart/mixed", b"message/rfc822", b"; boundary=b", b"; boundary=c", b"; name=a.exe", MIXED,
    b"Content-Type : a/b\n", b"Content-Transfer-Encoding: base64\n", b"\n--b\n", HIDDEN, b":",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join) | st.binary())
def test_any_bytes_give_readings_whose_offsets_lie_inside_their_octets(raw: bytes) -> None:
    every = read(raw)
    for reading in (every.primary, *every.others):
        assert reading.root.body_end == len(reading.raw)
        for part in reading.walk():
            assert 0 <= part.header.start <= part.body_start <= part.body_end <= len(reading.raw)


def test_a_mapped_file_is_read_like_bytes_also_where_a_copy_is_altered() -> None:
    raw = MIXED + b"X: y\r\n\n\r--b\n" + HIDDEN + b"\r--b--\n--b\n\nx\n--b--\n"
    with tempfile.TemporaryFile() as file:
        file.write(raw)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert leaves(read(mapped)) == leaves(read(raw))
            assert read(mapped).others


# So many fields that the loose reading takes it for no part.
_FAR = b"".join(b"X-%d: y\n" % number for number in range(12)) + HIDDEN


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: text/plain\n" + MIXED + b"--b junk\n" + _FAR + b"--b--\n",
        b"Content-Type: multipart/mixed; boundary=z; boundary=b\n\n--b junk\n" + _FAR + b"--b--\n",
        MIXED + b"--b\n\nhi\n-\0-b junk\n" + _FAR + b"--b--\n",
        MIXED + b"--b\n\nhi\n-\0-c\n" + HIDDEN + b"-\0-c--\n--b--\n",
        b"\n\r\n\n" + MIXED + b"--b\n" + _FAR + b"--b--\n",
    ],
    ids=["type and line", "boundary and line", "nul and line", "nul and loose", "blank lines"],
)
def test_a_client_may_differ_in_two_habits(raw: bytes) -> None:
    assert b"hidden" in found(raw).values()


def test_habits_that_find_nothing_new_are_not_gone_on_from() -> None:
    raw = b"X : y\n X: z\n" + MIXED + b"--b\n\nhello\n--b--\n"
    assert read(raw).exceeded == ()


def test_a_large_message_is_read_in_fewer_ways_and_that_is_said() -> None:
    odd = b"X\0: y\rZ\nContent-Type: multipart/mixed; boundary=a; boundary=b\n\n"
    small = read_every_way(odd, LIMITS)
    large = read_every_way(odd + b"x" * (READ_BYTES // 2), LIMITS)
    assert len(large.others) < len(small.others)
    assert "readings" in large.exceeded
