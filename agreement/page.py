"""The page of results, `docs/reference/corpus.md`: numbers, reasons, names of files."""

from collections.abc import Iterable, Iterator, Sequence

from agreement.frame import Judged

_HEAD = """\
# Agreement with the test corpus

This page is written by `make corpus ARGS="--write docs/reference/corpus.md"`.
The corpus stands beside the checkout: real messages and files, with what other programs say.
A message agrees when one of our readings is theirs.
Where they differ, the reason stands below; a difference without one makes the command fail.

| source | files | cases | agree | differ |
|---|---|---|---|---|
"""


def page(judged: Sequence[Judged]) -> str:
    """Give the page as Markdown."""
    rows = "".join(map(_row, judged))
    sections = "".join(line + "\n" for one in judged for line in _section(one))
    return _HEAD + rows + sections


def _row(one: Judged) -> str:
    cases = len(one.result.cases)
    return f"| {one.source} | {one.files} | {cases} | {one.agreeing} | {one.differing} |\n"


def _section(one: Judged) -> Iterator[str]:
    """Say what is behind one row, if there is anything."""
    if not one.result.notes and not one.known and not one.unknown:
        return
    yield f"\n## {one.source}"
    if one.result.notes:
        yield "\n    " + "\n    ".join(one.result.notes)
    for known, cases in one.known.items():
        yield f"\n{known.reason}"
        yield from _files(case.file for case in cases)
    if one.unknown:
        yield "\nWithout a reason yet:"
        yield from _files(case.file for case in one.unknown)


def _files(files: Iterable[str]) -> Iterator[str]:
    yield ""
    yield from (f"- `{file}`" for file in dict.fromkeys(files))
