"""SpamAssassin's public corpus: ordinary mail must pass the default rules and checks.

The label is the folder's name. Of ham at most 3 messages in 1,000 may be blocked; what is blocked
of spam is for information.
"""

from collections.abc import Sequence
from pathlib import Path

from agreement.bypass import is_blocked
from agreement.frame import Case, Result, Tools
from agreement.path import Look

FOLDER = "spamham/sa-public-corpus"

HAM = ("easy-ham-1", "easy-ham-2", "hard-ham-1")
SPAM = ("spam-1", "spam-2")
# The contract of the reader: of the 1,041 messages there are, three.
MOST_BLOCKED_SHARE = 0.003


def compare(tools: Tools) -> Result:
    """Look at all ham, then at all spam."""
    folder = tools.corpus / FOLDER
    ham = [_case(tools, path, folder) for path in _messages(folder, HAM)]
    spam = [tools.path.look(path.read_bytes()) for path in _messages(folder, SPAM)]
    blocked = sum(not case.agrees for case in ham)
    share = f"{blocked} of {len(ham)} ham are blocked ({blocked / len(ham):.2%})"
    spam_note = f"{sum(map(is_blocked, spam))} of {len(spam)} spam are blocked"
    return Result([*ham, _share_case(blocked, len(ham))], (share, spam_note))


def _share_case(blocked: int, total: int) -> Case:
    """The contract itself: a share of those blocked, whatever reasons they have."""
    is_kept = blocked <= MOST_BLOCKED_SHARE * total
    return Case("ham", "share", "kept" if is_kept else f"{blocked} of {total}", "kept")


def _messages(folder: Path, labels: Sequence[str]) -> list[Path]:
    return [path for label in labels for path in sorted(folder.rglob(f"{label}/*.txt"))]


def _case(tools: Tools, path: Path, folder: Path) -> Case:
    look = tools.path.look(path.read_bytes())
    ours = f"blocked: {_reasons(look)}" if is_blocked(look) else "passed"
    return Case(str(path.relative_to(folder)), "ham", ours, "passed")


def _reasons(look: Look) -> str:
    findings = (f"{one.kind} {one.name} {one.part}".strip() for one in look.report.findings)
    return ", ".join(dict.fromkeys(findings))
