"""The outbox: works errands off, one after the other, for as long as it is left to.

    late copies      to the queue; tried for ever, as they are somebody's mail
    forwarded spam   the exact octets in quarantine below some fields; nobody's to miss
    notices          joined (`joining`), written by who is given (`notify.rendering`), then sent

Before a mail is sent, its errands are put off, for a minute after the first try and up to an hour
after later ones; right after it was taken, they are forgotten.
So a crash, or a database that fails in between, sends a mail a second time, a while later, and
never loses it; while the database cannot be written, nothing is sent at all.
What is still not taken after `outbox.keep_hours` is given up, late copies excepted.

Nothing here raises: the process has to outlive a broken database, queue, template and row.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Engine

from mailwarden.notify.joining import Hold, Mailing, join, ripe_piles
from mailwarden.notify.sending import SendError, send_mail, send_pieces
from mailwarden.settings.model import Settings
from mailwarden.store import errands as store
from mailwarden.store.schema import StoreError, open_database
from mailwarden.verdict.errand import Errand, ErrandKind
from mailwarden.verdict.record import bytes_of

# Nothing waits longer than this for its turn; looking costs a millisecond.
_LOOK_SECONDS = 1.0
# A database that failed is tried again so often, with a log line each time.
_TROUBLE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 3_600.0
_MOST_DOUBLINGS = 10
_HOUR_SECONDS = 3_600
# Between two looks at what is more urgent; copies are read one after the other, all the same.
_ERRANDS_AT_ONCE = 50
_PILES_AT_ONCE = 1_000

Render = Callable[[Sequence[Errand], float, str], bytes]


class What(StrEnum):
    """What became of a mail, or of the outbox."""

    SENT = "sent"
    POSTPONED = "postponed"
    GIVEN_UP = "given-up"
    GONE = "gone"  # what was to be sent is not in quarantine any more
    SET_ASIDE = "set-aside"  # rows that cannot be read, or that no mail can be made of
    HELD = "held"  # the address has got enough for this hour
    TROUBLE = "trouble"  # of the outbox itself


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line for the log; `id` is the first errand's, `count` how many errands it is about."""

    what: What
    kind: str = ""
    id: str = ""
    recipient: str = ""
    topic: str = ""
    count: int = 0
    tries: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Hands:
    """What the outbox asks of others.

    `kept_file` is where a quarantined message lies; `redeliver` queues a late copy and takes it out
    of quarantine; both raise `FileNotFoundError` when the message is not there any more, the second
    also `SendError`. `rest` sleeps, and is false when it is time to end.
    """

    render: Render
    kept_file: Callable[[str], Path]
    redeliver: Callable[[str], None]
    tell: Callable[[Outcome], None]
    now: Callable[[], float]
    new_id: Callable[[float], str]
    rest: Callable[[float], bool]


class OutboxRunner:
    """Works off the errands in the settings' database."""

    def __init__(self, settings: Settings, hands: Hands) -> None:
        self._settings = settings
        self._hands = hands
        self._opened: Engine | None = None

    def run(self) -> None:
        """Work until `rest` says that it is time to end, whatever fails."""
        pause_seconds = 0.0
        while self._hands.rest(pause_seconds):
            pause_seconds = self._look()
        self._close()

    def work_off(self) -> bool:
        """Do all that is due, once; whether there was anything. Raises `StoreError`."""
        if self._opened is None:
            self._opened = open_database(self._settings.store.database)
        engine = self._opened
        # In a list, so that all three are asked: much of one kind does not hold up the others.
        return any([self._redeliver(engine), self._forward(engine), self._notify(engine)])

    def _look(self) -> float:
        """Work off what is due; how long to rest afterwards."""
        try:
            return 0.0 if self.work_off() else _LOOK_SECONDS
        except StoreError as error:
            detail = str(error)
        except Exception as error:  # noqa: BLE001 - see above: it has to outlive everything
            detail = f"{type(error).__name__}: {error}"
        self._hands.tell(Outcome(What.TROUBLE, detail=detail))
        self._close()
        return _TROUBLE_SECONDS

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.dispose()
        self._opened = None

    def _redeliver(self, engine: Engine) -> bool:
        return self._work_off_each(engine, ErrandKind.REDELIVER, self._queue_late_copy)

    def _forward(self, engine: Engine) -> bool:
        return self._work_off_each(engine, ErrandKind.FORWARD, self._send_spam)

    def _queue_late_copy(self, errand: Errand) -> None:
        self._hands.redeliver(_text(errand, "kept_as"))

    def _send_spam(self, errand: Errand) -> None:
        fields = bytes_of(_text(errand, "fields"))
        with self._hands.kept_file(_text(errand, "kept_as")).open("rb") as message:
            send_pieces(self._settings, "", errand.recipient, [fields, message])

    def _work_off_each(
        self, engine: Engine, kind: ErrandKind, attempt: Callable[[Errand], None]
    ) -> bool:
        """Attempt every errand of a kind that is due, each by itself."""
        batch = store.due_errands(engine, kind, self._hands.now(), _ERRANDS_AT_ONCE)
        self._tell_broken(kind, batch.broken)
        for errand in batch.errands:
            if not self._hands.rest(0.0):
                return False
            tries = self._claim(engine, [errand], batch.tries)
            self._attempt(engine, errand, tries, attempt)
        return bool(batch.errands)

    def _attempt(
        self, engine: Engine, errand: Errand, tries: int, attempt: Callable[[Errand], None]
    ) -> None:
        try:
            attempt(errand)
        except FileNotFoundError:
            store.finish(engine, [errand.id])
            self._tell(What.GONE, [errand], tries, "it is not in quarantine any more")
        except SendError as error:
            self._fail(engine, [errand], tries, error)
        except OSError as error:
            told = f"{error.filename}: {error.strerror}"
            self._fail(engine, [errand], tries, SendError(told, temporary=True))
        else:
            self._insist(lambda: store.finish(engine, [errand.id]))
            self._tell(What.SENT, [errand], tries)

    def _notify(self, engine: Engine) -> bool:
        """Send every mail about notices that may go now."""
        now, settings = self._hands.now(), self._settings.outbox
        piles = ripe_piles(store.due_piles(engine, now, _PILES_AT_ONCE), settings, now)
        for recipient, ripe in piles.items():
            sent = store.sent_within_hour(engine, recipient, now, settings.per_hour)
            for step in join(ripe, sent, settings.per_hour):
                if not self._hands.rest(0.0):
                    return False
                self._take_step(engine, step, now)
        return bool(piles)

    def _take_step(self, engine: Engine, step: Mailing | Hold, now: float) -> None:
        match step:
            case Mailing():
                self._send_notices(engine, step)
            case Hold():
                store.hold_notices(engine, step.recipient, now, step.until)
                detail = f"for {step.until - now:.0f} s, outbox.per_hour were sent"
                self._hands.tell(
                    Outcome(What.HELD, ErrandKind.NOTICE, recipient=step.recipient, detail=detail)
                )

    def _send_notices(self, engine: Engine, mailing: Mailing) -> None:
        recipient = mailing.recipient
        batch = store.notices_to(engine, recipient, mailing.audience, mailing.topic)
        self._tell_broken(ErrandKind.NOTICE, batch.broken)
        if batch.broken or not batch.errands:
            return  # and look again, without them
        tries = self._claim(engine, batch.errands, batch.tries)
        try:
            octets = self._render(batch.errands)
            send_mail(self._settings, "", recipient, octets)
        except SendError as error:
            self._fail(engine, batch.errands, tries, error)
        else:
            ids = [errand.id for errand in batch.errands]
            self._insist(lambda: store.finish_sent(engine, ids, recipient, self._hands.now()))
            self._tell(What.SENT, batch.errands, tries)

    def _render(self, errands: Sequence[Errand]) -> bytes:
        """Write a mail; whatever is wrong with a template or an errand raises `SendError`."""
        now = self._hands.now()
        try:
            return self._hands.render(errands, now, self._hands.new_id(now))
        except Exception as error:
            # Not the error's text, which may hold what a stranger wrote.
            [*_, place] = traceback.extract_tb(error.__traceback__)
            where = f"{type(error).__name__} in {place.filename}, line {place.lineno}"
            raise _RenderError(f"no text could be made: {where}", temporary=True) from error

    def _fail(
        self, engine: Engine, errands: Sequence[Errand], tries: int, error: SendError
    ) -> None:
        """Give up what is too old or was refused for good; the rest is tried again."""
        if isinstance(error, _RenderError):
            errands = self._without_spoilers(engine, errands)
        oldest = self._hands.now() - self._settings.outbox.keep_hours * _HOUR_SECONDS
        lost = [one for one in errands if not error.temporary or one.at < oldest]
        if errands and errands[0].kind is ErrandKind.REDELIVER:
            lost = []
        store.finish(engine, (errand.id for errand in lost))
        self._tell(What.GIVEN_UP, lost, tries, str(error))
        gone = {errand.id for errand in lost}
        kept = [errand for errand in errands if errand.id not in gone]
        self._tell(What.POSTPONED, kept, tries, str(error))

    def _without_spoilers(self, engine: Engine, errands: Sequence[Errand]) -> Sequence[Errand]:
        """Set aside those of which alone no mail can be made, unless that is so of all."""
        shown = errands[-store.SHOWN_NOTICES :]
        spoilers = [errand for errand in shown if not self._can_render(errand)]
        if len(spoilers) == len(shown):
            return errands
        ids = {errand.id for errand in spoilers}
        store.set_aside(engine, ids)
        self._tell(What.SET_ASIDE, spoilers, 0, "no text can be made of these alone")
        return [errand for errand in errands if errand.id not in ids]

    def _can_render(self, errand: Errand) -> bool:
        try:
            self._render([errand])
        except _RenderError:
            return False
        return True

    def _claim(self, engine: Engine, errands: Iterable[Errand], tries: Mapping[str, int]) -> int:
        """Put errands off before they are tried; returns which try this is."""
        ids = [errand.id for errand in errands]
        before = max(tries[one] for one in ids)
        doubled = _FIRST_PAUSE_SECONDS * 2 ** min(before, _MOST_DOUBLINGS)
        pause_seconds = min(doubled, _LONGEST_PAUSE_SECONDS)
        store.put_off(engine, ids, self._hands.now() + pause_seconds)
        return before + 1

    def _insist(self, mark: Callable[[], None]) -> None:
        """Write down that a mail was taken, however long the database needs for that."""
        while True:
            try:
                return mark()
            except StoreError as error:
                self._hands.tell(Outcome(What.TROUBLE, detail=f"sent, but not marked: {error}"))
            if not self._hands.rest(_TROUBLE_SECONDS):
                return None

    def _tell_broken(self, kind: ErrandKind, ids: Sequence[str]) -> None:
        if ids:
            detail = "rows that cannot be read"
            outcome = Outcome(What.SET_ASIDE, kind, ids[0], count=len(ids), detail=detail)
            self._hands.tell(outcome)

    def _tell(self, what: What, errands: Sequence[Errand], tries: int, detail: str = "") -> None:
        if not errands:
            return
        first, count = errands[0], len(errands)
        outcome = Outcome(
            what, first.kind, first.id, first.recipient, first.topic, count, tries, detail
        )
        self._hands.tell(outcome)


class _RenderError(SendError):
    """No mail could be made of the errands."""


def _text(errand: Errand, key: str) -> str:
    value = errand.content.get(key)
    return value if isinstance(value, str) else ""
