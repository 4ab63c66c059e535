"""Mail that we have yet to send, one row each: written by the workers, read by the outbox.

The column `topic` holds the audience and the topic, `admin virus:Eicar-Signature`, so that notices
that say the same can be counted without reading them; the content is read for the few that are
shown.
A row that cannot be read becomes of the kind `broken`: it stays, for people to look at, and is
never tried again.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Row,
    Update,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from mailwarden.ports.keeping import KeepingError
from mailwarden.store.schema import StoreError, errands, reason_of, sent
from mailwarden.store.writer import BatchWriter
from mailwarden.store.writer import Row as NewRow
from mailwarden.verdict.errand import Errand, ErrandKind

BROKEN = "broken"
# A summary shows the newest ones, so many (`notify.rendering`), and counts all.
SHOWN_NOTICES = 50
# Joined to one mail; to count so many takes 100 MB of memory.
MOST_NOTICES = 100_000
_HOUR_SECONDS = 3_600.0
# No clock of ours says more; what a broken row says may be anything.
_LATEST = 1e12


class StoredErrands:
    """Takes errands for the outbox (port `Outbox`).

    `complain` hears, in words, of errands that were lost; nobody waits for those.
    """

    def __init__(self, writer: BatchWriter, complain: Callable[[str], None]) -> None:
        self._writer = writer
        self._complain = complain

    def send(self, errand: Errand) -> None:
        """Send soon; never waits and never raises."""
        try:
            row = _row(errand)
        except ValueError as error:
            self._complain(f"an errand was not written: {error}")
            return
        self._writer.add(errands, row).add_done_callback(self._check)

    async def send_durably(self, errand: Errand) -> None:
        """The errand is on the disk when this returns; raises `KeepingError`."""
        try:
            await asyncio.wrap_future(self._writer.add(errands, _row(errand), urgent=True))
        except (StoreError, ValueError) as error:
            raise KeepingError(f"errand not written: {error}") from error

    def _check(self, done: Future[None]) -> None:
        if error := done.exception():
            self._complain(f"an errand was not written: {error}")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An errand as the list shows it, without its content; `kind` may be one that we do not know.

    `due` is when it is tried next, `tries` how often it was tried.
    """

    id: str
    at: float
    kind: str
    recipient: str
    audience: str
    topic: str
    due: float
    tries: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Errands that can be worked off, and the ids of rows that could not be read.

    `tries` tells how often each was tried, by id.
    """

    errands: tuple[Errand, ...]
    broken: tuple[str, ...]
    tries: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pile:
    """Notices to one address, of one audience, about one topic; `oldest` in seconds, epoch."""

    recipient: str
    audience: str
    topic: str
    oldest: float


def list_errands(engine: Engine) -> list[Waiting]:
    """Everything that waits, the oldest first; raises `StoreError`."""
    columns = [column for column in errands.columns if column is not errands.c.content]
    with _mapped(engine) as connection:
        rows = connection.execute(select(*columns).order_by(errands.c.at, errands.c.id)).all()
    return [
        Waiting(
            row.id,
            row.at,
            row.kind,
            row.recipient,
            *_audience_and_topic(row.topic),
            row.due,
            row.tries,
        )
        for row in rows
    ]


def due_errands(engine: Engine, kind: ErrandKind, now: float, limit: int) -> Batch:
    """Those of a kind whose time has come, in that order; sets aside what cannot be read.

    Raises `StoreError`, as all below do.
    """
    chosen = select(errands).where(errands.c.kind == kind.value, _is_due(now))
    with _mapped(engine) as connection:
        return _read(connection, connection.execute(chosen.order_by(errands.c.due).limit(limit)))


def due_piles(engine: Engine, now: float, limit: int) -> list[Pile]:
    """Piles with a notice whose time has come, those with the oldest first."""
    oldest = func.min(errands.c.at)
    chosen = (
        select(errands.c.recipient, errands.c.topic, oldest)
        .where(errands.c.kind == ErrandKind.NOTICE.value, _is_due(now))
        .group_by(errands.c.recipient, errands.c.topic)
        .order_by(oldest)
        .limit(limit)
    )
    with _mapped(engine) as connection:
        return [
            Pile(recipient, *_audience_and_topic(topic), at)
            for recipient, topic, at in connection.execute(chosen)
        ]


def notices_to(engine: Engine, recipient: str, audience: str, topic: str | None = None) -> Batch:
    """All notices to an address and audience, due or not, about a topic or about anything.

    The oldest first, `MOST_NOTICES` at most; all but the last `SHOWN_NOTICES` with nothing in their
    content but what a summary counts.
    """
    is_meant = [errands.c.kind == ErrandKind.NOTICE.value, errands.c.recipient == recipient]
    is_meant += _about(audience, topic)
    newest_first = (errands.c.at.desc(), errands.c.id.desc())
    head = [errands.c.id, errands.c.at, errands.c.topic, errands.c.tries]
    last = select(errands).where(*is_meant).order_by(*newest_first).limit(SHOWN_NOTICES)
    every = select(*head).where(*is_meant).order_by(*newest_first).limit(MOST_NOTICES)
    with _mapped(engine) as connection:
        shown = _read(connection, connection.execute(last))
        rows = [row for row in connection.execute(every) if _has_numbers(row)]
    counted = [_counted(row, recipient, audience) for row in reversed(rows[SHOWN_NOTICES:])]
    tries = {row.id: row.tries for row in rows}
    return Batch((*counted, *reversed(shown.errands)), shown.broken, tries)


def put_off(engine: Engine, ids: Iterable[str], due: float) -> None:
    """Count a try of these, and say when the next one may be."""
    changed = (
        update(errands)
        .where(errands.c.id == bindparam("which"))
        .values(tries=errands.c.tries + 1, due=due)
    )
    with _mapped(engine) as connection:
        _each(connection, changed, ids)


def hold_notices(engine: Engine, recipient: str, now: float, until: float) -> None:
    """Let the notices to an address whose time has come wait, as it has got enough."""
    is_meant = (
        errands.c.kind == ErrandKind.NOTICE.value,
        errands.c.recipient == recipient,
        _is_due(now),
    )
    with _mapped(engine) as connection:
        connection.execute(update(errands).where(*is_meant).values(due=until))


def set_aside(engine: Engine, ids: Iterable[str]) -> None:
    """Keep these for people to look at, and never try them again."""
    with _mapped(engine) as connection:
        _set_aside(connection, ids)


def finish(engine: Engine, ids: Iterable[str]) -> None:
    """Forget errands that are done, or given up."""
    with _mapped(engine) as connection:
        _each(connection, delete(errands).where(errands.c.id == bindparam("which")), ids)


def finish_sent(engine: Engine, ids: Sequence[str], recipient: str, now: float) -> None:
    """Forget notices that became one mail, and remember for an hour that it was sent."""
    with _mapped(engine) as connection:
        _each(connection, delete(errands).where(errands.c.id == bindparam("which")), ids)
        connection.execute(delete(sent).where(sent.c.at <= now - _HOUR_SECONDS))
        row = {"id": ids[0], "at": now, "recipient": recipient}
        connection.execute(insert(sent).prefix_with("OR REPLACE"), row)


def sent_within_hour(engine: Engine, recipient: str, now: float, limit: int) -> list[float]:
    """When notices were sent to an address within the last hour, the newest first."""
    is_meant = (sent.c.recipient == recipient, sent.c.at > now - _HOUR_SECONDS, sent.c.at <= now)
    chosen = select(sent.c.at).where(*is_meant).order_by(sent.c.at.desc()).limit(limit)
    with _mapped(engine) as connection:
        return list(connection.execute(chosen).scalars())


def _row(errand: Errand) -> NewRow:
    """The row of an errand; raises `ValueError` for an address that is not text."""
    try:
        errand.recipient.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("expected an address in UTF-8") from error
    audience = f"{errand.content.get('audience', '')} "
    topic = audience + errand.topic.removeprefix(audience)
    return {
        "id": errand.id,
        "at": errand.at,
        "kind": errand.kind.value,
        "recipient": errand.recipient,
        "topic": topic.encode("utf-8", "replace").decode("utf-8"),
        "due": errand.at,
        "tries": 0,
        "content": json.dumps(errand.content),
    }


def _is_due(now: float) -> ColumnElement[bool]:
    """Its time has come, or is so far away that the clock was wrong when it was written."""
    return or_(errands.c.due <= now, errands.c.due > now + 2 * _HOUR_SECONDS)


def _audience_and_topic(column: str) -> tuple[str, str]:
    audience, _, topic = column.partition(" ")
    return audience, topic


def _about(audience: str, topic: str | None) -> list[ColumnElement[bool]]:
    if topic is not None:
        return [errands.c.topic == f"{audience} {topic}"]
    # All that begins so: the next character after a blank is an exclamation mark.
    return [errands.c.topic >= f"{audience} ", errands.c.topic < f"{audience}!"]


def _read(connection: Connection, rows: Iterable[Row[Any]]) -> Batch:
    """Read rows; what cannot be read is set aside at once."""
    readable, broken, tries = [], [], {}
    for row in list(rows):
        try:
            tries[row.id] = int(row.tries)
            readable.append(_errand(row))
        except (ValueError, TypeError, RecursionError):
            broken.append(row.id)
    _set_aside(connection, broken)
    return Batch(tuple(readable), tuple(broken), tries)


def _errand(row: Row[Any]) -> Errand:
    content = json.loads(row.content)
    if not isinstance(content, dict) or not abs(float(row.at)) < _LATEST:
        raise ValueError("expected an object, and a time")
    kind = ErrandKind(row.kind)
    _, topic = _audience_and_topic(row.topic)
    return Errand(row.id, float(row.at), kind, row.recipient, topic, content)


def _counted(row: Row[Any], recipient: str, audience: str) -> Errand:
    """A notice that nobody will see, in as little memory as can be."""
    _, topic = _audience_and_topic(row.topic)
    content: dict[str, object] = {"audience": audience, "record": {"at": row.at, "reason": topic}}
    return Errand(row.id, row.at, ErrandKind.NOTICE, recipient, topic, content)


def _has_numbers(row: Row[Any]) -> bool:
    """One that has not will be set aside when it is among those that are read."""
    return isinstance(row.at, float) and isinstance(row.tries, int)


def _set_aside(connection: Connection, ids: Iterable[str]) -> None:
    changed = update(errands).where(errands.c.id == bindparam("which")).values(kind=BROKEN)
    _each(connection, changed, ids)


def _each(connection: Connection, statement: Update | Delete, ids: Iterable[str]) -> None:
    rows = iter([{"which": one} for one in ids])
    while some := list(islice(rows, 10_000)):
        connection.execute(statement, some)


@contextmanager
def _mapped(engine: Engine) -> Iterator[Connection]:
    """A transaction; raises `StoreError`."""
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise StoreError(f"{engine.url.database}: {reason_of(error)}") from error
