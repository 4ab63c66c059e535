import pytest

from mailwarden.message.leaves import leaves
from mailwarden.message.limits import ReadingLimits
from mailwarden.message.readings import read_every_way
from mailwarden.verdict.report import Finding, Kind
from mailwarden.verdict.structure import (
    END_OF_LINE,
    FINDINGS,
    check_reading_limits,
    check_structure,
)
from support import samples

LIMITS = ReadingLimits(header_bytes=100_000, header_fields=1_000, parts=100, depth=10)
MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"


def check(raw: bytes, passed: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    readings = read_every_way(raw, LIMITS)
    return check_structure(readings, leaves(readings), passed)


def names(raw: bytes, passed: frozenset[str] = frozenset()) -> list[str]:
    return [finding.name for finding in check(raw, passed)]


@pytest.mark.parametrize(
    "raw",
    [
        samples.clean(),
        samples.eicar(),
        samples.encoded_name(),
        samples.split_name(),
        samples.encrypted_zip(),
        samples.with_crlf(samples.with_attachment(b"a.txt", b"hello" * 100)),
        samples.multipart(b"Content-Type: text/plain; charset=us-ascii (Plain text)\n\nhello"),
        samples.multipart(b"\nno header"),
        b"From ann@sender.example Mon Mar  3 10:00:00 2025\n" + samples.eicar(),
        b"",
        b"\n",
    ],
)
def test_ordinary_mail_passes(raw: bytes) -> None:
    assert check(raw) == ()


TOP = b"MIME-Version: 1.0\n"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (samples.cr_in_header(), "cr-in-header"),
        (samples.cr_in_header().replace(b"\r", b"\0"), "nul-in-header"),
        (TOP + b"Date: " + b"1" * 100 + b"\n\n", "overlong-field"),
        (TOP + b"Content-Type : text/plain\n\n", "blank-before-colon"),
        (TOP + b"Content-Type(x): text/plain\n\n", "comment-in-field-name"),
        (
            TOP + b"Content-Type: multipart/mixed; boundary=" + b"b" * 300 + b"\n\n",
            "boundary-too-long",
        ),
        (MIXED + b"--b\n" + MIXED + b"--b\n\nx\n--b--\n", "boundary-used-twice"),
        (samples.with_attachment(b"a.txt", b"hello").replace(b"aGVs", b"aG!Vs"), "broken-encoding"),
    ],
)
def test_what_hides_something_is_malformed(raw: bytes, name: str) -> None:
    findings = check(raw)
    assert [(finding.by, finding.kind, finding.name) for finding in findings] == [
        ("structure", Kind.MALFORMED, name)
    ]
    assert findings[0].detail


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (TOP + b"Subject: x\nhello\n\n", "field-without-name"),
        (TOP + b"Sub ject: x\n\n", "broken-field-name"),
        (b"\xef\xbb\xbfFrom: a@b\n" + TOP + b"\nhello", "broken-field-name"),
        (TOP + b"Content-Type: multipart/mixed\n\nhello", "multipart-without-boundary"),
        (MIXED + b"hello", "multipart-without-parts"),
        (
            b"Content-Transfer-Encoding: quoted-printable\n" + MIXED + b"--b\n\nx=y\n--b--\n",
            "encoded-container",
        ),
    ],
)
def test_what_careless_programs_write_is_ambiguous_and_text_as_long_as_it_is(
    raw: bytes, name: str
) -> None:
    assert [(finding.kind, finding.name) for finding in check(raw)] == [(Kind.AMBIGUOUS_TEXT, name)]
    with_file = raw + b"\n--x\nContent-Type: application/zip\n\nPK\3\4"
    assert (Kind.AMBIGUOUS, name) in {(finding.kind, finding.name) for finding in check(with_file)}


def test_a_file_in_a_multipart_with_another_boundary_is_ambiguous() -> None:
    assert [(one.kind, one.name) for one in check(samples.broken_mime())] == [
        (Kind.AMBIGUOUS, "multipart-without-parts")
    ]


def test_a_finding_says_where() -> None:
    finding = check(samples.with_attachment(b"a.txt", b"hello").replace(b"aGVs", b"aG!Vs"))[0]
    assert (finding.part, finding.filename) == ("2", "a.txt")


def test_cr_and_nul_pass_when_the_check_of_line_ends_is_off() -> None:
    raw = samples.cr_in_header().replace(b"X-Two", b"X-One: \0\nX-Two")
    assert names(raw) == ["nul-in-header", "cr-in-header"]
    assert names(raw, END_OF_LINE) == []
    assert names(samples.broken_mime(), END_OF_LINE) == ["multipart-without-parts"]


def test_a_message_without_mime_is_not_judged() -> None:
    assert check(b"Subject: a\rb\nSub ject\n\nhello") == ()


def test_an_unclosed_multipart_is_ordinary() -> None:
    assert check(MIXED + b"--b\n\nhello\n") == ()


def test_broken_base64_in_text_is_left_to_the_reader() -> None:
    raw = samples.multipart(b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\na!b")
    assert check(raw) == ()


def test_a_mail_attached_as_any_other_file_is_ordinary() -> None:
    raw = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKeA=="
    assert check(raw) == ()


def test_base64_that_only_the_loose_reading_finds_ends_where_it_guesses() -> None:
    part = b"--in\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nQUJD"
    returned = b"Content-Type: text/plain\n\nFrom: a@b\n\n" + part
    assert check(samples.multipart(returned)) == ()


def test_a_returned_message_may_be_cut_off_before_its_first_part() -> None:
    raw = (
        b"Content-Type: multipart/report; boundary=r\n\n--r\nContent-Type: message/rfc822\n\n"
        + MIXED
        + b"This is a multi-part message\n--r--\n"
    )
    assert check(raw) == ()
    assert names(raw.replace(b"multipart/report", b"multipart/mixed")) == [
        "multipart-without-parts"
    ]


def test_limits_of_the_reading_are_over_limit_findings_also_without_mime() -> None:
    raw = b"Subject: x\n" * 1_001 + b"\n"
    finding = check(raw)[0]
    assert (finding.by, finding.kind, finding.name) == ("structure", Kind.OVER_LIMIT, "header")
    assert check_reading_limits(read_every_way(raw, LIMITS)) == (finding,)


def test_many_findings_are_cut_but_never_the_limits() -> None:
    raw = samples.multipart(*[b"Sub ject: x\n\n"] * 200)
    assert names(raw) == ["broken-field-name"] * FINDINGS + ["parts"]


TWO_READINGS = (
    b"Content-Type: multipart/mixed; boundary=b\nContent-Type: multipart/mixed; boundary=c\n\n"
    b"--b\nContent-Type: text/plain\n\none\n--b--\n"
    b"--c\nContent-Type: %s\n\n%s\n--c--\n"
)


def test_two_readings_of_text_alone_are_ambiguous_text() -> None:
    raw = TWO_READINGS % (b"text/plain", b"another text")
    assert {finding.kind for finding in check(raw)} == {Kind.AMBIGUOUS_TEXT}


@pytest.mark.parametrize(
    ("media_type", "body"),
    [(b"application/pdf", b"no pdf"), (b"text/plain", b"%PDF-1.4\n"), (b"text/plain", b"MZ\x90\0")],
)
def test_two_readings_with_more_than_text_are_ambiguous(media_type: bytes, body: bytes) -> None:
    findings = check(TWO_READINGS % (media_type, body))
    assert Kind.AMBIGUOUS in {finding.kind for finding in findings}
    assert all(finding.detail for finding in findings)


def test_a_code_that_may_pass_is_not_judged() -> None:
    raw = TWO_READINGS % (b"text/plain", b"another text")
    assert names(raw, frozenset(names(raw))) == []


def test_without_a_mime_field_it_counts_when_somebody_would_see_more_than_text() -> None:
    raw = b"Sub ject: x\n\n--b\nContent-Type: %s\n\n%s\n--b--\n"
    assert names(raw % (b"text/plain", b"hello")) == []
    assert names(raw % (b"application/zip", b"PK\x03\x04")) == ["broken-field-name"]


def test_a_text_that_is_a_multipart_for_others_is_not_only_text() -> None:
    """Clients choose at each level anew: last type, then first type."""
    raw = (
        b"Content-Type: text/plain\n%sContent-Type: multipart/mixed; boundary=c\n"
        b"Content-Type: text/plain\n\nhello\n--b--\n" % (MIXED[:-1] + b"\n--b\n")
    )
    kinds = {(finding.kind, finding.name) for finding in check(raw)}
    assert kinds == {(Kind.AMBIGUOUS, "content-type-twice")}


def test_long_text_is_a_file_when_readers_may_decode_it_differently() -> None:
    body = b"QUJD" * 200_000 + b"\nQ=Q="
    raw = TOP + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + body
    assert "broken-encoding" in names(raw)
