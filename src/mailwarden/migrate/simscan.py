"""simscan's compile options, `simcontrol` and `ssattach` as settings of ours.

simscan compares a score with `spam_hits` itself; our limits are points above the score that
SpamAssassin requires. It is taken to be 5.0, SpamAssassin's default: `spam_hits=12` becomes 7
points above. Where a site or a user requires another score, our limit moves with it.
Source: simscan's README; its text is GPL and was not read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from mailwarden.migrate.configure_line import Word
from mailwarden.migrate.decisions import Decision, Loss, Note, Outcome
from mailwarden.migrate.simcontrol import ControlLine, StrangeLine, endings_in
from mailwarden.migrate.simscan_options import ALWAYS, Compiled, compiled_outcomes
from mailwarden.settings.rule_tables import RuleSettings

REQUIRED_SCORE = Decimal(5)
# The least that is not "off": a score of exactly R is tagged here, and was rejected there.
_JUST_ABOVE = Decimal("0.01")
_EXTENSION = re.compile(r"\.([a-z0-9_-]{1,24})")
_KNOWN_NAMES = frozenset({"clam", "spam", "spam_hits", "attach", "trophie"})
_ITSELF = "simscan itself"
_WILDCARDS = frozenset("*?")
_ENDING_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Endings:
    """What `ssattach` blocks; `source` is the file."""

    endings: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Control:
    """`simcontrol`, with the name of the file."""

    lines: tuple[ControlLine | StrangeLine, ...]
    source: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What holds for a site or a recipient; None: as for the site, or as it was compiled."""

    source: str
    clam: bool | None = None
    spam: bool | None = None
    hits: Decimal | None = None
    endings: tuple[str, ...] | None = None
    match: tuple[str, ...] = field(default=())


def outcomes_of_simscan(
    words: Iterable[Word], control: Control | None, attachments: Endings | None
) -> Iterator[Outcome]:
    """What a simscan installation is here; `words` are of its configure line, if it was given."""
    compiled = Compiled.of(words)
    yield from ALWAYS
    yield from compiled_outcomes(compiled)
    if control is None:
        yield from _site(_compiled_site(compiled, attachments), compiled)
        return
    if attachments:
        why = "not read by simscan while it has simcontrol: its endings stand there"
        yield Note(attachments.source, why)
    yield from _controlled(control, compiled)


def _compiled_site(compiled: Compiled, attachments: Endings | None) -> _Wanted:
    source = attachments.source if attachments else _ITSELF
    blocks = attachments and (compiled.is_on("attach") or not compiled.is_given)
    endings = attachments.endings if attachments and blocks else ()
    return _Wanted(source, compiled.is_on("clamav"), compiled.is_on("spam"), None, endings)


def _controlled(control: Control, compiled: Compiled) -> Iterator[Outcome]:
    lines = [line for line in control.lines if isinstance(line, ControlLine)]
    for line in control.lines:
        yield from _complaints(line, f"{control.source}:{line.number}")
    # Without any match, no scans will be done.
    nobody = f"{control.source} has no line for everybody"
    site = _Wanted(nobody, clam=False, spam=False, endings=())
    for line in lines:
        if not line.key:
            site = _wanted(line, control.source)
    yield from _site(site, compiled)
    for line in lines:
        if line.key:
            yield from _profile(_wanted(line, control.source), site, compiled)
    if any(line.key for line in lines):
        yield Loss(
            control.source,
            "simscan also looked for the sender's address, and for user@domain when mail was for "
            "user-ext@domain; ours goes by the recipient as it is written",
        )


def _complaints(line: ControlLine | StrangeLine, source: str) -> Iterator[Outcome]:
    if isinstance(line, StrangeLine):
        yield Loss(source, line.why)
        return
    for name, value in line.says.items():
        if name == "trophie" and _is_yes(value):
            yield Loss(source, "trophie is not asked here; clamd is")
        elif name not in _KNOWN_NAMES:
            yield Loss(source, f"{name} is not known")
    if "spam_hits" in line.says and _hits(line.says["spam_hits"]) is None:
        yield Loss(source, "spam_hits: expected a number")


def _wanted(line: ControlLine, source: str) -> _Wanted:
    says = line.says
    return _Wanted(
        f"{source}:{line.number}",
        _is_yes(says["clam"]) if "clam" in says else None,
        _is_yes(says["spam"]) if "spam" in says else None,
        _hits(says.get("spam_hits", "")),
        endings_in(says["attach"]) if "attach" in says else None,
        (line.key,) if line.key else (),
    )


def _is_yes(value: str) -> bool:
    return value.lower() in ("yes", "y", "1")


def _hits(text: str) -> Decimal | None:
    try:
        value = Decimal(text[:20])
    except InvalidOperation:
        return None
    return value if value.is_finite() and value >= 0 else None


def _site(wanted: _Wanted, compiled: Compiled) -> Iterator[Outcome]:
    clam = _first(wanted.clam, compiled.is_on("clamav"))
    spam = _first(wanted.spam, compiled.is_on("spam"))
    yield _scanners(wanted, clam=clam, spam=spam)
    yield from _attachments(wanted, wanted.endings or ())
    if spam:
        yield from _spam(
            wanted, wanted.hits if wanted.hits is not None else compiled.hits, compiled
        )


def _profile(wanted: _Wanted, site: _Wanted, compiled: Compiled) -> Iterator[Outcome]:
    """What a line leaves out is as for everybody."""
    clam = _first(wanted.clam, site.clam, compiled.is_on("clamav"))
    spam = _first(wanted.spam, site.spam, compiled.is_on("spam"))
    yield _scanners(wanted, clam=clam, spam=spam)
    if wanted.endings is not None:
        yield from _attachments(wanted, wanted.endings)
    if spam:
        hits = wanted.hits if wanted.hits is not None else compiled.hits
        yield from _spam(wanted, hits, compiled)


def _first(*answers: bool | None) -> bool:
    return next(answer for answer in answers if answer is not None)


def _scanners(wanted: _Wanted, *, clam: bool, spam: bool) -> Decision:
    names = (*(["clamd"] if clam else []), *(["spamd"] if spam else []))
    return Decision("scanners", names, "clam and spam", wanted.source, wanted.match)


def _attachments(wanted: _Wanted, endings: tuple[str, ...]) -> Iterator[Outcome]:
    """Endings of names: extensions where they are, rules with a wildcard where they are more."""
    extensions = [match[1] for one in endings if (match := _EXTENSION.fullmatch(one))]
    others = [one for one in endings if not _EXTENSION.fullmatch(one)]
    why = "also in archives here; what else is safer to forbid: leave this line out"
    yield Decision(
        "attachments.forbidden_extensions", tuple(extensions), why, wanted.source, wanted.match
    )
    rules = []
    for ending in others:
        if (
            not _WILDCARDS.isdisjoint(ending)
            or not ending.isprintable()
            or len(ending) > _ENDING_CHARACTERS
        ):
            yield Loss(wanted.source, "an ending of names with *, ? or control characters")
        else:
            rules.append(RuleSettings(name=(f"*{ending}",)))
    if rules:
        why = "endings that are no extensions"
        yield Decision("attachments.rules", tuple(rules), why, wanted.source, wanted.match)


def _spam(wanted: _Wanted, hits: Decimal | None, compiled: Compiled) -> Iterator[Outcome]:
    """What becomes of spam: passed on, or rejected from a score on."""
    if hits is None and compiled.is_on("spam-passthru"):
        why = "passed on, with spamd's verdict in its header"
        yield Decision("spam.delete_above", Decimal(0), why, wanted.source, wanted.match)
        return
    above, why = _points(hits)
    if compiled.is_on("dropmsg") and compiled.quarantine_directory:
        yield Decision("spam.quarantine_above", above, why, wanted.source, wanted.match)
        return
    yield Decision("spam.delete_above", above, why, wanted.source, wanted.match)
    rejects = not compiled.is_on("dropmsg")
    why = "simscan rejected it in SMTP" if rejects else "simscan dropped it (dropmsg)"
    yield Decision("spam.reject", rejects, why, wanted.source, wanted.match)


def _points(hits: Decimal | None) -> tuple[Decimal, str]:
    if hits is None:
        return _JUST_ABOVE, "everything that SpamAssassin calls spam; 0 would be off"
    if hits <= REQUIRED_SCORE:
        return (
            _JUST_ABOVE,
            f"spam_hits {hits} is not above the required {REQUIRED_SCORE}, so all spam",
        )
    above = hits - REQUIRED_SCORE
    return above, f"spam_hits {hits} less the required score, taken to be {REQUIRED_SCORE}.0"
