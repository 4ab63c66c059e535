"""The errands that follow from a message: who is told, and what is forwarded for learning."""

from collections.abc import Mapping
from itertools import count

from mailwarden.pipeline.examine import Examination
from mailwarden.pipeline.telling import errands_about, redelivery
from mailwarden.settings.model import Settings
from mailwarden.verdict.errand import Errand, ErrandKind
from support.arrivals import (
    CLEAN,
    INFECTED,
    STRANGER,
    ScriptedScanner,
    arrival_of,
    examine,
    scored,
    settings_of,
    spam_scanner,
)
from support.records import record_of

MESSAGE = b"From: ann@sender.example\nSubject: Hello\n\nbody\n"
ADMIN = "admin@recipient.example"
LOCAL: Mapping[str, bytes] = {**STRANGER, "RELAYCLIENT": b""}


def errands(found: Examination, settings: Settings) -> list[Errand]:
    return list(errands_about(found.record, found.header, settings, count(1)))


async def virus_errands(
    variables: Mapping[str, bytes] = STRANGER, **notices: object
) -> list[Errand]:
    settings = settings_of(notices={"admin": ADMIN, **notices})
    arrival = arrival_of(MESSAGE, variables=variables)
    found = await examine(arrival, settings=settings, scanners=(ScriptedScanner(INFECTED),))
    return errands(found, settings)


async def test_the_administrator_is_told_of_a_virus_with_all_that_a_notice_needs() -> None:
    (errand,) = await virus_errands(language="de_DE", admin_name="Antivirus MYDOMAIN")
    assert (errand.kind, errand.recipient) == (ErrandKind.NOTICE, ADMIN)
    assert errand.topic == "virus:Eicar-Test-Signature"
    content = errand.content
    assert content["audience"] == "admin"
    assert content["language"] == "de_DE"
    assert content["admin_name"] == "Antivirus MYDOMAIN"
    assert content["header"] == "From: ann@sender.example\nSubject: Hello\n"
    record = content["record"]
    assert isinstance(record, dict)
    assert record["reason"] == "virus:Eicar-Test-Signature"


async def test_without_an_administrator_nobody_is_told() -> None:
    assert await virus_errands(admin="") == []


async def test_each_audience_is_an_errand_with_an_id_of_its_own() -> None:
    told = await virus_errands(LOCAL, notify=["all"])
    assert {errand.content["audience"] for errand in told} == {"sender", "recipients", "admin"}
    assert len({errand.id for errand in told}) == 3


async def test_a_clean_message_is_nobodys_news() -> None:
    settings = settings_of(notices={"admin": ADMIN, "notify": ["all"]})
    found = await examine(MESSAGE, settings=settings, scanners=(ScriptedScanner(CLEAN),))
    assert errands(found, settings) == []


async def spam_errands(score: str, **spam: object) -> list[Errand]:
    said = {"quarantine_above": 1, "delete_above": 4, "forward": "learn@recipient.example", **spam}
    settings = settings_of(spam=said)
    found = await examine(MESSAGE, settings=settings, scanners=(spam_scanner(scored(score)),))
    return errands(found, settings)


async def test_quarantined_spam_is_forwarded_and_no_other() -> None:
    (errand,) = await spam_errands("7")
    assert (errand.kind, errand.recipient) == (ErrandKind.FORWARD, "learn@recipient.example")
    assert errand.content["fields"] == ""
    assert await spam_errands("5.5") == []
    assert await spam_errands("9.5") == []
    assert await spam_errands("7", forward="") == []


async def test_the_spam_fields_are_forwarded_where_that_is_wanted() -> None:
    (errand,) = await spam_errands("7", forward_verbose=True)
    assert errand.content["fields"] == (
        "X-Spam-Status: Yes, score=7 required=5\nX-Spam-Level: *******\n"
    )


def test_a_copy_is_queued_again_by_its_id_in_quarantine() -> None:
    record = record_of("20261122-154500-k3f9q2ab-q1")
    errand = redelivery(record)
    assert errand.kind is ErrandKind.REDELIVER
    assert errand.content == {"kept_as": record.kept_as}
