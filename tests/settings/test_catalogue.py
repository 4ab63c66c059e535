"""The settings as a list: nothing is missing, everything is in words."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from mailwarden.settings.catalogue import (
    entries,
    entry_of,
    every_entry,
    profile_sections,
    row_entries,
    section_sentence,
    sections,
    tables,
    toml_value,
    value_of,
)
from mailwarden.settings.model import Settings
from mailwarden.settings.per_domain_files import PerDomainFile
from mailwarden.settings.rule_files import RuleFile
from mailwarden.settings.rule_tables import RuleSettings


def test_every_setting_has_an_entry_with_words_and_a_sentence() -> None:
    keys = [entry.key for entry in entries()]
    dumped = Settings().model_dump()
    expected = {
        f"{section}.{name}"
        for section, table in dumped.items()
        if section in sections()
        for name in table
    }
    assert set(keys) == expected | {"scanners", "profile"}
    assert keys[-1] == "profile"
    assert len(keys) == len(set(keys))
    for entry in entries():
        assert entry.words
        assert entry.sentence.endswith("."), entry.key
    assert all(section_sentence(section) for section in sections())


def test_a_name_that_tells_a_unit_has_it() -> None:
    for entry in entries():
        for unit in ("seconds", "bytes"):
            assert (entry.unit == unit) == entry.name.endswith(unit), entry.key


def test_words_tell_type_unit_and_range() -> None:
    words = {entry.key: entry.words for entry in entries()}
    assert words["spam.reject"] == "true or false"
    assert words["spam.delta"] == "a number of points, at least 0, at most 10_000"
    assert words["limits.wait_seconds"] == "a number of seconds, above 0, at most 86_400"
    assert words["log.format"] == 'one of "json" or "text"'
    assert words["clamd.addresses"].startswith("a list, not empty, each item an address: ")


def test_the_names_of_qmail_scanner_are_taken_from_the_sentences() -> None:
    names = {entry.qmail_scanner: entry.key for entry in entries() if entry.qmail_scanner}
    assert names == {
        "sa-quarantine": "spam.quarantine_above",
        "sa-delete": "spam.delete_above",
        "sa-reject": "spam.reject",
        "sa-subject": "spam.subject",
        "sa-delta": "spam.delta",
        "sa-debug": "spam.debug",
        "sa-report": "spam.report",
        "sa-forward": "spam.forward",
        "sa-fwd-verbose": "spam.forward_verbose",
        "spamdir": "spam.maildir",
        "sa-socket": "spamd.addresses",
        "sa-timeout": "spamd.timeout_seconds",
        "sa-maxsize": "spamd.max_bytes",
        "sa-faulttolerant": "spamd.on_fault",
        "virus-to-delete": "viruses.delete",
        "silent-viruses": "viruses.silent",
        "skip-text-msgs": "viruses.skip_text_only",
        "notify": "notices.notify",
        "admin": "notices.admin",
        "admin-fromname": "notices.admin_name",
        "local-domains": "notices.local_domains",
        "lang": "notices.language",
        "archive": "archive.matching",
        "logdir": "log.directory",
        "log-details": "log.details",
        "log-crypto": "log.crypto",
        "debug": "log.queue_log",
        "scanners-per-domain": "per_domain.scanners_file",
        "settings-per-domain": "per_domain.settings_file",
        "dlp-monitor": "attachments.monitored",
        "max-scan-size": "limits.message_bytes",
        "SA_SKIP_MD": "spam.skip_bounces",
        "ignore-eol-check": "structure.ignore_eol",
        "max-zip-size": "unpacking.unpacked_bytes",
        "max-unpacked-files": "unpacking.files",
        "redundant": "unpacking.redundant",
        "dscr-hdrs-text": "headers.prefix",
        "add-dscr-hdrs": "headers.descriptive",
    }


def test_an_entry_is_found_by_its_key() -> None:
    entry = entry_of("spam.delete_above")
    assert entry
    assert entry.default == Decimal(0)
    assert value_of(Settings(), entry) == Decimal(0)
    assert entry_of("spam") is None


def test_every_setting_of_a_list_of_tables_has_an_entry() -> None:
    assert set(tables()) == {"attachments.rules", "profile", "profile.attachments.rules"}
    rows = row_entries("attachments.rules")
    assert {entry.name for entry in rows} == set(RuleSettings.model_fields)
    for entry in rows:
        assert entry.words
        assert entry.sentence.endswith("."), entry.key
        assert entry_of(entry.key) == entry
    assert section_sentence("attachments.rules")
    assert "attachments.rules" in {entry.key for entry in entries()}


def test_every_setting_of_a_profile_has_an_entry_with_its_table() -> None:
    keys = {entry.key for entry in row_entries("profile")}
    assert {"profile.match", "profile.scanners", "profile.spam.delta"} < keys
    assert keys - {"profile.match", "profile.scanners"} == {
        f"profile.{table}.{name}"
        for table, model in profile_sections().items()
        for name in model.model_fields
    }
    for entry in row_entries("profile"):
        assert entry_of(entry.key) == entry
        assert entry.sentence.endswith("."), entry.key
        assert entry.key == "profile.match" or entry_of(entry.key.removeprefix("profile."))


def test_a_setting_of_a_profile_that_is_not_said_is_what_everybody_has() -> None:
    words = {entry.key: entry.default_words for entry in every_entry().values()}
    assert words["profile.spam.delta"] == "what everybody has"
    assert words["profile.scanners"] == "what everybody has"
    assert words["profile.match"] == "none, for it must be said"
    assert words["profile.attachments.rules.action"] == '"deny"'
    assert section_sentence("profile.spam") == section_sentence("spam")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (9_999, "9999"),
        (10_000, "10_000"),
        (60.0, "60"),
        (0.5, "0.5"),
        (Decimal("2.1"), "2.1"),
        (Decimal("1E+3"), "1000"),
        ('a"\\é', '"a\\"\\\\é"'),
        (Path("/a b"), '"/a b"'),
        (("a", "b"), '["a", "b"]'),
        ((), "[]"),
        (RuleFile(Path("/r")), '"/r"'),
        (PerDomainFile(Path("/s")), '"/s"'),
        (None, '""'),
        (
            RuleSettings(extension=("a",), name_regex=r"\d"),
            '{ name_regex = "\\\\d", extension = ["a"] }',
        ),
    ],
)
def test_a_value_is_written_as_toml(value: object, text: str) -> None:
    assert toml_value(value) == text
    assert tomllib.loads(f"x = {text}", parse_float=Decimal)["x"] == _as_read(value)


def _as_read(value: object) -> object:
    match value:
        case tuple():
            return list(value)
        case Path():
            return str(value)
        case RuleFile() | PerDomainFile():
            return str(value.path)
        case None:
            return ""
        case RuleSettings():
            return value.model_dump(mode="json", exclude_unset=True)
        case _:
            return value


def test_what_no_setting_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="no setting holds a bytes"):
        toml_value(b"")
