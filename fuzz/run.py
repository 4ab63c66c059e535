"""Fuzzes targets with atheris, each in a process of its own, some at a time, for a bounded time.

    fuzz/run.py --seconds 60 message/reader open/     (a name, or how names begin; all without)

What was found stays in the folder: the inputs that reached something new under `corpus`, where the
next run goes on, those that broke an invariant or crashed under `found`, and what was said in
`log`. Every module of ours is counted branch by branch, which is why this is no process of tests.
"""

import argparse
import hashlib
import os
import re
import resource
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import atheris  # type: ignore[import-untyped]  # it ships no types

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
# Those of the foreign libraries that are Python count, too; the native ones cannot.
with atheris.instrument_imports(include=["mailwarden", "olefile", "rarfile", "msoffcrypto"]):
    from mailwarden.unpack.formats.archives import unar
    from mailwarden.unpack.members import UnsupportedError
    from targets import TARGETS, Target

# As a helper process may have, with room for what atheris keeps: some native code fills whatever
# it is given, and takes its time for that.
_MOST_MEMORY_MEGABYTES = 1_500
# Of the clock: the machine may be busy. What is too slow by its own time says so itself.
_MOST_SECONDS_AN_INPUT = 60
_LEAST_LONGEST_INPUT_BYTES = 16_384
_TOLD_LINES = 25

_PROGRESS = re.compile(r"^#(\d+)\t(\w+) +cov: (\d+)", re.MULTILINE)
_TROUBLE = re.compile(r"^(?: === Uncaught Python exception|==\d+== ?ERROR)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """When to stop, for each target: after so many seconds, or runs where that is not 0."""

    seconds: int
    runs: int
    jobs: int


@dataclass(frozen=True, slots=True)
class Result:
    """What fuzzing one target came to; `trouble` is empty when its invariant held."""

    name: str
    runs: int
    first_coverage: int
    last_coverage: int
    trouble: str

    def __str__(self) -> str:
        grown = f"{self.first_coverage:>6} -> {self.last_coverage:<6}"
        return f"{self.name:24} {self.runs:>9} runs  {grown} branches  {self._verdict}"

    @property
    def _verdict(self) -> str:
        return f"FOUND\n{self.trouble}" if self.trouble else "holds"


def main() -> None:
    """Fuzz what was asked for; the exit status is 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[""], help="names of targets, or beginnings")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--runs", type=int, default=0, help="for each target, instead of only time")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"), help="where things are kept")
    parser.add_argument("--seeds", type=Path, help="a folder of further files to begin with")
    arguments = parser.parse_args()
    chosen = [target for target in TARGETS if target.name.startswith(tuple(arguments.names))]
    if not chosen:
        parser.error("no target begins with that name")
    bounds = Bounds(arguments.seconds, arguments.runs, arguments.jobs)
    sys.exit(not fuzz(chosen, bounds, arguments.folder, arguments.seeds))


def fuzz(
    chosen: Sequence[Target], bounds: Bounds, folder: Path, more_seeds: Path | None = None
) -> bool:
    """Fuzz targets and print what each came to; whether all invariants held."""
    results: list[Result] = []
    for result in _results(chosen, bounds, folder, more_seeds):
        print(result, flush=True)
        results.append(result)
    return not any(result.trouble for result in results)


def _results(
    chosen: Sequence[Target], bounds: Bounds, folder: Path, more_seeds: Path | None
) -> Iterator[Result]:
    waiting, working = deque(chosen), dict[int, Target]()
    while waiting or working:
        while waiting and len(working) < bounds.jobs:
            target = waiting.popleft()
            arguments = _arguments(target, bounds, folder, more_seeds)
            pid = os.fork()
            if not pid:
                _become(target, arguments, _place(target, folder) / "log")
            working[pid] = target
        pid, status = os.wait()
        target = working.pop(pid)
        yield _result(target, status, _place(target, folder))


def _place(target: Target, folder: Path) -> Path:
    return folder.absolute() / target.name.replace("/", "-")


def _arguments(
    target: Target, bounds: Bounds, folder: Path, more_seeds: Path | None
) -> tuple[str, ...]:
    """The command line of libFuzzer, with the seeds written where it looks for them."""
    place = _place(target, folder)
    seeds = target.seeds()
    for name in ("corpus", "found"):
        (place / name).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (place / "corpus" / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    options = {
        "max_total_time": bounds.seconds,
        "runs": bounds.runs or -1,
        "seed": 1,
        "timeout": _MOST_SECONDS_AN_INPUT,
        "rss_limit_mb": _MOST_MEMORY_MEGABYTES,
        "max_len": max(_LEAST_LONGEST_INPUT_BYTES, *map(len, seeds)),
        "artifact_prefix": f"{place}/found/",
    }
    folders = [str(place / "corpus"), *([str(more_seeds)] if more_seeds else [])]
    return (target.name, *(f"-{key}={value}" for key, value in options.items()), *folders)


def _become(target: Target, arguments: tuple[str, ...], log: Path) -> NoReturn:
    """Fuzz in this process, which was forked for it and does not come back."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if not target.starts_programs:
        # The one module that starts any has it under this name.
        unar.output_of = _no_program  # type: ignore[attr-defined]
    most_bytes = _MOST_MEMORY_MEGABYTES << 20
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    atheris.Setup(list(arguments), target.hold)
    atheris.Fuzz()
    sys.exit("atheris does not come back")


def _no_program(
    arguments: tuple[str, ...], octets: bytes, on_tick: Callable[[], None]
) -> Generator[bytes, None, None]:
    """What running a program comes to on a machine that does not have it."""
    raise UnsupportedError(f"{arguments[0]} is not installed or cannot be started")


def _result(target: Target, status: int, place: Path) -> Result:
    log = (place / "log").read_text("utf-8", "replace")
    progress = _PROGRESS.findall(log)
    runs, _, last = progress[-1] if progress else ("0", "", "0")
    first = next((coverage for _, word, coverage in progress if word == "INITED"), last)
    return Result(
        target.name, int(runs), int(first), int(last), _trouble(log, place) if status else ""
    )


def _trouble(log: str, place: Path) -> str:
    """The words about what was found, and where the input is."""
    begin = _TROUBLE.search(log)
    lines = log[begin.start() if begin else -2_000 :].splitlines()[:_TOLD_LINES]
    inputs = sorted(map(str, (place / "found").iterdir()))
    return "\n".join((*lines, *inputs))


if __name__ == "__main__":
    main()
