"""Attachment rules: an ordered list of what may not pass, with its exceptions.

For each file, the rules are tried from the first to the last. A rule whose conditions all hold
either allows the file, and no later rule is asked about it, or denies it, which is a finding; later
rules may add theirs. So what comes first decides, and exceptions stand before what they except.
A rule without a condition on files is about the message: to deny is one finding, to allow ends the
list for the message and everything in it.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mailwarden.unpack.members import Trait
from mailwarden.verdict.conditions import (
    Encrypted,
    Extension,
    File,
    FileCondition,
    HasTrait,
    HeaderField,
    MessageCondition,
    Named,
    Quantifier,
    RealType,
    every,
)
from mailwarden.verdict.message_facts import MessageFacts
from mailwarden.verdict.report import Kind

# A pattern of ordinary rules has some dozen characters; compiling takes time and recursion.
PATTERN_CHARACTERS = 1_000
# What `re` says is cut here: it may repeat a group's name of any length.
_TOLD_CHARACTERS = 80


class Action(StrEnum):
    """What a rule does with what it matches."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; all its conditions must hold, and it has at least one.

    `name` is what its findings are called, so that a release forgives it by that; `description` is
    one sentence for people; `kind` is what its findings are.
    """

    action: Action
    name: str
    description: str
    of_file: tuple[FileCondition, ...] = ()
    of_message: tuple[MessageCondition, ...] = ()
    kind: Kind = Kind.POLICY

    @property
    def is_about_message(self) -> bool:
        """It has no condition on files."""
        return not self.of_file

    @property
    def is_about_encryption(self) -> bool:
        """It says that what it is about is encrypted."""
        return any(
            condition.is_encrypted
            if isinstance(condition, Encrypted)
            else isinstance(condition, HasTrait) and Trait.ENCRYPTED in condition.traits
            for condition in self.of_file
        )

    @property
    def keys(self) -> frozenset[str] | None:
        """What a file must have one of (`File.keys`) for the rule to hold; None: anything."""
        for condition in self.of_file:
            if isinstance(condition, Named | Extension | RealType | HasTrait):
                return condition.keys
        return None

    def holds_for_message(self, facts: MessageFacts) -> bool:
        """Whether all conditions on the message hold."""
        how = self._how
        return all(condition.holds(facts, how) for condition in self.of_message)

    def holds_for_file(self, file: File) -> bool:
        """Whether all conditions on the file hold."""
        how = self._how
        return all(condition.holds(file, how) for condition in self.of_file)

    @property
    def _how(self) -> Quantifier:
        return any if self.action is Action.DENY else every


@dataclass(frozen=True, slots=True)
class AttachmentRules:
    """Rules in their order, arranged so that a list of thousand extensions costs one look."""

    rules: tuple[Rule, ...] = ()
    field_names: frozenset[str] = field(init=False, repr=False, compare=False)
    """The header fields, in lower case, that some rule asks about."""
    _by_key: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)
    _without_key: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _of_message: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key: dict[str, list[int]] = {}
        without_key: list[int] = []
        for position, rule in enumerate(self.rules):
            if rule.is_about_message:
                continue
            if rule.keys is None:
                without_key.append(position)
            for key in rule.keys or ():
                by_key.setdefault(key, []).append(position)
        field_names = (
            condition.name
            for rule in self.rules
            for condition in rule.of_message
            if isinstance(condition, HeaderField)
        )
        of_message = (at for at, rule in enumerate(self.rules) if rule.of_message)
        object.__setattr__(self, "field_names", frozenset(field_names))
        object.__setattr__(self, "_by_key", {key: tuple(at) for key, at in by_key.items()})
        object.__setattr__(self, "_without_key", tuple(without_key))
        object.__setattr__(self, "_of_message", tuple(of_message))

    def in_force(self, facts: MessageFacts) -> Mapping[int, Rule]:
        """The rules whose conditions on the message hold, by position, up to one that allows it."""
        found = dict(enumerate(self.rules))
        for position in self._of_message:
            rule = self.rules[position]
            if not rule.holds_for_message(facts):
                del found[position]
            elif rule.is_about_message and rule.action is Action.ALLOW:
                return {at: found[at] for at in found if at <= position}
        return found

    def denying_message(self, in_force: Mapping[int, Rule]) -> Iterator[Rule]:
        """Yield the rules in force that deny the message itself, whatever its files are."""
        for position in self._of_message:
            rule = in_force.get(position)
            if rule is not None and rule.is_about_message and rule.action is Action.DENY:
                yield rule

    def matching(self, file: File, in_force: Mapping[int, Rule]) -> Iterator[Rule]:
        """Yield the rules that hold for a file, in order, the first that allows it as the last."""
        for position in self._candidates(file):
            rule = in_force.get(position)
            if rule is not None and rule.holds_for_file(file):
                yield rule
                if rule.action is Action.ALLOW:
                    return

    def _candidates(self, file: File) -> list[int]:
        keyed = (position for key in file.keys for position in self._by_key.get(key, ()))
        return sorted({*self._without_key, *keyed})


def compile_pattern(text: str, *, ignore_case: bool) -> re.Pattern[str]:
    """Compile a rule's pattern; raises `ValueError` that says what is wrong with it."""
    if len(text) > PATTERN_CHARACTERS:
        raise ValueError(f"a pattern may have at most {PATTERN_CHARACTERS:_} characters")
    with warnings.catch_warnings():
        # Python warns of sets like [[a] that may mean something else one day.
        warnings.simplefilter("ignore")
        try:
            return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
        except re.error as error:
            told = error.msg[:_TOLD_CHARACTERS]
            where = "" if error.pos is None else f" at character {error.pos + 1}"
            raise ValueError(f"not a regular expression: {told}{where}") from error
        except (OverflowError, RecursionError) as error:
            raise ValueError("not a regular expression that can be used: too large") from error
