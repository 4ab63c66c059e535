"""The settings as a list: nothing is missing, everything is in words."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from mailwarden.settings.catalogue import (
    entries,
    entry_of,
    row_entries,
    section_sentence,
    sections,
    tables,
    toml_value,
    value_of,
)
from mailwarden.settings.model import Settings
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
    assert set(keys) == expected | {"scanners"}
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
        "sa-report": "spam.report",
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
    assert set(tables()) == {"attachments.rules"}
    rows = row_entries("attachments.rules")
    assert {entry.name for entry in rows} == set(RuleSettings.model_fields)
    for entry in rows:
        assert entry.words
        assert entry.sentence.endswith("."), entry.key
        assert entry_of(entry.key) == entry
    assert section_sentence("attachments.rules")
    assert "attachments.rules" in {entry.key for entry in entries()}


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
        case RuleFile():
            return str(value.path)
        case RuleSettings():
            return value.model_dump(mode="json", exclude_unset=True)
        case _:
            return value


def test_what_no_setting_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="no setting holds a bytes"):
        toml_value(b"")
