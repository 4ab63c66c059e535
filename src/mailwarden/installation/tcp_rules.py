"""tcpserver's rules (tcprules(1)): lines that name our program, and what would change in a file.

Only shown, never written: the file is the administrator's. The idioms are those that
Qmail-Scanner's users know (facts 1.5).
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# A rules file of a busy provider has some thousand lines.
RULES_BYTES = 10_000_000
_QUEUE = "QMAILQUEUE"
_ALLOWING = re.compile(r"([^:\s#]*):allow(.*)")
# A name, =, any sign, and the value up to the same sign again.
_VARIABLE = re.compile(r",([^,=]+)=(.)(.*?)\2")
_LOOPBACK = "127."


@dataclass(frozen=True, slots=True)
class Programs:
    """Our program, and the real queue where that is not where our program expects it."""

    client: Path
    elsewhere: Path | None = None

    @property
    def variables(self) -> str:
        """What a rule says so that mail goes through us."""
        further = f',MAILWARDEN_QMAIL_QUEUE="{self.elsewhere}"' if self.elsewhere else ""
        return f'{_QUEUE}="{self.client}"{further}'


def idioms(programs: Programs, queue_program: Path) -> tuple[tuple[str, str], ...]:
    """Lines for a rules file, each with what it is for."""
    ours = programs.variables
    return (
        (
            "this machine itself: not looked at",
            f'127.:allow,RELAYCLIENT="",{_QUEUE}="{queue_program}"',
        ),
        (
            "or, with fetchmail on it: looked at and scored",
            f'127.:allow,RELAYCLIENT="",{ours},QS_SPAMASSASSIN="on"',
        ),
        (
            "your own clients: looked at, not scored as spam",
            f'192.168.:allow,RELAYCLIENT="",{ours}',
        ),
        ("everybody else: looked at and scored", f":allow,{ours}"),
    )


def differences(text: str, name: str, programs: Programs) -> str:
    """What would change in a rules file so that its clients' mail goes through us; empty: nothing.

    A unified diff; `name` is the file's.
    """
    before = text.splitlines()
    after = list(_changed(before, programs))
    lines = difflib.unified_diff(before, after, name, f"{name} (proposed)", lineterm="")
    return "\n".join(lines)


def _changed(lines: list[str], programs: Programs) -> Iterator[str]:
    for line in lines:
        yield _changed_line(line, programs)
    # Without such a line, tcpserver allows everybody else without any variable.
    if not any(line.startswith(":") for line in lines):
        yield f":allow,{programs.variables}"


def _changed_line(line: str, programs: Programs) -> str:
    match = _ALLOWING.fullmatch(line.rstrip())
    named = _variables(match[2]) if match else None
    if match is None or named is None:
        return line
    if _QUEUE in named:
        return _renamed(line, named[_QUEUE], programs)
    if match[1].startswith(_LOOPBACK) and "RELAYCLIENT" in named:
        return line
    return f"{line.rstrip()},{programs.variables}"


def _variables(text: str) -> dict[str, str] | None:
    """The variables of a rule, one after the other; nothing when there is anything else."""
    named, position = {}, 0
    while match := _VARIABLE.match(text, position):
        named[match[1]] = match[3]
        position = match.end()
    return named if position == len(text) else None


def _renamed(line: str, program: str, programs: Programs) -> str:
    """Another scanner's name becomes ours; the queue itself was chosen on purpose."""
    if PurePosixPath(program).name == "qmail-queue" or program == str(programs.client):
        return line
    return re.sub(
        rf"{_QUEUE}=(.){re.escape(program)}\1", lambda _: programs.variables, line, count=1
    )
