"""`tcp.smtp`: the same rules with QMAILQUEUE at our program where it was at the old one.

    127.:allow,RELAYCLIENT="",QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl"

Every other byte stays as it is: other variables, other programs, comments, ends of lines. A line
that is no rule stays, too, and is told. Source: tcprules(1), facts 1.5.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from mailwarden.migrate.decisions import Loss, Note, Outcome

# What QMAILQUEUE may have named: the program, its wrapper (facts 1.4), or simscan.
_OLD_PROGRAMS = frozenset({b"qmail-scanner-queue.pl", b"qmail-scanner-queue", b"simscan"})
_OTHER_KNOWN = frozenset({b"qmail-queue", b"mailwarden-queue", b""})
_RULE = re.compile(rb"[^#].*?:(?:allow|deny)(?=[,\s]|$)|:(?:allow|deny)(?=[,\s]|$)")
# tcprules takes any character as the quotation mark that it finds first.
_VARIABLE = re.compile(rb",(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<mark>.)")
_SHOWN_BYTES = 60


@dataclass(frozen=True, slots=True)
class ConvertedRules:
    """The new file, and what is to be told about it."""

    octets: bytes
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    octets: bytes
    is_changed: bool = False
    complaint: Outcome | None = None


def converted(octets: bytes, source: str, program: PurePosixPath) -> ConvertedRules:
    """Write the rules anew; `program` is where our mailwarden-queue is, `source` their name."""
    lines = [
        _converted_line(line, f"{source}:{number}", bytes(program))
        for number, line in enumerate(octets.split(b"\n"), 1)
    ]
    changed = sum(line.is_changed for line in lines)
    complaints = tuple(line.complaint for line in lines if line.complaint)
    return ConvertedRules(
        b"\n".join(line.octets for line in lines), (*complaints, _summary(source, changed))
    )


def _summary(source: str, changed: int) -> Outcome:
    if not changed:
        return Note(source, "no rule named the old program: the copy is the same")
    rules = "one rule names" if changed == 1 else f"{changed} rules name"
    return Note(source, f"{rules} mailwarden-queue in the copy; rebuild the cdb file to use it")


def _converted_line(line: bytes, source: str, program: bytes) -> _Line:
    content = line.rstrip()
    if not content or content.startswith(b"#"):
        return _Line(line)
    match = _RULE.match(content)
    if not match:
        return _Line(line, complaint=Loss(source, "no rule of tcprules: left as it is"))
    try:
        return _with_program(line, source, list(_variables(content, match.end())), program)
    except ValueError as error:
        return _Line(line, complaint=Loss(source, f"{error}: left as it is"))


def _variables(content: bytes, position: int) -> Iterator[tuple[bytes, int, int]]:
    """The name of each variable, and where its value begins and ends; raises `ValueError`."""
    while position < len(content):
        match = _VARIABLE.match(content, position)
        end = content.find(match["mark"], match.end()) if match else -1
        if not match or end < 0:
            raise ValueError(f'expected ,NAME="value" at column {position + 1}')
        yield match["name"], match.end(), end
        position = end + 1


def _with_program(
    line: bytes, source: str, variables: list[tuple[bytes, int, int]], program: bytes
) -> _Line:
    places = [(start, end) for name, start, end in variables if name == b"QMAILQUEUE"]
    if len(places) > 1:
        raise ValueError("QMAILQUEUE is set twice")
    if not places:
        return _Line(line)
    start, end = places[0]
    named = line[start:end].rpartition(b"/")[2]
    if named in _OLD_PROGRAMS:
        if line[end : end + 1] in program:
            raise ValueError("its quotation mark is in the path of mailwarden-queue")
        return _Line(line[:start] + program + line[end:], is_changed=True)
    if named in _OTHER_KNOWN:
        return _Line(line)
    shown = line[start : min(end, start + _SHOWN_BYTES)].decode("ascii", "backslashreplace")
    return _Line(line, complaint=Note(source, f"QMAILQUEUE names {shown}, which is left as it is"))
