"""Recipients with settings of their own: who is asked how often, and what each group is told."""

from base64 import encodebytes
from collections.abc import Mapping, Sequence

from mailwarden.pipeline.examine import Examination
from mailwarden.pipeline.options import path_options
from mailwarden.settings.model import Settings
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import Kind
from support.archives import zip_archive
from support.arrivals import (
    AWAY,
    CLEAN,
    INFECTED,
    ScriptedScanner,
    arrival_of,
    examine,
    scored,
    settings_of,
    spam_scanner,
)
from support.samples import multipart

MESSAGE = b"From: ann@sender.example\nSubject: Hello\n\nbody\n"
SITE, OTHER, THIRD = b"bob@site.example", b"eve@other.example", b"ann@third.example"
BAD_FORM = b"From: a@b.example\nMIME-Version: 1.0\nContent-Type: text/html\0\n\n<p>x\n"


def profiles(**overrides: Mapping[str, object]) -> list[dict[str, object]]:
    """A profile for each domain `<name>.example`."""
    return [{"match": [f"{name}.example"], **said} for name, said in overrides.items()]


async def look(
    raw: bytes,
    settings: Settings,
    *scanners: ScriptedScanner,
    recipients: Sequence[bytes] = (SITE, OTHER),
) -> Examination:
    arrival = arrival_of(raw, recipients=recipients)
    return await examine(arrival, settings=settings, scanners=scanners)


def dispositions(found: Examination) -> dict[bytes, str]:
    return {
        address: share.record.decision.disposition.word
        for share in found.shares
        for address in share.record.arrival.envelope.recipients
    }


def kinds(found: Examination, address: bytes) -> set[Kind]:
    return {
        finding.kind
        for share in found.shares
        if address in share.record.arrival.envelope.recipients
        for finding in share.record.report.findings
    }


async def test_each_scanner_is_asked_once_whatever_the_number_of_groups() -> None:
    settings = settings_of(
        profile=profiles(other={"spam": {"subject": "x "}}, third={"spam": {"subject": "y "}})
    )
    clamd, spamd = ScriptedScanner(CLEAN), spam_scanner(scored("1"))
    found = await look(MESSAGE, settings, clamd, spamd, recipients=(SITE, OTHER, THIRD))
    assert len(found.shares) == 3
    assert (len(clamd.questions), len(spamd.questions)) == (1, 1)


async def test_recipients_with_the_same_settings_are_one_group_in_order() -> None:
    settings = settings_of(profile=profiles(other={"spam": {"subject": "x "}}))
    recipients = (SITE, OTHER, b"joe@site.example", b"sue@OTHER.example")
    found = await look(MESSAGE, settings, recipients=recipients)
    groups = [share.record.arrival.envelope.recipients for share in found.shares]
    assert groups == [(SITE, b"joe@site.example"), (OTHER, b"sue@OTHER.example")]


async def test_each_scoring_user_is_asked_for_once() -> None:
    settings = settings_of(
        spam={"user": "site"},
        profile=profiles(other={"spam": {"user": "lodger"}}, third={"spam": {"user": "site"}}),
    )
    spamd = spam_scanner(scored("1"))
    await look(MESSAGE, settings, spamd, recipients=(SITE, OTHER, THIRD))
    assert [question.user for question in spamd.questions] == ["site", "lodger"]


async def test_one_recipient_is_scored_by_its_own_address_and_several_by_the_groups_user() -> None:
    settings = settings_of(spam={"user": "all", "user_is_recipient": True})
    spamd = spam_scanner(scored("1"))
    await look(MESSAGE, settings, spamd, recipients=(SITE,))
    await look(MESSAGE, settings, spamd, recipients=(SITE, OTHER))
    assert [question.user for question in spamd.questions] == ["bob@site.example", "all"]


async def test_a_message_to_thousands_of_scoring_users_asks_spamd_some_fifty_times() -> None:
    users = {f"p{number}": {"spam": {"user": f"user{number}"}} for number in range(2_000)}
    settings = settings_of(
        spam={"user": "site", "quarantine_above": 1}, profile=profiles(site={}, **users)
    )
    spamd = spam_scanner(scored("9"))
    recipients = tuple(f"bob@{name}.example".encode() for name in users)
    found = await look(MESSAGE, settings, spamd, recipients=recipients)
    asked = [question.user for question in spamd.questions]
    assert asked == [f"user{number}" for number in range(50)] + ["site"]
    assert set(dispositions(found).values()) == {"quarantine"}


async def test_nobody_is_scored_when_one_group_makes_all_wait() -> None:
    settings = settings_of(profile=profiles(other={"scanners": ["spamd"]}))
    spamd = spam_scanner(scored("1"))
    found = await look(MESSAGE, settings, ScriptedScanner(AWAY), spamd)
    assert not spamd.questions
    assert dispositions(found) == {SITE: "defer", OTHER: "accept"}


async def test_who_does_not_want_a_scanner_is_not_told_what_it_found() -> None:
    settings = settings_of(profile=profiles(other={"scanners": ["spamd"]}))
    found = await look(MESSAGE, settings, ScriptedScanner(INFECTED), spam_scanner(scored("9")))
    assert dispositions(found) == {SITE: "quarantine", OTHER: "tag"}
    assert found.shares[1].record.report.asked == ("spamassassin: 4.0.1.",)


async def test_text_alone_is_not_shown_to_virus_scanners_where_that_is_wanted() -> None:
    settings = settings_of(viruses={"skip_text_only": True})
    clamd = ScriptedScanner(INFECTED)
    assert dispositions(await look(MESSAGE, settings, clamd)) == {SITE: "accept", OTHER: "accept"}
    attached = multipart(b"Content-Disposition: attachment; filename=a.dat\n\ntext\n")
    assert dispositions(await look(attached, settings, clamd))[SITE] == "quarantine"
    assert len(clamd.questions) == 1


async def test_text_is_shown_to_virus_scanners_when_one_group_wants_it() -> None:
    settings = settings_of(profile=profiles(other={"viruses": {"skip_text_only": True}}))
    found = await look(MESSAGE, settings, ScriptedScanner(INFECTED))
    assert dispositions(found) == {SITE: "quarantine", OTHER: "accept"}


async def test_a_virus_to_delete_is_deleted_by_a_piece_of_its_name_in_any_case() -> None:
    settings = settings_of(profile=profiles(other={"viruses": {"delete": ["EICAR"]}}))
    found = await look(MESSAGE, settings, ScriptedScanner(INFECTED))
    assert dispositions(found) == {SITE: "quarantine", OTHER: "delete"}


async def test_a_narrower_limit_on_unpacking_is_a_finding_for_that_group_alone() -> None:
    limits = {"unpacking": {"unpacked_bytes": 1_000}, "dispositions": {"over_limit": "quarantine"}}
    files = {"unpacking": {"files": 1}, "dispositions": {"over_limit": "quarantine"}}
    archive = zip_archive({"a.txt": b"a" * 900, "b.txt": b"b" * 900})
    raw = multipart(
        b"Content-Disposition: attachment; filename=a.zip\n"
        b"Content-Transfer-Encoding: base64\n\n" + encodebytes(archive)
    )
    settings = settings_of(profile=profiles(other=limits, third=files))
    found = await look(raw, settings, recipients=(SITE, OTHER, THIRD))
    assert dispositions(found) == {SITE: "accept", OTHER: "quarantine", THIRD: "quarantine"}


async def test_a_smaller_message_limit_is_for_that_group_alone_and_ends_its_questions() -> None:
    small = {"limits": {"message_bytes": 10}, "dispositions": {"oversize": "quarantine"}}
    settings = settings_of(profile=profiles(other=small))
    found = await look(MESSAGE, settings, ScriptedScanner(INFECTED))
    assert kinds(found, SITE) == {Kind.VIRUS}
    assert kinds(found, OTHER) == {Kind.OVERSIZE}


async def test_structure_and_attachment_rules_are_each_groups_own() -> None:
    lax = {"structure": {"enabled": False}, "attachments": {"forbidden_extensions": []}}
    settings = settings_of(profile=profiles(other=lax))
    found = await look(BAD_FORM, settings)
    assert kinds(found, SITE) == {Kind.MALFORMED}
    assert kinds(found, OTHER) == set()
    raw = multipart(b"Content-Disposition: attachment; filename=a.vbs\n\nx = 1\n")
    found = await look(raw, settings)
    assert dispositions(found) == {SITE: "quarantine", OTHER: "accept"}


async def test_who_wants_nobody_to_look_does_not_wait_for_who_looks_inside() -> None:
    nobody = {
        "scanners": [],
        "attachments": {"forbidden_extensions": [], "default_rules": False},
    }
    archive = encodebytes(zip_archive({"a.txt": b"a"}))
    raw = multipart(
        b"Content-Disposition: attachment; filename=a.zip\n"
        b"Content-Transfer-Encoding: base64\n\n" + archive
    )
    settings = settings_of(profile=profiles(other=nobody))
    options = path_options(settings)
    assert [options.for_recipient(one).looks_inside for one in (SITE, OTHER)] == [True, False]
    found = await look(raw, settings, recipients=(OTHER,))
    assert found.record.files == ()
    found = await look(raw, settings, recipients=(SITE,))
    assert found.record.files


async def test_the_record_of_the_message_is_led_by_the_most_severe_group() -> None:
    settings = settings_of(profile=profiles(other={"dispositions": {"virus": "tag"}}))
    recipients = (OTHER, SITE)
    found = await look(MESSAGE, settings, ScriptedScanner(INFECTED), recipients=recipients)
    record = found.record
    assert record.decision.disposition is Disposition.QUARANTINE
    assert record.arrival.envelope.recipients == recipients
    assert len(record.shares) == 2
