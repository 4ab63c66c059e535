"""What a message's files are found to be: forbidden, encrypted, broken, over a limit, unopened.

Rules say what may not pass (`rules`). What could not be looked through is said here whatever the
rules are; only a rule that allows something encrypted, in so many words, lets its password pass.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import assert_never

from mailwarden.unpack.contents import Contents, Item, Reason, Unopened
from mailwarden.unpack.members import Trait
from mailwarden.verdict.conditions import File, encrypted_format, file_of
from mailwarden.verdict.message_facts import MessageFacts
from mailwarden.verdict.report import Finding, Kind
from mailwarden.verdict.rules import Action, AttachmentRules, Rule

# One finding decides as much as thousands from a hostile archive, and a record must stay small.
FINDINGS_PER_RULE = 10

_BY_RULES = "attachments"
_BY_UNPACKING = "unpack"

# Traits that no rule need name: readers of the same file see different things in it.
_TRAIT_FINDINGS: Mapping[Trait, tuple[Kind, str]] = {
    Trait.DIRECTORIES_DISAGREE: (
        Kind.MALFORMED,
        "An archive lists its members twice, and the lists disagree.",
    ),
    Trait.MEMBERS_OVERLAP: (Kind.MALFORMED, "Members of an archive lie over each other."),
    Trait.HIDDEN_DATA: (
        Kind.MALFORMED,
        "An archive holds another one where programs do not look.",
    ),
    Trait.AMBIGUOUS: (Kind.AMBIGUOUS, "Mail programs take an attached mail differently."),
    Trait.VOLUME: (Kind.UNOPENED, "An archive is one of several volumes; the others are not here."),
}
# How a part is protected, by its media type; `x-` is what it began with before it was registered.
_CRYPTO = {
    "application/pkcs7-mime": "smime",
    "application/x-pkcs7-mime": "smime",
    "application/pkcs7-signature": "smime",
    "application/x-pkcs7-signature": "smime",
    "application/pgp-encrypted": "pgp",
    "application/pgp-signature": "pgp",
    "application/pgp": "pgp",
}


@dataclass(frozen=True, slots=True)
class _Judged:
    """An item with the rules that hold for it."""

    file: File
    rules: tuple[Rule, ...]

    @property
    def may_be_encrypted(self) -> bool:
        return any(rule.action is Action.ALLOW and rule.is_about_encryption for rule in self.rules)


def check_attachments(
    contents: Contents, rules: AttachmentRules, facts: MessageFacts
) -> tuple[Finding, ...]:
    """Say what is forbidden, encrypted, over a limit, broken or unopened; a few of each.

    `facts` must know the fields that the rules name (`AttachmentRules.field_names`).
    """
    facts = replace(facts, crypto=crypto_of(contents.items))
    in_force = rules.in_force(facts)
    judged = [
        _Judged(file, tuple(rules.matching(file, in_force)))
        for file in map(file_of, contents.items)
    ]
    findings = chain(
        _about_message(facts, rules.denying_message(in_force)),
        *map(_forbidden, judged),
        _encrypted(judged),
        *map(_told_by_traits, contents.items),
        map(_shut, _without_encrypted(contents)),
    )
    return tuple(_few(findings))


def crypto_of(items: Iterable[Item]) -> tuple[str, ...]:
    """How the message or something in it is signed or encrypted, each word once.

    `smime`, `pgp`, or a format with a password: `zip-encrypted`.
    """
    words = (word for item in items for word in (_CRYPTO.get(item.media_type), _locked(item)))
    return tuple(dict.fromkeys(word for word in words if word))


def _locked(item: Item) -> str:
    return f"{encrypted_format(item)}-encrypted" if Trait.ENCRYPTED in item.traits else ""


def _few(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Keep a few of each name, each part once: two rules may say the same of it."""
    told: dict[tuple[Kind, str], set[str]] = {}
    for finding in findings:
        parts = told.setdefault((finding.kind, finding.name), set())
        if len(parts) < FINDINGS_PER_RULE and finding.part not in parts:
            parts.add(finding.part)
            yield finding


def _about_message(facts: MessageFacts, denying: Iterable[Rule]) -> Iterator[Finding]:
    if facts.exceeded:
        yield Finding(
            _BY_RULES,
            Kind.OVER_LIMIT,
            "field-values",
            detail="A header field stands there too often for the rules to look at all of it.",
        )
    for rule in denying:
        yield Finding(_BY_RULES, rule.kind, rule.name, detail=rule.description)


def _forbidden(judged: _Judged) -> Iterator[Finding]:
    item = judged.file.item
    for rule in judged.rules:
        if rule.action is Action.DENY:
            name = _telling_name(rule, item)
            yield Finding(_BY_RULES, rule.kind, rule.name, item.path, name, rule.description)


def _telling_name(rule: Rule, item: Item) -> str:
    """The first name that alone would have been enough, else the first."""
    telling = (
        name for name in item.names if rule.holds_for_file(file_of(replace(item, names=(name,))))
    )
    return next(telling, _first(item.names))


def _encrypted(judged: Iterable[_Judged]) -> Iterator[Finding]:
    for one in judged:
        item = one.file.item
        if Trait.ENCRYPTED in item.traits and not one.may_be_encrypted:
            yield Finding(
                _BY_UNPACKING,
                Kind.ENCRYPTED,
                _locked(item),
                item.path,
                _first(item.names),
                "A file can only be opened with a password.",
            )


def _told_by_traits(item: Item) -> Iterator[Finding]:
    for trait in item.traits:
        if trait in _TRAIT_FINDINGS:
            kind, detail = _TRAIT_FINDINGS[trait]
            yield Finding(_BY_UNPACKING, kind, trait, item.path, _first(item.names), detail)


def _without_encrypted(contents: Contents) -> Iterator[Unopened]:
    """What needs a password is said to be encrypted, not to be unopened as well.

    Members of one name are told apart by their number: not all of them need be encrypted.
    """
    locked = Counter(item.path for item in contents.items if Trait.ENCRYPTED in item.traits)
    for unopened in contents.unopened:
        if unopened.reason is Reason.UNSUPPORTED and locked[unopened.path]:
            locked[unopened.path] -= 1
        else:
            yield unopened


def _shut(unopened: Unopened) -> Finding:
    """The detail of `Unopened` is our own text; see there."""
    match unopened.reason:
        case Reason.OVER_LIMIT:
            kind, name = Kind.OVER_LIMIT, unopened.detail
            detail = "There is more inside a file than is looked through."
        case Reason.UNREADABLE:
            kind, name = Kind.MALFORMED, f"{unopened.format}-unreadable"
            detail = f"A file is broken, or is not what it seems: {unopened.detail}."
        case Reason.UNSUPPORTED:
            kind, name = Kind.UNOPENED, f"{unopened.format}-unopened"
            detail = f"A file cannot be opened here: {unopened.detail}."
        case Reason.FAILED:
            kind, name = Kind.UNOPENED, f"{unopened.format}-failed"
            detail = f"Opening a file went wrong: {unopened.detail}."
        case _:
            assert_never(unopened.reason)
    return Finding(_BY_UNPACKING, kind, name, unopened.path, unopened.filename, detail)


def _first(names: tuple[str, ...]) -> str:
    return next(iter(names), "")
