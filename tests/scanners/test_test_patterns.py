import asyncio
from decimal import Decimal

import pytest

from mailwarden.ports.scanner import Question, Scanner, Wave
from mailwarden.scanners import test_patterns
from mailwarden.verdict.arrival import Arrival, Origin
from mailwarden.verdict.report import Answer, Kind
from mailwarden.wire.envelope import Envelope
from support import samples
from support.payload import BytesPayload


async def ask(scanner: Scanner, raw: bytes) -> Answer:
    envelope = Envelope(b"ann@sender.example", (b"bob@recipient.example",))
    arrival = Arrival("1", envelope, Origin(), raw, len(raw), at=0.0)
    with BytesPayload(raw) as payload:
        return await scanner.scan(
            Question(arrival, payload), asyncio.get_running_loop().time() + 10
        )


def test_both_are_one_scanner_in_the_settings_and_ask_in_their_waves() -> None:
    virus: Scanner = test_patterns.TestPatternScanner()
    spam: Scanner = test_patterns.TestPatternSpamScanner()
    assert (virus.name, virus.wave) == ("test-patterns", Wave.VIRUS)
    assert (spam.name, spam.wave) == ("test-patterns", Wave.SPAM)
    assert virus.version == spam.version == "test-patterns: 1."


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (samples.eicar(), "2"),
        (samples.clean(body=test_patterns.EICAR), ""),
        (samples.clean(subject=test_patterns.EICAR), ""),
        (samples.multipart(samples.text_part(test_patterns.EICAR)), "1"),
    ],
)
async def test_the_test_virus_is_found_wherever_it_is(raw: bytes, part: str) -> None:
    answer = await ask(test_patterns.TestPatternScanner(), raw)
    assert [
        (finding.by, finding.kind, finding.name, finding.part) for finding in answer.findings
    ] == [("test-patterns", Kind.VIRUS, "Eicar-Test-Signature", part)]


async def test_other_mail_has_no_virus() -> None:
    for raw in (samples.clean(), samples.gtube(), samples.forbidden_attachment(), b""):
        assert await ask(test_patterns.TestPatternScanner(), raw) == Answer()


async def test_a_message_that_is_not_read_to_its_end_is_never_clean() -> None:
    answer = await ask(test_patterns.TestPatternScanner(), samples.nested(100))
    assert [(finding.kind, finding.name) for finding in answer.findings] == [
        (Kind.OVER_LIMIT, "depth")
    ]


async def test_the_test_spam_scores_a_thousand_of_five() -> None:
    for raw in (samples.gtube(), samples.with_attachment(b"a.txt", test_patterns.GTUBE)):
        score = (await ask(test_patterns.TestPatternSpamScanner(), raw)).score
        assert score is not None
        assert (score.score, score.required, score.tests) == (
            Decimal(1000),
            Decimal(5),
            ("GTUBE",),
        )


async def test_other_mail_scores_nothing() -> None:
    score = (await ask(test_patterns.TestPatternSpamScanner(), samples.eicar())).score
    assert score is not None
    assert (score.score, score.required) == (Decimal(0), Decimal(5))


async def test_there_is_nothing_to_refresh_or_close() -> None:
    for scanner in (test_patterns.TestPatternScanner(), test_patterns.TestPatternSpamScanner()):
        await scanner.refresh(0.0)
        await scanner.close()
