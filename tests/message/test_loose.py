import time

from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.limits import ReadingLimits
from mailwarden.message.loose import read_loosely
from mailwarden.message.parts import Reading, Shared, read_message

LIMITS = ReadingLimits(header_bytes=100_000, header_fields=1_000, parts=20, depth=10)
TYPE = b"Content-Type: application/zip\n"


def read(raw: bytes, shared: Shared | None = None) -> Reading:
    return read_loosely(read_message(raw, LIMITS), LIMITS, shared or Shared())


def bodies(raw: bytes) -> list[bytes]:
    """The bodies of all parts that are found."""
    return [raw[part.body_start : part.body_end] for part in read(raw).root.children]


def test_parts_are_found_whatever_boundary_was_declared() -> None:
    raw = b"Subject: x\n\ntext\n--b\n" + TYPE + b"\none\n--b\n" + TYPE + b"\ntwo\n--b--\nend\n"
    assert bodies(raw) == [b"one", b"two"]
    assert [part.media_type for part in read(raw).root.children] == ["application/zip"] * 2
    assert bodies(raw.replace(b"\n", b"\r\n")) == [b"one", b"two"]


def test_a_part_needs_a_field_of_mime_among_its_first_ones() -> None:
    assert bodies(b"\n--b\nSubject: x\n\nno part\n--b\nX: y\n z\nContent-ID: 1\n\npart") == [
        b"part"
    ]
    assert bodies(b"\n--b\ntext\n\nContent-Type: a/b\n\nno part\n") == []


def test_a_line_that_begins_alike_ends_a_part_and_others_do_not() -> None:
    part = b"\n--boundary1\n" + TYPE + b"\n"
    assert bodies(part + b"one\n-- \nAnn\n--boundary1 junk\nmore\n") == [b"one\n-- \nAnn"]


def test_a_header_ends_before_the_next_line_with_two_hyphens() -> None:
    raw = b"\n--b\n" + TYPE + b"--c\n" + TYPE + b"\ntwo"
    assert bodies(raw) == [b"", b"two"]


def test_a_multipart_is_no_part_unless_it_has_text_of_its_own() -> None:
    inner = b"--c\n" + TYPE + b"\none\n--c--\n"
    top = b"\n--b\nContent-Type: multipart/mixed; boundary=d\n\n"
    assert bodies(top + inner) == [b"one"]
    assert bodies(top + b"begin 644 x\n" + inner) == [b"begin 644 x", b"one"]


def test_names_of_fields_are_repaired() -> None:
    raw = b"\n--b\nContent-ID: 1\nContent-Disposition (x): attachment; filename=a.exe\n\none"
    assert read(raw).root.children[0].names == ("a.exe",)


def test_one_part_too_many_is_said() -> None:
    part = b"\n--b\n" + TYPE + b"\nx"
    assert read(part * 20).exceeded == ()
    assert read(part * 21).exceeded == ("parts",)


def test_lines_are_counted_for_all_readings_together() -> None:
    shared = Shared(delimiter_lines=3)
    raw = b"\n--a\n--a"
    assert read(raw, shared).exceeded == ()
    assert read(raw, shared).exceeded == ("delimiter-lines",)


def test_a_megabyte_of_beginnings_takes_no_time() -> None:
    for piece in (b"\n--", b"\n--b: c", b"\n--b\nX: y", b"\n--b\nContent-A", b"\n--b\nA: b\n c"):
        raw = b"\n" + piece * (1_000_000 // len(piece))
        before = time.process_time()
        read(raw)
        assert time.process_time() - before < 8


PIECES = [b"\n", b"\r", b"\0", b"--b", b"--", b"x", b"\n--b\n", TYPE, b"Content-", b": ", b"\n\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join) | st.binary())
def test_any_bytes_give_parts_that_follow_each_other(raw: bytes) -> None:
    position = 0
    for part in read(raw).root.children:
        assert position <= part.header.start <= part.body_start <= part.body_end <= len(raw)
        position = part.header.start
