"""Rules as tables of the settings file, and the order in which all rules are tried."""

import ipaddress
import re
from pathlib import Path

import pytest

from mailwarden.settings.load import SettingsError, parse_settings
from mailwarden.settings.rule_tables import CONTAINERS, FILE_TYPES
from mailwarden.unpack.contents import Item
from mailwarden.unpack.members import Trait
from mailwarden.unpack.openers import FORMATS
from mailwarden.verdict.conditions import (
    ClientIn,
    Depth,
    Encrypted,
    Extension,
    FromRelayClient,
    HasTrait,
    HeaderField,
    InContainer,
    Named,
    NameMatches,
    RealType,
    Recipient,
    Sender,
    Size,
    file_of,
)
from mailwarden.verdict.default_rules import DEFAULT_RULES, odd_name
from mailwarden.verdict.file_names import NameForm
from mailwarden.verdict.rules import Action, Rule

REFERENCE = Path(__file__).parents[2] / "docs/reference/attachment-rules.md"


def rule(table: str) -> Rule:
    text = f"[[attachments.rules]]\n{table}"
    return parse_settings(text, "sample").attachments.arranged().rules[0]


def problem(table: str) -> str:
    with pytest.raises(SettingsError) as refused:
        parse_settings(f"[[attachments.rules]]\n{table}", "sample")
    [found] = refused.value.problems
    return f"{found.line}: {found.where}: {found.message}"


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL | re.IGNORECASE)


@pytest.mark.parametrize(
    ("table", "condition"),
    [
        ('name = ["A.exe"]', Named(frozenset({"a.exe"}))),
        ('name_regex = "a.*"', NameMatches(pattern("a.*"))),
        ('name_form = ["too-long"]', odd_name(NameForm.TOO_LONG)),
        ('extension = ["exe", "js"]', Extension(frozenset({"exe", "js"}))),
        ('type = ["pe"]', RealType(frozenset({"pe"}))),
        ("min_size_bytes = 5", Size(5, 2**40)),
        ("max_size_bytes = 0", Size(0, 0)),
        ("min_depth = 2", Depth(2, 1_000)),
        ('container = ["zip"]', InContainer(frozenset({"zip"}))),
        ('encrypted = "yes"', Encrypted(is_encrypted=True)),
        ('encrypted = "no"', Encrypted(is_encrypted=False)),
        ('traits = ["macros"]', HasTrait(frozenset({Trait.MACROS}))),
    ],
)
def test_each_condition_on_files_is_made(table: str, condition: object) -> None:
    assert rule(table).of_file == (condition,)
    assert rule(table).of_message == ()


@pytest.mark.parametrize(
    ("table", "condition"),
    [
        ('header = "X-Spam"', HeaderField("x-spam", pattern(".*"))),
        ('header = "Subject"\nheader_regex = "a"', HeaderField("subject", pattern("a"))),
        ('sender_regex = "a"', Sender(pattern("a"))),
        ('recipient_regex = "a"', Recipient(pattern("a"))),
        ('client = ["192.0.2.7"]', ClientIn((ipaddress.ip_network("192.0.2.7"),))),
        ('client = ["2001:db8::1/32"]', ClientIn((ipaddress.ip_network("2001:db8::/32"),))),
        ('relay_client = "no"', FromRelayClient(may_relay=False)),
    ],
)
def test_each_condition_on_the_message_is_made(table: str, condition: object) -> None:
    assert rule(table).of_message == (condition,)
    assert rule(table).of_file == ()


def test_a_rule_has_an_action_a_name_and_a_sentence() -> None:
    given = rule('rule = "no-mp3"\naction = "allow"\ndescription = "Hm."\nextension = ["mp3"]')
    assert (given.action, given.name, given.description) == (Action.ALLOW, "no-mp3", "Hm.")
    plain = rule('extension = ["mp3"]')
    assert (plain.action, plain.name) == (Action.DENY, "rule-1")
    assert plain.description == "The attachment rule rule-1 matches."


@pytest.mark.parametrize(
    ("glob", "matching", "others"),
    [
        ("*.mp3", ["a.mp3", "A.MP3", ".mp3"], ["a.mp3x", "mp3"]),
        ("a?c", ["abc", "a.c"], ["ac", "abbc"]),
        ("inv*2024*.pdf", ["inv2024.pdf", "invoice 2024-1.pdf"], ["inv.pdf", "2024.pdf"]),
        ("[1]*", ["[1].txt"], ["1.txt"]),
        ("**", ["a", "abc"], []),
    ],
)
def test_stars_and_question_marks_stand_for_any(
    glob: str, matching: list[str], others: list[str]
) -> None:
    found = rule(f'name = ["{glob}"]')
    hits = [
        name
        for name in (*matching, *others)
        if found.holds_for_file(file_of(Item("1", (name,), ("message",))))
    ]
    assert hits == matching


def test_many_stars_take_no_time() -> None:
    """The test's own limit of time is the assertion."""
    found = rule(f'name = ["{"*a" * 100}"]')
    assert not found.holds_for_file(file_of(Item("1", ("a" * 99 + "b" * 900,), ("message",))))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "1: attachments.rules: a rule needs a condition, or it would be about every message"),
        ('description = "x"', "1: attachments.rules: a rule needs a condition, "),
        ('header_regex = "x"', "1: attachments.rules: header_regex needs header, "),
        ("min_depth = 2\nmax_depth = 1", "1: attachments.rules: min_depth is above max_depth"),
        (
            "min_size_bytes = 2\nmax_size_bytes = 1",
            "1: attachments.rules: min_size_bytes is above ",
        ),
        ('extension = [".exe"]', "2: attachments.rules.extension: item 1: expected an extension "),
        ('\nname_regex = "(a"', "3: attachments.rules.name_regex: not a regular expression: "),
        ('action = "drop"', '2: attachments.rules.action: expected one of "deny" or "allow"'),
        (
            'traits = ["macro"]',
            "2: attachments.rules.traits: item 1: expected a trait's word, did ",
        ),
        ('type = ["virus"]', "2: attachments.rules.type: item 1: expected a file type's word, as "),
        ('container = ["zipp"]', "2: attachments.rules.container: item 1: expected a container's "),
        ('client = ["a"]', "2: attachments.rules.client: item 1: expected an IP address or "),
        ('extensions = ["a"]', "2: attachments.rules.extensions: there is no such setting"),
        (
            f"name = {[f'{number}*{number:0250}' for number in range(5)]}",
            "1: attachments.rules: a pattern may have at most ",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(table: str, told: str) -> None:
    assert problem(table).startswith(told)


def test_rules_are_tried_in_the_order_tables_files_extensions_defaults(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(b".pif\t0\tx\n")
    text = f"""\
[attachments]
forbidden_extensions = ["exe"]
rules_files = ["{path}"]
[[attachments.rules]]
extension = ["a"]
[[attachments.rules]]
extension = ["b"]
"""
    names = [one.name for one in parse_settings(text, "sample").attachments.arranged().rules]
    defaults = [one.name for one in DEFAULT_RULES]
    assert names == ["rule-1", "rule-2", "extension-pif", "extension-exe", *defaults]


def test_the_default_rules_can_be_switched_off() -> None:
    text = "[attachments]\ndefault_rules = false\nforbidden_extensions = []"
    assert parse_settings(text, "sample").attachments.arranged().rules == ()


def test_every_format_that_is_opened_is_a_container() -> None:
    assert set(FORMATS) <= CONTAINERS


def test_the_examples_of_the_reference_are_settings() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)
    [examples] = [block for block in blocks if "[[attachments.rules]]" in block]
    assert len(parse_settings(examples, "sample").attachments.rules) == 4


def test_every_word_is_in_the_reference() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    for word in (*FILE_TYPES, *CONTAINERS, *Trait, *NameForm):
        assert f"`{word}`" in text
