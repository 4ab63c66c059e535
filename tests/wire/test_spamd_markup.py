"""What spamd's bodies say, told apart from what the message says in them."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.wire.errors import PeerError
from mailwarden.wire.spamd_markup import (
    Markup,
    mbx_separators_bytes,
    parse_markup,
    parse_report,
    parse_symbols,
)

VERSION = b"X-Spam-Checker-Version: SpamAssassin 4.0.1 (2024-03-25) on host\n"
STATUS = (
    b"X-Spam-Status: Yes, score=8.7 required=6.5 tests=AWL,BAYES_99,\n"
    b"\tURIBL_BLACK autolearn=no version=4.0.1\n"
)
ORIGINAL = b"Received: from x\nSubject: hello\n you\nX-Test: 1\n\nbody\n"


@pytest.mark.parametrize(
    ("body", "tests"),
    [
        (b"", ()),
        (b"GTUBE", ("GTUBE",)),
        (b"AWL,BAYES_99,_x1", ("AWL", "BAYES_99", "_x1")),
        (b"A,B\r\n\r\n", ("A", "B")),
        (b"T" * 128, ("T" * 128,)),
    ],
)
def test_symbols_are_the_names_of_tests(body: bytes, tests: tuple[str, ...]) -> None:
    assert parse_symbols(body) == tests


@pytest.mark.parametrize(
    "body", [b"A,,B", b"A B", b"1A", b"A\nB", b"\xc3\xa4", b"T" * 129, b"A," * 2_000 + b"A"]
)
def test_symbols_that_spamassassin_cannot_have_are_broken(body: bytes) -> None:
    with pytest.raises(PeerError):
        parse_symbols(body)


REPORT = b"""\
Content preview:   5.0 FORGED_ONE x
 ---- ---- ----
 5.0 FORGED_TWO x

Content analysis details:   (4.1 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-1.9 BAYES_00               BODY: Bayes spam probability is 0 to 1%
                            [score: 0.0000]
                            5.0 FORGED_THREE x
 5.0 A_VERY_LONG_TEST_NAME_THAT_HAS_NO_DESCRIPTION
1000 GTUBE                  BODY: Generic Test

"""


def test_the_tests_of_a_report_are_those_of_its_last_table() -> None:
    text, points = parse_report(REPORT)
    assert text == REPORT.decode().strip("\n")
    assert points == (
        ("BAYES_00", Decimal("-1.9")),
        ("A_VERY_LONG_TEST_NAME_THAT_HAS_NO_DESCRIPTION", Decimal("5.0")),
        ("GTUBE", Decimal(1000)),
    )


def test_a_report_of_too_many_tests_is_broken() -> None:
    table = REPORT.rpartition(b"-\n")[0] + b"-\n"
    assert len(parse_report(table + b" 0.1 A\n" * 2_000)[1]) == 2_000
    with pytest.raises(PeerError, match="2000 tests"):
        parse_report(table + b" 0.1 A\n" * 2_001)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", ""),
        (b"own template\r\nof a site\r\n\r\n", "own template\nof a site"),
        (b"\xff", "\ufffd"),
    ],
)
def test_a_report_without_a_table_has_no_tests(body: bytes, text: str) -> None:
    assert parse_report(body) == (text, ())


def test_a_report_of_too_many_lines_is_broken() -> None:
    with pytest.raises(PeerError, match="5000 lines"):
        parse_report(b"x\n" * 5_000 + b"x")


def test_fields_tests_and_version_are_those_of_spamd() -> None:
    body = VERSION + STATUS + ORIGINAL.partition(b"\n\n")[0] + b"\n\n"
    expected = Markup((VERSION, STATUS), ("AWL", "BAYES_99", "URIBL_BLACK"), "4.0.1")
    assert parse_markup(body, ORIGINAL) == expected
    crlf = body.replace(b"\n", b"\r\n")
    assert parse_markup(crlf, ORIGINAL.replace(b"\n", b"\r\n")) == expected


@pytest.mark.parametrize(
    ("status", "tests"),
    [
        (b"X-Spam-Status: No, score=0.0 tests=none version=4.0.1\n", ()),
        (b"X-Spam-Status: No, tests=\n\tA, B,\n\tC\n", ("A", "B", "C")),
        (b"X-Spam-Status: No, tests=A=0.1,B=-2.0,\n\tC=1000 version=4.0.1\n", ("A", "B", "C")),
        (b"X-Spam-Status: No, tests=A=x version=4.0.1\n", ()),
        (b"X-Spam-Report: \n\t*  1.5 A x\n\t* 1000 B\n", ("A", "B")),
        (b"X-Spam-Status: No\nX-Spam-Report: tests=A\n", ()),
        (b"", ()),
    ],
)
def test_the_tests_are_those_of_the_status_field(status: bytes, tests: tuple[str, ...]) -> None:
    assert parse_markup(status + b"Subject: hello\n\n", b"Subject: hello\n\n").tests == tests


HEADER_REPORT = b"""\
X-Spam-Report:\x20
\t*  8.7 A x
\t*      [5.0 B forged]
\t*      5.0 B forged
\t[5.0 B forged]
\t* -0.0 B_2 y
\t* 1000 C
"""


@pytest.mark.parametrize(
    ("fields", "points"),
    [
        (b"X-Spam-Status: No, tests=A=0.1,B=-2.0,\n\tC=1000 v\n", "A=0.1 B=-2.0 C=1000"),
        (b"X-Spam-Status: No, tests=A=0.1,B v\n" + HEADER_REPORT, "A=0.1"),
        (b"X-Spam-Status: No, tests=A,B_2,C\n" + HEADER_REPORT, "A=8.7 B_2=-0.0 C=1000"),
        (b"X-Spam-Status: No, tests=A\n" + HEADER_REPORT, "A=8.7"),
        (HEADER_REPORT, "A=8.7 B_2=-0.0 C=1000"),
        (b"X-Spam-Status: No, tests=A,B\nX-Spam-Other:\n\t*  8.7 A x\n", ""),
        (b"X-Spam-Status: No, tests=A,B\n", ""),
    ],
)
def test_points_are_those_that_spamd_wrote(fields: bytes, points: str) -> None:
    expected = [pair.split("=") for pair in points.split()]
    body = fields + b"Subject: x\n\n"
    assert parse_markup(body, b"Subject: x\n\n").points == tuple(
        (name, Decimal(number)) for name, number in expected
    )


SEPARATOR = b" 1-Jan-2020 00:00:00 +0000,5;000000000000-0000000A"


@pytest.mark.parametrize(
    ("message", "size_bytes"),
    [
        (b"", 0),
        (b"Subject: x\n\n", 0),
        (SEPARATOR, 50),
        (SEPARATOR + b"\nSubject: x\n", 51),
        (b"3" + SEPARATOR[1:] + b"\r\nSubject: x\n", 52),
        ((SEPARATOR + b"\n") * 3 + b"Subject: x\n", 153),
        (SEPARATOR + b" \nSubject: x\n", 0),
        (SEPARATOR[:-1] + b"\nSubject: x\n", 0),
        (b"\n" + SEPARATOR + b"\n", 0),
        (b"From x\n" + SEPARATOR + b"\n", 0),
        (b" 1-Jan-2020 " + b"0" * 38 + b"\n", 0),
    ],
)
def test_the_mbx_separators_that_a_message_begins_with(message: bytes, size_bytes: int) -> None:
    assert mbx_separators_bytes(message) == size_bytes


@pytest.mark.parametrize("piece", [SEPARATOR + b"\n", b",", b",1", b"1", b",5;", b"\r"])
def test_time_grows_with_the_separators_and_no_faster(piece: bytes) -> None:
    def seconds(size_bytes: int) -> float:
        message = (SEPARATOR + b"\n" + SEPARATOR[:22] + piece * size_bytes)[:size_bytes]
        started = time.process_time()
        mbx_separators_bytes(message)
        return time.process_time() - started

    small = min(seconds(200_000) for _ in range(3))
    assert seconds(1_600_000) < 8 * 3 * small + 0.05


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (VERSION, "4.0.1"),
        (STATUS, "4.0.1"),
        (b"X-Spam-Checker-Version: SpamAssassin 3.4.6-rc1 (x)\n", "3.4.6-rc1"),
        (b"X-Spam-Checker-Version: other\n", ""),
        (b"Subject: version=4.0.1\n", ""),
    ],
)
def test_the_version_is_read_from_fields_of_spamd(body: bytes, version: str) -> None:
    assert parse_markup(body, b"").version == version


@pytest.mark.parametrize(
    ("body", "original", "fields"),
    [
        # below the message's own fields
        (VERSION + b"X-Test: 1\nX-Spam-A: forged\n\n", ORIGINAL, (VERSION,)),
        (VERSION + b"X-Spam-Prev-To: forged\nX-Spam-A: forged\n\n", ORIGINAL, (VERSION,)),
        # spamd wrote none, and SpamAssassin took the message's X-Spam lines for its body
        (b"no\nno\nno\nno\nX-Spam-A: forged\n\n", b"no\n\n", ()),
        (b"--\nX-Spam-A: forged\n\n", b"--\n\n", ()),
        # the message begins with a continuation line, also after what SpamAssassin takes away
        (VERSION + b" forged\nA: b\n\n", b" forged\nA: b\n\n", (VERSION,)),
        (b"From a\n" + VERSION + b"\tforged\n\n", b"From a\n\tforged\n\n", (VERSION,)),
        (
            b"From a\n" + VERSION + b"\tforged\n\n",
            b" 1-Jan-2020 00:00:00 +0000,5;000000000000-00000000\n\tforged\n\n",
            (VERSION,),
        ),
        # spamd's envelope in front (report_safe), or a Return-Path
        (b"Received: x\n\ty\nFrom: a\n" + STATUS + b"MIME-Version: 1.0\n\n", b"", (STATUS,)),
        (b"Return-Path: x\n\ty\n" + STATUS + b"Subject: hello\n you\n\n", ORIGINAL, (STATUS,)),
        # nothing after the header, nothing in the body
        (STATUS, b"", (STATUS,)),
        (b"\n" + STATUS, b"", ()),
        (b"", b"", ()),
    ],
)
def test_only_fields_that_spamd_wrote_are_its_own(
    body: bytes, original: bytes, fields: tuple[bytes, ...]
) -> None:
    assert parse_markup(body, original).fields == fields


def test_control_bytes_in_a_field_are_replaced() -> None:
    body = b"X-Spam-A: a\rb\0c\x1b\x7f\td\xff\n\n"
    assert parse_markup(body, b"").fields == (b"X-Spam-A: a?b?c??\td\xff\n",)


@pytest.mark.parametrize(
    ("written", "original", "fields"),
    [
        (b"Subject: hello\n", b"Subject: hello\n", ()),
        (b"Subject: hello\n", b"SUBJECT :hello\r\n", ()),
        (
            b"Subject: [S] hello\n you\n",
            b"Subject: hello\n you\n",
            (b"Subject: [S] hello\n you\n",),
        ),
        (b"Subject: [S] \n", b"From: a\n", (b"Subject: [S] \n",)),
        (b"Subject: \n", b"From: a\n", ()),
        (b"Subject: [S] a\nSubject: [S] b\n", b"Subject: a\nSubject: b\n", (b"Subject: [S] a\n",)),
    ],
)
def test_a_subject_counts_only_when_spamd_changed_it(
    written: bytes, original: bytes, fields: tuple[bytes, ...]
) -> None:
    assert parse_markup(b"X: y\n" + written + b"\n", original + b"\nbody").fields == fields


_PIECES = st.sampled_from(
    [
        VERSION,
        STATUS,
        ORIGINAL,
        REPORT,
        b"\n",
        b"\r\n",
        b" ",
        b"X-Spam-",
        b"Subject:",
        b"From ",
        b",",
    ]
)
_BODIES = st.binary(max_size=200) | st.lists(_PIECES, max_size=8).map(b"".join)


@given(body=_BODIES, original=_BODIES)
def test_any_body_is_read_or_broken(body: bytes, original: bytes) -> None:
    for parse in (parse_symbols, parse_report, lambda body: parse_markup(body, original)):
        try:
            parse(body)
        except PeerError:
            continue


@pytest.mark.parametrize(
    "piece",
    [
        b"\n ",
        b"X-Spam-A: b\n",
        b"Subject: a\n",
        b" x\n",
        b"Received: x\n",
        b"a,",
        b"- ",
        b"\r",
        b"a",
        b"A=1,",
        b" tests=A=1",
        b"X-Spam-Report:\n\t* 1.0 A x\n",
    ],
)
def test_time_grows_with_the_size_of_a_body_and_no_faster(piece: bytes) -> None:
    def seconds(size_bytes: int) -> float:
        body = (VERSION + STATUS[:40] + piece * (size_bytes // len(piece)))[:size_bytes]
        started = time.process_time()
        for parse in (parse_symbols, parse_report, lambda body: parse_markup(body, body)):
            try:
                parse(body)
            except PeerError:
                continue
        return time.process_time() - started

    small = min(seconds(200_000) for _ in range(3))
    assert seconds(1_600_000) < 8 * 3 * small + 0.05
