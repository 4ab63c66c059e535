"""Reference, sample and JSON schema are made from the model, as are the repository's files."""

import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from mailwarden.settings.catalogue import entries, row_entries, sections, tables
from mailwarden.settings.describe import json_schema, markdown, sample, selected
from mailwarden.settings.load import parse_settings
from mailwarden.settings.model import Settings

REPOSITORY = Path(__file__).parents[2]
# What the sample comments out: settings have no blank after "#", items of long lists have four.
COMMENTED = re.compile(r"^#(?=[a-z_]+ = |    \"|\]$)", re.MULTILINE)


@pytest.mark.parametrize(
    ("path", "form", "text"),
    [
        ("docs/reference/settings.md", "markdown", markdown(entries())),
        ("packaging/mailwarden.toml", "toml", sample(entries())),
    ],
)
def test_the_file_in_the_repository_is_what_describe_prints(
    path: str, form: str, text: str
) -> None:
    written = (REPOSITORY / path).read_text(encoding="utf-8")
    assert written == text, f"stale: mailwarden config describe --format {form} > {path}"


def test_the_sample_says_nothing_yet() -> None:
    assert parse_settings(sample(entries()), "sample") == Settings()


def test_the_sample_without_its_comments_says_all_defaults() -> None:
    text = COMMENTED.sub("", sample(entries()))
    given = {
        f"{section}.{name}" if section in sections() else section
        for section, table in tomllib.loads(text).items()
        for name in (table if section in sections() else [section])
    }
    assert given == {entry.key for entry in entries()}
    settings = parse_settings(text, "sample")
    assert settings.headers.hostname == "mail.example.org"
    headers = settings.headers.model_copy(update={"hostname": Settings().headers.hostname})
    assert settings.model_copy(update={"headers": headers}) == Settings()


def test_the_sample_fits_its_columns() -> None:
    assert max(map(len, sample(entries()).splitlines())) <= 100


def test_the_reference_has_a_row_for_every_setting_and_no_row_breaks() -> None:
    rows = [line for line in markdown(entries()).splitlines() if line.startswith("| `")]
    in_tables = [entry for table in tables() for entry in row_entries(table)]
    assert len(rows) == len(entries()) + len(in_tables)
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows)
    assert "| `sa-delete` |" in markdown(selected("spam.delete_above"))


def test_nothing_of_this_machine_is_in_what_is_written() -> None:
    changed = "an-unlikely-host-name"
    original = Settings().headers.hostname
    for text in (markdown(entries()), sample(entries()), json_schema()):
        assert changed not in text
        assert f'"{original}"' not in text


def test_the_json_schema_knows_every_setting_with_its_default() -> None:
    schema = json.loads(json_schema(), parse_float=Decimal)
    for entry in entries():
        table = schema
        if entry.section:
            reference = schema["properties"][entry.section]["$ref"]
            table = schema["$defs"][reference.rpartition("/")[2]]
        assert table["additionalProperties"] is False
        described = table["properties"][entry.name]
        assert described["description"] == entry.sentence
        if not entry.is_computed:
            default = entry.default
            assert described["default"] == (
                list(default)
                if isinstance(default, tuple)
                else str(default)
                if isinstance(default, Path)
                else default
            )


def test_a_key_selects_a_setting_a_table_or_everything() -> None:
    assert [entry.key for entry in selected("spam.delta")] == ["spam.delta"]
    assert {entry.section for entry in selected("spam")} == {"spam"}
    assert selected("") == entries()
    assert selected("attachments.rules") == row_entries("attachments.rules")
    assert [entry.key for entry in selected("attachments.rules.name")] == ["attachments.rules.name"]
    assert selected("nothing") == ()


def test_a_list_of_tables_is_described_behind_its_section() -> None:
    text = markdown(entries())
    assert "## [attachments]" in text
    assert "## [[attachments.rules]]" in text.partition("## [attachments]")[2]
    assert text.index("## [[attachments.rules]]") < text.index("## [structure]")


def test_the_sample_of_a_list_of_tables_says_nothing_yet() -> None:
    text = sample(selected("attachments.rules"))
    assert "\n#[[attachments.rules]]\n" in text
    assert parse_settings(text, "sample") == Settings()
