r"""Rule files of Qmail-Scanner: every line is a rule or a mistake with its number."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwarden.settings.rule_files import (
    MOST_RULES,
    RULE_FILE_BYTES,
    parse_rules,
    read_rule_file,
)
from mailwarden.unpack.contents import Contents, Item
from mailwarden.unpack.members import Trait
from mailwarden.verdict.attachments import check_attachments
from mailwarden.verdict.conditions import Extension, HeaderField, Named, Size
from mailwarden.verdict.message_facts import MessageFacts
from mailwarden.verdict.report import Kind
from mailwarden.verdict.rules import Action, AttachmentRules, Rule

SAMPLE = b"""\
# comment\tto\tskip

worm.exe\t10240\tSample worm of ten kilobytes
  # blanks before a comment\r
.PIF\t\t0\t\tNo PIF files here\r
.scr\tSIZE=-1\tNo screen savers
letter.dat\tSIZE=-1\tNo such letters
Pickles.*Breakfast\tVirus-Subject:\tFake pickles virus
.{100,}\tpolicy-date:\tDate\twith a TAB
"""


def rule(line: str) -> Rule:
    [found], mistakes = parse_rules(line.encode())
    assert mistakes == ()
    return found


def names(line: str, *items: Item, facts: MessageFacts | None = None) -> list[tuple[Kind, str]]:
    rules = AttachmentRules((rule(line),))
    found = check_attachments(Contents(items), rules, facts or MessageFacts())
    return [(one.kind, one.name) for one in found if one.by == "attachments"]


def file(name: str, size_bytes: int = 1, *traits: Trait) -> Item:
    return Item("1", (name,), ("message", "zip"), size_bytes, traits=traits)


def test_names_extensions_and_fields_are_read_in_their_order() -> None:
    rules, mistakes = parse_rules(SAMPLE)
    assert mistakes == ()
    assert [(one.name, one.of_file) for one in rules[:4]] == [
        ("sample-worm-of-ten-kilobytes", (Named(frozenset({"worm.exe"})), Size(10_240, 10_240))),
        ("extension-pif", (Extension(frozenset({"pif"})),)),
        ("extension-scr", (Extension(frozenset({"scr"})),)),
        ("no-such-letters", (Named(frozenset({"letter.dat"})),)),
    ]
    assert [one.description for one in rules[1:3]] == ["No PIF files here", "No screen savers"]
    assert [one.kind for one in rules[4:]] == [Kind.VIRUS, Kind.POLICY]
    assert rules[5].description == "Date\twith a TAB"
    assert {one.action for one in rules} == {Action.DENY}


def test_a_name_is_compared_without_case_and_its_size_exactly() -> None:
    line = "Worm.exe\t69\tx"
    assert names(line, file("WORM.EXE", 69)) == [(Kind.POLICY, "x")]
    assert names(line, file("worm.exe", 68)) == []
    assert names("worm.exe\t0\tx", file("worm.exe", 68)) == [(Kind.POLICY, "x")]


def test_a_field_is_matched_as_a_whole_and_with_case() -> None:
    line = "Pickles.*Breakfast\tVirus-Subject:\tx"
    for value, is_hit in [
        ("Pickles for Breakfast", True),
        ("Pickles - where did you go?", False),
        ("No Pickles for Breakfast", False),
        ("pickles for breakfast", False),
    ]:
        found = names(line, facts=MessageFacts(fields={"subject": (value,)}))
        assert found == ([(Kind.VIRUS, "x")] if is_hit else [])


def test_a_fields_name_is_compared_without_case() -> None:
    [condition] = rule("a\tVIRUS-X-Strange_Field:\tx").of_message
    assert isinstance(condition, HeaderField)
    assert condition.name == "x-strange_field"


ENVELOPE = MessageFacts(
    sender="ann@a.example",
    recipients=("bob@b.example", "cid@c.example"),
    client="192.0.2.7",
    fields={"sensitivity": ("Company-Confidential",)},
)


@pytest.mark.parametrize(
    ("pattern", "field", "is_hit"),
    [
        (".*@a[.]example", "MAILFROM", True),
        ("a[.]example", "MAILFROM", False),
        ("cid@.*", "RCPTTO", True),
        ("dan@.*", "RCPTTO", False),
        (r"192\.0\.2\..*", "REMOTEIPADDR", True),
        (r"10\..*", "REMOTEIPADDR", False),
        (".*", "ISSENSITIVEANDNOCRYPTO", True),
        ("1", "ISSENSITIVEANDNOCRYPTO", True),
        ("Company.*", "ISSENSITIVEANDNOCRYPTO", True),
        ("Private", "ISSENSITIVEANDNOCRYPTO", False),
        (".*", "CRYPTODETAILS", False),
    ],
)
def test_virtual_headers_of_the_message(pattern: str, field: str, is_hit: bool) -> None:
    assert bool(names(f"{pattern}\tPolicy-{field}:\tx", facts=ENVELOPE)) is is_hit


def test_crypto_is_told_and_makes_what_is_sensitive_secret() -> None:
    locked = file("a.pdf", 1, Trait.ENCRYPTED)
    assert names("zip-.*\tPolicy-CRYPTODETAILS:\tx", locked) == [(Kind.POLICY, "x")]
    assert names(".*\tPolicy-ISSENSITIVEANDNOCRYPTO:\tx", locked, facts=ENVELOPE) == []


@pytest.mark.parametrize(
    ("field", "item"),
    [
        ("ZIPPASSWORDPROTECTED", file("a.pdf", 1, Trait.ENCRYPTED)),
        ("FILELENGTHTOOLONG", file("a" * 300)),
        ("FILEDOUBLEBARRELED", file("a.pdf    .vbs")),
        ("FILECLSID", file("a.{00020906-0000-0000-C000-000000000046}")),
    ],
)
def test_virtual_headers_of_files(field: str, item: Item) -> None:
    for pattern, is_hit in [(".*", True), ("1", True), ("yes", True), ("a.*", True), ("b", False)]:
        assert bool(names(f"{pattern}\tPolicy-{field}:\tx", item)) is is_hit
    assert names(f".*\tPolicy-{field}:\tx", file("plain.txt")) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (".mp3  SIZE=-1  blanks are no TABs", "expected three columns: "),
        (".mp3\tSIZE=-1", "expected three columns: "),
        ("alone", "expected three columns: "),
        (".mp3\tbig\tx", "expected a size or a header in the second column"),
        (".mp3\t-2\tx", "expected a size or a header in the second column"),
        ("a\tVirus-Subject\tx", "expected a size or a header in the second column"),
        ("a\tSubject:\tx", "expected a size or a header in the second column"),
        ("*.mp3\t0\tx", "wildcards are not known in names"),
        ("(a\tVirus-Subject:\tx", "not a regular expression: missing ), "),
        (r"\p{Lu}" + "\tVirus-Subject:\tx", r"not read here: \p, which only Perl knows"),
    ],
)
def test_a_line_that_is_no_rule_is_a_mistake_with_its_number(line: str, message: str) -> None:
    rules, [mistake] = parse_rules(f"# one\n.a\t0\tx\n{line}\n.b\t0\ty\n".encode())
    assert [one.name for one in rules] == ["extension-a", "extension-b"]
    assert mistake.line == 3
    assert mistake.message.startswith(message)
    assert mistake.suggestion


def test_a_description_without_letters_names_its_line() -> None:
    rules, _ = parse_rules(b"\n\na\tVirus-Subject:\t(!)")
    assert rules[0].name == "rule-3"


def test_lines_may_be_utf_8_or_latin_1_and_begin_with_a_mark() -> None:
    rules, _ = parse_rules(b"\xef\xbb\xbf.a\t0\tgr\xc3\xbcn\n.b\t0\tgr\xfcn\n")
    assert [one.description for one in rules] == ["grün", "grün"]
    assert rules[0].name == "extension-a"


def test_more_rules_than_can_be_tried_are_a_mistake() -> None:
    rules, [mistake] = parse_rules(b".a\t0\tx\n" * (MOST_RULES + 5))
    assert len(rules) == MOST_RULES
    assert mistake.line == MOST_RULES + 1


def test_a_file_is_read_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "quarantine-events.txt"
    path.write_bytes(SAMPLE)
    read = read_rule_file(path)
    assert (read.path, len(read.rules), read.mistakes) == (path, 6, ())


def test_a_file_over_the_limit_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"#" * (RULE_FILE_BYTES + 1))
    [mistake] = read_rule_file(path).mistakes
    assert mistake.message == "larger than 2_000_000 bytes"


@given(
    octets=st.binary()
    | st.lists(
        st.sampled_from([b"\t", b"\n", b".a", b"0", b"Virus-A:", b"(", b"[", b"x", b"#"])
    ).map(b"".join)
)
def test_any_bytes_give_a_rule_or_a_mistake_for_every_line_that_says_something(
    octets: bytes,
) -> None:
    rules, mistakes = parse_rules(octets)
    assert len(rules) + len(mistakes) <= octets.count(b"\n") + 1
    assert all(one.of_file or one.of_message for one in rules)
    assert all(mistake.message and mistake.suggestion for mistake in mistakes)
