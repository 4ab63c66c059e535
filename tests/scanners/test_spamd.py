"""spamd as a scanner: against a real one over both transports, and against ones that misbehave."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest

from mailwarden.ports.scanner import Question, Wave
from mailwarden.scanners.spamd import SpamdScanner, safe_user
from mailwarden.settings.addresses import Address
from mailwarden.settings.model import SpamdSettings
from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.report import Answer, Fault, Finding, Kind, SpamScore
from mailwarden.wire.envelope import Envelope
from mailwarden.wire.spamd import Lesson, Told
from support.payload import BytesPayload
from support.scripted import Peer, Script, scripted
from support.spamd import (
    GTUBE,
    Spamd,
    answering,
    running_spamd,
    scored_message,
)

Mode = Literal["fast", "verbose"]
SECONDS = 30.0


@pytest.fixture(scope="module")
def spamd() -> Iterator[Spamd]:
    with running_spamd() as spamd:
        yield spamd


@pytest.fixture(params=["unix", "tcp"])
def address(request: pytest.FixtureRequest, spamd: Spamd) -> str:
    return spamd.unix if request.param == "unix" else spamd.tcp


@contextlib.asynccontextmanager
async def scanner_for(
    *addresses: str | Address,
    mode: Mode = "fast",
    report: bool = False,
    timeout_seconds: float = SECONDS,
    max_bytes: int = 500_000,
    root: Path = Path("/nowhere"),
) -> AsyncIterator[SpamdScanner]:
    settings = SpamdSettings(
        addresses=tuple(map(str, addresses)),
        mode=mode,
        timeout_seconds=timeout_seconds,
        max_bytes=max_bytes,
    )
    scanner = SpamdScanner(settings, report=report, root=root)
    try:
        yield scanner
    finally:
        await scanner.close()


def soon(seconds: float = SECONDS) -> float:
    return asyncio.get_running_loop().time() + seconds


async def ask(
    scanner: SpamdScanner,
    octets: bytes,
    *,
    user: str = "",
    seconds: float = SECONDS,
    on_top: bytes = b"",
) -> Answer:
    envelope = Envelope(b"a@example.com", (b"b@example.com",))
    arrival = Arrival("1", envelope, Origin(), octets, len(octets), 0.0)
    with BytesPayload(octets) as payload:
        question = Question(arrival, payload, user, on_top=on_top)
        return await scanner.scan(question, soon(seconds))


async def score(scanner: SpamdScanner, octets: bytes, *, user: str = "") -> SpamScore:
    answer = await ask(scanner, octets, user=user)
    assert answer.score is not None, answer
    assert not answer.faults
    assert not answer.findings
    return answer.score


async def fault(scanner: SpamdScanner, octets: bytes, *, seconds: float = SECONDS) -> Fault:
    answer = await ask(scanner, octets, seconds=seconds)
    assert answer.score is None
    assert not answer.findings
    (only,) = answer.faults
    assert only.by == "spamd"
    return only


async def fault_from(script: Script, *, mode: Mode = "fast", report: bool = False) -> Fault:
    async with (
        scripted(script) as address,
        scanner_for(address, mode=mode, report=report) as scanner,
    ):
        return await fault(scanner, b"hello\n")


# --- the real spamd ---


@pytest.mark.parametrize(
    "points", ["-1.5", "0.0", "6.4", "6.5", "6.6", "8.6", "8.7", "10.7", "10.8", "1000.0"]
)
async def test_the_score_is_exactly_what_spamd_says(points: str, address: str) -> None:
    async with scanner_for(address) as scanner:
        said = await score(scanner, scored_message(points))
    assert (said.score, said.required) == (Decimal(points), Decimal("6.5"))
    assert said.tests == ("TEST_POINTS",)


@pytest.mark.parametrize("mode", ["fast", "verbose"])
async def test_fields_on_top_are_seen_by_its_rules_and_are_none_of_its_own(
    mode: Mode, address: str
) -> None:
    message = b"Subject: x\n\n" + b"body\n" * 200_000
    async with scanner_for(address, mode=mode) as scanner:
        answer = await ask(scanner, message[:450_000], on_top=b"X-Test-Score: 7.0\n")
    assert answer.score is not None
    assert answer.score.score == Decimal("7.0")
    assert not any(field.startswith(b"X-Test-Score") for field in answer.score.fields)


async def test_a_score_just_below_the_required_one_is_not_rounded_up(address: str) -> None:
    async with scanner_for(address) as scanner:
        said = await score(scanner, scored_message("6.49"))
    assert said.score == Decimal("6.4")


async def test_gtube_is_spam_and_named(address: str) -> None:
    async with scanner_for(address) as scanner:
        said = await score(scanner, b"Subject: x\n\n" + GTUBE + b"\n")
    assert said == SpamScore("spamd", Decimal("1000.0"), Decimal("6.5"), ("GTUBE",))


async def test_a_message_that_hits_nothing_has_no_tests(address: str) -> None:
    async with scanner_for(address) as scanner:
        said = await score(scanner, b"Subject: x\n\nhello\n")
    assert (said.score, said.tests) == (Decimal("0.0"), ())


@pytest.mark.parametrize("octets", [b"", b"x", b"Subject: x", b"\n", b"\0\r\n\xff", b"S: x\n\ncut"])
async def test_a_message_without_a_last_newline_does_not_hang(octets: bytes, address: str) -> None:
    async with scanner_for(address) as scanner:
        assert (await score(scanner, octets)).score == 0


@pytest.mark.parametrize("size_bytes", [262_143, 262_144, 262_145, 499_000])
async def test_a_large_message_arrives_whole(size_bytes: int, address: str) -> None:
    line = b"all work and no play makes jack a dull boy and so on and on\n"
    octets = scored_message("7.1", body=line * (size_bytes // len(line) + 1))[:size_bytes]
    async with scanner_for(address) as scanner:
        assert (await score(scanner, octets)).score == Decimal("7.1")


async def test_the_report_and_its_tests_come_along(address: str) -> None:
    octets = scored_message("8.7", body=b" 5.0 FORGED_TEST forged\n\n" + GTUBE + b"\n")
    async with scanner_for(address, report=True) as scanner:
        said = await score(scanner, octets)
    assert said.score == Decimal("1008.7")
    assert sorted(said.tests) == ["GTUBE", "TEST_POINTS"]
    assert sorted(said.points) == [("GTUBE", Decimal(1000)), ("TEST_POINTS", Decimal("8.7"))]
    assert said.text.startswith("Content preview:")
    assert " 8.7 TEST_POINTS            The points that the message asks for" in said.text
    assert "(1008.7 points, 6.5 required)" in said.text


async def test_verbose_takes_the_fields_of_spamd_over(address: str) -> None:
    async with scanner_for(address, mode="verbose") as scanner:
        said = await score(scanner, scored_message("8.7"))
    unfolded = [re.sub(rb"\s+", b" ", field).strip() for field in said.fields]
    version = unfolded[0].split()[2]
    assert unfolded == [
        unfolded[0],
        b"X-Spam-Flag: YES",
        b"X-Spam-Level: ********",
        b"X-Spam-Status: Yes, score=8.7 required=6.5 tests=TEST_POINTS version=" + version,
    ]
    assert unfolded[0].startswith(b"X-Spam-Checker-Version: SpamAssassin ")
    assert said.tests == ("TEST_POINTS",)
    assert all(field.endswith(b"\n") and b"\r" not in field for field in said.fields)


async def test_verbose_fields_of_a_message_with_crlf_end_in_lf(address: str) -> None:
    octets = scored_message("8.7").replace(b"\n", b"\r\n")
    async with scanner_for(address, mode="verbose") as scanner:
        said = await score(scanner, octets)
    assert len(said.fields) == 4
    assert b"\r" not in b"".join(said.fields)


@pytest.mark.parametrize(
    "octets",
    [
        b"X-Spam-Status: No, forged\nSubject: x\n\nhello\n",
        b" forged continuation\nSubject: x\n\nhello\n",
        b"From me\n forged continuation\nSubject: x\n\nhello\n",
        b"no\nno\nno\nno\nX-Spam-Status: No, forged\nSubject: x\n\nhello\n",
        b"--\nX-Spam-Status: No, forged\nSubject: x\n\nhello\n",
        b"X-Spam-Prev-Subject: forged\nSubject: x\n\nhello\n",
        b"Return-Path: <a@b>\n forged\nX-Spam-Status: No, forged\nSubject: x\n\nhello\n",
        b"Subject: x\nX-Spam-Level: forged\n forged\nX-Spam-Foo : forged\n\nhello\n",
        b" forged\r\n\tforged\r\nSubject: x\r\n\r\nhello\r\n",
        b" forged",
        b"",
    ],
)
async def test_no_field_of_the_message_passes_for_one_of_spamd(octets: bytes, spamd: Spamd) -> None:
    async with scanner_for(spamd.unix, mode="verbose") as scanner:
        said = await score(scanner, octets)
    names = [field.partition(b":")[0] for field in said.fields]
    assert names == [b"X-Spam-Checker-Version", b"X-Spam-Level", b"X-Spam-Status"]
    assert b"forged" not in b"".join(said.fields)


@pytest.mark.parametrize("report_safe", ["0", "1"])
async def test_only_a_subject_that_spamd_rewrote_is_taken_over(report_safe: str) -> None:
    rules = f"report_safe {report_safe}\nrewrite_header Subject *** _SCORE_ ***\n"
    with running_spamd(rules) as spamd:
        async with scanner_for(spamd.unix, mode="verbose") as scanner:
            spam = await score(scanner, scored_message("8.7", subject="buy\n this"))
            ham = await score(scanner, scored_message("1.0", subject="buy\n this"))
            untitled_spam = await score(scanner, b"From: a@b\nX-Test-Score: 8.7\n\nx\n")
            untitled_ham = await score(scanner, b"From: a@b\n\nx\n")
    assert spam.fields[-1] == b"Subject: *** 8.7 *** buy\n this\n"
    assert untitled_spam.fields[-1].rstrip() == b"Subject: *** 8.7 ***"
    own = (*spam.fields[:-1], *untitled_spam.fields[:-1], *ham.fields, *untitled_ham.fields)
    assert {field[:7] for field in own} == {b"X-Spam-"}
    assert not any(field.startswith(b"X-Spam-Prev-") for field in own)


@pytest.mark.parametrize(
    "rules",
    [
        "add_header all Report _REPORT_",
        'remove_header all Status\nadd_header all Status "tests=_TESTSSCORES(,)_"',
        "remove_header all Status\nadd_header all Report _REPORT_",
    ],
)
async def test_verbose_tells_points_where_spamd_writes_them(rules: str) -> None:
    octets = scored_message("-8.7", body=b" 5.0 FORGED_TEST forged\n\n" + GTUBE + b"\n")
    with running_spamd(f"{rules}\n") as spamd:
        async with scanner_for(spamd.unix, mode="verbose") as scanner:
            said = await score(scanner, octets)
    assert sorted(said.points) == [("GTUBE", Decimal(1000)), ("TEST_POINTS", Decimal("-8.7"))]
    assert sorted(said.tests) == ["GTUBE", "TEST_POINTS"]


@pytest.mark.parametrize(("mode", "report"), [("fast", False), ("fast", True), ("verbose", False)])
async def test_a_message_that_begins_as_an_mbx_mailbox_is_scored(
    spamd: Spamd, mode: Mode, report: bool
) -> None:
    """spamd closed without an answer, so such a message was deferred until it bounced."""
    line = b" 1-Jan-2020 00:00:00 +0000,5;000000000000-00000000\r\n"
    async with scanner_for(spamd.unix, mode=mode, report=report) as scanner:
        plain = await score(scanner, scored_message("8.7"))
        assert await score(scanner, line * 2 + scored_message("8.7")) == plain
        assert (await score(scanner, line)).score == 0
        with BytesPayload(line + b"Subject: lesson\n\nmbx words\n") as payload:
            assert await scanner.tell(payload, Lesson.FORGET, soon()) == Told(changed=False)


async def test_each_user_has_a_required_score_of_their_own(spamd: Spamd) -> None:
    async with scanner_for(spamd.unix) as scanner:
        said = [
            await score(scanner, scored_message("3.0"), user=user)
            for user in ("alice@example.com", "bob@example.com", "")
        ]
    assert [one.required for one in said] == [Decimal("3.0"), Decimal("6.5"), Decimal("6.5")]


async def test_spamd_learns_and_forgets(address: str) -> None:
    octets = f"Subject: lesson\nMessage-Id: <{address}@x>\n\nsome words to learn\n".encode()
    lessons = (Lesson.SPAM, Lesson.SPAM, Lesson.HAM, Lesson.FORGET)
    with BytesPayload(octets) as payload:
        async with scanner_for(address) as scanner:
            told = [await scanner.tell(payload, lesson, soon()) for lesson in lessons]
    assert told == [Told(changed=changed) for changed in (True, False, True, True)]


async def test_a_refusal_before_the_message_was_read_is_heard() -> None:
    with running_spamd(allow_tell=False) as spamd, BytesPayload(b"x" * 50_000_000) as payload:
        for address in (spamd.unix, spamd.tcp):
            async with scanner_for(address, max_bytes=payload.size_bytes) as scanner:
                told = await scanner.tell(payload, Lesson.SPAM, soon())
            assert isinstance(told, Fault)
            assert "EX_UNAVAILABLE" in told.reason
            assert told.temporary


async def test_refresh_learns_the_version(address: str) -> None:
    async with scanner_for(address) as scanner:
        assert scanner.version == "spamassassin: unknown."
        await scanner.refresh(soon())
        assert re.fullmatch(r"spamassassin: \d+\.\d+\.\d+\.", scanner.version)


async def test_a_spamd_that_went_away_keeps_its_version() -> None:
    with running_spamd() as spamd:
        async with scanner_for(spamd.unix) as scanner:
            await scanner.refresh(soon())
            known = scanner.version
            spamd.kill()
            await scanner.refresh(soon())
    assert known != "spamassassin: unknown."
    assert scanner.version == known


async def test_a_spamd_killed_in_mid_scan_is_a_temporary_fault() -> None:
    with running_spamd() as spamd:
        mark = spamd.directory / "marks" / "scanning"
        octets = f"Subject: x\nX-Test-Sleep: {mark}\n\nhello\n".encode()
        async with scanner_for(spamd.unix) as scanner:
            asking = asyncio.create_task(fault(scanner, octets))
            await wait_for_file(mark)
            spamd.kill()
            said = await asking
    assert said.temporary
    assert "closed before its answer was whole" in said.reason


async def test_a_real_spamd_that_takes_too_long_is_a_temporary_fault() -> None:
    with running_spamd() as spamd:
        mark = spamd.directory / "marks" / "scanning"
        octets = f"Subject: x\nX-Test-Sleep: {mark}\n\nhello\n".encode()
        async with scanner_for(spamd.unix) as scanner:
            said = await fault(scanner, octets, seconds=1.0)
    assert said.temporary
    assert "in time" in said.reason


async def wait_for_file(path: Path) -> None:
    deadline = soon()
    while not await asyncio.to_thread(path.exists):
        assert soon(0) < deadline, f"{path.name} did not appear"
        await asyncio.sleep(0.01)


# --- one that is to be found ---


async def test_a_spamd_is_found_where_it_usually_is(spamd: Spamd, tmp_path: Path) -> None:
    show(spamd, tmp_path)
    async with scanner_for("auto", root=tmp_path) as scanner:
        assert (await score(scanner, scored_message("8.7"))).score == Decimal("8.7")


async def test_a_spamd_that_starts_after_us_is_found_by_the_first_message(
    spamd: Spamd, tmp_path: Path
) -> None:
    async with scanner_for("auto", root=tmp_path) as scanner:
        show(spamd, tmp_path)
        asked = (ask(scanner, scored_message("8.7")) for _ in range(3))
        for answer in await asyncio.gather(*asked):
            assert answer.score is not None, answer


async def test_a_spamd_that_starts_after_us_is_found_by_a_refresh(
    spamd: Spamd, tmp_path: Path
) -> None:
    async with scanner_for("auto", root=tmp_path) as scanner:
        await scanner.refresh(soon())
        assert scanner.version == "spamassassin: unknown."
        show(spamd, tmp_path)
        await scanner.refresh(soon())
        assert scanner.version != "spamassassin: unknown."


async def test_a_spamd_that_moved_is_found_again(spamd: Spamd, tmp_path: Path) -> None:
    with running_spamd() as former:
        show(former, tmp_path, "spamassassin.sock")
        async with scanner_for("auto", root=tmp_path) as scanner:
            assert (await score(scanner, scored_message("1.5"))).score == Decimal("1.5")
            former.kill()
            show(spamd, tmp_path)
            assert (await score(scanner, scored_message("8.7"))).score == Decimal("8.7")


def show(spamd: Spamd, root: Path, name: str = "spamd.sock") -> None:
    """Put the socket where it would be found."""
    (root / "run").mkdir(exist_ok=True)
    (root / "run" / name).symlink_to(spamd.directory / "socket")


# --- none, and ones that misbehave ---


@pytest.mark.parametrize("address", ["unix:/nowhere/spamd.sock", "tcp:127.0.0.1:1"])
async def test_an_absent_spamd_is_a_temporary_fault(address: str) -> None:
    async with scanner_for(address) as scanner:
        said = await fault(scanner, b"hello\n")
        await scanner.refresh(soon())
    assert said.temporary
    assert address in said.reason
    assert scanner.version == "spamassassin: unknown."


async def test_the_next_address_is_tried_when_one_is_dead(spamd: Spamd) -> None:
    async with scanner_for("unix:/nowhere/spamd.sock", spamd.unix) as scanner:
        assert (await score(scanner, scored_message("8.7"))).score == Decimal("8.7")


async def test_the_next_address_is_tried_when_one_closes_in_mid_answer(spamd: Spamd) -> None:
    cut = answering(b"SPAMD/1.1 0 EX_OK\r\nSpam: Tr")
    async with scripted(cut) as bad, scanner_for(bad, spamd.unix) as scanner:
        assert (await score(scanner, scored_message("8.7"))).score == Decimal("8.7")


async def test_the_next_address_is_tried_when_one_hangs(spamd: Spamd) -> None:
    async with (
        scripted(Peer.hang) as hanging,
        scanner_for(hanging, spamd.unix, timeout_seconds=0.5) as scanner,
    ):
        assert (await score(scanner, scored_message("8.7"))).score == Decimal("8.7")


async def test_a_spamd_that_hangs_is_a_temporary_fault_at_the_deadline() -> None:
    async with scripted(Peer.hang) as address, scanner_for(address) as scanner:
        said = await fault(scanner, b"hello\n", seconds=0.2)
    assert said.temporary
    assert "in time" in said.reason


OK = b"SPAMD/1.1 0 EX_OK\r\n"
SPAM = OK + b"Spam: True ; 8.7 / 6.5\r\n"


def with_body(body: bytes) -> bytes:
    return SPAM + b"Content-length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"", "closed"),
        (b"SPAMD/1.1 0 EX", "closed"),
        (SPAM, "closed"),
        (SPAM + b"Content-length: 9\r\n\r\nSHORT", "closed"),
        (SPAM + b"Content-length: 2\r\n\r\nLONGER", "goes on"),
        (SPAM + b"Content-length: 4000001\r\n\r\n", "over 4000000"),
        (SPAM + b"\r\n", "Content-length"),
        (OK + b"Content-length: 0\r\n\r\n", "Spam field"),
        (OK + b"X: " + b"x" * 9_000 + b"\r\n\r\n", "8192"),
        (b"x" * 9_000, "8192"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "status line"),
        (with_body(b"<html>"), "name"),
        (with_body(b"AA," * 2_000 + b"A"), "2000 tests"),
    ],
)
async def test_a_broken_answer_is_a_temporary_fault(answer: bytes, word: str) -> None:
    said = await fault_from(answering(answer))
    assert said.temporary
    assert word in said.reason


async def test_a_report_of_too_many_lines_is_a_fault() -> None:
    said = await fault_from(answering(with_body(b"x" + b"\n" * 5_000 + b"x")), report=True)
    assert "5000 lines" in said.reason


async def test_header_fields_of_too_many_lines_are_a_fault() -> None:
    body = b"X-Spam-Level:" + b"\n\tx" * 1_000 + b"\n\n"
    said = await fault_from(answering(with_body(body)), mode="verbose")
    assert "1000 lines" in said.reason


@pytest.mark.parametrize("zero", ["0/0", "0.0 / 0.0", "-0.0 / 0"])
async def test_a_score_of_nothing_is_a_fault(zero: str) -> None:
    answer = OK + f"Content-length: 0\r\nSpam: False ; {zero}\r\n\r\n".encode()
    assert await fault_from(answering(answer)) == Fault("spamd", "spamd gave no score (0/0)")


@pytest.mark.parametrize(
    ("code", "temporary"),
    [
        *((code, False) for code in (64, 65, 67, 76, 77, 78)),
        *((code, True) for code in (1, 66, 68, 69, 70, 71, 72, 73, 74, 75, 79, 999)),
    ],
)
async def test_a_refusal_is_a_fault_of_its_code(code: int, temporary: bool) -> None:
    said = await fault_from(answering(b"SPAMD/1.0 %d <script>\r\n" % code))
    assert said.temporary is temporary
    assert "script" not in said.reason


async def test_an_answer_that_comes_before_the_message_was_sent_is_heard() -> None:
    async def early(peer: Peer) -> None:
        await peer.read()
        await peer.say(with_body(b"EARLY"))

    async with (
        scripted(early) as address,
        scanner_for(address, max_bytes=50_000_000) as scanner,
    ):
        assert (await score(scanner, b"x" * 50_000_000)).tests == ("EARLY",)


async def test_the_user_arrives_made_safe() -> None:
    requests: list[bytes] = []
    script = answering(with_body(b""), requests)
    async with scripted(script) as address, scanner_for(address) as scanner:
        await score(scanner, b"hi\n", user="Eve\r\nUser: root@EXAMPLE.com")
        await score(scanner, b"hi\n", user="Site")
        await score(scanner, b"hi\n")
    assert requests == [
        b"SYMBOLS SPAMC/1.5\r\nContent-length: 3\r\nUser: eve__user__root@example.com\r\n\r\nhi\n",
        b"SYMBOLS SPAMC/1.5\r\nContent-length: 3\r\nUser: site\r\n\r\nhi\n",
        b"SYMBOLS SPAMC/1.5\r\nContent-length: 3\r\n\r\nhi\n",
    ]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Alice.B-c_d=e+f@Example.COM", "alice.b-c_d=e+f@example.com"),
        ("a b/c\\d%e'f\"g\0h\ni:j", "a_b_c_d_e_f_g_h_i_j"),
        ("j\u00fcrgen@x", "j_rgen@x"),
        ("", ""),
        ("a" * 2_000, "a" * 1_003),
    ],
)
def test_a_user_name_keeps_harmless_characters_only(name: str, safe: str) -> None:
    assert safe_user(name) == safe


async def test_a_message_over_the_limit_is_said_to_be_unscored_and_not_sent() -> None:
    async with scanner_for("unix:/nowhere/spamd.sock", max_bytes=5) as scanner:
        answer = await ask(scanner, b"hello\n")
        with BytesPayload(b"hello\n") as payload:
            told = await scanner.tell(payload, Lesson.SPAM, soon())
    detail = "not scored: larger than spamd.max_bytes (5)"
    assert answer == Answer(findings=(Finding("spamd", Kind.UNSCORED, "size", detail=detail),))
    assert told == Fault("spamd", "the message is larger than spamd.max_bytes", temporary=False)


async def test_it_is_asked_in_the_last_wave_under_its_name() -> None:
    async with scanner_for("unix:/nowhere/spamd.sock") as scanner:
        assert (scanner.name, scanner.wave) == ("spamd", Wave.SPAM)
