"""The errands that follow from a message: who is told, and what is forwarded for learning."""

import json
from collections.abc import Mapping

from mailwarden.pipeline.examine import Examination
from mailwarden.pipeline.telling import Told, errands_for, redelivery
from mailwarden.settings.model import Settings
from mailwarden.verdict.errand import Errand, ErrandKind
from mailwarden.verdict.report import Answer, Finding, Kind
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
    return list(errands_for([Told(found.record, settings)], found.header))


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


async def test_a_hundred_thousand_recipients_do_not_make_a_notice_large() -> None:
    recipients = tuple(b"u%d@recipient.example" % number for number in range(100_000))
    arrival = arrival_of(MESSAGE, recipients=recipients, variables=STRANGER)
    settings = settings_of(notices={"admin": ADMIN, "notify": ["all"]})
    found = await examine(arrival, settings=settings, scanners=(ScriptedScanner(INFECTED),))
    told = errands(found, settings)
    assert len(told) == 51
    assert sum(len(json.dumps(errand.content)) for errand in told) < 200_000
    record = told[0].content["record"]
    assert isinstance(record, dict)
    assert record["recipient_count"] == 100_000
    assert record["recipients"][0]["address"] == "u0@recipient.example"


async def test_a_thousand_findings_do_not_make_a_notice_large() -> None:
    findings = [Finding("clamd", Kind.VIRUS, f"Virus-{number}") for number in range(1_000)]
    settings = settings_of(notices={"admin": ADMIN})
    scanner = ScriptedScanner(Answer(tuple(findings)))
    found = await examine(arrival_of(MESSAGE), settings=settings, scanners=(scanner,))
    (errand,) = errands(found, settings)
    assert len(json.dumps(errand.content)) < 2_000
    record = errand.content["record"]
    assert isinstance(record, dict)
    assert record["reason"] == "virus:Virus-0"


async def test_without_an_administrator_nobody_is_told() -> None:
    assert await virus_errands(admin="") == []


async def test_each_audience_is_an_errand_with_an_id_of_its_own() -> None:
    told = await virus_errands(
        LOCAL, notify=["all"], local_domains=["sender.example", "recipient.example"]
    )
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


async def two_groups(*settings: Settings) -> list[Errand]:
    """Errands about a spam message for two recipients with settings of their own."""
    found = [
        await examine(
            arrival_of(MESSAGE, recipients=[b"u%d@recipient.example" % number]),
            settings=one,
            scanners=(spam_scanner(scored("7")),),
        )
        for number, one in enumerate(settings)
    ]
    shares = [Told(one.record, theirs) for one, theirs in zip(found, settings, strict=True)]
    return list(errands_for(shares, found[0].header))


async def test_two_groups_with_one_administrator_are_one_notice_that_names_both() -> None:
    spam = {"quarantine_above": 1}
    both = [
        settings_of(spam={**spam, "subject": subject}, notices={"admin": ADMIN})
        for subject in ("a", "b")
    ]
    (errand,) = await two_groups(*both)
    record = errand.content["record"]
    assert isinstance(record, dict)
    addresses = [one["address"] for one in record["recipients"]]
    assert addresses == ["u0@recipient.example", "u1@recipient.example"]


async def test_each_administrator_reads_of_their_own_recipients_alone() -> None:
    spam = {"quarantine_above": 1}
    both = [
        settings_of(spam=spam, notices={"admin": f"admin{number}@recipient.example"})
        for number in range(2)
    ]
    told = await two_groups(*both)
    assert [errand.recipient for errand in told] == [
        "admin0@recipient.example",
        "admin1@recipient.example",
    ]
    for errand in told:
        record = errand.content["record"]
        assert isinstance(record, dict)
        assert record["recipient_count"] == 1


async def test_the_second_group_s_forwarding_is_not_lost() -> None:
    plain = settings_of(spam={"quarantine_above": 1})
    learning = settings_of(spam={"quarantine_above": 1, "forward": "learn@recipient.example"})
    (errand,) = await two_groups(plain, learning)
    assert errand.kind is ErrandKind.FORWARD
