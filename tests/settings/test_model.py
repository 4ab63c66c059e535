"""Strictness: a value of another sort is refused, never bent into shape."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from mailwarden.settings.load import SettingsError, parse_settings
from mailwarden.settings.model import Settings
from mailwarden.settings.per_domain_files import PerDomainFile
from mailwarden.settings.rule_files import RuleFile
from mailwarden.settings.rule_tables import RuleSettings

# One setting of every type; the values are TOML.
ACCEPTED: list[tuple[str, str, object]] = [
    ("spam.reject", "false", False),
    ("limits.parts", "1", 1),
    ("limits.parts", "1_000_000", 1_000_000),
    ("limits.message_bytes", "0xFFFFFFF", 0xFFFFFFF),
    ("daemon.workers", "0", 0),
    ("unpacking.helpers", "256", 256),
    ("unpacking.depth", "50", 50),
    ("structure.passed", '["cr-in-header"]', ("cr-in-header",)),
    ("clamd.timeout_seconds", "1", 1.0),
    ("clamd.timeout_seconds", "0.5", 0.5),
    ("spam.quarantine_above", "2.1", Decimal("2.1")),
    ("spam.quarantine_above", "6", Decimal(6)),
    ("spam.quarantine_above", "1e3", Decimal(1000)),
    ("clamd.on_fault", '"tag"', "tag"),
    ("spam.subject", '"[SPAM] é "', "[SPAM] é "),
    ("rejection.spam", '"no (#5.7.1)"', "no (#5.7.1)"),
    ("headers.prefix", '"X-Antivirus-MYDOMAIN"', "X-Antivirus-MYDOMAIN"),
    ("headers.hostname", '"mx1.example.org"', "mx1.example.org"),
    ("spamd.addresses", '["auto", "unix:/s"]', ("auto", "unix:/s")),
    ("spam.forward", '""', ""),
    ("spam.maildir", '"Spam_1-x"', "Spam_1-x"),
    ("spam.levels", '["a", "b c", "é"]', ("a", "b c", "é")),
    ("viruses.delete", '["MyDoom"]', ("mydoom",)),
    ("notices.notify", '["none"]', ("none",)),
    ("notices.local_domains", '["Example.org"]', ("example.org",)),
    ("queue.default_domain", '"Example.org"', "example.org"),
    ("notices.templates", '"/t"', Path("/t")),
    ("log.details", '["syslog", "mailstats"]', ("syslog", "mailstats")),
    ("archive.matching", '"jhaar|harry"', "jhaar|harry"),
    ("per_domain.settings_file", '"/dev/null"', PerDomainFile(Path("/dev/null"))),
    ("quarantine.directory", '"/q"', Path("/q")),
    ("queue.socket", '"/run/q.sock"', Path("/run/q.sock")),
    ("clamd.addresses", '["tcp:[::1]:3310"]', ("tcp:[::1]:3310",)),
    ("scanners", "[]", ()),
    ("queue.users", '["*"]', ("*",)),
    ("attachments.forbidden_extensions", '["exe", "7z"]', ("exe", "7z")),
    ("attachments.rules_files", '["/dev/null"]', (RuleFile(Path("/dev/null")),)),
    ("attachments.rules", '[{extension = ["exe"]}]', (RuleSettings(extension=("exe",)),)),
]
# The same types, and everything that is near to their values but is not one of them.
REFUSED: list[tuple[str, list[str]]] = [
    ("spam.reject", ["0", "1", '"yes"', '"true"', "[]", "1.0"]),
    ("limits.parts", ["0", "-1", "1_000_001", "1.0", "true", '"1"', "inf", "[1]", "{}"]),
    ("limits.message_bytes", ["0", "1e6", '"100M"', "1_099_511_627_777", f"1{'0' * 400}"]),
    ("daemon.workers", ["-1", "257", "false"]),
    ("unpacking.helpers", ["0", "257", "true"]),
    ("unpacking.depth", ["0", "51", '"5"']),
    ("structure.passed", ['["cr-in-headers"]', '"cr-in-header"', "[1]"]),
    (
        "clamd.timeout_seconds",
        ["0", "0.0", "-1", "86_401", "nan", "inf", "true", '"60"', "1e99999999999999999999", "[]"],
    ),
    (
        "spam.quarantine_above",
        ["-0.1", "10_001", "nan", "inf", "true", '"2.1"', "[2.1]", "07:32:00"],
    ),
    ("clamd.on_fault", ['"reject"', '"TAG"', '""', "true", "1", "[]", '["tag"]']),
    ("spam.subject", ['"a\\nb"', '"a\\u0000"', '"\\u009b1m"', "1", "false", f'"{"a" * 201}"']),
    ("rejection.spam", ['""', '"é"', '"a\\r\\nb"', "1", f'"{"a" * 201}"']),
    ("headers.prefix", ['"Subject"', '"X-"', '"X-a:"', '"X-a\\n"', "1", f'"X-{"a" * 61}"']),
    ("headers.hostname", ['""', '"a b"', '"a\\n"', '"é"', "1"]),
    ("spamd.addresses", ["[]", '["Auto"]', '["/s"]', '"auto"', "[1]"]),
    ("spam.forward", ['"a"', '"-a@b"', '"a@b c"', '"a@b\\n"', '"<a@b>"', "1", "[]"]),
    ("spam.levels", ["[]", '["a", "b"]', '["a", "b", "c", "d"]', '["a", "b", ""]', '"a"']),
    ("spam.maildir", ['""', '"."', '"a/b"', '"a\\n"', f'"{"a" * 41}"', "1"]),
    ("viruses.delete", ['[""]', '["a\\nb"]', f'["{"a" * 101}"]', '"mydoom"', "[1]"]),
    ("notices.notify", ['["sender,admin"]', '"all"', "[1]"]),
    ("queue.default_domain", ['"a@b"', '"a b"', '"é"', "1", "[]"]),
    ("notices.local_domains", ['[""]', '["a@b"]', '["a b"]', '"a"', "[1]"]),
    ("notices.templates", ['"t"', '"~/t"', "1", "[]"]),
    ("log.details", ['["yes"]', '"syslog"', "[1]"]),
    ("archive.matching", [f'"{"a" * 10_000}"', "1", "[]"]),
    ("per_domain.settings_file", ['"s.txt"', '"~/s"', '"/s\\u0000"', "1", '["/s"]', "{}"]),
    ("quarantine.directory", ['""', '"q"', '"~/q"', '"/q\\u0000"', "1", '["/q"]', "1979-05-27"]),
    ("queue.socket", ['"run/q.sock"', f'"/{"a" * 107}"', "1"]),
    ("clamd.addresses", ["[]", '["clamd"]', "[1]", '"tcp:localhost:3310"', "{}"]),
    ("scanners", ['["uvscan"]', '"clamd"', "[true]", "1"]),
    ("queue.users", ['["a\\nb"]', '"root"', "[0]"]),
    ("attachments.rules_files", ['["rules.txt"]', '[""]', "[1]", '"/dev/null"', "{}"]),
    ("attachments.rules", ["1", '"x"', "{}", "[1]", '["x"]', '{extension = ["exe"]}']),
    ("attachments.forbidden_extensions", ['[".exe"]', '["EXE"]', '[""]', '["exe\\n"]', "[7]"]),
]


@pytest.mark.parametrize(("key", "value", "expected"), ACCEPTED)
def test_a_value_of_the_right_sort_is_taken_as_it_is(
    key: str, value: str, expected: object
) -> None:
    taken: object = parse_settings(_text(key, value), "sample")
    for name in key.split("."):
        taken = getattr(taken, name)
    assert taken == expected
    assert type(taken) is type(expected)


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in REFUSED for value in values]
)
def test_a_value_of_another_sort_or_out_of_range_is_refused(key: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(_text(key, value), "sample")
    [problem] = refused.value.problems
    assert problem.where == key
    assert problem.line == 1
    assert "expected" in problem.message or "at most" in problem.message
    assert "Input should" not in problem.message


def test_both_lists_above_know_every_type_of_the_model() -> None:
    tried = {key for key, _, _ in ACCEPTED}
    assert tried == {key for key, _ in REFUSED}
    assert {_type(key) for key in tried} == {
        _type(f"{section}.{name}")
        for section, table in Settings()
        if section not in {"scanners", "profile"}
        for name, _ in table
    } | {_type("scanners")} | {_type("queue.socket")}


def _type(key: str) -> str:
    """A type by its validators, choices and bounds; all choices count as one type."""
    section, _, name = key.rpartition(".")
    model = type(getattr(Settings(), section)) if section else Settings
    field = model.model_fields[name]
    if "Literal" in str(field.annotation) and "tuple" not in str(field.annotation):
        return "choice"
    marks = [mark for mark in field.metadata if type(mark).__name__ not in {"MaxLen", "MinLen"}]
    return f"{field.annotation} {marks}"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(Settings().spam, "reject", True)  # noqa: B010 - mypy knows that it may not be


def test_no_worker_count_means_one_for_each_processor() -> None:
    assert Settings().worker_count >= 1
    assert parse_settings("daemon.workers = 3", "sample").worker_count == 3


def _text(key: str, value: str) -> str:
    text = f"{key} = {value}"
    tomllib.loads(text.replace("e99999999999999999999", "e9"))
    return text
