"""tnef: the names that it extracts from each winmail.dat.

`NAME.list` has a name a line; `NAME-body.rtf` is what it calls the message's own text. It extracts
what the options of its test ask for: we may find more, never less.
"""

from pathlib import Path

from agreement.frame import Case, Result, Tools

FOLDER = "tnef/tnef"


def compare(tools: Tools) -> Result:
    """Look for each of their names among ours."""
    folder = tools.corpus / FOLDER
    expectations = (one for one in sorted(folder.glob("*.list")) if _tnef_of(one).exists())
    return Result([case for one in expectations for case in _cases(tools, one)])


def _tnef_of(expected: Path) -> Path:
    return expected.with_suffix(".tnef")


def _cases(tools: Tools, expected: Path) -> list[Case]:
    path = _tnef_of(expected)
    items = tools.path.unpack(path.read_bytes(), "winmail.dat").contents.items
    ours = {name for item in items for name in item.names}
    theirs = [
        line.replace(f"{path.stem}-body.", "body.")
        for line in expected.read_text(encoding="utf-8").splitlines()
        if line
    ]
    return [Case(path.name, "name", name if name in ours else "none", name) for name in theirs]
