"""From events to statistics: pure, one pass, in memory that no log can make grow without bound."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from math import floor

from mailwarden.reports.event import Event, EventKind
from mailwarden.reports.span import Span
from mailwarden.reports.tally import Durations, DurationTally, NameTally, Ranking
from mailwarden.verdict.disposition import Disposition

# A signature set has millions of names, a year of mail some thousands.
_MOST_NAMES = 10_000
# Spammers' addresses are all different; those that matter come often.
_MOST_ADDRESSES = 20_000
_MOST_SCANNERS = 100
_REMEMBERED_DOMAINS = 4_096
# Ten years; of longer ones the newest are told.
_MOST_HOURS = 10 * 366 * 24
_HOUR_SECONDS = 3_600
_LEAST_POINTS, _MOST_POINTS = -20, 50

PerDisposition = Mapping[Disposition, int]


@dataclass(frozen=True, slots=True)
class Period:
    """What became of the messages of one hour or day; `start` is a time of the wanted zone."""

    start: datetime
    dispositions: PerDisposition

    @property
    def messages(self) -> int:
        """All of them."""
        return sum(self.dispositions.values())


@dataclass(frozen=True, slots=True)
class ScannerCount:
    """How many messages a scanner was asked about, found something in, and failed at."""

    name: str
    asked: int
    found: int
    failed: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was counted.

    `names` are viruses and rules that stopped a message, `spam` what became of spam; together
    they are the page's table; `undecided` says what messages could not be judged for: scanners
    that failed, limits. `points` counts messages by the whole points of their spam score.
    `first` and `last` are seconds since the epoch; `undated` events were left out, because a span
    was asked for; `days` and `hours` are in order, those without a message left out.
    """

    messages: int
    dispositions: PerDisposition
    kinds: Mapping[EventKind, int]
    names: Ranking
    viruses: Ranking
    policies: Ranking
    undecided: Ranking
    spam: PerDisposition
    points: Mapping[int, int]
    scanners: tuple[ScannerCount, ...]
    senders: Ranking
    recipients: Ranking
    sender_domains: Ranking
    recipient_domains: Ranking
    size_bytes: int
    seconds: Durations
    first: float | None
    last: float | None
    undated: int
    days: tuple[Period, ...]
    hours: tuple[Period, ...]

    @property
    def blocked(self) -> int:
        """Messages that were quarantined, rejected or deleted."""
        return sum(count for one, count in self.dispositions.items() if one > Disposition.DEFER)


def count(events: Iterable[Event], span: Span, zone: tzinfo | None) -> Statistics:
    """Count the events within the span; days and hours are those of `zone`, or of this machine."""
    counting = _Counting(_past_the_hour(zone))
    for event in events:
        if event.at is None:
            if span.is_bounded:
                counting.undated += 1
                continue
        elif not span.holds(event.at):
            continue
        counting.add(event)
    return counting.statistics(zone)


class _Counting:
    """What was counted so far; hours begin `shift` seconds before those of UTC."""

    def __init__(self, shift: int) -> None:
        self._shift = shift
        self.undated = 0
        self._outcomes: Counter[tuple[Disposition, EventKind]] = Counter()
        self._names = {kind: NameTally(_MOST_NAMES) for kind in EventKind}
        self._undecided = NameTally(_MOST_NAMES)
        self._senders, self._recipients = NameTally(_MOST_ADDRESSES), NameTally(_MOST_ADDRESSES)
        self._sender_domains = NameTally(_MOST_ADDRESSES)
        self._recipient_domains = NameTally(_MOST_ADDRESSES)
        self._scanners = {word: NameTally(_MOST_SCANNERS) for word in ("asked", "found", "failed")}
        self._points: Counter[int] = Counter()
        self._size_bytes = 0
        self._seconds = DurationTally()
        self._first: float | None = None
        self._last: float | None = None
        self._hours: dict[int, list[int]] = {}

    def add(self, event: Event) -> None:
        for recipient in event.recipients:
            self._recipients.add(recipient)
            self._recipient_domains.add(_domain(recipient))
        if event.further:
            return
        self._outcomes[event.disposition, event.kind] += 1
        if event.name:
            self._add_name(event)
        if event.sender is not None:
            self._senders.add(event.sender or "<>")
            self._sender_domains.add(_domain(event.sender))
        self._add_cost(event)
        self._add_scanners(event)
        if event.at is not None:
            self._add_time(event.at, event.disposition)

    def _add_name(self, event: Event) -> None:
        if event.disposition is Disposition.DEFER or event.kind is EventKind.FAULT:
            self._undecided.add(event.name)
        elif event.disposition > Disposition.DEFER and event.kind is not EventKind.SPAM:
            self._names[event.kind].add(event.name)

    def _add_cost(self, event: Event) -> None:
        if event.size_bytes is not None:
            self._size_bytes += event.size_bytes
        if event.seconds is not None:
            self._seconds.add(event.seconds)
        if event.score is not None:
            self._points[min(max(floor(event.score), _LEAST_POINTS), _MOST_POINTS)] += 1

    def _add_scanners(self, event: Event) -> None:
        for name in event.asked:
            self._scanners["asked"].add(name)
        for name in event.found_by:
            self._scanners["found"].add(name)
        for name in event.failed:
            self._scanners["failed"].add(name)

    def _add_time(self, at: float, disposition: Disposition) -> None:
        if self._first is None or at < self._first:
            self._first = at
        if self._last is None or at > self._last:
            self._last = at
        hour = int((at + self._shift) // _HOUR_SECONDS)
        counts = self._hours.get(hour)
        if counts is None:
            counts = self._hours[hour] = [0] * len(Disposition)
            if len(self._hours) > 2 * _MOST_HOURS:
                self._hours = dict(sorted(self._hours.items())[-_MOST_HOURS:])
        counts[disposition] += 1

    def statistics(self, zone: tzinfo | None) -> Statistics:
        hours = tuple(self._periods(zone))
        dispositions, kinds = Counter[Disposition](), Counter[EventKind]()
        for (disposition, kind), number in self._outcomes.items():
            dispositions[disposition] += number
            kinds[kind] += number
        return Statistics(
            messages=self._outcomes.total(),
            dispositions=dispositions,
            kinds=kinds,
            names=self._stopped(),
            viruses=self._names[EventKind.VIRUS].ranking(),
            policies=self._names[EventKind.POLICY].ranking(),
            undecided=self._undecided.ranking(),
            spam={one: self._outcomes[one, EventKind.SPAM] for one in Disposition},
            points=dict(sorted(self._points.items())),
            scanners=tuple(self._scanner_counts()),
            senders=self._senders.ranking(),
            recipients=self._recipients.ranking(),
            sender_domains=self._sender_domains.ranking(),
            recipient_domains=self._recipient_domains.ranking(),
            size_bytes=self._size_bytes,
            seconds=self._seconds.durations(),
            first=self._first,
            last=self._last,
            undated=self.undated,
            days=tuple(_days(hours)),
            hours=hours,
        )

    def _periods(self, zone: tzinfo | None) -> Iterator[Period]:
        for hour, counts in sorted(self._hours.items()):
            start = datetime.fromtimestamp(hour * _HOUR_SECONDS - self._shift, UTC)
            dispositions = {one: counts[one] for one in Disposition if counts[one]}
            yield Period(start.astimezone(zone), dispositions)

    def _stopped(self) -> Ranking:
        both = NameTally(2 * _MOST_NAMES)
        rankings = [self._names[kind].ranking() for kind in (EventKind.VIRUS, EventKind.POLICY)]
        for ranking in rankings:
            for name, number in ranking.rows:
                both.add(name, number)
        return Ranking(both.ranking().rows, sum(ranking.rest for ranking in rankings))

    def _scanner_counts(self) -> Iterator[ScannerCount]:
        counts = {word: dict(tally.ranking().rows) for word, tally in self._scanners.items()}
        for name in sorted({name for rows in counts.values() for name in rows}):
            yield ScannerCount(name, *(counts[word].get(name, 0) for word in counts))


@lru_cache(_REMEMBERED_DOMAINS)
def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower() or "<>"


def _past_the_hour(zone: tzinfo | None) -> int:
    """By how many seconds the zone's hours begin before those of UTC: half an hour in India."""
    offset = datetime.fromtimestamp(0, UTC).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) % _HOUR_SECONDS if offset else 0


def _days(hours: Iterable[Period]) -> Iterator[Period]:
    days: dict[datetime, Counter[Disposition]] = {}
    for hour in hours:
        # Without a zone: on two days of the year, midnight has another one than noon.
        day = hour.start.replace(hour=0, tzinfo=None)
        days.setdefault(day, Counter()).update(hour.dispositions)
    for start, dispositions in days.items():
        yield Period(start, dispositions)
