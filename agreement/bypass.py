"""mime-is-broken: messages that hide a virus, or a file's real name, from those who look.

In `hide-content.d` each message hides a zip with EICAR, in `hide-filename.d` the name `file.zip`.
What is hidden is found (octets or name are among our leaves, or a scanner sees the virus), or the
message is blocked by default, or it is missed. `X-Payload-Id` says which trick it is.
"""

import re
from pathlib import Path

from agreement.frame import LIMITS, Case, Result, Tools
from agreement.path import Look
from mailwarden.message.leaves import leaves
from mailwarden.message.readings import read_every_way
from mailwarden.pipeline.options import path_options
from mailwarden.settings.model import Settings
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.report import Kind

FOLDER = "bypass/mime-is-broken"

_TRICK = re.compile(rb"^X-Payload-Id: (.*)$", re.MULTILINE)
_NAME = "file.zip"
_SEEN, _MISSED = "found or blocked", "missed"


def compare(tools: Tools) -> Result:
    """Look for what each message hides."""
    folder = tools.corpus / FOLDER
    contents = sorted(folder.glob("hide-content.d/*/*"))
    names = sorted(folder.glob("hide-filename.d/*/*"))
    outcomes = {path: _outcome(tools, path, in_name=path in names) for path in (*contents, *names)}
    cases = [
        Case(
            str(path.relative_to(folder)),
            "hidden",
            _SEEN if found or blocked else _MISSED,
            _SEEN,
            _trick(path),
        )
        for path, (found, blocked) in outcomes.items()
    ]
    found = sum(found for found, _ in outcomes.values())
    blocked = sum(blocked for _, blocked in outcomes.values())
    missed = sum(not case.agrees for case in cases)
    note = f"found {found}, blocked {blocked}, missed {missed} (of {len(cases)})"
    return Result(cases, (note,))


def _outcome(tools: Tools, path: Path, *, in_name: bool) -> tuple[bool, bool]:
    """Say whether what is hidden is found, and whether the message is blocked without a scanner."""
    raw = path.read_bytes()
    look = tools.path.look(raw)
    is_found = _is_named(raw) if in_name else _has_virus(look)
    return is_found, is_blocked(look)


def _is_named(raw: bytes) -> bool:
    return any(_NAME in leaf.names for leaf in leaves(read_every_way(raw, LIMITS)))


def _has_virus(look: Look) -> bool:
    return any(finding.kind is Kind.VIRUS for finding in look.report.findings)


def is_blocked(look: Look) -> bool:
    """Whether the default settings keep a message away, whatever scanners say."""
    on_finding = path_options(Settings()).site.profile.on_finding
    return any(
        finding.kind is not Kind.VIRUS and on_finding[finding.kind] >= Disposition.DEFER
        for finding in look.report.findings
    )


def _trick(path: Path) -> str:
    match = _TRICK.search(path.read_bytes())
    return match[1].decode("ascii", "replace").partition(" ")[0] if match else ""
