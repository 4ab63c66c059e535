"""The result string of Qmail-Scanner, `Clear:RC:1(192.0.2.7):SA:0(-4.4/5.0):.`, and what it means.

It stands in header fields, in mailstats.csv and in syslog; facts 4.1 and 4.5.
"""

import re
from dataclasses import dataclass

from mailwarden.reports.event import EventKind
from mailwarden.verdict.disposition import Disposition

_RESULT = re.compile(
    r"(?P<verdict>.*?)"
    r"(?::RC:(?P<relay>[01])(?:\((?P<client>[^)]{0,64})\))?)?"
    r"(?::SA:(?P<spam>[01])\((?P<score>[^/)]{0,20})/(?P<required>[^/)]{0,20})\))?"
    # What we add with log.crypto: SA is looked for before it.
    r"(?::CRYPTO\([^)]{0,64}\))?"
    r":?\.?"
)
_NUMBER = re.compile(r"-?\d{1,7}(?:\.\d{1,7})?")
_CLEAN = frozenset({"clear", "clean", "no viruses found", "released", ""})
# Our word for a message that a scanner could not judge.
_UNSCANNED = "unscanned"
# Who finds what is no virus: the original's own checks, and ours.
_CHECKS = frozenset(
    {"perlscan", "perlscanner", "policy", "p_s", "ps"}
    | {"structure", "attachments", "unpack", "limits"}
)


@dataclass(frozen=True, slots=True)
class Result:
    """A result string: `verdict` is `Clear` or the event, `relay` the RC flag.

    `score` and `required` are nothing where the spam scanner gave none (`?/?`, `0/0`).
    """

    verdict: str
    relay: int | None = None
    client: str = ""
    is_spam: bool = False
    score: float | None = None
    required: float | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a result string says of its message; `by` is the scanner that found something."""

    disposition: Disposition
    kind: EventKind
    name: str = ""
    by: str = ""


def parse_result(text: str) -> Result:
    """Take a result string apart; what it does not know is the verdict."""
    found = _RESULT.fullmatch(text)
    if not found:
        return Result(text)
    score, required = _number(found["score"]), _number(found["required"])
    is_scored = score is not None and bool(required)
    return Result(
        found["verdict"],
        int(found["relay"]) if found["relay"] else None,
        found["client"] or "",
        is_spam=found["spam"] == "1" and is_scored,
        score=score if is_scored else None,
        required=required if is_scored else None,
    )


def meaning_of(result: Result) -> Meaning:
    """What became of the message; a scanner's event means quarantine unless it says otherwise."""
    engine, _, name = result.verdict.partition(":")
    if engine.lower() in _CLEAN:
        if result.is_spam:
            return Meaning(Disposition.TAG, EventKind.SPAM, "spam")
        return Meaning(Disposition.ACCEPT, EventKind.CLEAN)
    if engine.lower() == _UNSCANNED:
        return Meaning(Disposition.DEFER, EventKind.FAULT, _UNSCANNED)
    if is_spam_name(name or engine) or engine.upper() == "SA":
        return Meaning(_spam_disposition(result.verdict), EventKind.SPAM, "spam", "SA")
    return Meaning(Disposition.QUARANTINE, _kind(engine, name), name or engine, engine)


def is_spam_name(name: str) -> bool:
    """The event is spam: its name begins so (the patch's silent list has `spam` for it)."""
    return name[:4].lower() == "spam"


def is_description(name: str) -> bool:
    """The name is a rule's description: names of viruses hold no blanks."""
    return " " in name.strip()


def _kind(engine: str, name: str) -> EventKind:
    if engine.lower() in _CHECKS or is_description(name or engine):
        return EventKind.POLICY
    return EventKind.VIRUS


def _spam_disposition(verdict: str) -> Disposition:
    words = verdict.lower()
    if "reject" in words:
        return Disposition.REJECT
    return Disposition.DELETE if "delet" in words else Disposition.QUARANTINE


def _number(text: str | None) -> float | None:
    return float(text) if text and _NUMBER.fullmatch(text) else None
