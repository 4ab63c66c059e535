"""Deciding: the most severe wins, localhost is never rejected, the same facts decide the same."""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.verdict.arrival import Origin
from mailwarden.verdict.decide import Decision, Profile, Reason, decide, reason_key
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import Fault, Finding, Kind, Report, SpamScore
from mailwarden.verdict.thresholds import SpamPolicy

STRANGER = Origin({"TCPREMOTEIP": b"192.0.2.7"})
LOCAL = Origin({})
SECONDARY_MX = Origin({"TCPREMOTEIP": b"192.0.2.7", "SA_ONLYDELETE_HOST": b""})

KINDS: tuple[Kind, ...] = tuple(Kind)
# As many kinds with a disposition of their own as there are dispositions.
ONE_OF_EACH = dict(zip(KINDS, Disposition, strict=False))
KIND_ASKING = {disposition: kind for kind, disposition in ONE_OF_EACH.items()}
SPAM = SpamPolicy(Decimal(2), Decimal(4), reject=True)
PROFILE = Profile({**dict.fromkeys(KINDS, Disposition.TAG), **ONE_OF_EACH}, spam=SPAM)


def finding_asking(disposition: Disposition) -> Finding:
    return Finding("check", KIND_ASKING[disposition], disposition.word)


def score_of(points: int) -> SpamScore:
    return SpamScore("spamd", Decimal(points), Decimal(5))


FINDINGS = st.builds(Finding, by=st.just("check"), kind=st.sampled_from(KINDS), name=st.text("ab"))
FAULTS = st.builds(Fault, by=st.sampled_from(("clamd", "spamd", "other")), reason=st.just("away"))
SCORES = st.none() | st.builds(score_of, st.integers(0, 12))
REPORTS = st.builds(
    Report,
    findings=st.lists(FINDINGS, max_size=4).map(tuple),
    faults=st.lists(FAULTS, max_size=3).map(tuple),
    score=SCORES,
)
ORIGINS = st.sampled_from((STRANGER, LOCAL, SECONDARY_MX))
PROFILES = st.builds(
    Profile,
    on_finding=st.fixed_dictionaries({kind: st.sampled_from(Disposition) for kind in KINDS}),
    on_fault=st.dictionaries(st.sampled_from(("clamd", "spamd")), st.sampled_from(Disposition)),
    spam=st.just(SPAM),
)


def test_nothing_found_is_accepted_without_a_reason() -> None:
    assert decide(Report(), PROFILE, STRANGER) == Decision(Disposition.ACCEPT)
    assert decide(Report(), PROFILE, STRANGER).main is None


@pytest.mark.parametrize(("one", "other"), list(product(Disposition, repeat=2)))
def test_of_two_findings_the_more_severe_wins_in_either_order(
    one: Disposition, other: Disposition
) -> None:
    report = Report(findings=(finding_asking(one), finding_asking(other)))
    decision = decide(report, PROFILE, STRANGER)
    assert decision.disposition is max(one, other)
    assert decision.main
    assert decision.main.disposition is max(one, other)


@pytest.mark.parametrize(
    ("points", "asked"),
    [
        (4, Disposition.ACCEPT),
        (5, Disposition.TAG),
        (8, Disposition.QUARANTINE),
        (10, Disposition.REJECT),
    ],
)
@pytest.mark.parametrize("other", Disposition)
def test_the_spam_score_is_one_voice_among_the_findings(
    points: int, asked: Disposition, other: Disposition
) -> None:
    report = Report(findings=(finding_asking(other),), score=score_of(points))
    assert decide(report, PROFILE, STRANGER).disposition is max(asked, other)


@pytest.mark.parametrize("asked", Disposition)
def test_a_fault_asks_for_what_its_scanner_says(asked: Disposition) -> None:
    profile = replace(PROFILE, on_fault={"clamd": asked, "spamd": Disposition.ACCEPT})
    report = Report(faults=(Fault("clamd", "away"),))
    assert decide(report, profile, STRANGER).disposition is asked


@pytest.mark.parametrize("on_fault", [{}, {"clamd": Disposition.ACCEPT}])
def test_the_fault_of_a_scanner_that_nobody_named_defers(
    on_fault: Mapping[str, Disposition],
) -> None:
    report = Report(faults=(Fault("newcomer", "away", temporary=False),))
    profile = replace(PROFILE, on_fault=on_fault)
    assert decide(report, profile, STRANGER).disposition is Disposition.DEFER


@pytest.mark.parametrize("origin", [LOCAL, SECONDARY_MX])
def test_who_is_never_rejected_has_findings_quarantined_and_spam_deleted(origin: Origin) -> None:
    found = Report(findings=(finding_asking(Disposition.REJECT),))
    assert decide(found, PROFILE, origin).disposition is Disposition.QUARANTINE
    assert decide(Report(score=score_of(10)), PROFILE, origin).disposition is Disposition.DELETE


@given(REPORTS, PROFILES, st.sampled_from((LOCAL, SECONDARY_MX)))
def test_nothing_whatever_rejects_localhost_or_a_secondary_mx(
    report: Report, profile: Profile, origin: Origin
) -> None:
    lenient = {
        name: asked for name, asked in profile.on_fault.items() if asked is not Disposition.REJECT
    }
    decision = decide(report, replace(profile, on_fault=lenient), origin)
    assert decision.disposition is not Disposition.REJECT


def test_an_unscored_message_is_tagged_so_that_a_header_says_it() -> None:
    report = Report(findings=(Finding("spamd", Kind.UNSCORED, "size"),))
    profile = replace(PROFILE, on_finding={Kind.UNSCORED: Disposition.TAG})
    assert decide(report, profile, STRANGER).disposition is Disposition.TAG


def test_every_cause_is_among_the_reasons_the_most_severe_first() -> None:
    mild, severe = finding_asking(Disposition.TAG), finding_asking(Disposition.QUARANTINE)
    fault, score = Fault("clamd", "away"), score_of(4)
    decision = decide(Report((mild, severe), (fault,), score=score), PROFILE, STRANGER)
    assert [reason.cause for reason in decision.reasons] == [severe, fault, mild, score]


def test_a_virus_is_the_main_reason_before_the_name_of_its_attachment() -> None:
    name = Finding("attachments", Kind.POLICY, "extension-com")
    virus = Finding("clamd", Kind.VIRUS, "Eicar-Test-Signature")
    both = dict.fromkeys(KINDS, Disposition.QUARANTINE)
    decision = decide(Report((name, virus)), Profile(both), STRANGER)
    assert [reason.cause for reason in decision.reasons] == [virus, name]


@pytest.mark.parametrize(
    ("cause", "key"),
    [
        (Finding("clamd", Kind.VIRUS, "Eicar"), "virus:Eicar"),
        (Finding("other", Kind.VIRUS, "Eicar", "1.2", "x.exe"), "virus:Eicar"),
        (Finding("unpack", Kind.OVER_LIMIT, "depth"), "over-limit:depth"),
        (Fault("clamd", "away"), "fault:clamd"),
        (score_of(9), "spam"),
    ],
)
def test_a_reason_has_the_same_key_when_it_is_found_again(
    cause: Finding | Fault | SpamScore, key: str
) -> None:
    assert reason_key(cause) == key


def test_what_was_released_is_not_caught_again_for_the_same_reason() -> None:
    virus, policy = Finding("clamd", Kind.VIRUS, "Eicar"), finding_asking(Disposition.QUARANTINE)
    profile = Profile(dict.fromkeys(KINDS, Disposition.QUARANTINE), spam=SPAM)
    released = frozenset({"virus:Eicar", "spam"})
    decision = decide(Report((virus,), score=score_of(12)), profile, STRANGER, released)
    assert decision.disposition is Disposition.ACCEPT
    assert decision.reasons == (
        Reason(virus, Disposition.ACCEPT, released=True),
        Reason(score_of(12), Disposition.ACCEPT, released=True),
    )
    caught = decide(Report((virus, policy)), profile, STRANGER, released)
    assert caught.disposition is Disposition.QUARANTINE
    assert caught.main == Reason(policy, Disposition.QUARANTINE)


@pytest.mark.parametrize("name", ["eicar", "Eicar ", "Eicar-2", "", "Eicar\nspam"])
def test_another_name_is_another_reason(name: str) -> None:
    report = Report((Finding("clamd", Kind.VIRUS, name),))
    profile = Profile(dict.fromkeys(KINDS, Disposition.QUARANTINE))
    decision = decide(report, profile, STRANGER, frozenset({"virus:Eicar"}))
    assert decision.disposition is Disposition.QUARANTINE


@given(REPORTS, PROFILES, ORIGINS, st.frozensets(st.sampled_from(("virus:a", "spam"))))
def test_the_same_facts_and_settings_give_the_same_decision(
    report: Report, profile: Profile, origin: Origin, released: frozenset[str]
) -> None:
    again = replace(report, findings=tuple(replace(finding) for finding in report.findings))
    assert decide(report, profile, origin, released) == decide(again, profile, origin, released)


@given(REPORTS, PROFILES, ORIGINS, st.data())
def test_the_order_of_findings_changes_no_disposition(
    report: Report, profile: Profile, origin: Origin, data: st.DataObject
) -> None:
    shuffled = replace(report, findings=tuple(data.draw(st.permutations(report.findings))))
    disposition = decide(report, profile, origin).disposition
    assert decide(shuffled, profile, origin).disposition is disposition


@given(REPORTS, PROFILES, ORIGINS, FINDINGS, FAULTS, st.frozensets(st.sampled_from(("virus:a",))))
def test_one_more_finding_or_fault_never_makes_it_milder(
    report: Report,
    profile: Profile,
    origin: Origin,
    finding: Finding,
    fault: Fault,
    released: frozenset[str],
) -> None:
    disposition = decide(report, profile, origin, released).disposition
    found = replace(report, findings=(*report.findings, finding))
    failed = replace(report, faults=(*report.faults, fault))
    assert decide(found, profile, origin, released).disposition >= disposition
    assert decide(failed, profile, origin, released).disposition >= disposition


@given(REPORTS, PROFILES, ORIGINS)
def test_releasing_a_reason_never_makes_it_more_severe(
    report: Report, profile: Profile, origin: Origin
) -> None:
    decision = decide(report, profile, origin)
    released = frozenset(reason.key for reason in decision.reasons)
    assert decide(report, profile, origin, released).disposition is Disposition.ACCEPT


def test_a_kind_without_a_disposition_is_our_bug_and_not_clean() -> None:
    with pytest.raises(KeyError):
        decide(Report((Finding("x", Kind.VIRUS, "y"),)), Profile({}), STRANGER)


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("W32/MyDoom-A", Disposition.DELETE),
        ("Worm.mydoom.M", Disposition.DELETE),
        ("W32/Netsky-P", Disposition.QUARANTINE),
    ],
)
def test_a_virus_on_the_list_is_deleted_by_any_piece_of_its_name(
    name: str, disposition: Disposition
) -> None:
    asked = dict.fromkeys(Kind, Disposition.QUARANTINE)
    profile = Profile(asked, deleted_viruses=("mydoom",))
    for kind, expected in ((Kind.VIRUS, disposition), (Kind.POLICY, Disposition.QUARANTINE)):
        report = Report((Finding("clamd", kind, name),))
        assert decide(report, profile, Origin()).disposition is expected


def test_a_monitored_policy_finding_is_recorded_and_blocks_nothing() -> None:
    asked = dict.fromkeys(Kind, Disposition.QUARANTINE)
    profile = Profile(asked, monitored=re.compile("card number", re.IGNORECASE))
    seen = Finding("rules", Kind.POLICY, "dlp-1", detail="Card numbers may not leave")
    decision = decide(Report((seen,)), profile, Origin())
    assert decision.disposition is Disposition.ACCEPT
    assert [reason.key for reason in decision.reasons] == ["policy:dlp-1"]
    for other in (replace(seen, detail="x"), replace(seen, kind=Kind.VIRUS)):
        assert decide(Report((other,)), profile, Origin()).disposition is Disposition.QUARANTINE
