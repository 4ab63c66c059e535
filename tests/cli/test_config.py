"""`mailwarden config`, as it is typed and as it is read."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailwarden.cli.config import config
from mailwarden.settings.catalogue import entries
from mailwarden.settings.load import parse_settings

ESCAPE = "\x1b["
GOOD = """\
[spam]
quarantine_above = 2.1
subject = "[SPAM] :smile: "
"""
BAD = """\
[spam]
quarantine_abov = 2.1
delta = 1
"""


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAILWARDEN_CONFIG", "FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str, path: Path | None = None) -> Result:
    return CliRunner().invoke(config, arguments, obj=path)


def written(folder: Path, text: str) -> Path:
    path = folder / "mailwarden.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_check_says_ok_and_how_many_settings_were_given(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    result = run("check", str(path))
    assert (result.exit_code, result.stdout) == (0, f"ok: {path}, 2 settings given\n")
    assert run("check", path=path).stdout == result.stdout


def test_check_tells_mistakes_in_templates_also_those_of_a_profile(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "one/admin.txt").write_text("{{ mial.id }}")
    (tmp_path / "two/sender.txt").write_text("{% if x %}")
    path = written(
        tmp_path,
        f'[notices]\ntemplates = "{tmp_path}/one"\n'
        f'[[profile]]\nmatch = ["a.example"]\n[profile.notices]\ntemplates = "{tmp_path}/two"\n',
    )
    result = run("check", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    first, _, second, hint = result.stderr.splitlines()
    assert first == f"{tmp_path}/one/admin.txt: UndefinedError: 'mial' is undefined"
    assert second.startswith(f"{tmp_path}/two/sender.txt: line 1: ")
    assert hint == "    until that is right, ours are used"


@pytest.mark.parametrize("name", ["absent", "mailwarden.toml"])
def test_check_tells_of_a_folder_of_templates_that_is_none(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, f'[notices]\ntemplates = "{tmp_path}/{name}"\n')
    result = run("check", str(path))
    assert result.exit_code == 2
    assert f"notices.templates: {tmp_path}/{name} is no directory that can be read" in result.stderr


def test_templates_without_a_mistake_are_right(tmp_path: Path) -> None:
    (tmp_path / "admin.txt").write_text("{{ mail.id }}")
    path = written(tmp_path, f'[notices]\ntemplates = "{tmp_path}"\n')
    assert run("check", str(path)).exit_code == 0


def test_check_tells_all_problems_on_standard_error_and_ends_with_2(tmp_path: Path) -> None:
    path = written(tmp_path, BAD)
    result = run("check", str(path))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert (
        result.stderr
        == f"""\
{path}:2: spam.quarantine_abov: there is no such setting
    did you mean spam.quarantine_above?
{path}:3: spam.delta: LOW, MEDIUM and HIGH stand after the subject's text, and spam.subject is empty
    set spam.subject (for example "SPAM *** "), or leave spam.delta out
"""
    )


def test_check_of_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    result = run("check", str(tmp_path / "none.toml"))
    assert result.exit_code == 2
    assert "No such file or directory" in result.stderr


def test_the_environment_names_the_file_when_nothing_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GOOD)
    monkeypatch.setenv("MAILWARDEN_CONFIG", str(path))
    assert run("check").stdout == f"ok: {path}, 2 settings given\n"


def test_a_missing_default_file_is_said_and_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "none.toml"
    monkeypatch.setattr("mailwarden.settings.load.DEFAULT_PATH", path)
    said = f"there is no {path}, so every setting is the default"
    assert run("check").stdout == f"ok: {said}\n"
    assert run("show").stdout.startswith(f"# {said}\n")
    assert run("check", str(path)).exit_code == 2


def test_show_in_a_pipe_is_itself_a_settings_file_with_the_same_settings(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    result = run("show", path=path)
    assert result.exit_code == 0
    assert f"spam.quarantine_above = 2.1  # {path}:2\n" in result.stdout
    assert "spam.delta = 0  # default\n" in result.stdout
    assert parse_settings(result.stdout, "shown") == parse_settings(GOOD, "given")


def test_show_json_is_one_object_a_line_for_each_setting(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    shown = [json.loads(line) for line in run("show", "--json", path=path).stdout.splitlines()]
    assert [setting["key"] for setting in shown] == [entry.key for entry in entries()]
    assert {"key": "spam.quarantine_above", "value": 2.1, "from": f"{path}:2"} in shown
    assert {"key": "spam.delta", "value": 0.0, "from": "default"} in shown


PROFILED = """\
spam.quarantine_above = 2.1
[[profile]]
match = ["user@example.org"]
spam.quarantine_above = 3
"""


def test_show_for_a_recipient_tells_what_holds_for_them(tmp_path: Path) -> None:
    path = written(tmp_path, PROFILED)
    result = run("show", "--for", "user@example.org", path=path)
    assert result.exit_code == 0
    assert f"; the profile of user@example.org, {path}:2\n" in result.stdout
    assert f"spam.quarantine_above = 3  # {path}:4\n" in result.stdout
    assert "spam.delta = 0  # default\n" in result.stdout
    assert "profile = " not in result.stdout
    assert parse_settings(result.stdout, "shown").spam.quarantine_above == 3
    other = run("show", "--for", "other@example.org", path=path).stdout
    assert "; no profile, so as for everybody\n" in other
    assert f"spam.quarantine_above = 2.1  # {path}:1\n" in other


@pytest.mark.parametrize("word", ["example.org", "user", "", "@example.org", "user@"])
def test_show_for_what_is_no_whole_address_says_so_and_shows_nothing(
    tmp_path: Path, word: str
) -> None:
    result = run("show", "--for", word, path=written(tmp_path, PROFILED))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "a whole address, as user@example.org" in result.stderr


def test_show_for_a_recipient_is_json_too(tmp_path: Path) -> None:
    path = written(tmp_path, PROFILED)
    result = run("show", "--json", "--for", "user@example.org", path=path)
    shown = {one["key"]: one for one in map(json.loads, result.stdout.splitlines())}
    assert shown["spam.quarantine_above"] == {
        "key": "spam.quarantine_above", "value": 3.0, "from": f"{path}:4"
    }  # fmt: skip
    assert "profile" not in shown


def test_show_tells_the_profiles_as_they_are_written(tmp_path: Path) -> None:
    path = written(tmp_path, PROFILED)
    result = run("show", path=path)
    line = 'profile = [{ match = ["user@example.org"], spam = { quarantine_above = 3 } }]'
    assert f"\n{line}  # {path}:2\n" in result.stdout
    assert parse_settings(result.stdout, "shown") == parse_settings(PROFILED, "given")


def test_show_refuses_settings_that_check_refuses(tmp_path: Path) -> None:
    path = written(tmp_path, BAD)
    shown, checked = run("show", path=path), run("check", path=path)
    assert (shown.exit_code, shown.stdout, shown.stderr) == (2, "", checked.stderr)


def test_describe_tells_a_setting_with_sentence_type_and_default() -> None:
    assert (
        run("describe", "spam.report").stdout
        == """\
spam.report
    Add X-Spam-Report to spam (sa-report).
    Expected: true or false.
    Default: false

"""
    )


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "scanners\n    "),
        ("markdown", "# Settings\n"),
        ("toml", "# Mailwarden's settings"),
        ("json-schema", "{\n"),
    ],
)
def test_describe_has_every_form(form: str, start: str) -> None:
    result = run("describe", "--format", form)
    assert result.exit_code == 0
    assert result.stdout.startswith(start)
    assert ESCAPE not in result.stdout


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("spam.delete", "did you mean spam.delete_above?"),
        ("spm", "did you mean spam?"),
        ("profiles", "did you mean profile?"),
        ("profile.spam.delete", "did you mean profile.spam.delete_above?"),
        ("sa-delete", "did you mean spam.delete_above?"),
        ("xyzzy", "see them all: mailwarden config describe"),
    ],
)
def test_describe_of_what_is_not_there_suggests_what_is(key: str, suggestion: str) -> None:
    result = run("describe", key)
    assert result.exit_code == 2
    assert result.stderr == f"{key}: there is no such setting or table\n    {suggestion}\n"


def test_a_json_schema_of_a_part_is_refused() -> None:
    assert run("describe", "--format", "json-schema", "spam").exit_code == 2


def on_terminal(*arguments: str, columns: int = 80, **environment: str) -> str:
    """What a terminal shows of a command, colours included."""
    program = "import sys; from mailwarden.cli.config import config; config(sys.argv[1:])"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns), **environment},
    )
    os.close(theirs)
    seen = b""
    try:
        while part := _read(ours):
            seen += part
    finally:
        os.close(ours)
        process.wait(timeout=30)
    return seen.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    """The next bytes of a terminal; Linux says EIO when the other side has closed it."""
    try:
        return os.read(descriptor, 65_536)
    except OSError:
        return b""


def test_on_a_terminal_there_is_colour_unless_it_is_unwanted(tmp_path: Path) -> None:
    path = str(written(tmp_path, BAD))
    assert ESCAPE in on_terminal("check", path)
    assert "\x1b[32m" not in on_terminal("check", path, NO_COLOR="1")


def test_on_a_terminal_show_is_a_table_of_80_columns(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    shown = on_terminal("show", MAILWARDEN_CONFIG=str(path))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert max(map(len, lines)) <= 80
    given = next(line for line in lines if "spam.subject" in line)
    assert given.split("   ")[-1].strip() == "mailwarden.toml:3"
    assert '"[SPAM] :smile: "' in given


def test_on_a_terminal_the_settings_of_a_recipient_are_a_table(tmp_path: Path) -> None:
    path = written(tmp_path, PROFILED)
    shown = on_terminal("show", "--for", "user@example.org", MAILWARDEN_CONFIG=str(path))
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "the profile of user@example.org" in " ".join(text.split())
    given = next(line for line in text.splitlines() if "spam.quarantine_above" in line)
    assert given.split()[1:] == ["3", "mailwarden.toml:4"]
