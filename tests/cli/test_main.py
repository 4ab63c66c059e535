"""`mailwarden` itself: quick, and helpful where it was mistyped."""

import os
import resource
import sys
from pathlib import Path

import pytest

from mailwarden import __version__
from support.commands import command, run

# What `--help` may cost; an import of pydantic, sqlalchemy or rich costs as much alone.
HELP_CPU_SECONDS = 0.3
HEAVY = ("pydantic", "rich", "sqlalchemy", "asyncio", "aiosmtpd")
COMMANDS = (
    *("serve", "scan", "demo", "config", "quarantine", "report", "outbox", "setup", "selftest"),
)


def imported(*words: str) -> set[str]:
    """The top-level packages that a command imports."""
    done = run([sys.executable, "-X", "importtime", "-m", "mailwarden", *words])
    assert done.code == 0
    names = (line.rpartition("|")[2].strip() for line in done.err.splitlines())
    return {name.partition(".")[0] for name in names}


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("words", [("--help",), ("scan", "--help"), ("quarantine", "--help")])
def test_help_is_quick(words: tuple[str, ...]) -> None:
    # The best of three: the first may have to compile, and machines are shared.
    costs = []
    for _ in range(3):
        before = cpu_seconds()
        assert run(command(*words)).code == 0
        costs.append(cpu_seconds() - before)
    assert min(costs) < HELP_CPU_SECONDS


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("scan", "--help"),
        ("quarantine", "list", "--help"),
        ("selftest", "--help"),
        ("demo", "--help"),
        ("config", "--help"),
    ],
)
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    assert imported(*words).isdisjoint(HEAVY)


def test_help_names_every_command_and_each_has_help() -> None:
    listed = run(command("--help")).out
    assert all(f"\n  {name} " in listed for name in COMMANDS)
    assert run(command("-h")).out == listed
    assert run(command("scan", "-h")).out == run(command("scan", "--help")).out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_within_80_columns(name: str) -> None:
    done = run(command(name, "--help"))
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80


def test_version_is_one_line() -> None:
    assert run(command("--version")).out == f"mailwarden {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("scna", "There is no command 'scna'. Did you mean scan?"),
        ("quarentine", "There is no command 'quarentine'. Did you mean quarantine?"),
        ("xyzzy", "There is no command 'xyzzy'."),
    ],
)
def test_a_wrong_command_is_answered_with_the_nearest(typed: str, said: str) -> None:
    done = run(command(typed))
    assert done.code == 2
    assert done.err.splitlines()[-1] == f"Error: {said}"


@pytest.mark.parametrize(
    "words", [("scan", "-"), ("quarantine", "list"), ("selftest",), ("serve",), ("config", "check")]
)
def test_a_settings_file_that_is_not_there_ends_every_command_with_2(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    done = run(command("--config", tmp_path / "none.toml", *words))
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith(
        f"{tmp_path}/none.toml: cannot be read: No such file or directory\n    a sample to start "
    )


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    done = run(command("--config", tmp_path, "scan", "-"))
    assert done.code == 2
    assert "is a directory" in done.err


def test_the_environment_names_the_settings_file(tmp_path: Path) -> None:
    done = run(command("scan", "-"), {"MAILWARDEN_CONFIG": str(tmp_path / "none.toml")})
    assert done.code == 2
    assert done.err.startswith(f"{tmp_path}/none.toml: ")


def test_what_commands_write_is_for_its_owner_alone(tmp_path: Path) -> None:
    program = "import os\nfrom mailwarden.cli.main import main\n"
    program += "try:\n main(['config', 'describe', 'spam.report'])\n"
    program += f"finally:\n open({os.fspath(tmp_path / 'written')!r}, 'w')\n"
    assert run([sys.executable, "-c", program]).code == 0
    assert (tmp_path / "written").stat().st_mode & 0o777 == 0o600
