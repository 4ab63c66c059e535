"""Where each setting in effect comes from."""

from pathlib import Path

from mailwarden.settings.catalogue import entries, row_entries
from mailwarden.settings.load import read_text
from mailwarden.settings.origins import plain_values, shown_for, shown_for_everybody

TEXT = """\
spam.subject = "S"
spam.quarantine_above = 2
per_domain.settings_file = "{path}"

[[profile]]
match = ["user@example.org"]
scanners = []
[profile.spam]
quarantine_above = 3
"""


def origins(folder: Path, address: str) -> tuple[dict[str, tuple[object, str, int | None]], str]:
    path = folder / "rows"
    path.write_text("# rows\nexample.net:sa'none\n")
    loaded = read_text(TEXT.format(path=path), "f")
    effective = shown_for(loaded, address.encode())
    shown = {one.entry.key: (one.value, one.source, one.line) for one in effective.shown}
    return shown, effective.profile


def test_of_one_recipient_each_setting_is_told_with_where_it_stands(tmp_path: Path) -> None:
    shown, profile = origins(tmp_path, "User@example.org")
    assert profile == "the profile of user@example.org, f:5"
    assert shown["scanners"] == ((), "f", 7)
    assert shown["spam.quarantine_above"] == (3, "f", 9)
    assert shown["spam.subject"] == ("S", "f", 1)
    assert shown["spam.delta"] == (0, "", None)


def test_a_row_of_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    shown, profile = origins(tmp_path, "somebody@example.net")
    assert profile == f"the profile of example.net, {tmp_path}/rows:2"
    assert shown["spam.subject"] == ("", f"{tmp_path}/rows", 2)
    assert shown["structure.enabled"] == (False, f"{tmp_path}/rows", 2)
    assert shown["spam.quarantine_above"] == (2, "f", 2)


def test_a_recipient_without_a_profile_has_what_everybody_has(tmp_path: Path) -> None:
    shown, profile = origins(tmp_path, "somebody@example.com")
    assert profile == "no profile, so as for everybody"
    assert shown["spam.subject"] == ("S", "f", 1)
    everything = {entry.key for entry in entries()}
    assert everything - set(shown) == {
        "profile", "per_domain.settings_file", "per_domain.scanners_file"
    }  # fmt: skip


def test_the_line_of_what_stands_in_an_inline_table_is_told() -> None:
    loaded = read_text("profile = [{match = ['a'],\nspam = {delta = 0}}]".replace("\n", ""), "f")
    [delta] = [one for one in shown_for(loaded, b"x@a").shown if one.entry.key == "spam.delta"]
    assert (delta.source, delta.line) == ("f", 1)


def test_the_plain_values_are_those_of_every_setting_and_of_profiles_what_they_say() -> None:
    loaded = read_text("[[profile]]\nmatch = ['a']\nspam.delete_above = 0.5", "f")
    values = plain_values(shown_for_everybody(loaded).settings)
    assert set(values) == {entry.key for entry in entries()}
    assert values["profile"] == [{"match": ["a"], "spam": {"delete_above": 0.5}}]
    assert values["per_domain.settings_file"] == ""
    assert "profile.match" in {entry.key for entry in row_entries("profile")}
