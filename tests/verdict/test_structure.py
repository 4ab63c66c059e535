import pytest

from mailwarden.message.parts import ReadingLimits, read_message
from mailwarden.verdict.report import Finding, Kind
from mailwarden.verdict.structure import FINDINGS, check_reading_limits, check_structure
from support import samples

LIMITS = ReadingLimits(header_bytes=100_000, header_fields=1_000, parts=100, depth=10)
MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"


def check(raw: bytes, *, ignore_eol: bool = False) -> tuple[Finding, ...]:
    return check_structure(raw, read_message(raw, LIMITS), ignore_eol=ignore_eol)


def names(raw: bytes, *, ignore_eol: bool = False) -> list[str]:
    return [finding.name for finding in check(raw, ignore_eol=ignore_eol)]


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
        (TOP + b"Subject: x\nhello\n\n", "field-without-name"),
        (TOP + b"Sub ject: x\n\n", "broken-field-name"),
        (TOP + b"Content-Type : text/plain\n\n", "blank-before-colon"),
        (TOP + b"Content-Type(x): text/plain\n\n", "comment-in-field-name"),
        (TOP + b"Content-Type: multipart/mixed\n\nhello", "multipart-without-boundary"),
        (samples.broken_mime(), "multipart-without-parts"),
        (
            TOP + b"Content-Type: multipart/mixed; boundary=" + b"b" * 300 + b"\n\n",
            "boundary-too-long",
        ),
        (MIXED + b"--b\n" + MIXED + b"--b\n\nx\n--b--\n", "boundary-used-twice"),
        (
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQQ==",
            "encoded-container",
        ),
        (samples.with_attachment(b"a.txt", b"hello").replace(b"aGVs", b"aG!Vs"), "broken-base64"),
    ],
)
def test_what_hides_something_is_malformed(raw: bytes, name: str) -> None:
    findings = check(raw)
    assert [(finding.by, finding.kind, finding.name) for finding in findings] == [
        ("structure", Kind.MALFORMED, name)
    ]
    assert findings[0].detail


def test_a_finding_says_where() -> None:
    finding = check(samples.with_attachment(b"a.txt", b"hello").replace(b"aGVs", b"aG!Vs"))[0]
    assert (finding.part, finding.filename) == ("2", "a.txt")


def test_cr_and_nul_pass_when_the_check_of_line_ends_is_off() -> None:
    raw = samples.cr_in_header().replace(b"X-Two", b"X-One: \0\nX-Two")
    assert names(raw) == ["nul-in-header", "cr-in-header"]
    assert names(raw, ignore_eol=True) == []
    assert names(samples.broken_mime(), ignore_eol=True) == ["multipart-without-parts"]


def test_a_message_without_mime_is_not_judged() -> None:
    assert check(b"Subject: a\rb\nSub ject\n\nhello") == ()


def test_an_unclosed_multipart_is_ordinary() -> None:
    assert check(MIXED + b"--b\n\nhello\n") == ()


def test_broken_base64_in_text_is_left_to_the_reader() -> None:
    raw = samples.multipart(b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\na!b")
    assert check(raw) == ()


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
    assert check_reading_limits(read_message(raw, LIMITS)) == (finding,)


def test_many_findings_are_cut_but_never_the_limits() -> None:
    raw = samples.multipart(*[b"Sub ject: x\n\n"] * 200)
    assert names(raw) == ["broken-field-name"] * FINDINGS + ["parts"]
