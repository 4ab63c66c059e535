"""Measures queue programs: messages a second, latency, CPU time a message.

    bench/queue_bench.py                                 every preset, mixed and small messages
    bench/queue_bench.py --preset bare --preset none     only these
    bench/queue_bench.py --aim                           the CPU time of a small message, alone
    bench/queue_bench.py --program /path/to/program --daemon PID      any other program

A preset starts everything that it needs and stops it again; see bench/README.md.
"""

import argparse
import contextlib
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from driver import Measurement, Target, cpu_seconds_in_turn, measure
from messages import mixed_messages, small_messages
from support.clamd import running_clamd
from support.gate import Gate, Sections, gate
from support.strict_queue import strict_queue
from system_spamd import system_spamd

# The same fsync costs here up to four times as much, depending on what was written before it.
# The queue's folder is kept in memory, so that what differs between two lines is ours.
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a new folder of our own is made in it
_WARM_UP_MESSAGES = 20
_AT_ONCE = (1, 4, 16)
_MILLISECONDS = 1_000
_COLUMNS = (
    "at once",
    "messages/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU ms",
    "of it daemon",
    "failed",
)


@contextlib.contextmanager
def bare() -> Iterator[Target]:
    """The stand-in queue alone: what doing nothing costs."""
    with strict_queue("c", _IN_MEMORY) as queue:
        yield Target(queue.program, queue.environment)


@contextlib.contextmanager
def _behind(running: Gate, more: Mapping[str, str] | None = None) -> Iterator[Target]:
    """A gate with the same queue behind it as the bare one."""
    with strict_queue("c", _IN_MEMORY) as queue:
        environment = {
            **running.environment,
            "MAILWARDEN_QMAIL_QUEUE": str(queue.program),
            **queue.environment,
            **(more or {}),
        }
        yield Target(running.client, environment, [running.pid])


@contextlib.contextmanager
def without_scanners() -> Iterator[Target]:
    """mailwarden-queue and the daemon with their built-in checks only."""
    with gate() as running, _behind(running) as target:
        yield target


@contextlib.contextmanager
def with_clamd() -> Iterator[Target]:
    """The same, and a real clamd with three signatures and its cache off."""
    with (
        running_clamd() as clamd,
        gate(["clamd"], {"clamd": {"addresses": [clamd.address]}}) as running,
        _behind(running) as target,
    ):
        yield target


@contextlib.contextmanager
def with_clamd_and_spamd() -> Iterator[Target]:
    """The same, and a real spamd with the rules of its package, local tests only."""
    with running_clamd() as clamd, system_spamd() as spamd:
        sections: Sections = {
            "clamd": {"addresses": [clamd.address]},
            "spamd": {"addresses": [spamd]},
        }
        with (
            gate(["clamd", "spamd"], sections) as running,
            _behind(running, {"QS_SPAMASSASSIN": "on"}) as target,
        ):
            yield target


@dataclass(frozen=True, slots=True)
class Preset:
    """Something to measure, with the sets of messages that it is measured with by default."""

    title: str
    start: Callable[[], contextlib.AbstractContextManager[Target]]
    message_sets: Sequence[str] = ("mixed", "small")


PRESETS = {
    "bare": Preset("the bare stand-in queue", bare),
    "none": Preset("mailwarden-queue, no scanners", without_scanners),
    "clamd": Preset("mailwarden-queue, clamd", with_clamd),
    # spamd takes a fifth of a second for a small message: a thousand would say no more.
    "spamd": Preset("mailwarden-queue, clamd and spamd", with_clamd_and_spamd, ("mixed",)),
}


def main() -> None:
    """Measure what the command line names and print a table for each."""
    arguments = _arguments()
    if arguments.aim:
        _print_aim()
        return
    console = Console()
    for preset in _presets(arguments):
        with preset.start() as target:
            for name in arguments.messages or preset.message_sets:
                messages = _messages(name)
                measure(target, messages[:_WARM_UP_MESSAGES], 1)
                measurements = [
                    _best_of(arguments.runs, target, messages, at_once)
                    for at_once in arguments.at_once or _AT_ONCE
                ]
                title = f"{preset.title}; {len(messages)} messages ({name})"
                _print(console, title, measurements)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", action="append", choices=PRESETS, help="default: all")
    parser.add_argument("--program", type=Path, help="measure this program instead of presets")
    parser.add_argument(
        "--daemon", type=int, action="append", default=[], help="its daemon, for the CPU time"
    )
    parser.add_argument(
        "--messages",
        action="append",
        help="mixed, small, or a folder with one message a file; default: as the preset says",
    )
    parser.add_argument(
        "--at-once", type=int, action="append", help="concurrency; default: 1, 4 and 16"
    )
    parser.add_argument(
        "--aim", action="store_true", help="only the CPU time of a 5 KB message over the bare queue"
    )
    parser.add_argument("--runs", type=int, default=3, help="the best of so many; default: 3")
    return parser.parse_args()


def _presets(arguments: argparse.Namespace) -> list[Preset]:
    if arguments.program:
        target = Target(arguments.program.absolute(), dict(os.environ), arguments.daemon)
        return [Preset(str(arguments.program), lambda: contextlib.nullcontext(target))]
    return [PRESETS[name] for name in arguments.preset or PRESETS]


def _print_aim() -> None:
    messages = small_messages()
    with bare() as queue, without_scanners() as whole:
        cpu_seconds_in_turn([queue, whole], messages[:_WARM_UP_MESSAGES])
        columns = cpu_seconds_in_turn([queue, whole], messages)
    print("| CPU ms for a message of 5 KB | bare queue | mailwarden-queue | on top |")
    print("| :-- | --: | --: | --: |")
    for title, percent in (("the quickest tenth", 10), ("median", 50)):
        cuts = [statistics.quantiles(column, n=100)[percent - 1] for column in columns]
        cells = [f"{seconds * _MILLISECONDS:.2f}" for seconds in (*cuts, cuts[1] - cuts[0])]
        print(f"| {title} | {' | '.join(cells)} |")


def _best_of(runs: int, target: Target, messages: Sequence[bytes], at_once: int) -> Measurement:
    """The quickest run: on a shared machine the slower ones measured the neighbours."""
    measurements = [measure(target, messages, at_once) for _ in range(runs)]
    return max(measurements, key=lambda measurement: measurement.messages_a_second)


def _messages(name: str) -> list[bytes]:
    made = {"mixed": mixed_messages, "small": small_messages}
    if name in made:
        return made[name]()
    return [path.read_bytes() for path in sorted(Path(name).iterdir()) if path.is_file()]


def _print(console: Console, title: str, measurements: Sequence[Measurement]) -> None:
    rows = [_row(measurement) for measurement in measurements]
    if console.is_terminal:
        table = Table(*_COLUMNS, title=title)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    print(f"\n{title}\n")
    for cells in (_COLUMNS, ["--:"] * len(_COLUMNS), *rows):
        print(f"| {' | '.join(cells)} |")


def _row(measurement: Measurement) -> list[str]:
    latencies = [measurement.percentile_seconds(percent) for percent in (50, 95, 99)]
    return [
        str(measurement.concurrency),
        f"{measurement.messages_a_second:.0f}",
        *(f"{latency * _MILLISECONDS:.1f}" for latency in latencies),
        f"{measurement.cpu_seconds * _MILLISECONDS:.2f}",
        f"{measurement.daemon_cpu_seconds * _MILLISECONDS:.2f}",
        str(measurement.failures),
    ]


if __name__ == "__main__":
    main()
