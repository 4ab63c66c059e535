"""The errands that follow from a message: notices to people, spam for who learns from it."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mailwarden.message.headers import Header
from mailwarden.pipeline.writing import spam_fields
from mailwarden.settings.model import Settings
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.errand import Errand, ErrandKind
from mailwarden.verdict.record import Json, Record, join_records, record_json, text_of
from mailwarden.verdict.report import SpamScore
from mailwarden.verdict.telling import NoticePolicy, whom_to_tell

# Enough of a header to see where a message came from; a notice shows no more.
_HEADER_BYTES = 4_000
# More than a notice shows. A message may have 100,000, and a notice for each of many people: with
# all of them in each, it would write hundreds of megabytes.
_RECIPIENTS = 20

# Of one message; a sender may name the recipients of thousands of administrators. Who comes after
# that is not told, as docs/how-to/notices.md says; the record has everybody.
_MOST_ERRANDS = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one group's copy, and the settings by which people are told of it."""

    record: Record
    settings: Settings

    @property
    def news(self) -> tuple[str, str, str]:
        """What is told as one: the same thing in the same copy, to the same administrator."""
        return self.record.reason, self.record.kept_as, self.settings.notices.admin


def errands_for(shares: Sequence[Told], header: Header) -> Iterator[Errand]:
    """Everything to be sent about a message: it is one, however many groups get it."""
    numbers = itertools.count(1)
    alike: dict[tuple[str, str, str], list[Record]] = {}
    for share in shares:
        alike.setdefault(share.news, []).append(share.record)
    noticed = {news: told_record(join_records(records)) for news, records in alike.items()}
    sent: set[tuple[object, ...]] = set()
    for share in shares:
        for errand in _errands_about(share, header, noticed[share.news], numbers):
            what = errand.kind, errand.recipient, errand.topic, *_told_apart_by(errand, share)
            if what not in sent and len(sent) < _MOST_ERRANDS:
                sent.add(what)
                yield errand


def _told_apart_by(errand: Errand, share: Told) -> tuple[str, ...]:
    is_notice = errand.kind is ErrandKind.NOTICE
    return share.news if is_notice else (share.record.kept_as,)


def _errands_about(
    share: Told, header: Header, noticed: Json, numbers: Iterator[int]
) -> Iterator[Errand]:
    """What is to be sent about one group's copy; `numbers` make the errands' ids unique."""
    record, settings = share.record, share.settings
    notices = whom_to_tell(record, _policy(settings))
    content = _content(noticed, header, settings) if notices else {}
    for notice in notices:
        yield Errand(
            id=f"{record.arrival.id}-{next(numbers)}",
            at=record.arrival.at,
            kind=ErrandKind.NOTICE,
            recipient=notice.address,
            topic=record.reason,
            content={**content, "audience": notice.audience.value},
        )
    if settings.spam.forward and _is_quarantined_spam(record):
        yield _forwarding(record, settings, f"{record.arrival.id}-{next(numbers)}")


def redelivery(record: Record) -> Errand:
    """Queue the copy that is kept as `record.kept_as`, until the queue takes it."""
    return Errand(
        id=f"{record.kept_as}-again",
        at=record.arrival.at,
        kind=ErrandKind.REDELIVER,
        recipient="",
        topic="",
        content={"kept_as": record.kept_as},
    )


def told_record(record: Record) -> Json:
    """What a notice carries of a record: what decided, and the first recipients of how many."""
    envelope = record.arrival.envelope
    first = replace(envelope, recipients=envelope.recipients[:_RECIPIENTS])
    shown = replace(
        record,
        arrival=replace(record.arrival, envelope=first),
        report=replace(record.report, findings=(), faults=(), anomalies=()),
        decision=replace(record.decision, reasons=record.decision.reasons[:1]),
        shares=(),
    )
    return {**record_json(shown), "recipient_count": len(envelope.recipients)}


def _policy(settings: Settings) -> NoticePolicy:
    notices = settings.notices
    return NoticePolicy(
        notify=frozenset(notices.notify),
        admin=notices.admin,
        local_domains=frozenset(notices.local_domains),
        outside_senders=notices.outside_senders,
        silent=settings.viruses.silent,
    )


def _content(noticed: Json, header: Header, settings: Settings) -> Json:
    notices = settings.notices
    return {
        "language": notices.language,
        "admin": notices.admin,
        "admin_name": notices.admin_name,
        "templates": str(notices.templates or ""),
        "prefix": settings.headers.prefix,
        "debug": settings.spam.debug,
        "hostname": settings.headers.hostname,
        "record": noticed,
        "header": text_of(header.block[:_HEADER_BYTES]),
    }


def _forwarding(record: Record, settings: Settings, errand_id: str) -> Errand:
    score, is_verbose = record.report.score, settings.spam.forward_verbose
    return Errand(
        id=errand_id,
        at=record.arrival.at,
        kind=ErrandKind.FORWARD,
        recipient=settings.spam.forward,
        topic="spam",
        content={
            "kept_as": record.kept_as,
            "fields": spam_fields(score, settings) if score and is_verbose else "",
        },
    )


def _is_quarantined_spam(record: Record) -> bool:
    main = record.decision.main
    is_kept = record.decision.disposition is Disposition.QUARANTINE
    return bool(is_kept and main and isinstance(main.cause, SpamScore))
