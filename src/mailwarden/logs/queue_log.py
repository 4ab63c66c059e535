"""qmail-queue.log: what became of messages, as much of it as the settings want; facts 4.6.

    <RFC 2822 date>:<pid>: <text>

The process is the client's, as the descriptive header names it (`Process <pid>`), so that `grep`
finds a message's lines. Those that are counted (`mailwarden report`, the original's log-report.sh)
have one shape:

    <date>:<pid>: <verb>: name="<name>" from="<sender>" to="<recipients>" score="<s/r>"

`important` writes these alone, `minidebug` also a message's first and last line, `debug`
everything that is known, each line behind the original's prefix for that step.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Literal, assert_never

from mailwarden.logs.facts import (
    date_text,
    event_name,
    hit_tests,
    recipients_text,
    shares_of,
)
from mailwarden.logs.line_values import field, quoted
from mailwarden.pipeline.writing import result_string
from mailwarden.verdict.decide import Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record, explain_cause
from mailwarden.verdict.report import Fault, Finding, SpamScore
from mailwarden.verdict.thresholds import is_spam

QueueLogLevel = Literal["important", "minidebug", "debug"]

_VERBS = {
    Disposition.REJECT: "rejecting",
    Disposition.TAG: "tagging",
    Disposition.QUARANTINE: "quarantining",
    Disposition.DELETE: "deleting",
    Disposition.DEFER: "deferring",
}
# Checks of our own, which the original's internal scanner stands for; others have their names.
_OWN_CHECKS = frozenset({"attachments", "structure", "limits"})
_PERLSCAN = "p_s"
_PREFIXES = {**dict.fromkeys(_OWN_CHECKS, _PERLSCAN), "unpack": "d_m"}
_RECIPIENTS_CHARACTERS = 5_000
_TESTS_CHARACTERS = 10_000
# The first ones; the record has more.
_LISTED = 50
_NAME_CHARACTERS = 200


def queue_lines(
    record: Record, outcome: str, level: QueueLogLevel, *, spam_debug: bool
) -> Iterator[str]:
    """The lines of one message, without their ends; `outcome` is what the door did."""
    pid = record.arrival.origin.pid
    before = f"{date_text(record.arrival.at)}:{pid}: "
    after = f"{date_text(record.arrival.at + record.seconds)}:{pid}: "
    begin, found, end = _told(record, outcome, level, spam_debug=spam_debug)
    yield from (before + text for text in begin)
    yield from (after + text for text in found)
    yield from (after + text for text in _events(record))
    yield from (after + text for text in end)


Texts = Iterable[str]


def _told(
    record: Record, outcome: str, level: QueueLogLevel, *, spam_debug: bool
) -> tuple[Texts, Texts, Texts]:
    """What a level tells of the beginning, of what was found, and of the end."""
    match level:
        case "important":
            return (), (), ()
        case "minidebug":
            return (_first(record),), (), (_last(record),)
        case "debug":
            begin = (_first(record), *_arrived(record))
            return begin, _found(record, spam_debug=spam_debug), (*_left(outcome), _last(record))
        case _:
            assert_never(level)


def _events(record: Record) -> Iterator[str]:
    """What is counted; a message that is delivered as it came is no event."""
    for share in shares_of(record):
        if verb := _VERBS.get(share.decision.disposition):
            yield (
                f"{verb}: name={quoted(event_name(share))}"
                f" from={quoted(share.arrival.envelope.sender)}"
                f" to={quoted(recipients_text(share), _RECIPIENTS_CHARACTERS)}"
                f" score={quoted(_score_text(share.report.score))}"
            )


def _score_text(score: SpamScore | None) -> str:
    return f"{score.score:f}/{score.required:f}" if score else ""


def _first(record: Record) -> str:
    origin = record.arrival.origin
    return f"+++ starting debugging for process {origin.pid} by uid={origin.uid}"


def _last(record: Record) -> str:
    results = dict.fromkeys(field(result_string(share)) for share in shares_of(record))
    total = f"total time {record.seconds:.6f} secs"
    return f"cleanup: {' '.join(results)} id {record.arrival.id}, {total}"


def _arrived(record: Record) -> Iterator[str]:
    arrival = record.arrival
    origin = arrival.origin
    if "TCPREMOTEIP" in origin.variables:
        yield f"w_c: via SMTP from {field(origin.address)} ({field(origin.host)})"
    else:
        yield f"w_c: via local process {origin.pid}"
    yield (
        f"w_c: {arrival.size_bytes} bytes, subject is {quoted(record.subject)},"
        f" message-id is {quoted(record.message_id)}"
    )
    yield (
        f"g_e_h: return-path is {quoted(arrival.envelope.sender)},"
        f" recips is {quoted(recipients_text(record), _RECIPIENTS_CHARACTERS)}"
    )
    for name, size in record.files[:_LISTED]:
        yield f"d_m: unpacked {quoted(name, _NAME_CHARACTERS)}, {size} bytes"
    if record.crypto:
        yield f"d_m: signed or encrypted: {field(record.crypto)}"


def _found(record: Record, *, spam_debug: bool) -> Iterator[str]:
    """What was asked and answered; of groups with settings of their own, each."""
    shares = shares_of(record)
    asked = dict.fromkeys(chain.from_iterable(share.report.asked for share in shares))
    yield f"ini_sc: {field(' '.join(asked)) or 'no scanner was asked'}"
    yield from dict.fromkeys(
        chain.from_iterable(_answers(share, spam_debug=spam_debug) for share in shares)
    )
    for share in shares:
        yield from (_reason(reason, share) for reason in islice(share.decision.reasons, _LISTED))


def _answers(share: Record, *, spam_debug: bool) -> Iterator[str]:
    report = share.report
    causes: tuple[Finding | Fault, ...] = (*report.findings[:_LISTED], *report.faults[:_LISTED])
    for cause in causes:
        yield f"{_prefix(cause)}: {field(explain_cause(cause))}"
    for odd in report.anomalies[:_LISTED]:
        yield f"{_PERLSCAN}: {odd.code} in part {quoted(odd.part)}"
    if report.score:
        yield f"SA: {_score_text(report.score)}, {'spam' if is_spam(report.score) else 'no spam'}"
        if spam_debug:
            yield f"SA: tests {field(hit_tests(report.score), _TESTS_CHARACTERS)}"


def _prefix(cause: Finding | Fault) -> str:
    return _PREFIXES.get(cause.by, field(cause.by))


def _reason(reason: Reason, share: Record) -> str:
    asks = "forgiven by a release" if reason.released else f"asks for {reason.disposition.word}"
    to = quoted(recipients_text(share), _RECIPIENTS_CHARACTERS)
    return f"scanloop: {field(reason.key)} {asks}, to {to}"


def _left(outcome: str) -> Iterator[str]:
    if outcome == "client-gone":
        yield "q_s_c: the client went away, it has not heard what was decided"
    else:
        yield "q_s_c: the client is still there"
    if outcome == "handed-over":
        yield "q_r: handed over to qmail-queue"
