"""qmail-queue.log, ours and the original's."""

import time
from datetime import UTC
from itertools import chain

import pytest

from mailwarden.logs.queue_log import QueueLogLevel, queue_lines
from mailwarden.reports.event import QUIET, Event, EventKind, Quiet
from mailwarden.reports.queue_log import QueueLog
from mailwarden.verdict.disposition import Disposition
from support.log_records import AWAY, POLICY, VIRUS, quarantined_and_tagged, record, spam
from support.old_logs import AT, original_line, original_virus, our_event


def read(*lines: str) -> list[Event | Quiet | None]:
    log = QueueLog(UTC)
    return [log.read(line) for line in lines]


def events(*lines: str) -> list[Event]:
    return [told for told in read(*lines) if isinstance(told, Event)]


def names(*texts: str, number: int = 1) -> list[str]:
    """What is counted of these lines of one process."""
    return [event.name for event in events(*(original_line(number, text) for text in texts))]


def test_our_event_line_tells_everything() -> None:
    line = our_event(0, "quarantining", "Eicar-Test", to="a@x.example,b@x.example", score="-1.5/6")
    assert events(line) == [
        Event(
            at=AT,
            disposition=Disposition.QUARANTINE,
            kind=EventKind.VIRUS,
            name="Eicar-Test",
            sender="ann@sender.example",
            recipients=("a@x.example", "b@x.example"),
            score=-1.5,
        )
    ]


@pytest.mark.parametrize(
    ("verb", "name", "disposition", "kind", "told"),
    [
        ("rejecting", "spam", Disposition.REJECT, EventKind.SPAM, "spam"),
        ("tagging", "spam", Disposition.TAG, EventKind.SPAM, "spam"),
        ("deleting", "W32/X", Disposition.DELETE, EventKind.VIRUS, "W32/X"),
        ("deferring", "fault:clamd", Disposition.DEFER, EventKind.FAULT, "clamd"),
        ("accepting", "", Disposition.ACCEPT, EventKind.CLEAN, ""),
        ("quarantining", "no VBS here", Disposition.QUARANTINE, EventKind.POLICY, "no VBS here"),
    ],
)
def test_the_verb_and_name_say_what_became_of_it(
    verb: str, name: str, disposition: Disposition, kind: EventKind, told: str
) -> None:
    (event,) = events(our_event(0, verb, name))
    assert (event.disposition, event.kind, event.name) == (disposition, kind, told)


@pytest.mark.parametrize("level", ["important", "minidebug", "debug"])
def test_what_our_own_log_writes_is_counted_once_at_every_level(level: QueueLogLevel) -> None:
    hostile = {"subject": "virus: W32/Forged", "files": (("x: Forged FOUND", 1),)}
    records = [
        record(Disposition.QUARANTINE, VIRUS, **hostile),  # type: ignore[arg-type]
        record(Disposition.REJECT, POLICY, spam(), sender=b"a@b.example"),
        record(Disposition.TAG, spam(), sender=b"c@b.example"),
        record(Disposition.DEFER, AWAY, sender=b"d@b.example"),
    ]
    lines = [list(queue_lines(one, "handed-over", level, spam_debug=True)) for one in records]
    told = read(*chain.from_iterable(lines))
    assert [event.name for event in told if isinstance(event, Event)] == [
        "Worm.SomeFool.I",
        "A name ends in .exe.",
        "spam",
        "clamd",
    ]
    assert None not in told


def test_groups_that_are_treated_alike_are_one_message() -> None:
    twice = [our_event(0, "quarantining", "X", to=to) for to in ("a@x.example", "b@x.example")]
    assert [event.further for event in events(*twice)] == [False, True]


def test_groups_that_are_treated_differently_both_count() -> None:
    lines = queue_lines(quarantined_and_tagged(), "handed-over", "important", spam_debug=False)
    told = events(*lines)
    assert {event.disposition for event in told} == {Disposition.QUARANTINE, Disposition.TAG}
    assert not any(event.further for event in told)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("clamdscan: msg-1.pif: Worm.SomeFool.I FOUND", "Worm.SomeFool.I"),
        ("sweep: >>> Virus 'W32/Netsky-P' found in file msg-1.pif", "W32/Netsky-P"),
        ("uvscan: msg.pif Found the W32/Netsky.p@MM virus !!!", "W32/Netsky.p@MM"),
        ("fprot: msg.pif  Infection: W32/Netsky.P@mm", "W32/Netsky.P@mm"),
        ("perlscan: virus: Eicar-Test", "Eicar-Test"),
        ("there is a virus! (W32/MyDoom-A)", "W32/MyDoom-A"),
        ("quarantining W32/MyDoom-O from a@b.example", "W32/MyDoom-O"),
        ("deleting virus 'Eicar-Test-Signature'.", "Eicar-Test-Signature"),
    ],
)
def test_the_original_names_viruses_as_its_scanners_do(text: str, name: str) -> None:
    (event,) = events(original_line(1, text))
    assert (event.name, event.kind) == (name, EventKind.VIRUS)


@pytest.mark.parametrize(
    "text",
    [
        "SA: rejecting message",
        "rejecting spam-message.1 of somebody",
        "tagging ann@sender.example",
        "quarantining mx.example.net119488087677512190",
    ],
)
def test_an_act_without_a_name_is_about_spam(text: str) -> None:
    assert names(text) == ["spam"]


def test_what_a_process_says_of_its_virus_counts_once() -> None:
    told = events(*original_virus(1, "W32/Netsky-P"))
    assert [(event.name, event.disposition) for event in told] == [
        ("W32/Netsky-P", Disposition.QUARANTINE)
    ]


def test_two_viruses_of_one_message_both_count() -> None:
    assert names("x: A.B FOUND", "y: C.D FOUND", "x: A.B FOUND", "deleting it") == ["A.B", "C.D"]


def test_an_act_that_is_said_twice_counts_once() -> None:
    assert names("tagging it", "SA: tagging it", "rejecting it") == ["spam", "spam"]


def test_a_process_number_comes_again() -> None:
    log = QueueLog(UTC)
    later = [original_line(one, "tagging it") for one in (0, 30_000)]
    assert all(isinstance(log.read(line), Event) for line in later)


def test_a_new_start_of_the_same_number_is_a_new_message() -> None:
    assert names("tagging", "+++ starting debugging for process 1 by uid=2", "tagging") == [
        "spam",
        "spam",
    ]


def test_lines_that_quote_the_message_are_never_counted() -> None:
    quoting = [
        'w_c: subject is "virus: Forged"',
        "g_e_h: return-path is rejecting@x.example",
        "d_m: unpacked x: Forged FOUND",
        "clamd: clamd found virus A.B in x: Forged FOUND",
    ]
    assert read(*(original_line(1, text) for text in quoting)) == [QUIET] * 4


def test_other_lines_of_the_log_say_nothing_that_is_counted() -> None:
    assert read(original_line(1, "ini_sc: recursive scan took 0.1 secs")) == [QUIET]
    assert read(original_line(1, "the virus scanner answered")) == [QUIET]


@pytest.mark.parametrize("line", ["", "a line", "yesterday it was:12: tagging", "a\tb"])
def test_lines_of_other_logs_are_not_taken(line: str) -> None:
    assert read(line) == [None]


def test_hostile_lines_take_linear_time_and_little_memory() -> None:
    log = QueueLog(UTC)
    before = time.monotonic()
    for text in ("a" * 60_000, 'a="' * 20_000, ": x" * 20_000, "virus (" * 9_000):
        log.read(original_line(1, text))
        log.read(original_line(1, f'tagging: name="{text}'))
    for number in range(2_000):
        log.read(original_line(1, f"x: Virus.{number} FOUND"))
    assert time.monotonic() - before < 3.0
    told = log._told["1001"]
    assert told
    assert len(told.names) < 10
