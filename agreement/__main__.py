"""The command: compare with every source, print the table, list what differs.

    python -m agreement FOLDER [--only SOURCE] [--write FILE]

Exit status: 0 every disagreement is known; 1 one is not, or a known one is gone; 2 wrong usage, or
the folder is not there.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from agreement import (
    archives,
    bypass,
    everything,
    ham,
    mime4j,
    mime_tools,
    mimekit,
    passwords,
    qmail,
    stalwart,
    tnef,
)
from agreement.frame import Compare, Judged, Result, Tools, judge, vanished
from agreement.known import KNOWN
from agreement.page import page
from agreement.path import MessagePath

_HELPERS = "helper processes"
_EVERYTHING = "everything"
_SHOWN_CHARACTERS = 300

SOURCES: Mapping[str, Compare] = {
    "mime4j": mime4j.compare,
    "mimekit": mimekit.compare,
    "stalwart": stalwart.compare,
    "mime-tools": mime_tools.compare,
    "yauzl": archives.compare_yauzl,
    "rarfile": archives.compare_rarfile,
    "tnef": tnef.compare,
    "passwords": passwords.compare_passwords,
    "msoffcrypto": passwords.compare_msoffcrypto,
    "pypdf": passwords.compare_pypdf,
    "qmail": qmail.compare,
    "mime-is-broken": bypass.compare,
    "ham": ham.compare,
    _EVERYTHING: everything.compare,
}


def main() -> int:
    """Run the command; returns the exit status."""
    arguments = _arguments()
    corpus: Path = arguments.corpus
    if not (corpus / "passwords.json").is_file():
        print(
            f"agreement: no test corpus in {corpus}: name its folder, make corpus CORPUS=...",
            file=sys.stderr,
        )
        return 2
    judged = list(_compare(corpus, arguments.only or list(SOURCES)))
    print("\n".join(_table(judged)))
    print("\n".join(_details(judged)))
    if arguments.write:
        arguments.write.write_text(page(judged), encoding="utf-8")
    return 1 if any(one.unknown or vanished(one, KNOWN) for one in judged) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="agreement", description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="the corpus's folder")
    parser.add_argument("--only", action="append", choices=SOURCES, help="this source (again ...)")
    parser.add_argument("--write", type=Path, help="the page to write, docs/reference/corpus.md")
    return parser.parse_args()


def _compare(corpus: Path, names: Sequence[str]) -> Iterator[Judged]:
    """Ask all sources, and at last what the helper processes took, when they have ended."""
    with MessagePath() as path:
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            yield _judged(name, SOURCES[name](Tools(corpus, path)))
    if _EVERYTHING in names:
        yield _judged(_HELPERS, everything.compare_helpers())


def _judged(name: str, result: Result) -> Judged:
    return judge(name, result, KNOWN)


def _table(judged: Sequence[Judged]) -> Iterator[str]:
    yield f"{'source':<18}{'files':>7}{'cases':>8}{'agree':>8}{'differ':>8}{'unknown':>9}"
    for one in judged:
        cases = len(one.result.cases)
        numbers = f"{one.files:>7}{cases:>8}{one.agreeing:>8}{one.differing:>8}"
        yield f"{one.source:<18}{numbers}{len(one.unknown):>9}"


def _details(judged: Sequence[Judged]) -> Iterator[str]:
    """Say what is behind the numbers: figures, known disagreements, and those that are not."""
    for one in judged:
        yield f"\n== {one.source}"
        yield from one.result.notes
        for known, cases in one.known.items():
            yield f"{len(cases)} known, {known.aspect}: {known.reason}"
            yield from (f"    {file}" for file in dict.fromkeys(case.file for case in cases))
        for gone in vanished(one, KNOWN):
            yield f"NOT THERE ANY MORE: {gone.aspect}: {gone.reason}"
        for case in one.unknown:
            yield f"UNKNOWN: {case.file} {case.aspect} {case.place}"
            yield f"    ours    {case.ours[:_SHOWN_CHARACTERS]}"
            yield f"    theirs  {case.theirs[:_SHOWN_CHARACTERS]}"


if __name__ == "__main__":
    sys.exit(main())
