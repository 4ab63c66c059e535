"""Settings for a command, or its end."""

from pathlib import Path

import click
import pytest

from mailwarden.cli.loading import fail, settings_or_exit


def test_good_settings_are_returned(tmp_path: Path) -> None:
    path = tmp_path / "mailwarden.toml"
    path.write_text('scanners = ["test-patterns"]\n')
    assert settings_or_exit(path).scanners == ("test-patterns",)


def test_all_that_is_wrong_is_printed_before_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mailwarden.toml"
    path.write_text('scaners = []\n[queue]\nflavour = "sweet"\n')
    with pytest.raises(SystemExit) as end:
        settings_or_exit(path)
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{path}:1: scaners: " in err
    assert f"{path}:3: queue.flavour: " in err


def test_a_failure_is_told_and_temporary_unless_known_better(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ends = [fail("first"), fail("second", 1)]
    assert [end.exit_code for end in ends] == [75, 1]
    assert all(isinstance(end, click.exceptions.Exit) for end in ends)
    assert capsys.readouterr().err == "mailwarden: first\nmailwarden: second\n"
