"""The errands that follow from a message: notices to people, spam for who learns from it."""

from collections.abc import Iterable, Iterator

from mailwarden.message.headers import Header
from mailwarden.pipeline.writing import spam_fields
from mailwarden.settings.model import Settings
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.errand import Errand, ErrandKind
from mailwarden.verdict.record import Json, Record, record_json, text_of
from mailwarden.verdict.report import SpamScore
from mailwarden.verdict.telling import NoticePolicy, whom_to_tell

# Enough of a header to see where a message came from; a notice shows no more.
_HEADER_BYTES = 4_000


def errands_about(
    record: Record, header: Header, settings: Settings, numbers: Iterable[int]
) -> Iterator[Errand]:
    """Everything to be sent about one group's copy; `numbers` make the errands' ids unique."""
    number = iter(numbers)
    notices = whom_to_tell(record, _policy(settings))
    content = _content(record, header, settings) if notices else {}
    for notice in notices:
        audience = notice.audience.value
        yield Errand(
            id=f"{record.arrival.id}-{next(number)}",
            at=record.arrival.at,
            kind=ErrandKind.NOTICE,
            recipient=notice.address,
            topic=record.reason,
            content={**content, "audience": audience},
        )
    if settings.spam.forward and _is_quarantined_spam(record):
        yield _forwarding(record, settings, f"{record.arrival.id}-{next(number)}")


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


def _policy(settings: Settings) -> NoticePolicy:
    notices = settings.notices
    return NoticePolicy(
        notify=frozenset(notices.notify),
        admin=notices.admin,
        local_domains=frozenset(notices.local_domains),
        outside_senders=notices.outside_senders,
        silent=settings.viruses.silent,
    )


def _content(record: Record, header: Header, settings: Settings) -> Json:
    notices = settings.notices
    return {
        "language": notices.language,
        "admin": notices.admin,
        "admin_name": notices.admin_name,
        "templates": str(notices.templates or ""),
        "prefix": settings.headers.prefix,
        "debug": settings.spam.debug,
        "hostname": settings.headers.hostname,
        "record": record_json(record),
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
            "from": settings.notices.admin,
        },
    )


def _is_quarantined_spam(record: Record) -> bool:
    main = record.decision.main
    is_kept = record.decision.disposition is Disposition.QUARANTINE
    return bool(is_kept and main and isinstance(main.cause, SpamScore))
