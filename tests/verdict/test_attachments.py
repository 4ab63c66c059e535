import pytest

from mailwarden.message.parts import ReadingLimits, read_message
from mailwarden.unpack.opening import OpeningLimits, open_parts
from mailwarden.verdict.attachments import (
    FINDINGS_PER_RULE,
    AttachmentRules,
    check_attachments,
    extensions_of,
)
from mailwarden.verdict.report import Finding, Kind
from support import samples

READING = ReadingLimits(header_bytes=100_000, header_fields=1_000, parts=100, depth=10)
RULES = AttachmentRules(frozenset({"exe", "vbs"}))


def check(raw: bytes) -> tuple[Finding, ...]:
    limits = OpeningLimits(archive_members=50, archive_bytes=1_000)
    return check_attachments(open_parts(raw, read_message(raw, READING), limits), RULES)


def summary(raw: bytes) -> list[tuple[str, Kind, str, str, str]]:
    return [
        (finding.by, finding.kind, finding.name, finding.part, finding.filename)
        for finding in check(raw)
    ]


@pytest.mark.parametrize(
    "raw",
    [
        samples.clean(),
        samples.with_attachment(b"a.txt", b"hello"),
        samples.with_attachment(b"exe", b"hello"),
        samples.with_attachment(b"a.exe.txt", b"hello"),
        samples.zipped({"a.txt": b"hello"}),
    ],
)
def test_harmless_names_pass(raw: bytes) -> None:
    assert check(raw) == ()


def test_a_forbidden_extension_is_a_policy_finding() -> None:
    assert summary(samples.forbidden_attachment()) == [
        ("attachments", Kind.POLICY, "extension-exe", "2", "invoice.pdf.exe")
    ]


@pytest.mark.parametrize("raw", [samples.encoded_name(), samples.split_name()])
def test_a_name_in_disguise_is_seen(raw: bytes) -> None:
    assert [finding.name for finding in check(raw)] == ["extension-exe"]
    assert check(raw)[0].filename == "invoice.exe"


def test_every_candidate_name_counts() -> None:
    part = (
        b"Content-Type: text/plain; name=a.vbs\n"
        b"Content-Disposition: attachment; filename=a.txt; filename=a.exe\n\nhello"
    )
    assert [finding.name for finding in check(samples.multipart(part))] == [
        "extension-exe",
        "extension-vbs",
    ]


def test_members_of_archives_count() -> None:
    assert summary(samples.zipped({"folder/a.EXE": b""})) == [
        ("attachments", Kind.POLICY, "extension-exe", "2/files.zip/folder/a.EXE", "folder/a.EXE")
    ]


@pytest.mark.parametrize(
    ("name", "extensions"),
    [
        ("a.exe", {"exe"}),
        ("A.EXE", {"exe"}),
        ("a.exe. . ", {"exe"}),
        ("a.exe\t", {"exe"}),
        ("a. exe", {"exe"}),
        ("a.exe\u200b", {"exe"}),
        ("a\u202etxt.exe", {"exe"}),
        ("a.exe\0.txt", {"exe", "txt"}),
        (".exe", {"exe"}),
        ("a", set()),
        ("...", set()),
        ("", set()),
        ("\0", set()),
    ],
)
def test_extensions_are_what_a_program_could_see(name: str, extensions: set[str]) -> None:
    assert extensions_of(name) == extensions


def test_an_encrypted_member_is_a_finding_of_its_own_kind() -> None:
    assert summary(samples.encrypted_zip()) == [
        ("unpack", Kind.ENCRYPTED, "zip-encrypted", "2/letter.zip/letter.txt", "letter.txt")
    ]


def test_an_unreadable_archive_is_malformed() -> None:
    assert summary(samples.broken_zip()) == [
        ("unpack", Kind.MALFORMED, "zip-unreadable", "2", "letter.zip")
    ]


def test_limits_of_archives_are_over_limit_findings() -> None:
    members = {f"{number}.txt": b"" for number in range(51)}
    assert summary(samples.zipped(members)) == [
        ("unpack", Kind.OVER_LIMIT, "archive-members", "2", "files.zip")
    ]
    assert [finding.name for finding in check(samples.zipped({"a.txt": b"\0" * 1_001}))] == [
        "archive-bytes"
    ]


def test_findings_stay_few() -> None:
    found = check(samples.zipped({f"{number}.exe": b"" for number in range(50)}))
    assert len(found) == FINDINGS_PER_RULE
