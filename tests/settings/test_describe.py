"""Reference, sample and JSON schema are made from the model, as are the repository's files."""

import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from mailwarden.settings.catalogue import entries, row_entries, sections
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
    assert given == {entry.key for entry in entries()} - {"profile"}
    settings = parse_settings(text, "sample")
    assert settings.headers.hostname == "mail.example.org"
    headers = settings.headers.model_copy(update={"hostname": Settings().headers.hostname})
    assert settings.model_copy(update={"headers": headers}) == Settings()


def test_the_sample_fits_its_columns() -> None:
    assert max(map(len, sample(entries()).splitlines())) <= 100


def test_the_reference_has_a_row_for_every_setting_and_no_row_breaks() -> None:
    rows = [line for line in markdown(entries()).splitlines() if line.startswith("| `")]
    in_tables = [*row_entries("attachments.rules"), *row_entries("profile")[:2]]
    assert len(rows) == len(entries()) - 1 + len(in_tables)
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
                else ""
                if default is None
                else default
            )


def test_a_key_selects_a_setting_a_table_or_everything() -> None:
    assert [entry.key for entry in selected("spam.delta")] == ["spam.delta"]
    assert {entry.section for entry in selected("spam")} == {"spam"}
    assert selected("") == entries()
    assert selected("attachments.rules") == row_entries("attachments.rules")
    assert [entry.key for entry in selected("attachments.rules.name")] == ["attachments.rules.name"]
    assert selected("nothing") == ()
    assert selected("profile") == row_entries("profile")
    assert {entry.section for entry in selected("profile.spam")} == {"profile.spam"}
    assert [entry.key for entry in selected("profile.spam.delta")] == ["profile.spam.delta"]


def test_a_list_of_tables_is_described_behind_its_section() -> None:
    text = markdown(entries())
    assert "## [attachments]" in text
    assert "## [[attachments.rules]]" in text.partition("## [attachments]")[2]
    assert text.index("## [[attachments.rules]]") < text.index("## [structure]")


def test_the_tables_of_profiles_are_told_without_repeating_their_settings() -> None:
    text = markdown(entries()).partition("## [[profile]]")[2]
    assert "| `match` |" in text
    assert "- `[profile.limits]`: `message_bytes`\n" in text
    assert "- `[profile.spam]`: all of `[spam]`\n" in text
    assert "delete_above" not in text
    assert "## [profile.spam]" in markdown(selected("profile.spam"))


def test_the_sample_ends_with_a_profile_that_is_one_without_its_comments() -> None:
    example = sample(entries()).rpartition("#\n")[2]
    [profile] = parse_settings(example.replace("# ", ""), "sample").profile
    assert profile.match == ("user@example.org", "example.net")
    assert profile.spam.quarantine_above == 3
    text = sample(selected("profile"))
    assert "\n#[[profile]]\n" in text
    assert "\n#[profile.spam]\n" in text
    assert parse_settings(text, "sample") == Settings()


def test_the_json_schema_knows_profiles_without_defaults_of_their_own() -> None:
    schema = json.loads(json_schema())
    assert schema["properties"]["profile"]["items"] == {"$ref": "#/$defs/ProfileSettings"}
    profile = schema["$defs"]["ProfileSettings"]
    assert profile["required"] == ["match"]
    assert profile["additionalProperties"] is False
    assert not [name for name, setting in profile["properties"].items() if "default" in setting]


def test_the_sample_of_a_list_of_tables_says_nothing_yet() -> None:
    text = sample(selected("attachments.rules"))
    assert "\n#[[attachments.rules]]\n" in text
    assert parse_settings(text, "sample") == Settings()
