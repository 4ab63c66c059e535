"""The table of paths, owners and modes in SECURITY.md, as values."""

import re
from dataclasses import dataclass
from pathlib import Path

_PAPER = Path(__file__).parents[2] / "SECURITY.md"
_ROW = re.compile(
    r"^\| `(?P<path>/[^`]+?)/?` \| `(?P<owner>[^`]+)` \| `(?P<group>[^`]+)` "
    r"\| (?P<mode>0[0-7]{3}) \| (?P<maker>setup|daemon) \|",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Promise:
    """One row: what is promised of a path."""

    path: str
    owner: str
    group: str
    mode: str

    def __str__(self) -> str:
        return f"{self.path} {self.owner} {self.group} {self.mode}"


def promises(*makers: str) -> list[Promise]:
    """The rows of what `setup`, `daemon` or both make."""
    rows = _ROW.finditer(_PAPER.read_text())
    return [
        Promise(row["path"], row["owner"], row["group"], row["mode"])
        for row in rows
        if row["maker"] in makers
    ]
