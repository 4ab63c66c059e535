"""Files that may not pass, and files that could not be looked through."""

import re
from dataclasses import replace

from mailwarden.unpack.contents import Contents, Item, Reason, Unopened
from mailwarden.unpack.members import Trait
from mailwarden.verdict.attachments import FINDINGS_PER_RULE, check_attachments, crypto_of
from mailwarden.verdict.conditions import (
    Encrypted,
    HeaderField,
    NameMatches,
    Sender,
    WithoutCrypto,
)
from mailwarden.verdict.default_rules import extension_rules
from mailwarden.verdict.message_facts import MessageFacts
from mailwarden.verdict.report import Finding, Kind
from mailwarden.verdict.rules import Action, AttachmentRules, Rule

RULES = extension_rules(["exe", "vbs"])
FACTS = MessageFacts(sender="ann@sender.example")
LOCKED = Item("1/a.zip/b.pdf", ("b.pdf",), ("message", "zip"), traits=(Trait.ENCRYPTED,))


def attached(*names: str, traits: tuple[Trait, ...] = ()) -> Item:
    return Item("1", names, ("message",), 10, traits=traits)


def check(
    *items: Item,
    unopened: tuple[Unopened, ...] = (),
    rules: tuple[Rule, ...] = RULES,
    facts: MessageFacts = FACTS,
) -> tuple[Finding, ...]:
    return check_attachments(Contents(items, unopened), AttachmentRules(rules), facts)


def summary(findings: tuple[Finding, ...]) -> list[tuple[str, Kind, str, str, str]]:
    return [(one.by, one.kind, one.name, one.part, one.filename) for one in findings]


def test_harmless_names_pass() -> None:
    names = ["a.txt", "exe", "a.exe.txt", ""]
    assert check(*(attached(name) for name in names), attached()) == ()


def test_a_forbidden_extension_is_a_policy_finding_with_its_sentence() -> None:
    [finding] = check(attached("invoice.pdf.exe"))
    assert finding == Finding(
        "attachments",
        Kind.POLICY,
        "extension-exe",
        "1",
        "invoice.pdf.exe",
        "A file name ends in .exe, which is not allowed.",
    )


def test_every_candidate_name_counts_and_the_one_that_tells_is_shown() -> None:
    assert summary(check(attached("a.txt", "a.vbs", "b.exe"))) == [
        ("attachments", Kind.POLICY, "extension-exe", "1", "b.exe"),
        ("attachments", Kind.POLICY, "extension-vbs", "1", "a.vbs"),
    ]


def test_members_of_archives_count() -> None:
    item = Item("2/files.zip/folder/a.EXE", ("folder/a.EXE",), ("message", "zip"))
    assert [finding.part for finding in check(item)] == ["2/files.zip/folder/a.EXE"]


def test_a_rule_about_the_message_is_one_finding_of_its_kind() -> None:
    rule = Rule(
        Action.DENY,
        "love-letter",
        "Love Letter Virus",
        of_message=(HeaderField("subject", re.compile("ILOVEYOU")),),
        kind=Kind.VIRUS,
    )
    facts = MessageFacts(fields={"subject": ("ILOVEYOU",)})
    assert check(attached("a"), attached("b"), rules=(rule,), facts=facts) == (
        Finding("attachments", Kind.VIRUS, "love-letter", detail="Love Letter Virus"),
    )


def test_an_allowed_message_may_hold_what_is_denied() -> None:
    partner = Rule(Action.ALLOW, "partner", "", of_message=(Sender(re.compile("ann@.*")),))
    assert check(attached("a.exe"), rules=(partner, *RULES)) == ()


def test_what_needs_a_password_is_a_finding_of_its_own_kind() -> None:
    pdf = Item("2", ("c.pdf",), ("message",), file_type="pdf", traits=(Trait.ENCRYPTED,))
    assert summary(check(LOCKED, pdf)) == [
        ("unpack", Kind.ENCRYPTED, "zip-encrypted", "1/a.zip/b.pdf", "b.pdf"),
        ("unpack", Kind.ENCRYPTED, "pdf-encrypted", "2", "c.pdf"),
    ]


def test_what_needs_a_password_is_not_unopened_as_well() -> None:
    shut = Unopened(Reason.UNSUPPORTED, "zip", LOCKED.path, "b.pdf", "it needs a password")
    assert [finding.kind for finding in check(LOCKED, unopened=(shut,))] == [Kind.ENCRYPTED]


def test_what_cannot_be_opened_does_not_pass_under_the_name_of_what_may_be_encrypted() -> None:
    by_password = Rule(Action.ALLOW, "a", "", (Encrypted(is_encrypted=True),))
    shut = (
        Unopened(Reason.UNSUPPORTED, "zip", LOCKED.path, "b.pdf", "a password is needed"),
        Unopened(Reason.UNSUPPORTED, "zip", LOCKED.path, "b.pdf", "method 97 is not known"),
    )
    found = check(LOCKED, replace(LOCKED, traits=()), unopened=shut, rules=(by_password,))
    assert summary(found) == [("unpack", Kind.UNOPENED, "zip-unopened", LOCKED.path, "b.pdf")]


def test_only_a_rule_that_says_encrypted_allows_a_password() -> None:
    by_name = Rule(Action.ALLOW, "a", "", (NameMatches(re.compile(".*")),))
    by_password = Rule(Action.ALLOW, "a", "", (Encrypted(is_encrypted=True),))
    assert [finding.kind for finding in check(LOCKED, rules=(by_name,))] == [Kind.ENCRYPTED]
    assert check(LOCKED, rules=(by_password,)) == ()


def test_what_could_not_be_looked_through_is_said_whatever_the_rules_allow() -> None:
    everything = Rule(Action.ALLOW, "all", "", of_message=(Sender(re.compile(".*")),))
    unopened = (
        Unopened(Reason.OVER_LIMIT, "zip", "1", "a.zip", "unpacked-bytes"),
        Unopened(Reason.UNREADABLE, "rar", "2", "b.rar", "its end is missing"),
        Unopened(Reason.UNSUPPORTED, "arj", "3", "c.arj", "method 9 is not known"),
        Unopened(Reason.FAILED, "iso", "4", "d.iso", "the helper was killed by SIGSEGV"),
    )
    findings = check(unopened=unopened, rules=(everything,))
    assert summary(findings) == [
        ("unpack", Kind.OVER_LIMIT, "unpacked-bytes", "1", "a.zip"),
        ("unpack", Kind.MALFORMED, "rar-unreadable", "2", "b.rar"),
        ("unpack", Kind.UNOPENED, "arj-unopened", "3", "c.arj"),
        ("unpack", Kind.UNOPENED, "iso-failed", "4", "d.iso"),
    ]
    assert findings[1].detail == "A file is broken, or is not what it seems: its end is missing."
    assert findings[2].detail == "A file cannot be opened here: method 9 is not known."
    assert findings[3].detail == "Opening a file went wrong: the helper was killed by SIGSEGV."


def test_an_archive_that_readers_see_differently_is_malformed() -> None:
    traits = (Trait.DIRECTORIES_DISAGREE, Trait.MEMBERS_OVERLAP, Trait.HIDDEN_DATA, Trait.VOLUME)
    assert [(one.kind, one.name) for one in check(attached("a.zip", traits=traits))] == [
        (Kind.MALFORMED, "directories-disagree"),
        (Kind.MALFORMED, "members-overlap"),
        (Kind.MALFORMED, "hidden-data"),
        (Kind.UNOPENED, "volume"),
    ]


def test_fields_that_were_not_all_looked_at_are_over_a_limit() -> None:
    findings = check(facts=MessageFacts(exceeded=True))
    assert summary(findings) == [("attachments", Kind.OVER_LIMIT, "field-values", "", "")]


def test_findings_stay_few() -> None:
    many = [Item(f"1/a.zip/{number}.exe", (f"{number}.exe",), ("message",)) for number in range(50)]
    assert len(check(*many)) == FINDINGS_PER_RULE


def test_two_rules_that_say_the_same_are_told_once() -> None:
    assert len(check(attached("a.exe"), rules=(*RULES, *RULES))) == 1


def test_protection_is_told_by_media_types_and_passwords() -> None:
    items = (
        Item("1", (), ("message",), media_type="application/pgp-encrypted"),
        Item("2", ("smime.p7s",), ("message",), media_type="application/pkcs7-signature"),
        Item("3", ("smime.p7m",), ("message",), media_type="application/pkcs7-mime"),
        LOCKED,
    )
    assert crypto_of(items) == ("pgp", "smime", "zip-encrypted")


def test_a_rule_may_ask_that_nothing_is_protected() -> None:
    rule = Rule(Action.DENY, "open-secret", "", of_message=(WithoutCrypto(),))
    assert [finding.name for finding in check(attached("a"), rules=(rule,))] == ["open-secret"]
    assert [finding.kind for finding in check(LOCKED, rules=(rule,))] == [Kind.ENCRYPTED]
