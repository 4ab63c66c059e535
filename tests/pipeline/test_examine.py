"""Looking at a message: who is asked, when, and what their answers come to."""

import asyncio
import threading
import time
from base64 import encodebytes
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailwarden.pipeline.examine import Examination
from mailwarden.ports.scanner import Wave
from mailwarden.settings.model import Settings
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.release_mark import make_mark
from mailwarden.verdict.report import Answer, Fault, Finding, Kind
from support.archives import zip_archive
from support.arrivals import (
    AT,
    AWAY,
    CLEAN,
    INFECTED,
    RELEASE_KEY,
    SENDER,
    STRANGER,
    ScriptedScanner,
    arrival_of,
    examine,
    scored,
    settings_of,
    spam_scanner,
)
from support.samples import multipart

MESSAGE = b"From: ann@sender.example\nSubject: =?utf-8?q?H=C3=A9llo?=\n\nbody\n"
FORBIDDEN = multipart(b'Content-Disposition: attachment; filename="a.exe"\n\nMZ\n')
BOUNCE = b"From: MAILER-DAEMON@mx.sender.example\nSubject: failure notice\n\nSorry.\n"
LOCAL: dict[str, bytes] = {}
EICAR_KEY = "virus:Eicar-Test-Signature"


def keys_of(found: Examination) -> list[str]:
    return [reason.key for reason in found.record.decision.reasons]


def with_parts(count: int) -> bytes:
    return multipart(*[b"Content-Type: text/plain\n\nx\n"] * count)


async def is_scored(
    raw: bytes,
    settings: Settings | None = None,
    *,
    variables: Mapping[str, bytes] = STRANGER,
    sender: bytes = SENDER,
) -> bool:
    """Whether spamd is asked about a message that everybody else finds clean."""
    spamd = spam_scanner(scored("0"))
    arrival = arrival_of(raw, variables=variables, sender=sender)
    await examine(arrival, settings=settings, scanners=(ScriptedScanner(CLEAN), spamd))
    return bool(spamd.questions)


async def test_a_clean_message_is_accepted_and_everything_that_was_asked_is_named() -> None:
    scanners = ScriptedScanner(CLEAN), spam_scanner(scored("1"))
    found = await examine(MESSAGE, scanners=scanners)
    record = found.record
    assert record.decision.disposition is Disposition.ACCEPT
    assert record.report.asked == ("clamdscan: 1.4.6/27.", "spamassassin: 4.0.1.")
    assert record.subject == "Héllo"
    assert record.seconds >= 0
    assert [field.name for field in found.header.fields] == [b"From", b"Subject"]


async def test_each_scanner_is_asked_once_about_the_very_message() -> None:
    scanners = ScriptedScanner(CLEAN), ScriptedScanner(CLEAN, name="b"), spam_scanner(scored("1"))
    arrival = arrival_of(MESSAGE)
    await examine(arrival, scanners=scanners)
    for scanner in scanners:
        (question,) = scanner.questions
        assert question.arrival is arrival
        assert question.payload.chunk(0, 1_000) == MESSAGE


async def test_virus_scanners_are_asked_together() -> None:
    barrier = asyncio.Barrier(3)
    scanners = [ScriptedScanner(CLEAN, meeting=barrier) for _ in range(3)]
    async with asyncio.timeout(10):  # one after the other, they would wait for ever
        await examine(MESSAGE, scanners=scanners)


async def test_the_answers_are_joined_in_the_order_of_the_settings_not_of_the_answers() -> None:
    first_may_answer = asyncio.Event()

    class Late(ScriptedScanner):
        async def scan(self, question: object, deadline: float) -> Answer:
            await first_may_answer.wait()
            return Answer((Finding("late", Kind.POLICY, "late"),))

    class Early(ScriptedScanner):
        async def scan(self, question: object, deadline: float) -> Answer:
            first_may_answer.set()
            return Answer((Finding("early", Kind.POLICY, "early"),))

    scanners = Late(CLEAN, version="late: 1."), Early(CLEAN, version="early: 1.")
    found = await examine(MESSAGE, scanners=scanners)
    assert [finding.by for finding in found.record.report.findings] == ["late", "early"]
    assert found.record.report.asked == ("late: 1.", "early: 1.")


async def test_a_version_that_two_scanners_share_is_named_once() -> None:
    both = [ScriptedScanner(CLEAN, wave, version="test-patterns: 1.") for wave in Wave]
    found = await examine(MESSAGE, scanners=both)
    assert found.record.report.asked == ("test-patterns: 1.",)


@pytest.mark.parametrize(
    ("raw", "answer", "settings"),
    [
        (MESSAGE, INFECTED, settings_of()),
        (MESSAGE, INFECTED, settings_of(dispositions={"virus": "reject"})),
        (MESSAGE, INFECTED, settings_of(dispositions={"virus": "delete"})),
        (MESSAGE, AWAY, settings_of()),
        (MESSAGE, AWAY, settings_of(clamd={"on_fault": "quarantine"})),
        (FORBIDDEN, CLEAN, settings_of()),
    ],
)
async def test_what_is_already_decided_is_not_scored(
    raw: bytes, answer: Answer, settings: Settings
) -> None:
    spamd = spam_scanner(scored("1"))
    found = await examine(raw, settings=settings, scanners=(ScriptedScanner(answer), spamd))
    assert not spamd.questions
    assert found.record.decision.disposition >= Disposition.DEFER
    assert "spamassassin: 4.0.1." not in found.record.report.asked


@pytest.mark.parametrize("on_fault", ["tag", "accept"])
async def test_what_a_score_can_still_change_is_scored(on_fault: str) -> None:
    spamd = spam_scanner(scored("9", "5", "GTUBE"))
    settings = settings_of(clamd={"on_fault": on_fault}, spam={"quarantine_above": 3})
    found = await examine(MESSAGE, settings=settings, scanners=(ScriptedScanner(AWAY), spamd))
    assert keys_of(found) == ["spam", "fault:clamd"]
    assert found.record.decision.disposition is Disposition.QUARANTINE


async def test_virus_scanners_are_asked_even_when_the_checks_have_decided() -> None:
    clamd = ScriptedScanner(INFECTED)
    found = await examine(FORBIDDEN, scanners=(clamd,))
    assert clamd.questions
    assert keys_of(found) == ["virus:Eicar-Test-Signature", "policy:extension-exe"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (STRANGER, True),
        ({**STRANGER, "RELAYCLIENT": b""}, False),
        ({**STRANGER, "RELAYCLIENT": b"", "QS_SPAMASSASSIN": b"on"}, True),
        (LOCAL, False),
        ({"QS_SPAMASSASSIN": b"on"}, True),
    ],
)
async def test_our_own_mail_is_scored_only_when_asked(
    variables: dict[str, bytes], expected: bool
) -> None:
    assert await is_scored(MESSAGE, variables=variables) is expected


@pytest.mark.parametrize(
    ("raw", "sender", "skip_bounces", "expected"),
    [
        (BOUNCE, b"", True, False),
        (BOUNCE, b"", False, True),
        (BOUNCE, b"ann@sender.example", True, True),
        (MESSAGE, b"", True, True),
        (b"Subject: no From\n\nMAILER-DAEMON\n", b"", True, True),
        (b"From: ann@sender.example\n" + BOUNCE, b"", True, True),
    ],
)
async def test_a_bounce_is_skipped_when_it_is_one_and_the_setting_says_so(
    raw: bytes, sender: bytes, skip_bounces: bool, expected: bool
) -> None:
    settings = settings_of(spam={"skip_bounces": skip_bounces})
    assert await is_scored(raw, settings, sender=sender) is expected


async def test_a_skipped_bounce_is_scanned_for_viruses_all_the_same() -> None:
    clamd = ScriptedScanner(INFECTED)
    settings = settings_of(spam={"skip_bounces": True})
    found = await examine(arrival_of(BOUNCE, sender=b""), settings=settings, scanners=(clamd,))
    assert found.record.decision.disposition is Disposition.QUARANTINE


async def test_of_two_scores_the_one_further_above_its_limit_counts_in_either_order() -> None:
    high, low = spam_scanner(scored("9", "8")), spam_scanner(scored("10", "20"))
    for scanners in ((high, low), (low, high)):
        found = await examine(MESSAGE, scanners=scanners)
        assert found.record.report.score == scored("9", "8").score
        assert found.record.decision.disposition is Disposition.TAG


async def test_a_scanner_that_raises_is_a_bug_and_not_a_clean_message() -> None:
    scanners = ScriptedScanner(CLEAN), ScriptedScanner(RuntimeError("a bug"))
    with pytest.raises(ExceptionGroup) as caught:
        await examine(MESSAGE, scanners=scanners)
    assert caught.group_contains(RuntimeError, match="a bug")


async def test_a_bug_ends_the_scanners_that_are_still_at_work() -> None:
    ended = asyncio.Event()

    class Endless(ScriptedScanner):
        async def scan(self, question: object, deadline: float) -> Answer:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.set()
            return CLEAN

    with pytest.raises(ExceptionGroup):
        await examine(MESSAGE, scanners=(Endless(CLEAN), ScriptedScanner(RuntimeError("a bug"))))
    assert ended.is_set()


async def test_scanners_must_be_done_before_the_message_is() -> None:
    clamd, spamd = ScriptedScanner(CLEAN), spam_scanner(scored("1"))
    before = asyncio.get_running_loop().time()
    await examine(MESSAGE, scanners=(clamd, spamd), seconds=60.0)
    for scanner in (clamd, spamd):
        (deadline,) = scanner.deadlines
        assert before + 50 < deadline < before + 60


async def test_a_fault_is_never_clean() -> None:
    fault = Answer(faults=(Fault("newcomer", "away", temporary=False),))
    found = await examine(MESSAGE, scanners=(ScriptedScanner(fault),))
    assert found.record.decision.disposition is Disposition.DEFER
    assert keys_of(found) == ["fault:newcomer"]


@pytest.mark.parametrize("variables", [STRANGER, {**STRANGER, "BMC_WHITELIST": b"on"}])
@pytest.mark.parametrize("enabled", [True, False])
async def test_a_limit_of_the_reader_is_a_finding_for_exempt_clients_too(
    variables: dict[str, bytes], enabled: bool
) -> None:
    settings = settings_of(limits={"parts": 5}, structure={"enabled": enabled})
    arrival = arrival_of(with_parts(20), variables=variables)
    found = await examine(arrival, settings=settings)
    assert keys_of(found) == ["over-limit:parts"]
    assert found.record.decision.disposition is Disposition.DEFER


@pytest.mark.parametrize(
    ("variables", "enabled", "expected"),
    [
        (STRANGER, True, Disposition.QUARANTINE),
        (STRANGER, False, Disposition.ACCEPT),
        ({**STRANGER, "BMC_WHITELIST": b"on"}, True, Disposition.ACCEPT),
        ({**STRANGER, "BMC_WHITELIST": b""}, True, Disposition.QUARANTINE),
    ],
)
async def test_broken_form_is_caught_unless_the_client_is_exempt(
    variables: dict[str, bytes], enabled: bool, expected: Disposition
) -> None:
    raw = b"MIME-Version: 1.0\nBad\x00Name: x\n\nbody\n"
    settings = settings_of(structure={"enabled": enabled})
    found = await examine(arrival_of(raw, variables=variables), settings=settings)
    assert found.record.decision.disposition is expected


async def test_a_message_over_the_limit_is_shown_to_nobody_and_rejected() -> None:
    clamd, spamd = ScriptedScanner(CLEAN), spam_scanner(scored("1"))
    settings = settings_of(limits={"message_bytes": 100, "memory_bytes": 50})
    arrival = arrival_of(MESSAGE, size_bytes=101)
    found = await examine(arrival, settings=settings, scanners=(clamd, spamd))
    assert keys_of(found) == ["oversize:message-size"]
    assert found.record.decision.disposition is Disposition.REJECT
    assert not clamd.questions
    assert not spamd.questions


async def test_a_message_of_exactly_the_limit_is_looked_at() -> None:
    clamd = ScriptedScanner(CLEAN)
    settings = settings_of(limits={"message_bytes": len(MESSAGE), "memory_bytes": 10})
    found = await examine(MESSAGE, settings=settings, scanners=(clamd,))
    assert clamd.questions
    assert found.record.decision.disposition is Disposition.ACCEPT


async def test_localhost_is_not_rejected_for_size_either() -> None:
    settings = settings_of(limits={"message_bytes": 10, "memory_bytes": 10})
    found = await examine(arrival_of(MESSAGE, variables=LOCAL), settings=settings)
    assert found.record.decision.disposition is Disposition.QUARANTINE


async def test_a_released_message_passes_and_says_what_was_forgiven() -> None:
    mark = make_mark(RELEASE_KEY, "a", [EICAR_KEY], MESSAGE, AT)
    found = await examine(mark + MESSAGE, scanners=(ScriptedScanner(INFECTED),))
    assert found.record.decision.disposition is Disposition.ACCEPT
    assert keys_of(found) == [EICAR_KEY]
    assert all(reason.released for reason in found.record.decision.reasons)


async def test_a_message_that_was_released_as_spam_is_not_scored_again() -> None:
    mark = make_mark(RELEASE_KEY, "a", ["spam"], MESSAGE, AT)
    scanner = spam_scanner(scored("90"))
    found = await examine(mark + MESSAGE, scanners=(scanner,))
    assert found.record.decision.disposition is Disposition.ACCEPT
    assert found.record.report.score is None


async def test_a_released_message_is_caught_for_another_reason() -> None:
    mark = make_mark(RELEASE_KEY, "a", ["spam"], MESSAGE, AT)
    found = await examine(mark + MESSAGE, scanners=(ScriptedScanner(INFECTED),))
    assert found.record.decision.disposition is Disposition.QUARANTINE


@pytest.mark.parametrize(
    "raw",
    [
        make_mark(b"x" * 32, "a", [EICAR_KEY], MESSAGE, AT) + MESSAGE,
        make_mark(RELEASE_KEY, "a", [EICAR_KEY], b"other", AT) + MESSAGE,
        b"X: y\n\n" + make_mark(RELEASE_KEY, "a", [EICAR_KEY], b"", AT) + MESSAGE,
        MESSAGE + make_mark(RELEASE_KEY, "a", [EICAR_KEY], b"", AT),
    ],
)
async def test_a_mark_that_is_not_this_messages_own_opens_nothing(raw: bytes) -> None:
    found = await examine(raw, scanners=(ScriptedScanner(INFECTED),))
    assert found.record.decision.disposition is Disposition.QUARANTINE


async def test_only_the_topmost_marks_are_believed_for_each_costs_a_digest() -> None:
    raw = make_mark(RELEASE_KEY, "a", [EICAR_KEY], MESSAGE, AT) + MESSAGE
    for forged, expected in ((2, Disposition.ACCEPT), (3, Disposition.QUARANTINE)):
        above = make_mark(b"x" * 32, "a", ["spam"], raw, AT) * forged
        found = await examine(above + raw, scanners=(ScriptedScanner(INFECTED),))
        assert found.record.decision.disposition is expected


@pytest.mark.parametrize(("size_bytes", "beside"), [(100_001, True), (100_000, False)])
async def test_only_large_messages_are_looked_at_beside_the_loop(
    size_bytes: int, beside: bool
) -> None:
    started = threading.Event()
    executor = ThreadPoolExecutor(initializer=started.set)
    asyncio.get_running_loop().set_default_executor(executor)
    found = await examine(MESSAGE.ljust(size_bytes, b"x"))
    assert found.record.decision.disposition is Disposition.ACCEPT
    assert started.is_set() is beside


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"\0", b"\r", b"no header", b"Subject:\n", b"Subject: \xff\xfe\n\n"]
)
async def test_a_message_with_no_form_is_looked_at_all_the_same(raw: bytes) -> None:
    clamd = ScriptedScanner(INFECTED)
    found = await examine(raw, scanners=(clamd,))
    assert found.record.decision.disposition is Disposition.QUARANTINE


async def test_a_subject_in_a_record_is_cut() -> None:
    found = await examine(b"Subject: " + b"a" * 10_000 + b"\n\n")
    assert found.record.subject == "a" * 200


async def test_the_time_that_it_took_is_the_clocks() -> None:
    started = time.monotonic()
    found = await examine(MESSAGE, scanners=(ScriptedScanner(CLEAN),))
    assert 0 <= found.record.seconds <= time.monotonic() - started


@pytest.mark.parametrize("limits", [{"unpacked_bytes": 10_000}, {"files": 1}])
async def test_a_limit_on_unpacking_that_is_hit_is_one_finding(limits: dict[str, int]) -> None:
    archive = zip_archive({"a.txt": b"a" * 9_000, "b.txt": b"b" * 9_000})
    raw = multipart(
        b"Content-Disposition: attachment; filename=a.zip\n"
        b"Content-Transfer-Encoding: base64\n\n" + encodebytes(archive)
    )
    found = await examine(raw, settings=settings_of(unpacking=limits))
    assert [one.kind for one in found.record.report.findings] == [Kind.OVER_LIMIT]
