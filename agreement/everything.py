"""Every file of the corpus through the whole path: as a message, and attached to one.

No file may crash or hang anything: no fault of a helper, at most 2 seconds of processor time and
200 MB for each message. Memory of helper processes is known of the largest only, and when all of
them have ended.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agreement.frame import Case, Result, Tools
from agreement.path import Look, helpers_peak_bytes

MOST_SECONDS = 2.0
MOST_BYTES = 200_000_000
_SHOWN = 10

# What people attach; other folders hold messages.
_ATTACHED = ("archives", "office", "tnef")
_NOT_FILES = ("ORIGIN.md",)
_LOOKED = "looked through"


@dataclass(frozen=True, slots=True)
class _Looked:
    """What became of one file, in one way of bringing it."""

    name: str
    look: Look


def compare(tools: Tools) -> Result:
    """Look at every file, and at those that people attach as attachments."""
    looked = [_Looked(name, tools.path.look(raw)) for name, raw in _messages(tools.corpus)]
    cases = [Case(one.name, "path", _outcome(one.look), _LOOKED) for one in looked]
    return Result(cases, tuple(_notes(looked)))


def compare_helpers() -> Result:
    """Judge the memory of all helper processes that there were; they must have ended."""
    peak_bytes = helpers_peak_bytes()
    shown = f"{peak_bytes / 1e6:.0f} MB"
    limit = f"at most {MOST_BYTES / 1e6:.0f} MB"
    ours = limit if peak_bytes <= MOST_BYTES else "more"
    note = f"largest resident set of a helper process: {shown}"
    return Result([Case("helper processes", "memory", ours, limit)], (note,))


def _messages(corpus: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each file as it is, and what is attached in a message around it."""
    for path in sorted(corpus.rglob("*")):
        if not path.is_file() or path.name in _NOT_FILES:
            continue
        name, octets = str(path.relative_to(corpus)), path.read_bytes()
        yield name, octets
        if name.startswith(_ATTACHED):
            yield f"{name} (attached)", attached(path.name, octets)


def attached(name: str, octets: bytes) -> bytes:
    """Give a message with a text and a file; a quote in its name is left out."""
    shown = name.replace('"', "").encode()
    return (
        b"From: ann@sender.example\nTo: bob@recipient.example\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="=_corpus"\n\n'
        b"--=_corpus\nContent-Type: text/plain\n\nThe file is attached.\n"
        b"--=_corpus\nContent-Type: application/octet-stream\n"
        b'Content-Disposition: attachment; filename="' + shown + b'"\n'
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(octets) + b"--=_corpus--\n"
    )


def _outcome(look: Look) -> str:
    """Say what is wrong with a look, or that nothing is."""
    faults = [f"fault: {fault.reason}" for fault in look.report.faults]
    if look.cpu_seconds > MOST_SECONDS:
        faults.append(f"{look.cpu_seconds:.1f} seconds of processor time")
    if look.peak_bytes > MOST_BYTES:
        faults.append(f"{look.peak_bytes / 1e6:.0f} MB")
    return "; ".join(faults) or _LOOKED


def _notes(looked: list[_Looked]) -> Iterator[str]:
    slowest = sorted(looked, key=lambda one: one.look.cpu_seconds, reverse=True)[:_SHOWN]
    yield f"slowest {_SHOWN}, seconds of processor time:"
    yield from (f"  {one.look.cpu_seconds:.2f}  {one.name}" for one in slowest)
    largest = max(looked, key=lambda one: one.look.peak_bytes)
    yield f"largest resident set: {largest.look.peak_bytes / 1e6:.0f} MB, with {largest.name}"
    outcomes: dict[str, int] = {}
    for one in looked:
        word = one.look.decision.disposition.word
        outcomes[word] = outcomes.get(word, 0) + 1
    yield ", ".join(f"{count} {word}" for word, count in sorted(outcomes.items()))
