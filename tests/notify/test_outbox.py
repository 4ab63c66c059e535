"""The outbox: real database, real queue program; what fails is tried again, once each time."""

import contextlib
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path

import pytest

from mailwarden.notify.outbox import Hands, OutboxRunner, Outcome, What
from mailwarden.notify.rendering import render
from mailwarden.notify.sending import SendError
from mailwarden.settings.model import Settings
from mailwarden.store.errands import StoredErrands, list_errands
from mailwarden.store.schema import StoreError, open_database
from mailwarden.store.writer import BatchWriter
from mailwarden.verdict.errand import Errand
from support.errands import ADMIN, AT, forward, late_copy, notice, outbox_settings
from support.strict_queue import StrictQueue, strict_queue

SPAM = b"Subject: spam\r\n\r\nNUL \0 and \xff\n"
OTHER = "other@example.net"


def plain(errands: Sequence[Errand], now: float, new_id: str) -> bytes:
    """A mail that says how many there are, what of, and for whom; the spoiler cannot be written."""
    shown = [errand for errand in errands if "header" in errand.content]
    if any(errand.topic == "spoiler" for errand in shown):
        raise ZeroDivisionError("what a stranger wrote")
    topics = sorted({errand.topic for errand in errands})
    audiences = {str(errand.content["audience"]) for errand in shown}
    lines = [f"{len(errands)} of {len(shown)}", ",".join(topics), ",".join(audiences), new_id]
    return ("Subject: notice\n\n" + "\n".join(lines) + "\n").encode()


@dataclass(slots=True)
class Bench:
    """An outbox over everything of its own, with a clock that the test moves."""

    folder: Path
    queue: StrictQueue
    clock: float = AT
    told: list[Outcome] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    late_error: Exception | None = None
    stop_after: int = 10_000
    rests: list[float] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=lambda: {"per_hour": 5})
    render: Callable[[Sequence[Errand], float, str], bytes] = plain
    program: Path | None = None
    _runner: OutboxRunner | None = None

    @property
    def database(self) -> Path:
        return self.folder / "mailwarden.db"

    @property
    def settings(self) -> Settings:
        return outbox_settings(self.database, self.program or self.queue.program, (), **self.limits)

    @property
    def runner(self) -> OutboxRunner:
        if self._runner is None:
            hands = Hands(
                render=self.render,
                kept_file=lambda name: self.folder / name,
                redeliver=self.redeliver,
                tell=self.told.append,
                now=lambda: self.clock,
                new_id=lambda now: f"id-{now:.0f}",
                rest=self.rest,
            )
            self._runner = OutboxRunner(self.settings, hands)
        return self._runner

    def redeliver(self, kept_as: str) -> None:
        if self.late_error:
            raise self.late_error
        self.late.append(kept_as)

    def rest(self, seconds: float) -> bool:
        self.rests.append(seconds)
        self.clock += seconds
        return len(self.rests) <= self.stop_after

    def keep(self, *errands: Errand) -> None:
        engine = open_database(self.database)
        writer = BatchWriter(engine)
        outbox = StoredErrands(writer, self.complain)
        for errand in errands:
            outbox.send(errand)
        writer.close()
        engine.dispose()

    def complain(self, text: str) -> None:
        raise AssertionError(text)

    def later(self, seconds: float) -> list[What]:
        """Move the clock, work off everything, and what was told of it."""
        self.clock += seconds
        before = len(self.told)
        while self.runner.work_off():
            pass
        return [outcome.what for outcome in self.told[before:]]

    def restart(self) -> None:
        self.close()
        self._runner = None

    def close(self) -> None:
        if self._runner is not None:
            self._runner._close()

    def bodies(self) -> list[list[str]]:
        """The lines of the mails that were sent."""
        return [one.message.decode().splitlines()[2:] for one in self.queue.messages()]

    def waiting(self) -> dict[str, tuple[str, int, float]]:
        engine = open_database(self.database)
        try:
            return {one.id: (one.kind, one.tries, one.due - AT) for one in list_errands(engine)}
        finally:
            engine.dispose()

    def run(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as other:
            other.execute(statement)
            other.commit()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.delenv("STRICT_QUEUE_EXIT", raising=False)
    with strict_queue() as queue:
        for name, value in queue.environment.items():
            monkeypatch.setenv(name, value)
        made = Bench(tmp_path, queue)
        yield made
        made.close()


def refuse(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setenv("STRICT_QUEUE_EXIT", str(code))


def take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRICT_QUEUE_EXIT")


def test_a_notice_is_sent_once_and_with_an_empty_sender(bench: Bench) -> None:
    bench.keep(notice())
    assert bench.later(59.9) == []
    assert bench.later(0.1) == [What.SENT]
    assert bench.later(100_000) == []
    assert bench.queue.only_message().envelope == b"F\0T" + ADMIN.encode() + b"\0\0"
    assert bench.bodies() == [["1 of 1", "virus:Test-Virus", "admin", f"id-{AT + 60:.0f}"]]
    assert bench.waiting() == {}


def test_what_is_told_of_a_mail_names_it(bench: Bench) -> None:
    bench.keep(notice("a", at=AT - 1), notice("b"))
    bench.later(60)
    topic = "virus:Test-Virus"
    assert bench.told == [Outcome(What.SENT, "notice", "a", ADMIN, topic, count=2, tries=1)]


def test_ten_thousand_viruses_in_a_minute_are_one_summary_within_seconds(bench: Bench) -> None:
    bench.keep(*(notice(f"n{number:05}", at=AT + number * 0.006) for number in range(10_000)))
    started = time.monotonic()
    assert bench.later(60) == [What.SENT]
    assert time.monotonic() - started < 20, "on a busy machine; alone it is half a second"
    ((count, *_),) = bench.bodies()
    assert count == "10000 of 50"
    assert bench.waiting() == {}


def test_the_summary_of_ten_thousand_is_written_by_our_own_templates(bench: Bench) -> None:
    bench.render = render
    names = [f"n{number:05}" for number in range(10_000)]
    bench.keep(*(notice(name, at=AT - 60, topic=f"virus:{name[-1]}") for name in names))
    bench.keep(notice("first", at=AT - 61, recipient=OTHER))
    assert bench.later(0) == [What.SENT, What.SENT]
    single, summary = (message_from_bytes(one.message) for one in bench.queue.messages())
    assert "10,000" in summary["Subject"]
    assert OTHER in single["To"]


def test_notices_about_different_things_are_mails_of_their_own(bench: Bench) -> None:
    bench.keep(
        notice("a"),
        notice("b", topic="spam"),
        notice("c", audience="recipients"),
        notice("d", recipient=OTHER),
    )
    assert bench.later(60) == [What.SENT] * 4
    assert sorted(body[0] for body in bench.bodies()) == ["1 of 1"] * 4


def test_more_topics_than_an_hour_has_room_for_are_one_summary(bench: Bench) -> None:
    bench.keep(*(notice(f"n{number}", topic=f"t{number}") for number in range(6)))
    assert bench.later(60) == [What.SENT]
    assert bench.bodies()[0][:3] == ["6 of 6", "t0,t1,t2,t3,t4,t5", "admin"]


def test_an_address_gets_no_more_than_so_many_an_hour_also_over_a_restart(bench: Bench) -> None:
    for number in range(20):
        bench.keep(notice(f"n{number:02}", at=bench.clock, topic=f"t{number:02}"))
        bench.later(60)
        bench.restart()
    assert [body[0] for body in bench.bodies()] == ["1 of 1"] * 5
    bench.keep(notice("x", at=bench.clock, recipient=OTHER))
    assert bench.later(60)[-1] is What.SENT, "another address is not held"
    first_sent = AT + 60
    bench.clock = first_sent + 3_600 - 0.1
    assert What.SENT not in bench.later(0)
    assert What.SENT in bench.later(0.2)
    assert bench.bodies()[-1][0] == "15 of 15"
    assert bench.waiting() == {}


@pytest.mark.parametrize("code", [53, 71, 81])
def test_a_notice_that_the_queue_does_not_take_now_is_tried_again_ever_more_seldom(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    refuse(monkeypatch, code)
    bench.keep(notice(at=AT - 60))
    pauses = []
    for tries in range(1, 9):
        assert bench.later(0) == [What.POSTPONED]
        kind, counted, due = bench.waiting()["one"]
        assert (kind, counted) == ("notice", tries)
        pauses.append(due - (bench.clock - AT))
        assert bench.later(pauses[-1] - 0.1) == []
        bench.clock += 0.2
    assert [round(pause) for pause in pauses] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert f"exited with {code}" in bench.told[-1].detail
    assert bench.queue.is_empty()
    take(monkeypatch)
    assert bench.later(0) == [What.SENT]


def test_a_new_notice_takes_those_that_wait_to_be_tried_again_with_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, 53)
    bench.keep(notice("a", at=AT - 60))
    bench.later(0)
    take(monkeypatch)
    bench.keep(notice("b", at=AT - 60))
    assert bench.later(0) == [What.SENT]
    assert bench.bodies()[0][0] == "2 of 2"


def test_what_the_queue_refuses_for_good_is_given_up_but_for_late_copies(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, 31)
    (bench.folder / "kept").write_bytes(SPAM)
    bench.late_error = SendError("exited with 31", temporary=False)
    bench.keep(notice("n"), forward("f", "kept"), late_copy("r", "late"))
    assert bench.later(60) == [What.POSTPONED, What.GIVEN_UP, What.GIVEN_UP]
    assert bench.waiting() == {"r": ("redeliver", 1, 120.0)}


def test_after_keep_hours_all_but_late_copies_are_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, 53)
    bench.limits["keep_hours"] = 2
    (bench.folder / "kept").write_bytes(SPAM)
    bench.late_error = SendError("exited with 53", temporary=True)
    bench.keep(notice("n"), forward("f", "kept"), late_copy("r", "late"))
    assert set(bench.later(7_199)) == {What.POSTPONED}
    assert bench.later(3_600) == [What.POSTPONED, What.GIVEN_UP, What.GIVEN_UP]
    assert set(bench.waiting()) == {"r"}
    bench.later(40 * 86_400)
    assert bench.waiting()["r"][1] == 3
    bench.late_error = None
    assert bench.later(3_600) == [What.SENT]
    assert bench.late == ["late"]


def test_of_a_pile_only_what_is_too_old_is_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, 53)
    bench.limits["keep_hours"] = 1
    bench.keep(notice("old", at=AT - 4_000), notice("new", at=AT))
    assert bench.later(0) == [What.GIVEN_UP, What.POSTPONED]
    assert set(bench.waiting()) == {"new"}


def test_spam_is_forwarded_exact_to_the_octet_below_its_fields(bench: Bench) -> None:
    (bench.folder / "kept").write_bytes(SPAM)
    bench.keep(forward("f", "kept", "X-Spam-Level: ***\nX-Odd: \udcff\n"))
    assert bench.later(0) == [What.SENT]
    queued = bench.queue.only_message()
    assert queued.message == b"X-Spam-Level: ***\nX-Odd: \xff\n" + SPAM
    assert queued.envelope == b"F\0Tlearn@example.net\0\0"


def test_forwarded_spam_is_neither_gathered_nor_limited(bench: Bench) -> None:
    (bench.folder / "kept").write_bytes(SPAM)
    bench.limits["per_hour"] = 1
    bench.keep(*(forward(f"f{number}", "kept") for number in range(4)))
    assert bench.later(0) == [What.SENT] * 4


def test_a_message_that_is_gone_from_quarantine_ends_its_errand(bench: Bench) -> None:
    bench.late_error = FileNotFoundError("gone")
    bench.keep(forward("f", "kept"), late_copy("r", "late"))
    assert bench.later(0) == [What.GONE, What.GONE]
    assert bench.waiting() == {}


def test_a_quarantine_that_cannot_be_read_is_tried_again(bench: Bench) -> None:
    (bench.folder / "kept").mkdir()
    bench.keep(forward("f", "kept"), forward("n", ""))
    assert bench.later(0) == [What.POSTPONED, What.POSTPONED]
    assert bench.told[0].detail.endswith("kept: Is a directory")


@pytest.mark.parametrize("address", ["-oQ/tmp@example.net", "a\0b@example.net", "a\nb@x.org", ""])
def test_a_notice_to_a_hostile_address_is_given_up_in_words(bench: Bench, address: str) -> None:
    bench.keep(notice(recipient=address))
    assert bench.later(60) == [What.GIVEN_UP]
    assert bench.told[0].detail.startswith("an address ")
    assert bench.queue.is_empty()


def test_a_notice_that_no_text_can_be_made_of_is_tried_again_and_not_told(bench: Bench) -> None:
    bench.keep(notice(topic="spoiler"))
    assert bench.later(60) == [What.POSTPONED]
    detail = bench.told[0].detail
    assert detail.startswith("no text could be made: ZeroDivisionError in ")
    assert "stranger" not in detail


def test_a_notice_that_spoils_a_summary_is_set_aside(bench: Bench) -> None:
    bench.limits["per_hour"] = 1
    bench.keep(notice("a"), notice("b", topic="spoiler"), notice("c", topic="spam"))
    assert bench.later(60) == [What.SET_ASIDE, What.POSTPONED]
    assert bench.later(60) == [What.SENT]
    assert bench.bodies()[0][0] == "2 of 2"
    assert bench.waiting()["b"][0] == "broken"


def test_broken_rows_stop_nothing(bench: Bench) -> None:
    (bench.folder / "kept").write_bytes(SPAM)
    bench.keep(notice("a"), notice("b"), forward("f", "kept"), forward("g", "kept"))
    bench.run("UPDATE errands SET content = '{' WHERE id IN ('a', 'f')")
    told = bench.later(60)
    assert sorted(told) == [What.SENT, What.SENT, What.SET_ASIDE, What.SET_ASIDE]
    assert {name: row[0] for name, row in bench.waiting().items()} == {"a": "broken", "f": "broken"}


def test_killed_between_queueing_and_marking_it_is_sent_a_second_time_and_no_third(
    bench: Bench,
) -> None:
    wrapper = bench.folder / "qmail-queue"
    wrapper.write_text(f"#!/bin/sh\n{bench.queue.program} && kill -9 $PPID\n")
    wrapper.chmod(0o755)
    bench.keep(notice("a"))
    bench.clock += 60
    child = os.fork()
    if child == 0:
        bench.program = wrapper
        bench.runner.work_off()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert bench.later(0) == [], "not at once: what kills us may do so again"
    assert bench.later(60) == [What.SENT]
    assert bench.later(100_000) == []
    assert len(bench.queue.messages()) == 2


def test_nothing_is_sent_while_the_database_cannot_be_written(bench: Bench) -> None:
    bench.keep(notice("a"))
    bench.clock += 60
    bench.run("CREATE TRIGGER no BEFORE UPDATE ON errands BEGIN SELECT RAISE(ABORT, 'full'); END")
    for _ in range(3):
        with pytest.raises(StoreError, match="full"):
            bench.runner.work_off()
    assert bench.queue.is_empty()
    bench.run("DROP TRIGGER no")
    assert bench.later(0) == [What.SENT]


@pytest.mark.parametrize("errand", [notice("a"), forward("a", "kept")])
def test_a_mark_that_cannot_be_written_is_insisted_on_and_the_mail_not_sent_again(
    bench: Bench, errand: Errand
) -> None:
    (bench.folder / "kept").write_bytes(SPAM)
    bench.keep(errand)
    bench.run("CREATE TRIGGER no BEFORE DELETE ON errands BEGIN SELECT RAISE(ABORT, 'full'); END")
    tries = iter(range(3))

    def rest_then_repair(seconds: float) -> bool:
        if seconds and next(tries) == 2:
            bench.run("DROP TRIGGER no")
        return True

    object.__setattr__(bench.runner._hands, "rest", rest_then_repair)
    assert bench.later(60) == [What.TROUBLE] * 3 + [What.SENT]
    assert len(bench.queue.messages()) == 1


def test_told_to_end_it_insists_no_more(bench: Bench) -> None:
    bench.keep(late_copy("r", "late"))
    bench.run("CREATE TRIGGER no BEFORE DELETE ON errands BEGIN SELECT RAISE(ABORT, 'full'); END")
    bench.stop_after = 2
    bench.runner.run()
    assert bench.told[0].detail.endswith("mailwarden.db: full")
    assert bench.late == ["late"]


def test_told_to_end_it_ends_after_the_mail_that_it_is_at(bench: Bench) -> None:
    (bench.folder / "kept").write_bytes(SPAM)
    bench.keep(*(forward(f"f{number}", "kept") for number in range(4)))
    bench.keep(*(notice(f"n{number}", at=AT - 60, topic=f"t{number}") for number in range(4)))
    bench.stop_after = 3
    bench.runner.run()
    assert len(bench.queue.messages()) == 2
    assert all(row[1] == 0 for row in bench.waiting().values()), "the rest was not touched"


def test_told_to_end_among_notices_the_rest_waits(bench: Bench) -> None:
    bench.keep(*(notice(f"n{number}", at=AT - 60, topic=f"t{number}") for number in range(4)))
    bench.stop_after = 3
    bench.runner.run()
    assert len(bench.queue.messages()) == 2


def test_a_database_that_is_missing_or_broken_is_tried_again_for_ever(bench: Bench) -> None:
    bench.database.mkdir()
    bench.stop_after = 4
    bench.runner.run()
    assert [outcome.what for outcome in bench.told] == [What.TROUBLE] * 4
    assert bench.rests == [0.0, 10.0, 10.0, 10.0, 10.0]
    bench.database.rmdir()
    bench.stop_after = 10_000
    bench.keep(notice(at=AT - 60))
    assert bench.later(0) == [What.SENT]


def test_a_bug_is_told_and_outlived(bench: Bench) -> None:
    bench.late_error = ZeroDivisionError("a bug")
    bench.keep(late_copy("r", "late"))
    bench.stop_after = 3
    bench.runner.run()
    assert [outcome.detail for outcome in bench.told] == ["ZeroDivisionError: a bug"]
    assert bench.rests[-1] == 1.0
    assert bench.waiting()["r"][1] == 1


def test_the_row_of_a_late_copy_tells_nothing_but_where_it_lies(bench: Bench) -> None:
    bench.keep(late_copy("r", "late"))
    with contextlib.closing(sqlite3.connect(bench.database)) as other:
        ((content,),) = other.execute("SELECT content FROM errands").fetchall()
    assert json.loads(content) == {"kept_as": "late"}
