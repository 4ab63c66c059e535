"""qmail-queue.log: our event lines exactly, the original's and the patch's by their words.

Ours: `<RFC 2822 date>:<pid>: <verb>: name="<name>" from="<sender>" to="<recipients>"
score="<score/required>"` (`logs.queue_log`); each group of recipients with settings of its own
has a line, and those that say the same are one message.
The original's: `<date>:<pid>: <text>` (facts 4.6); its exact texts are unknown. The patch's own
report counts names of viruses and `rejecting`, `tagging` ..., so these words are what is looked
for, and the sentences in which scanners tell names. One message is one process there: what a
process says twice is counted once, and an act after a virus' name is about the virus.
"""

import re
from dataclasses import dataclass, replace
from datetime import tzinfo

from mailwarden.reports.dates import seconds_of
from mailwarden.reports.event import (
    QUIET,
    Event,
    EventKind,
    Quiet,
    foreign_address,
    foreign_text,
)
from mailwarden.reports.recent import Recent
from mailwarden.reports.result_strings import is_description, is_spam_name
from mailwarden.verdict.disposition import Disposition

_LINE = re.compile(r"(?P<date>.{15,40}?):(?P<pid>\d{1,10}): (?P<text>.*)")
_VERBS = {
    "accepting": Disposition.ACCEPT,
    "tagging": Disposition.TAG,
    "deferring": Disposition.DEFER,
    "quarantining": Disposition.QUARANTINE,
    "rejecting": Disposition.REJECT,
    "deleting": Disposition.DELETE,
}
_OURS = re.compile(rf"(?P<verb>{'|'.join(_VERBS)}): (?P<fields>name=\".*)")
_FIELD = re.compile(r'\b(\w{1,20})="([^"]*)"')
_SCORE = re.compile(r"(-?\d{1,7}(?:\.\d{1,7})?)/")
# "accepting" and "deferring" were never words of the original: they may mean anything there.
_ACT = re.compile(r"\b(tagging|quarantining|rejecting|deleting)\b")
# How scanners say what they found, each from its maker's documentation.
_NAMES = re.compile(
    r": (?P<clamav>\S{1,200}) FOUND\b"
    r"|>>> Virus (?:fragment )?'(?P<sophos>[^']{1,200})' found"
    r"|Found the (?P<mcafee>\S{1,200}) (?:virus|trojan|worm)\b"
    r"|Infection: (?P<fprot>\S{1,200})"
    r"|\b[Vv]irus!? ?[:=] ?[\"'(]?(?P<named>[^\s\"'(),;:]{1,200})"
    r"|\b[Vv]irus!? \((?P<bracketed>[^()]{1,200})\)"
)
_NAME_HINTS = ("irus", "FOUND", "Found the", "Infection: ")
# The name of a virus that follows the act: W32/Netsky-P, Worm.SomeFool.I, Eicar-Test-Signature.
_NAMED_ACT = re.compile(r" (?:virus )?[\"'(]?(?P<name>[A-Za-z][\w@!]*[./-][\w@!./-]{1,190})")
# Addresses, and the original's file ids (host name and a long number).
_NO_NAME = re.compile(r"@[\w-]+\.|\d{12}")
_START = "starting debugging for process"
# Steps whose lines quote the message (its subject, its files) and could say anything; and our
# own sentences about findings, because the event follows (`logs.queue_log`).
_QUOTING = re.compile(
    r"(?:w_c|g_e_h|d_m|u_f|p_s|scanloop|cleanup): "
    r"|[^\s:]{1,60}: \S{1,60} (?:found|could not answer:|gave) "
)
# Process numbers come again; a message's name and what is done about it stand close together.
_SAME_SECONDS = 120.0
# A message has a virus or two; what says more says it for our memory's sake.
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class _Told:
    """What a process of the original said lately."""

    at: float
    names: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()


class QueueLog:
    """Reads the lines of a qmail-queue.log, one after the other."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._told: Recent[str, _Told] = Recent()
        self._ours: Recent[int, float] = Recent()

    def read(self, line: str) -> Event | Quiet | None:
        """The event of a line, if it has one; nothing where the line is of another log."""
        found = _LINE.match(line)
        at = seconds_of(found["date"], self._zone) if found else None
        if not found or at is None:
            return None
        text = found["text"]
        if ours := _OURS.match(text):
            fields = dict(_FIELD.findall(ours["fields"]))
            key = hash((found["date"], found["pid"], ours["verb"], fields.get("name")))
            further = self._ours.swap(key, at) is not None
            return _our_event(at, ours["verb"], fields, further=further)
        return self._original(at, found["pid"], text)

    def _original(self, at: float, pid: str, text: str) -> Event | Quiet:
        if _START in text:
            self._told.forget(pid)
            return QUIET
        if _QUOTING.match(text):
            return QUIET
        act = _ACT.search(text)
        name = _virus_name(text) or (act and _name_after(text[act.end() :])) or ""
        if not act and not name:
            return QUIET
        before = self._told[pid]
        if not before or abs(at - before.at) > _SAME_SECONDS:
            before = _Told(at)
        return self._told_now(before, at, pid, name, act[1] if act else "")

    def _told_now(self, before: _Told, at: float, pid: str, name: str, act: str) -> Event | Quiet:
        told = replace(before, at=at, names=_with(before.names, name))
        is_about_virus = bool(told.names)
        if act and not is_about_virus:
            told = replace(told, acts=_with(told.acts, act))
        self._told.swap(pid, told)
        if name:
            return QUIET if name in before.names else _found(at, name, act)
        if is_about_virus or act in before.acts:
            return QUIET
        return Event(at=at, disposition=_VERBS[act], kind=EventKind.SPAM, name="spam")


def _with(words: tuple[str, ...], word: str) -> tuple[str, ...]:
    return (*words[-_MOST_WORDS:], word) if word else words


def _our_event(at: float, verb: str, fields: dict[str, str], *, further: bool) -> Event:
    name = fields.get("name", "").removeprefix("fault:")
    disposition = _VERBS[verb]
    score = _SCORE.match(fields.get("score", ""))
    return Event(
        at=at,
        disposition=disposition,
        kind=_our_kind(name, disposition),
        name=foreign_text(name),
        sender=foreign_address(fields.get("from", "")),
        recipients=tuple(foreign_address(one) for one in fields.get("to", "").split(",") if one),
        score=float(score[1]) if score else None,
        further=further,
    )


def _our_kind(name: str, disposition: Disposition) -> EventKind:
    if is_spam_name(name):
        return EventKind.SPAM
    if disposition is Disposition.DEFER:
        return EventKind.FAULT
    if not name:
        return EventKind.CLEAN
    return EventKind.POLICY if is_description(name) else EventKind.VIRUS


def _virus_name(text: str) -> str:
    if not any(hint in text for hint in _NAME_HINTS):
        return ""
    found = _NAMES.search(text)
    return found[found.lastgroup or 0] if found else ""


def _name_after(text: str) -> str:
    found = _NAMED_ACT.match(text)
    if not found or _NO_NAME.search(found["name"]) or is_spam_name(found["name"]):
        return ""
    return found["name"].rstrip(".")


def _found(at: float, name: str, act: str) -> Event:
    disposition = _VERBS[act] if act else Disposition.QUARANTINE
    kind = EventKind.SPAM if is_spam_name(name) else EventKind.VIRUS
    return Event(at=at, disposition=disposition, kind=kind, name=foreign_text(name))
