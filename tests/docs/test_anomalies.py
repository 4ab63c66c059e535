"""The page that explains every anomaly's code is made from the table that the reader uses.

Renew it with `python tests/docs/test_anomalies.py > docs/reference/anomalies.md`.
"""

import sys
from pathlib import Path

from mailwarden.message.anomalies import ANOMALIES, Weight
from mailwarden.message.readings import _WAYS

PAGE = Path(__file__).parents[2] / "docs/reference/anomalies.md"

INTRODUCTION = """\
# Anomalies

What the reader finds odd about a message's form, each with a stable code.
Codes stand in records, in `scan --json` and in the reasons of a decision.

Where mail programs take a message differently, every reading that one of them takes is read, too: whatever it finds is unpacked, scanned and held against the attachment rules like everything else.

| weight | means | what follows |
|---|---|---|
| malformed | no honest program writes it | `dispositions.malformed` |
| ambiguous | two mail programs could show different things | `dispositions.ambiguous`; `dispositions.ambiguous_text` when nothing but text is involved |
| harmless | ordinary mail has it | recorded only |

A code in `structure.passed` is recorded only.
`structure.ignore_eol` does that for `cr-in-header` and `nul-in-header`, and the variable `BMC_WHITELIST="on"` for all codes and one client.
Messages that say nothing of MIME are judged only when some reading finds more in them than text.

| code | weight | what it is | read in these ways, too |
|---|---|---|---|
"""


def page() -> str:
    """The whole page, as it should be."""
    rows = (
        f"| `{code}` | {meaning.weight.value} | {meaning.sentence} | {_ways(code)} |\n"
        for code, meaning in sorted(ANOMALIES.items())
    )
    return INTRODUCTION + "".join(rows)


def _ways(code: str) -> str:
    return ", ".join(f"`{way.dialect.name}`" for way in _WAYS if code in way.codes)


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "stale: see this file's docstring"


def test_every_sentence_is_one_and_every_weight_is_used() -> None:
    assert all(meaning.sentence.endswith(".") for meaning in ANOMALIES.values())
    assert {meaning.weight for meaning in ANOMALIES.values()} == set(Weight)


if __name__ == "__main__":
    sys.stdout.write(page())
