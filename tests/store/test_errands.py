"""Errands in the database: written soon or durably, read in order, no row stops another."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from mailwarden.ports.keeping import KeepingError
from mailwarden.store.errands import (
    BROKEN,
    SHOWN_NOTICES,
    Pile,
    StoredErrands,
    due_errands,
    due_piles,
    finish,
    finish_sent,
    hold_notices,
    list_errands,
    notices_to,
    put_off,
    sent_within_hour,
    set_aside,
)
from mailwarden.store.schema import StoreError, open_database
from mailwarden.store.writer import BatchWriter
from mailwarden.verdict.errand import Errand, ErrandKind
from support.errands import ADMIN, AT, forward, late_copy, notice
from support.waiting import wait_until

TOPIC = "virus:Test-Virus"


@dataclass(frozen=True, slots=True)
class Bench:
    """Errands over a database; `complaints` is what was said of lost rows."""

    engine: Engine
    outbox: StoredErrands
    complaints: list[str]

    async def keep(self, *errands: Errand) -> None:
        for errand in errands:
            await self.outbox.send_durably(errand)

    def run(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(str(self.engine.url.database))) as other:
            other.execute(statement)
            other.commit()

    def ids(self) -> list[str]:
        return [one.id for one in list_errands(self.engine)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    engine = open_database(tmp_path / "mailwarden.db")
    writer = BatchWriter(engine)
    complaints: list[str] = []
    yield Bench(engine, StoredErrands(writer, complaints.append), complaints)
    writer.close()
    engine.dispose()


async def test_a_durable_errand_is_there_when_it_returns(bench: Bench) -> None:
    one = forward("one", "kept", "X-Spam-Level: ***\n")
    await bench.keep(one)
    assert due_errands(bench.engine, ErrandKind.FORWARD, AT, 10).errands == (one,)


async def test_a_notice_comes_back_as_it_was(bench: Bench) -> None:
    one = notice(topic="virus:Two Words and a blank")
    await bench.keep(one)
    assert notices_to(bench.engine, ADMIN, "admin").errands == (one,)


def test_an_errand_is_there_soon(bench: Bench) -> None:
    bench.outbox.send(notice())
    wait_until(lambda: bench.ids() == ["one"], 10, "the errand is written")


async def test_hostile_topics_are_stored(bench: Bench) -> None:
    odd = "\ud800\udcff\0\n\x1b[2J 'x'; DROP TABLE errands"
    await bench.keep(notice(topic=odd))
    (pile,) = due_piles(bench.engine, AT, 10)
    assert pile.topic == odd.encode("utf-8", "replace").decode()
    assert [one.id for one in notices_to(bench.engine, ADMIN, "admin", pile.topic).errands] == [
        "one"
    ]


async def test_an_address_that_is_not_text_is_refused_in_words(bench: Bench) -> None:
    odd = notice(recipient="\udcff@example.net")
    bench.outbox.send(odd)
    assert bench.complaints == ["an errand was not written: expected an address in UTF-8"]
    with pytest.raises(KeepingError, match="errand not written: expected an address in UTF-8"):
        await bench.outbox.send_durably(odd)


async def test_an_errand_that_cannot_be_written_is_said_or_raised(bench: Bench) -> None:
    bench.run("DROP TABLE errands")
    with pytest.raises(KeepingError, match="errand not written: no such table"):
        await bench.outbox.send_durably(notice())
    bench.outbox.send(notice())
    wait_until(lambda: len(bench.complaints) == 1, 10, "the complaint is heard")


async def test_errands_come_in_the_order_of_their_time_and_not_before_it(bench: Bench) -> None:
    await bench.keep(
        late_copy("late", "b", at=AT + 2), late_copy("early", "a", at=AT), late_copy("x", "c")
    )
    put_off(bench.engine, ["x"], AT + 1)
    batch = due_errands(bench.engine, ErrandKind.REDELIVER, AT + 1, 10)
    assert [one.id for one in batch.errands] == ["early", "x"]
    assert batch.tries == {"early": 0, "x": 1}
    assert len(due_errands(bench.engine, ErrandKind.REDELIVER, AT + 5, 2).errands) == 2


async def test_what_was_written_while_the_clock_was_wrong_need_not_wait_for_it(
    bench: Bench,
) -> None:
    year = 366 * 86_400
    await bench.keep(late_copy("one", "a", at=AT + year), notice("two", at=AT + year))
    assert len(due_errands(bench.engine, ErrandKind.REDELIVER, AT, 10).errands) == 1
    assert len(due_piles(bench.engine, AT, 10)) == 1
    finish_sent(bench.engine, ["two"], ADMIN, AT + year)
    assert sent_within_hour(bench.engine, ADMIN, AT, 10) == []


async def test_notices_are_piled_by_address_audience_and_topic(bench: Bench) -> None:
    await bench.keep(
        notice("a", at=AT + 3),
        notice("b", at=AT + 1),
        notice("c", at=AT + 2, topic="spam"),
        notice("d", at=AT + 4, audience="recipients"),
        notice("e", at=AT + 9, recipient="other@example.net"),
        forward("f", "kept"),
    )
    assert due_piles(bench.engine, AT + 5, 10) == [
        Pile(ADMIN, "admin", TOPIC, AT + 1),
        Pile(ADMIN, "admin", "spam", AT + 2),
        Pile(ADMIN, "recipients", TOPIC, AT + 4),
    ]
    about = notices_to(bench.engine, ADMIN, "admin", TOPIC)
    assert [one.id for one in about.errands] == ["b", "a"]
    anything = notices_to(bench.engine, ADMIN, "admin")
    assert [one.id for one in anything.errands] == ["b", "c", "a"]


async def test_an_audience_that_a_topic_begins_with_is_not_written_twice(bench: Bench) -> None:
    await bench.keep(notice(topic=f"admin {TOPIC}"))
    assert due_piles(bench.engine, AT, 1) == [Pile(ADMIN, "admin", TOPIC, AT)]


async def test_all_but_the_newest_notices_come_with_what_a_summary_counts(bench: Bench) -> None:
    count = SHOWN_NOTICES + 5
    await bench.keep(*(notice(f"n{number:03}", at=AT + number) for number in range(count)))
    batch = notices_to(bench.engine, ADMIN, "admin", TOPIC)
    assert [one.id for one in batch.errands] == [f"n{number:03}" for number in range(count)]
    assert all("header" in one.content for one in batch.errands[5:])
    assert batch.errands[4].content == {
        "audience": "admin",
        "record": {"at": AT + 4, "reason": TOPIC},
    }
    assert {one.topic for one in batch.errands} == {TOPIC}


BREAKAGES = [
    "content = 'no json'",
    "content = '[]'",
    "content = replace(hex(zeroblob(60000)), '00', '[')",
    "at = 'never', due = 0",
    "at = 9e99, due = 0",
    "tries = 'many'",
]


@pytest.mark.parametrize("breakage", BREAKAGES)
async def test_a_broken_row_is_set_aside_and_stops_no_other(bench: Bench, breakage: str) -> None:
    await bench.keep(late_copy("bad", "a"), late_copy("good", "b"))
    bench.run(f"UPDATE errands SET {breakage} WHERE id = 'bad'")  # noqa: S608 - from the list above
    first = due_errands(bench.engine, ErrandKind.REDELIVER, AT, 10)
    assert ([one.id for one in first.errands], first.broken) == (["good"], ("bad",))
    assert due_errands(bench.engine, ErrandKind.REDELIVER, AT, 10).broken == ()
    assert {one.id: one.kind for one in list_errands(bench.engine)}["bad"] == BROKEN


async def test_a_broken_number_among_many_notices_stops_nothing(bench: Bench) -> None:
    await bench.keep(*(notice(f"n{number:03}", at=AT + number) for number in range(60)))
    bench.run("UPDATE errands SET tries = 'many' WHERE id = 'n001'")
    batch = notices_to(bench.engine, ADMIN, "admin", TOPIC)
    assert (len(batch.errands), batch.broken) == (59, ())


async def test_a_broken_notice_is_set_aside(bench: Bench) -> None:
    await bench.keep(notice("bad"), notice("good"))
    bench.run("UPDATE errands SET content = '' WHERE id = 'bad'")
    assert notices_to(bench.engine, ADMIN, "admin").broken == ("bad",)
    assert [one.id for one in notices_to(bench.engine, ADMIN, "admin").errands] == ["good"]


async def test_what_is_done_is_forgotten_and_what_was_sent_is_remembered_for_an_hour(
    bench: Bench,
) -> None:
    await bench.keep(notice("a"), notice("b"), notice("c"), notice("d"))
    finish_sent(bench.engine, ["a", "b"], ADMIN, AT)
    finish_sent(bench.engine, ["c"], ADMIN, AT + 5)
    finish(bench.engine, ["d"])
    assert bench.ids() == []
    assert sent_within_hour(bench.engine, ADMIN, AT + 10, 9) == [AT + 5, AT]
    assert sent_within_hour(bench.engine, ADMIN, AT + 10, 1) == [AT + 5]
    assert sent_within_hour(bench.engine, "other@example.net", AT + 10, 9) == []
    assert sent_within_hour(bench.engine, ADMIN, AT + 3_600, 9) == [AT + 5]
    finish_sent(bench.engine, ["e"], ADMIN, AT + 3_700)
    with bench.engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sent").scalar_one() == 1


async def test_an_address_that_has_enough_is_held_and_others_are_not(bench: Bench) -> None:
    await bench.keep(notice("a"), notice("b", recipient="other@example.net"))
    hold_notices(bench.engine, ADMIN, AT, AT + 600)
    assert [pile.recipient for pile in due_piles(bench.engine, AT, 10)] == ["other@example.net"]
    assert len(due_piles(bench.engine, AT + 600, 10)) == 2


async def test_what_is_set_aside_is_listed_but_never_due(bench: Bench) -> None:
    await bench.keep(notice("a"))
    set_aside(bench.engine, ["a"])
    assert due_piles(bench.engine, AT + 60, 10) == []
    (one,) = list_errands(bench.engine)
    assert (one.kind, one.audience, one.topic, one.tries) == (BROKEN, "admin", TOPIC, 0)


def test_a_database_that_fails_is_named(bench: Bench) -> None:
    bench.run("DROP TABLE errands")
    with pytest.raises(StoreError, match=r"mailwarden\.db: no such table: errands"):
        list_errands(bench.engine)
