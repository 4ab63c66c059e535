"""The thread that writes lines: what it promises to the message path, and what it complains of."""

import threading
import time
from dataclasses import dataclass, field

from mailwarden.logs.line_writer import LineWriter
from support.waiting import wait_until

PATIENCE_SECONDS = 20.0


@dataclass(eq=False, slots=True)
class Shelf:
    """A target that takes `at_once` lines in a call, none while it is `broken`."""

    name: str = "a shelf"
    broken: str = ""
    at_once: int = 1_000_000
    stands_still: threading.Event | None = None
    lines: list[bytes] = field(default_factory=list)
    calls: int = 0
    is_closed: bool = False

    def write(self, lines: list[bytes]) -> int:
        if self.stands_still:
            self.stands_still.wait(PATIENCE_SECONDS)
        self.calls += 1
        if self.broken:
            raise OSError(5, self.broken)
        self.lines += lines[: self.at_once]
        return len(lines[: self.at_once])

    def close(self) -> None:
        self.is_closed = True


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_all_lines_are_written_in_their_order_before_it_ends() -> None:
    one, two, said = Shelf(), Shelf(), list[str]()
    writer = LineWriter(said.append)
    for number in range(1_000):
        writer.add(one if number % 2 else two, [f"{number} ä", "more"])
    writer.close()
    assert one.lines[:4] == [b"1 \xc3\xa4\n", b"more\n", b"3 \xc3\xa4\n", b"more\n"]
    assert len(one.lines) == len(two.lines) == 1_000
    assert one.is_closed
    assert two.is_closed
    assert said == []


def test_lines_are_written_soon_and_together() -> None:
    shelf = Shelf()
    writer = LineWriter(print)
    for _ in range(100):
        writer.add(shelf, ["line"])
    wait_until(lambda: len(shelf.lines) == 100, PATIENCE_SECONDS, "the lines are written")
    assert shelf.calls < 10
    writer.close()


def test_what_was_written_waits_no_more() -> None:
    shelf, said = Shelf(), list[str]()
    writer = LineWriter(said.append)
    for number in range(1, 6):
        writer.add(shelf, ["x" * 3_999_999])
        wait_until(lambda n=number: len(shelf.lines) == n, PATIENCE_SECONDS, "it is written")  # type: ignore[misc]
    writer.close()
    assert said == []


def test_what_was_not_taken_at_once_is_offered_again() -> None:
    shelf = Shelf(at_once=3)
    writer = LineWriter(print)
    writer.add(shelf, (str(number) for number in range(10)))
    writer.close()
    assert shelf.lines == [b"%d\n" % number for number in range(10)]


def test_a_broken_target_is_complained_of_once_and_when_it_works_again() -> None:
    broken, good, said = Shelf("the disk", "No space left on device"), Shelf(), list[str]()
    writer = LineWriter(said.append)
    for tries in range(1, 4):
        writer.add(broken, ["lost", "lost"])
        writer.add(good, ["kept"])
        wait_until(lambda n=tries: broken.calls == n, PATIENCE_SECONDS, "a try")  # type: ignore[misc]
    broken.broken = ""
    writer.add(broken, ["kept"])
    writer.close()
    assert said == [
        "the disk: No space left on device; lines are lost until that is over",
        "the disk: written again; 6 lines were lost",
    ]
    assert broken.lines == [b"kept\n"]
    assert good.lines == [b"kept\n"] * 3


def test_a_target_that_comes_and_goes_is_complained_of_once_a_minute() -> None:
    shelf, said, clock = Shelf("syslog"), list[str](), Clock()
    writer = LineWriter(said.append, clock)

    def attempt(broken: str) -> None:
        shelf.broken = broken
        calls = shelf.calls
        writer.add(shelf, ["line"])
        wait_until(lambda: shelf.calls > calls, PATIENCE_SECONDS, "a try")

    for broken in ("away", "", "away", "", "away"):
        attempt(broken)
    clock.now += 61
    attempt("away")
    attempt("")
    writer.close()
    assert said == [
        "syslog: away; lines are lost until that is over",
        "syslog: written again; 1 lines were lost",
        "syslog: away; lines are lost until that is over",
        "syslog: written again; 3 lines were lost",
    ]


def test_a_target_that_stands_still_costs_no_message_time_and_bounded_memory() -> None:
    said, go_on = list[str](), threading.Event()
    shelf = Shelf("the disk", stands_still=go_on)
    writer = LineWriter(said.append)
    line = "x" * 999_999
    started = time.monotonic()
    writer.add(shelf, [line])
    for _ in range(100):
        writer.add(shelf, [line])
    assert time.monotonic() - started < 5
    go_on.set()
    writer.close()
    assert 16 <= len(shelf.lines) <= 33
    assert said[0] == "the disk: too many lines wait; lines are lost until that is over"
