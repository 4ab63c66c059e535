r"""What is written on a delivered message: edits only, nothing else changes by a byte.

On top, in this order (facts 4.1): Received, X-Spam-Status, X-Spam-Level, X-Spam-Report, our own
fields, and a subject for spam that has none; in place: the subject's tag, and X-Spam fields that
came with the message, renamed.

    Received: from <host> by <our host> (envelope-from <sender>, uid <n>) with qmail-scanner-...
     (<scanner: version.> ...
     <result string>
     Processed in <seconds> secs); 02 May 2007 17:10:37 -0000

SpamAssassin knows this shape by `with qmail-scanner` and at most 100 characters in the first
parentheses (Mail::SpamAssassin::Message::Metadata::Received).
"""

import time
from collections.abc import Iterable, Iterator

from mailwarden import __version__
from mailwarden.message.edits import Edit, insert
from mailwarden.message.field_text import (
    address_text,
    comment_text,
    host_text,
    plain_text,
    unstructured_text,
)
from mailwarden.message.headers import Field, Header
from mailwarden.settings.model import Settings
from mailwarden.verdict.decide import Reason
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Record
from mailwarden.verdict.report import Fault, Finding, Kind, SpamScore
from mailwarden.verdict.scoring import is_scored
from mailwarden.verdict.thresholds import Level, is_spam, level_of

# SpamAssassin looks no further than this into the first parentheses of the Received field.
_COMMENT_CHARACTERS = 100
# SpamAssassin's own cap on X-Spam-Level.
_MOST_STARS = 50
_FOLD_COLUMN = 76
# An IPv6 address with its scope; and SpamAssassin's own limit on the name of a test.
_IP_CHARACTERS = 64
_TEST_CHARACTERS = 128
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A sentence for people, well below the 998 of a line (RFC 5322 2.1.1).
_WARNING_CHARACTERS = 200
# More never fit: the field is cut (`message.field_text`), and a message may have thousands.
_SHOWN_RECIPIENTS = 100
# Enough for any report; a rule set that says more says it in spamd's own log.
_REPORT_LINES = 200


# Spam that is not delivered is an event, as a virus is; who counts `Clear` must not count it.
_SPAM_EVENTS = {
    Disposition.QUARANTINE: "SPAM-QUARANTINED",
    Disposition.REJECT: "SPAM-REJECTED",
    Disposition.DELETE: "SPAM-DELETED",
}


def edits_for(record: Record, header: Header, settings: Settings) -> tuple[Edit, ...]:
    """All edits that a decision asks for, against the message's own bytes.

    `record` is of one group of recipients, `settings` are theirs, `header` is the message's own.
    """
    end_of_line = _end_of_line(record)
    on_top = b"".join(_fields_on_top(record, header, settings))
    edits = [
        insert(0, on_top.replace(b"\n", end_of_line)),
        *_subject_edits(record, header, settings),
        *_renamed_edits(record, header, settings),
    ]
    return tuple(edit for edit in edits if edit.octets or edit.start != edit.end)


def result_string(record: Record) -> str:
    """`<verdict>:RC:<0|1>(<client ip>):SA:<0|1>(<score>/<required>):.` (facts 4.1, 4.5)."""
    origin, score = record.arrival.origin, record.report.score
    relay = f"RC:{int(origin.is_relay_client)}({host_text(origin.address)[:_IP_CHARACTERS]})"
    if score:
        points = f"{score.score:f}/{score.required:f}"
        return f"{_verdict(record)}:{relay}:SA:{int(is_spam(score))}({points}):."
    skipped = any(finding.kind is Kind.UNSCORED for finding in record.report.findings)
    return f"{_verdict(record)}:{relay}:{'SA:0(?/?):' if skipped else ''}."


def _verdict(record: Record) -> str:
    """`Clear` only when everything was looked at and nothing was there; else the first cause."""
    for reason in record.decision.reasons:
        match reason.cause:
            case Fault():
                return "Unscanned"
            case Finding(kind=kind) if kind is not Kind.UNSCORED:
                return "Released" if reason.released else _event(reason.cause)
            case SpamScore() if reason.disposition in _SPAM_EVENTS:
                # What was done, not what was asked for: other groups may have settled it.
                return f"SA:{_SPAM_EVENTS.get(record.decision.disposition, 'SPAM-DEFERRED')}"
            case _:
                continue
    return "Clear"


def _event(finding: Finding) -> str:
    """`CLAMD:Eicar`; of a rule its description, as the original wrote it (facts 4.5)."""
    is_rule = finding.kind is Kind.POLICY and finding.detail
    words = comment_text(finding.detail if is_rule else finding.name).replace(":", ",")
    return f"{finding.by.upper()}:{words[:_WARNING_CHARACTERS]}"


def _fields_on_top(record: Record, header: Header, settings: Settings) -> Iterator[bytes]:
    """Whole fields with LF."""
    score = record.report.score
    if settings.headers.received:
        yield _received(record, settings).encode("ascii")
    if score and score.fields:
        yield from _taken_over(score.fields, header)
    elif score:
        yield spam_fields(score, settings).encode("ascii")
    yield "".join(_own_fields(record, settings)).encode("ascii")
    if _is_tagged(score, settings) and not header.first(b"subject"):
        yield b"Subject: " + _subject_tag(record, settings).rstrip() + b"\n"


def _own_fields(record: Record, settings: Settings) -> Iterator[str]:
    prefix = settings.headers.prefix
    for reason in record.decision.reasons:
        yield from _warning(reason, prefix)
    if settings.headers.descriptive != "no":
        yield from _descriptive(record, settings)


def _received(record: Record, settings: Settings) -> str:
    origin = record.arrival.origin
    return (
        f"Received: from {host_text(origin.host)} by {host_text(settings.headers.hostname)}"
        f" ({_who(record)}) with qmail-scanner-mailwarden-{__version__} \n"
        f" ({comment_text(' '.join(record.report.asked))} \n"
        f" {result_string(record)} \n"
        f" Processed in {record.seconds:.6f} secs); {_date(record.arrival.at)}\n"
    )


def _who(record: Record) -> str:
    sender = address_text(record.arrival.envelope.sender)
    who = f"envelope-from <{sender}>, uid {record.arrival.origin.uid}"
    return who if len(who) <= _COMMENT_CHARACTERS else f"uid {record.arrival.origin.uid}"


def _date(at: float) -> str:
    # Not strftime: its month names follow the locale.
    moment = time.gmtime(at)
    month = _MONTHS[moment.tm_mon - 1]
    clock = f"{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02}"
    return f"{moment.tm_mday:02} {month} {moment.tm_year} {clock} -0000"


def spam_fields(score: SpamScore, settings: Settings) -> str:
    """The X-Spam fields that say what a score means, whole, with LF."""
    return "".join(_spam_fields(score, settings))


def _spam_fields(score: SpamScore, settings: Settings) -> Iterator[str]:
    answer = "Yes" if is_spam(score) else "No"
    tests = ",".join(address_text(test)[:_TEST_CHARACTERS] for test in score.tests)
    status = f"{answer}, score={score.score:f} required={score.required:f}"
    yield _folded(f"X-Spam-Status: {status} tests={tests}" if tests else f"X-Spam-Status: {status}")
    if score.score >= 1:
        yield f"X-Spam-Level: {'*' * min(int(score.score), _MOST_STARS)}\n"
    if settings.spam.report and is_spam(score) and score.text:
        lines = score.text.splitlines()[:_REPORT_LINES]
        yield "X-Spam-Report:" + "".join(f"\n\t{_report_line(line)}" for line in lines) + "\n"


def _report_line(line: str) -> str:
    # A continuation line of blanks alone would end the header for some readers.
    return plain_text(line).rstrip() or "."


def _folded(field: str) -> str:
    """Fold a long list of tests after commas, as SpamAssassin does."""
    lines = [""]
    for word in field.replace(",", ",\0").split("\0"):
        if lines[-1] and len(lines[-1]) + len(word) > _FOLD_COLUMN:
            lines.append("")
        lines[-1] += word
    return "\n\t".join(lines) + "\n"


def _warning(reason: Reason, prefix: str) -> Iterator[str]:
    """What asked for a tag without being spam says so in a field of its own."""
    if reason.disposition is not Disposition.TAG:
        return
    match reason.cause:
        case Fault():
            why = f"{reason.cause.by}: {reason.cause.reason}"
            yield f"{prefix}-Unscanned: {plain_text(why, _WARNING_CHARACTERS)}\n"
        case Finding(kind=Kind.UNSCORED):
            why = f"{reason.cause.by}: {reason.cause.name}"
            yield f"{prefix}-Unscored: {plain_text(why, _WARNING_CHARACTERS)}\n"
        case Finding():
            yield f"{prefix}-Found: {plain_text(reason.key, _WARNING_CHARACTERS)}\n"
        case SpamScore():
            return


def _descriptive(record: Record, settings: Settings) -> Iterator[str]:
    prefix, envelope = settings.headers.prefix, record.arrival.envelope
    via = host_text(settings.headers.hostname)
    yield f"{prefix}-Mail-From: {address_text(envelope.sender)} via {via}\n"
    if settings.headers.descriptive == "all":
        shown = envelope.recipients[:_SHOWN_RECIPIENTS]
        recipients = ",".join(address_text(address) for address in shown)
        yield f"{prefix}-Rcpt-To: {plain_text(recipients)}\n"
    processed = f"Processed in {record.seconds:.6f} secs Process {record.arrival.origin.pid}"
    yield f"{prefix}: {__version__} ({result_string(record)} {processed})\n"
    yield f"{prefix}-Id: {record.arrival.id}\n"


def _taken_over(fields: Iterable[bytes], header: Header) -> Iterator[bytes]:
    """The fields that spamd wrote itself ('verbose'); a subject where the message has none."""
    for field in fields:
        if not _is_subject(field) or not header.first(b"subject"):
            yield field


def _subject_edits(record: Record, header: Header, settings: Settings) -> Iterator[Edit]:
    """Tag every subject, or put spamd's own in place of the first ('verbose')."""
    score, subjects = record.report.score, header.all(b"subject")
    if score and score.fields:
        new = next(filter(_is_subject, score.fields), None)
        if new and subjects:
            yield _replaced_subject(record, subjects[0], new)
    elif _is_tagged(score, settings):
        tag = _subject_tag(record, settings)
        for subject in subjects:
            yield _tagged(record, subject, tag)


def _is_tagged(score: SpamScore | None, settings: Settings) -> bool:
    """Spam whose subject is ours to tag: spamd did not write its own fields."""
    return bool(score and not score.fields and is_spam(score) and settings.spam.subject.strip())


def _subject_tag(record: Record, settings: Settings) -> bytes:
    """`SPAM *** LOW ` with its closing blank."""
    score = record.report.score
    level = level_of(score, settings.spam.delta) if score else None
    word = settings.spam.levels[list(Level).index(level)] if level else ""
    text = settings.spam.subject + word
    if text.isascii():
        return unstructured_text(text.rstrip()) + b" "
    # The blank between two encoded words is not shown (RFC 2047 section 6.2): ours stands inside.
    return unstructured_text(text.rstrip() + " ") + b" "


def _tagged(record: Record, subject: Field, tag: bytes) -> Edit:
    """Put the tag right before the subject's text, or before the fold that precedes it."""
    value = record.arrival.raw[subject.value_start : subject.end]
    blanks = len(value) - len(value.lstrip(b" \t"))
    text = value[blanks:]
    if text[:1] in (b"\r", b"\n", b""):
        return insert(subject.value_start, b" " + tag.rstrip())
    return insert(subject.value_start + blanks, tag if blanks else b" " + tag)


def _replaced_subject(record: Record, subject: Field, field: bytes) -> Edit:
    return Edit(subject.start, subject.end, field.replace(b"\n", _end_of_line(record)))


def _renamed_edits(record: Record, header: Header, settings: Settings) -> list[Edit]:
    """Move X-Spam fields aside that we did not write, so that nobody's filter is fooled."""
    if not (settings.scores_spam and is_scored(record.arrival.origin)):
        return []
    moved = f"{settings.headers.prefix}-MOVED-".encode("ascii")
    return [
        insert(field.start, moved)
        for field in header.fields
        if field.name.lower().startswith(b"x-spam-")
    ]


def _is_subject(field: bytes) -> bool:
    return field.partition(b":")[0].rstrip(b" \t").lower() == b"subject"


def _end_of_line(record: Record) -> bytes:
    raw = record.arrival.raw
    first = raw.find(b"\n")
    return b"\r\n" if first > 0 and raw[first - 1 : first] == b"\r" else b"\n"
