"""Files that settings name are read with them, each once."""

from pathlib import Path

import pytest

from mailwarden.settings.load import SettingsError, parse_settings


def test_a_rule_file_that_several_name_is_told_wrong_once(tmp_path: Path) -> None:
    path = tmp_path / "rules.txt"
    path.write_text(".pif 0 blanks\n")
    text = f"attachments.rules_files = ['{path}']\n"
    profile = f"[[profile]]\nmatch = ['MATCH']\n{text}"
    with pytest.raises(SettingsError) as refused:
        parse_settings(f"{text}{profile.replace('MATCH', 'a')}{profile.replace('MATCH', 'b')}", "f")
    [problem] = refused.value.problems
    assert (problem.file, problem.line) == (str(path), 1)


def test_the_same_rule_file_gives_the_same_rules_to_all(tmp_path: Path) -> None:
    path = tmp_path / "rules.txt"
    path.write_text(".pif\t0\tx\n")
    text = f"attachments.rules_files = ['{path}']\n"
    settings = parse_settings(f"{text}[[profile]]\nmatch = ['a']\n{text}", "f")
    [theirs], [ours] = settings.profile[0].attachments.rules_files, settings.attachments.rules_files
    assert theirs is ours
    assert ours.rules


def test_a_profile_without_rule_files_does_not_say_any() -> None:
    [profile] = parse_settings("[[profile]]\nmatch = ['a']\nspam.delta = 0", "f").profile
    assert profile.model_fields_set == {"match", "spam"}
