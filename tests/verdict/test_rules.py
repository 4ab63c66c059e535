"""An ordered list: what comes first decides, exceptions stand before what they except."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.unpack.contents import Item
from mailwarden.unpack.members import Trait
from mailwarden.verdict.conditions import (
    Encrypted,
    Extension,
    FileCondition,
    HasTrait,
    HeaderField,
    Named,
    NameMatches,
    RealType,
    Sender,
    Size,
    file_of,
)
from mailwarden.verdict.message_facts import MessageFacts
from mailwarden.verdict.rules import (
    PATTERN_CHARACTERS,
    Action,
    AttachmentRules,
    Rule,
    compile_pattern,
)

EXE = Extension(frozenset({"exe"}))
FROM_ANN = Sender(re.compile("ann@.*"))
FACTS = MessageFacts(sender="ann@sender.example")


def deny(name: str, *conditions: FileCondition) -> Rule:
    return Rule(Action.DENY, name, "", conditions)


def allow(name: str, *conditions: FileCondition) -> Rule:
    return Rule(Action.ALLOW, name, "", conditions)


def matching(*rules: Rule, name: str = "setup.exe", facts: MessageFacts = FACTS) -> list[str]:
    arranged = AttachmentRules(rules)
    file = file_of(Item("1", (name,), ("message",), size_bytes=9))
    return [rule.name for rule in arranged.matching(file, arranged.in_force(facts))]


def test_all_rules_that_deny_are_told_in_their_order() -> None:
    any_name = NameMatches(re.compile(".*"))
    assert matching(deny("a", any_name), deny("b", EXE), deny("c", any_name)) == ["a", "b", "c"]


def test_a_rule_that_allows_ends_the_search() -> None:
    setup = Named(frozenset({"setup.exe"}))
    assert matching(allow("a", setup), deny("b", EXE)) == ["a"]
    assert matching(deny("b", EXE), allow("a", setup)) == ["b", "a"]


def test_all_conditions_of_a_rule_must_hold() -> None:
    assert matching(deny("a", EXE, Size(9, 9))) == ["a"]
    assert matching(deny("a", EXE, Size(1, 1))) == []
    assert matching(deny("a", Size(9, 9), EXE), name="a.txt") == []


def test_a_rule_whose_conditions_on_the_message_fail_is_not_in_force() -> None:
    rule = Rule(Action.DENY, "a", "", (EXE,), (FROM_ANN,))
    assert matching(rule) == ["a"]
    assert matching(rule, facts=MessageFacts(sender="bob@sender.example")) == []


def test_to_allow_a_message_ends_the_list_for_all_that_is_in_it() -> None:
    allowed = Rule(Action.ALLOW, "partner", "", of_message=(FROM_ANN,))
    rules = AttachmentRules((deny("a", EXE), allowed, deny("b", EXE)))
    assert [rule.name for rule in rules.in_force(FACTS).values()] == ["a", "partner"]
    assert [rule.name for rule in rules.in_force(MessageFacts()).values()] == ["a", "b"]


def test_a_rule_about_the_message_is_not_about_its_files() -> None:
    rule = Rule(Action.DENY, "ann", "", of_message=(FROM_ANN,))
    assert rule.is_about_message
    assert matching(rule) == []


def test_the_message_is_denied_by_rules_in_force_that_are_about_it() -> None:
    ann = Rule(Action.DENY, "ann", "", of_message=(FROM_ANN,))
    program_of_ann = Rule(Action.DENY, "program", "", (EXE,), (FROM_ANN,))
    rules = AttachmentRules((deny("a", EXE), program_of_ann, ann))
    assert list(rules.denying_message(rules.in_force(FACTS))) == [ann]
    assert list(rules.denying_message(rules.in_force(MessageFacts()))) == []


def test_two_names_are_both_needed_to_allow_and_one_is_enough_to_deny() -> None:
    file = file_of(Item("1", ("a.pdf", "a.exe"), ("message",)))
    assert allow("a", Extension(frozenset({"pdf"}))).holds_for_file(file) is False
    assert deny("a", Extension(frozenset({"pdf"}))).holds_for_file(file) is True


def test_the_fields_that_rules_ask_about_are_known() -> None:
    subject = HeaderField("subject", re.compile(""))
    rules = AttachmentRules((Rule(Action.DENY, "a", "", of_message=(subject, FROM_ANN)),))
    assert rules.field_names == {"subject"}


def test_a_rule_is_about_encryption_when_it_says_so() -> None:
    assert allow("a", Encrypted(is_encrypted=True)).is_about_encryption
    assert allow("a", EXE, HasTrait(frozenset({Trait.ENCRYPTED}))).is_about_encryption
    assert not allow("a", Encrypted(is_encrypted=False)).is_about_encryption
    assert not allow("a", EXE).is_about_encryption


_NAMES = st.sampled_from(["a.exe", "B.EXE", "b.txt", "c", "a.exe\0.txt"])
_CONDITIONS: st.SearchStrategy[FileCondition] = st.sampled_from(
    [
        EXE,
        Extension(frozenset({"txt", "exe"})),
        Named(frozenset({"a.exe"})),
        Named(frozenset({"c", "b.txt"})),
        NameMatches(re.compile(".*e.*")),
        RealType(frozenset({"pe", "elf"})),
        RealType(frozenset({""})),
        HasTrait(frozenset({Trait.LINK, Trait.MACROS})),
    ]
)
_RULES = st.lists(
    st.builds(
        lambda action, conditions: Rule(action, "", "", tuple(conditions)),
        st.sampled_from(Action),
        st.lists(_CONDITIONS, min_size=1, max_size=2),
    ),
    max_size=8,
)


@given(
    rules=_RULES,
    names=st.lists(_NAMES, max_size=2),
    file_type=st.sampled_from(["", "pe", "text"]),
    traits=st.sampled_from([(), (Trait.LINK,), (Trait.ENCRYPTED, Trait.MACROS)]),
)
def test_the_arrangement_finds_what_trying_every_rule_finds(
    rules: list[Rule], names: list[str], file_type: str, traits: tuple[Trait, ...]
) -> None:
    arranged = AttachmentRules(tuple(rules))
    item = Item("1", tuple(names), ("message",), file_type=file_type, traits=traits)
    file = file_of(item)
    expected = []
    for rule in rules:
        if rule.holds_for_file(file):
            expected.append(rule)
            if rule.action is Action.ALLOW:
                break
    assert list(arranged.matching(file, arranged.in_force(FACTS))) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(a", "not a regular expression: missing ), unterminated subpattern at character 1"),
        ("a{99999999999}", "not a regular expression that can be used: too large"),
        ("(" * 900 + ")" * 100, "not a regular expression"),
        ("a" * (PATTERN_CHARACTERS + 1), "a pattern may have at most 1_000 characters"),
    ],
)
def test_a_pattern_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the message is asserted below
        compile_pattern(text, ignore_case=False)
    assert str(refused.value).startswith(message)


def test_a_pattern_knows_case_only_when_asked() -> None:
    assert compile_pattern("a", ignore_case=True).fullmatch("A")
    assert not compile_pattern("a", ignore_case=False).fullmatch("A")
    assert compile_pattern("[[a]", ignore_case=False).fullmatch("[")


@given(text=st.text(st.sampled_from("ab([{)]}*+?|\\^$.<=!:-,0129xPu"), max_size=30))
def test_any_text_is_a_pattern_or_a_value_error(text: str) -> None:
    try:
        outcome = compile_pattern(text, ignore_case=True).pattern
    except ValueError as error:
        outcome = str(error)
    assert outcome == text or outcome.startswith("not a regular expression")
