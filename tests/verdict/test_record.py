"""What is remembered about a message, in the one shape for all who ask."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.message.anomalies import Anomaly
from mailwarden.verdict.decide import Decision, Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import (
    Record,
    bytes_of,
    explain_cause,
    join_records,
    record_json,
    text_of,
)
from mailwarden.verdict.report import Fault, Finding, Kind, Report, SpamScore
from support.arrivals import arrival_of

VIRUS = Finding("clamd", Kind.VIRUS, "Eicar", part="1.2", filename="x.com")
FAULT = Fault("spamd", "spamd is away")
SCORE = SpamScore(
    "spamd",
    Decimal("7.10"),
    Decimal(5),
    ("GTUBE", "BAYES_99"),
    "text",
    points=(("BAYES_99", Decimal("3.5")),),
)
# DESIGN section 7; what stands here beside it is ours.
DESIGNED = {
    "id", "disposition", "reason", "detail", "findings", "faults", "anomalies", "ambiguous", "spam",
    "recipients", "seconds",
}  # fmt: skip


def record_of(report: Report, *reasons: Reason, sender: bytes = b"a@b.example") -> Record:
    disposition = reasons[0].disposition if reasons else Disposition.ACCEPT
    arrival = arrival_of(b"x", sender=sender, recipients=(b"r1@b.example", b"r2@b.example"))
    return Record(arrival, report, Decision(disposition, reasons), "Hello", 0.25)


FULL = record_of(
    Report((VIRUS,), (FAULT,), (Anomaly("bare-cr", "1"),), SCORE, ("clamdscan: 1.4.6/27.",)),
    Reason(VIRUS, Disposition.QUARANTINE),
    Reason(FAULT, Disposition.DEFER),
    Reason(SCORE, Disposition.ACCEPT, released=True),
)


def test_a_record_says_all_that_the_design_asks_for() -> None:
    record = record_json(FULL)
    assert record.keys() >= DESIGNED
    assert record["disposition"] == "quarantine"
    assert record["reason"] == "virus:Eicar"
    assert record["detail"] == "clamd found virus Eicar in x.com"
    assert record["findings"] == [
        {"by": "clamd", "kind": "virus", "name": "Eicar", "part": "1.2", "filename": "x.com"}
    ]
    assert record["faults"] == [{"by": "spamd", "reason": "spamd is away", "temporary": True}]
    assert record["anomalies"] == [{"code": "bare-cr", "part": "1"}]
    assert record["ambiguous"] is True
    assert record["spam"] == {
        "by": "spamd",
        "score": 7.1,
        "required": 5.0,
        "tests": ["GTUBE", "BAYES_99"],
        "points": [["BAYES_99", 3.5]],
    }
    assert record["recipients"] == [
        {"address": "r1@b.example", "disposition": "quarantine"},
        {"address": "r2@b.example", "disposition": "quarantine"},
    ]
    assert record["reasons"] == [
        {"key": "virus:Eicar", "disposition": "quarantine", "released": False},
        {"key": "fault:spamd", "disposition": "defer", "released": False},
        {"key": "spam", "disposition": "accept", "released": True},
    ]


def share_of(address: bytes, disposition: Disposition, asked: Disposition) -> Record:
    reason = Reason(VIRUS, asked)
    record = record_of(Report((VIRUS,)), reason)
    envelope = replace(record.arrival.envelope, recipients=(address,))
    arrival = replace(record.arrival, envelope=envelope)
    return replace(record, arrival=arrival, decision=Decision(disposition, (reason,)))


def test_a_record_of_several_groups_is_led_by_the_most_severe_and_names_each_recipient() -> None:
    tagged = share_of(b"a@b.example", Disposition.TAG, Disposition.TAG)
    kept = share_of(b"c@d.example", Disposition.QUARANTINE, Disposition.QUARANTINE)
    record = record_json(join_records([tagged, kept]))
    assert record["disposition"] == "quarantine"
    assert record["recipients"] == [
        {"address": "a@b.example", "disposition": "tag"},
        {"address": "c@d.example", "disposition": "quarantine"},
    ]


def test_a_record_of_several_groups_says_what_was_found_for_any_of_them() -> None:
    policy = Finding("attachments", Kind.POLICY, "own-rule")
    first, second = (Reason(one, Disposition.QUARANTINE) for one in (VIRUS, policy))
    late = Reason(FAULT, Disposition.TAG)
    kept = record_of(Report((VIRUS,)), first)
    both = record_of(Report((policy, VIRUS), (FAULT,)), second, first, late)
    record = record_json(join_records([kept, both]))
    found, faults, reasons = record["findings"], record["faults"], record["reasons"]
    assert isinstance(found, list)
    assert isinstance(faults, list)
    assert isinstance(reasons, list)
    assert [one["name"] for one in found] == ["Eicar", "own-rule"]
    assert [one["by"] for one in faults] == ["spamd"]
    assert [one["key"] for one in reasons] == ["virus:Eicar", "policy:own-rule", "fault:spamd"]


def test_of_groups_that_are_equally_severe_one_leads_that_asked_for_it() -> None:
    waits = share_of(b"a@b.example", Disposition.DEFER, Disposition.ACCEPT)
    asked = share_of(b"c@d.example", Disposition.DEFER, Disposition.DEFER)
    for shares in ([waits, asked], [asked, waits]):
        assert join_records(shares).decision == asked.decision


def test_the_record_of_one_group_is_that_groups() -> None:
    share = share_of(b"a@b.example", Disposition.TAG, Disposition.TAG)
    assert join_records([share]) is share


def test_a_clean_message_has_no_reason_and_no_score() -> None:
    record = record_json(record_of(Report()))
    assert (record["disposition"], record["reason"], record["detail"]) == ("accept", "", "")
    assert record["spam"] is None
    assert record["ambiguous"] is False


def test_what_asks_for_nothing_is_no_reason() -> None:
    record = record_of(Report(score=SCORE), Reason(SCORE, Disposition.ACCEPT))
    assert (record.reason, record.detail) == ("", "")


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (Finding("x", Kind.POLICY, "n", detail="A sentence."), "A sentence."),
        (Finding("x", Kind.VIRUS, "n"), "x found virus n"),
        (Finding("x", Kind.VIRUS, "n", part="1.2"), "x found virus n in part 1.2"),
        (FAULT, "spamd could not answer: spamd is away (may work later)"),
        (Fault("x", "y", temporary=False), "x could not answer: y (needs you)"),
        (SCORE, "spamd gave 7.10 points where 5 make spam"),
    ],
)
def test_each_cause_has_a_sentence(cause: Finding | Fault | SpamScore, sentence: str) -> None:
    assert explain_cause(cause) == sentence


@given(st.binary())
def test_foreign_bytes_come_back_exactly_from_json(octets: bytes) -> None:
    assert bytes_of(json.loads(json.dumps(text_of(octets)))) == octets


@given(st.binary(max_size=20), st.text(max_size=20))
def test_any_record_is_json_on_one_line(sender: bytes, name: str) -> None:
    finding = Finding("check", Kind.POLICY, name, name, name, name)
    record = record_of(Report((finding,)), Reason(finding, Disposition.QUARANTINE), sender=sender)
    line = json.dumps(record_json(record))
    assert line.isascii()
    assert "\n" not in line


def test_what_ordinary_mail_has_makes_nothing_ambiguous() -> None:
    report = Report(anomalies=(Anomaly("multipart-unclosed", "1"),))
    record = record_json(record_of(report))
    assert record["anomalies"] == [{"code": "multipart-unclosed", "part": "1"}]
    assert record["ambiguous"] is False


def test_thousands_of_anomalies_leave_a_small_record() -> None:
    anomalies = tuple(Anomaly("cr-in-header", str(number)) for number in range(10_000))
    record = record_json(record_of(Report(anomalies=anomalies)))
    assert len(str(record)) < 20_000
