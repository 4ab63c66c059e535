import mmap
import tempfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message import parts
from mailwarden.message.dialects import LAST, USUAL, Delimiters, Dialect
from mailwarden.message.headers import FieldNames, HeaderEnd
from mailwarden.message.parts import Part, Reading, ReadingLimits, payload, read_message
from support import samples

LIMITS = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=2_000, depth=50)
MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"


def read(raw: bytes, limits: ReadingLimits = LIMITS) -> Reading:
    return read_message(raw, limits)


def shape(reading: Reading) -> list[tuple[str, str]]:
    return [(part.path, part.media_type) for part in reading.walk()]


def bodies(raw: bytes) -> list[bytes]:
    """The bodies of all parts without children."""
    found = (part for part in read(raw).walk() if not part.children)
    return [raw[part.body_start : part.body_end] for part in found]


def codes(reading: Reading) -> list[tuple[str, str]]:
    return [(anomaly.code, anomaly.part) for anomaly in reading.anomalies]


def test_a_message_without_mime_is_one_part_of_text() -> None:
    raw = samples.clean(body=b"hello\n--b\n")
    reading = read(raw)
    assert shape(reading) == [("", "text/plain")]
    assert bodies(raw) == [b"hello\n--b\n"]
    assert (reading.anomalies, reading.exceeded) == ((), ())


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"", b""),
        (b"\n", b""),
        (b"Subject: x", b""),
        (b"\nbody without header", b"body without header"),
        (b"\0\0", b""),
    ],
)
def test_hardly_a_message_is_read_all_the_same(raw: bytes, body: bytes) -> None:
    assert shape(read(raw)) == [("", "text/plain")]
    assert bodies(raw) == [body]


def test_parts_lie_between_boundaries_without_the_line_end_of_the_next() -> None:
    raw = MIXED + b"preamble\n--b\nX: y\n\none\n\n--b\n\ntwo\n--b--\nepilogue\n"
    assert bodies(raw) == [b"one\n", b"two"]
    assert [path for path, _ in shape(read(raw))] == ["", "1", "2"]
    assert read(raw).anomalies == ()


def test_line_ends_of_cr_and_lf_read_alike() -> None:
    raw = samples.with_crlf(samples.with_attachment(b"a.txt", b"hello"))
    plain = samples.with_attachment(b"a.txt", b"hello")
    assert shape(read(raw)) == shape(read(plain))
    assert [body.replace(b"\r\n", b"\n") for body in bodies(raw)] == bodies(plain)
    assert read(raw).anomalies == ()


def test_nested_multiparts_and_attached_messages_have_paths() -> None:
    raw = (
        MIXED
        + b"--b\nContent-Type: multipart/alternative; boundary=inner\n\n"
        + b"--inner\n\nplain\n--inner\nContent-Type: text/html\n\nhtml\n--inner--\n"
        + b"--b\nContent-Type: message/rfc822\n\nSubject: attached\n\nits body\n--b--\n"
    )
    assert shape(read(raw)) == [
        ("", "multipart/mixed"),
        ("1", "multipart/alternative"),
        ("1.1", "text/plain"),
        ("1.2", "text/html"),
        ("2", "message/rfc822"),
        ("2.1", "text/plain"),
    ]
    assert bodies(raw) == [b"plain", b"html", b"its body"]


def test_an_outer_boundary_ends_inner_multiparts() -> None:
    raw = (
        MIXED
        + b"--b\nContent-Type: multipart/mixed; boundary=inner\n\n--inner\n\none\n"
        + b"--b\n\ntwo\n--b--\n"
    )
    assert bodies(raw) == [b"one", b"two"]
    assert codes(read(raw)) == [("multipart-unclosed", "1")]


def test_a_boundary_inside_a_header_ends_the_part() -> None:
    raw = MIXED + b"--b\nContent-Type: text/html\n--b\n\ntwo\n--b--\n"
    assert shape(read(raw))[1:] == [("1", "text/html"), ("2", "text/plain")]
    assert bodies(raw) == [b"", b"two"]


def test_an_attached_message_that_is_all_header_does_not_stick_out_of_its_part() -> None:
    for end in (b"\n", b"\r\n"):
        raw = MIXED + b"--b\nContent-Type: message/rfc822\n\nSubject: x" + end + end + b"--b--\n"
        outer, inner = list(read(raw).walk())[1:]
        assert outer.body_start <= inner.header.start <= inner.body_end <= outer.body_end


def test_boundaries_may_have_blanks_after_them_and_be_quoted() -> None:
    raw = b'Content-Type: multipart/mixed; boundary="a b"\n\n--a b \t\n\none\n--a b-- \n'
    assert bodies(raw) == [b"one"]
    assert read(raw).anomalies == ()


def test_a_longer_line_is_not_the_boundary() -> None:
    assert bodies(MIXED + b"--b\n\none\n--bc\ntwo\n--b--\n") == [b"one\n--bc\ntwo"]


def test_what_comes_after_the_closing_boundary_is_read_too() -> None:
    raw = MIXED + b"--b\n\none\n--b--\n--b\nContent-Type: text/html\n\nhidden\n"
    assert bodies(raw) == [b"one", b"hidden\n"]
    assert ("part-after-closing-boundary", "") in codes(read(raw))


def test_a_part_of_a_digest_is_a_message_unless_it_says_otherwise() -> None:
    raw = b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nhello\n--b--\n"
    assert shape(read(raw))[1:] == [("1", "message/rfc822"), ("1.1", "text/plain")]


def test_a_part_says_its_charset_encoding_and_names() -> None:
    raw = samples.encoded_name()
    part = read(raw).root.children[1]
    assert (part.encoding, part.media_type) == ("base64", "application/octet-stream")
    assert part.names[:2] == ("invoice.exe", "=?utf-8?B?aW52b2ljZS5leGU=?=")
    assert payload(raw, part).octets == b"harmless\n"
    assert read(raw).root.children[0].charset == "us-ascii"
    assert read(samples.split_name()).root.children[1].names == ("invoice.exe",)


def test_names_are_taken_from_every_repeated_field() -> None:
    raw = (
        b"Content-Disposition: attachment; filename=a.txt\n"
        b"Content-Disposition: attachment; filename=b.exe\n\n"
    )
    assert read(raw).root.names == ("a.txt", "b.exe")
    assert codes(read(raw)) == [("content-disposition-twice", "")]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"Content-Type: multipart/mixed\n\nhello", "multipart-without-boundary"),
        (b'Content-Type: multipart/mixed; boundary=""\n\nhello', "multipart-without-boundary"),
        (MIXED + b"hello", "multipart-without-parts"),
        (MIXED + b"--b\n\nhello", "multipart-unclosed"),
        (MIXED + b"--b\n" + MIXED + b"--b\n\nx\n--b--\n", "boundary-used-twice"),
        (b"Content-Type: multipart/mixed; boundary=" + b"b" * 199 + b"\n\n", "boundary-too-long"),
        (
            b"Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n",
            "content-transfer-encoding-twice",
        ),
        (b"Content-Transfer-Encoding: base64\n" + MIXED + b"--b\n\n--b--", "encoded-container"),
        (
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQQ==",
            "encoded-message",
        ),
        (b"Content-Type: text/plain\nX: a\rb\n\n", "cr-in-header"),
        (MIXED + b"--b junk\n\n--b--\n", "delimiter-with-junk"),
        (MIXED + b"--b\0\n\n--b--\n", "delimiter-with-junk"),
        (MIXED + b"\n\r--b\nX: y\n\n", "delimiter-after-cr"),
        (MIXED + b"--b\nX: y\n--b\n\n--b--\n", "boundary-in-header"),
        (b"Subject: x\n\n--b\nX: y\n z\ncontent-type: a/b\n\n", "part-like-text"),
        (b"\nContent-Type: a/b\n\n", "begins-with-blank-line"),
        (b"Subject: x\n\na\0b", "nul-in-body"),
        (b"Content-Type: message/partial; id=x; number=1\n\n", "partial-message"),
        (b"Content-Type: message/external-body; access-type=URL\n\n", "external-body"),
    ],
)
def test_oddities_are_anomalies_with_a_code(raw: bytes, code: str) -> None:
    assert code in [code for code, _ in codes(read(raw))]


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\t\n"])
def test_a_multipart_with_nothing_in_it_hides_nothing(body: bytes) -> None:
    assert read(MIXED + body).anomalies == ()


def test_a_returned_header_may_end_at_the_boundary() -> None:
    raw = MIXED + b"--b\nContent-Type: message/rfc822\n\nSubject: x\n--b--\n"
    assert read(raw).anomalies == ()


def read_as(raw: bytes, dialect: Dialect) -> list[tuple[str, bytes]]:
    """Types and bodies of all parts without children."""
    reading = read_message(raw, LIMITS, dialect)
    return [
        (part.media_type, raw[part.body_start : part.body_end])
        for part in reading.walk()
        if not part.children
    ]


TWO_TYPES = b"Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n"
TWO_BOUNDARIES = b"Content-Type: multipart/mixed; boundary=b; boundary=c\n\n"


@pytest.mark.parametrize(
    ("raw", "dialect", "usual", "other"),
    [
        (
            TWO_TYPES + b"--b\n\nx\n--b--\n",
            Dialect("x", media_type=1),
            [("text/plain", b"--b\n\nx\n--b--\n")],
            [("text/plain", b"x")],
        ),
        (
            TWO_BOUNDARIES + b"--b\n\nx\n--c\n\ny\n--c--\n--b--\n",
            Dialect("x", boundary=LAST),
            [("text/plain", b"x\n--c\n\ny\n--c--")],
            [("text/plain", b"y")],
        ),
        (
            MIXED + b"--b\nContent-Type: text/html\n \nX: y\n\nz\n--b--\n",
            Dialect("x", header_end=HeaderEnd.LINE_OF_BLANKS),
            [("text/html", b"z")],
            [("text/html", b"X: y\n\nz")],
        ),
        (
            MIXED + b"--b\nContent-Type : text/html\n\nz\n--b--\n",
            Dialect("x", field_names=FieldNames.EXACT),
            [("text/html", b"z")],
            [("text/plain", b"z")],
        ),
        (
            MIXED + b"--b\n\nx\n--b\v\n\ny\n--b--junk\n",
            Dialect("x", delimiters=Delimiters.PREFIX),
            [("text/plain", b"x\n--b\v\n\ny\n--b--junk\n")],
            [("text/plain", b"x"), ("text/plain", b"y")],
        ),
        (
            MIXED + b"--b\n\nx\n--b--\n--b\n\ny\n--b--\n",
            Dialect("x", parts_after_closing=False),
            [("text/plain", b"x"), ("text/plain", b"y")],
            [("text/plain", b"x")],
        ),
        (
            MIXED + b"--b\nX: y\n--b\nContent-Type: text/html\n\nz\n--b--\n",
            Dialect("x", boundaries_end_headers=False),
            [("text/plain", b""), ("text/html", b"z")],
            [("text/html", b"z")],
        ),
        (
            MIXED + b"--b\n" + MIXED + b"--b\n\nx\n--b--\n--b\n\ny\n--b--\n",
            Dialect("x", outer_boundary_wins=True),
            [("text/plain", b"x"), ("text/plain", b"y")],
            [("multipart/mixed", b""), ("text/plain", b"x"), ("text/plain", b"y")],
        ),
        (
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nX: y\n\nz",
            Dialect("x", opens_encoded_messages=True),
            [("message/rfc822", b"X: y\n\nz")],
            [("text/plain", b"z")],
        ),
    ],
)
def test_each_choice_of_a_dialect_makes_another_reading(
    raw: bytes, dialect: Dialect, usual: list[tuple[str, bytes]], other: list[tuple[str, bytes]]
) -> None:
    assert read_as(raw, USUAL) == usual
    assert read_as(raw, dialect) == other


def test_every_reading_says_what_is_odd_for_it() -> None:
    raw = b"X y\nContent-Type: multipart/mixed\n\n"
    assert read_message(raw, LIMITS, Dialect("x")).anomalies == read(raw).anomalies != ()


def test_the_longest_boundary_is_found() -> None:
    boundary = b"b" * parts.BOUNDARY_BYTES
    raw = b"Content-Type: multipart/mixed; boundary=" + boundary + b"\n\n"
    raw += b"--" + boundary + b"\n\none\n--" + boundary + b"--\n"
    assert bodies(raw) == [b"one"]
    assert read(raw).anomalies == ()


def test_every_cut_of_a_message_is_read() -> None:
    whole = MIXED + b"--b\nContent-Type: message/rfc822\n\n" + MIXED + b"--b\n\nx\n--b--\n"
    for end in range(len(whole)):
        check_offsets(whole[:end], read(whole[:end]))


def test_one_part_too_many_is_said_and_the_rest_is_not_read() -> None:
    raw = samples.many_parts(2_000)
    reading = read(raw)
    assert reading.exceeded == ("parts",)
    assert sum(1 for _ in reading.walk()) == 2_000
    assert read(samples.many_parts(1_999)).exceeded == ()


def test_a_part_too_deep_is_said_and_what_follows_it_is_read() -> None:
    limits = ReadingLimits(header_bytes=1_000, header_fields=100, parts=100, depth=2)
    inner = b"Content-Type: multipart/mixed; boundary=c\n\n--c\n\ndeep\n--c--\n"
    reading = read(MIXED + b"--b\n" + inner + b"--b\nContent-Type: text/html\n\nx\n--b--\n", limits)
    assert reading.exceeded == ("depth",)
    assert shape(reading)[1:] == [("1", "multipart/mixed"), ("2", "text/html")]


def test_ten_thousand_nested_parts_are_a_limit_and_take_no_time() -> None:
    for raw in (samples.nested(10_000), b"Content-Type: message/rfc822\n\n" * 10_000):
        before = time.process_time()
        assert read(raw).exceeded == ("depth",)
        assert time.process_time() - before < 4


def test_no_depth_needs_recursion() -> None:
    limits = ReadingLimits(header_bytes=1_000, header_fields=1_000, parts=5_000, depth=5_000)
    assert sum(1 for _ in read(samples.nested(3_000), limits).walk()) == 3_001


def test_a_header_that_is_too_long_is_said() -> None:
    raw = b"X: " + b"a" * 10_000_000 + b"\n\nbody"
    before = time.process_time()
    reading = read(raw)
    assert time.process_time() - before < 8
    assert reading.exceeded == ("header",)
    assert raw[reading.root.body_start :] == b"body"


def test_a_value_with_too_many_parameters_is_said() -> None:
    assert read(b"Content-Type: a/b" + b";c=d" * 10_000 + b"\n\n").exceeded == ("parameters",)


def test_too_many_lines_that_could_be_boundaries_are_said() -> None:
    lines = b"--\n" * (parts.DELIMITER_LINES + 1)
    for raw in (MIXED + lines, MIXED + b"--b\n" + lines):
        reading = read(raw)
        assert "delimiter-lines" in reading.exceeded
        assert "multipart-without-parts" not in [code for code, _ in codes(reading)]


def test_a_mapped_file_is_read_like_bytes() -> None:
    raw = samples.with_attachment(b"a.txt", b"hello")
    with tempfile.TemporaryFile() as file:
        file.write(raw)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            reading = read_message(mapped, LIMITS)
            assert reading == read(raw)
            assert payload(mapped, reading.root.children[1]).octets == b"hello"


@pytest.mark.parametrize(
    "piece",
    [b"--b\n", b"--b\n\n", b"--b\nX: y\n", b"--b--\n", b"--x\n", b"\n", b"--", b"--b\n" + MIXED],
)
def test_twice_the_message_takes_about_twice_the_time(piece: bytes) -> None:
    limits = ReadingLimits(header_bytes=1_000_000, header_fields=10_000, parts=10**9, depth=50)

    def seconds(count: int) -> float:
        raw = MIXED + piece * count
        before = time.process_time()
        read(raw, limits)
        return time.process_time() - before

    small = min(seconds(2_000) for _ in range(3))
    large = min(seconds(8_000) for _ in range(3))
    # A quadratic reader needs 16 times as long for four times the message.
    assert large < 10 * small + 0.02


PIECES = [
    b"\n", b"\r", b"\0", b" ", b"--b", b"--b--", b"--c", b"\n\n", b"x", b"Content-Type: ",
    b"multipart/mixed", b"multipart/digest", b"message/rfc822", b"; boundary=b", b"; boundary=c",
    b"; name=a.exe", MIXED, b"Content-Transfer-Encoding: base64\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join) | st.binary())
def test_any_bytes_give_a_reading_whose_offsets_lie_inside(raw: bytes) -> None:
    limits = ReadingLimits(header_bytes=50, header_fields=5, parts=20, depth=5)
    check_offsets(raw, read(raw, limits))
    check_offsets(raw, read(raw))
    for ending in HeaderEnd:
        bent = Dialect(
            "bent",
            media_type=1,
            boundary=LAST,
            header_end=ending,
            field_names=FieldNames.REPAIRED,
            delimiters=Delimiters.PREFIX,
            outer_boundary_wins=True,
            boundaries_end_headers=False,
            parts_after_closing=False,
            opens_encoded_messages=True,
        )
        check_offsets(raw, read_message(raw, LIMITS, bent))


def check_offsets(raw: bytes, reading: Reading) -> None:
    """Every part lies inside the one around it, after the one before it."""
    assert (reading.root.header.start, reading.root.body_end) == (0, len(raw))
    for part in reading.walk():
        assert part.header.start <= part.header.end == part.body_start <= part.body_end
        check_children(part)
        payload(raw, part)


def check_children(part: Part) -> None:
    position = part.body_start
    for child in part.children:
        assert position <= child.header.start
        assert child.body_end <= part.body_end
        position = child.body_end
