"""`mailwarden setup`, below a directory and on a machine that may be changed; needs root."""

import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bare_root import bare_root
from support.commands import Done, command, python, run, terminal
from support.gate import installed
from support.private_machine import PrivateMachine, private_machine

AS_NOBODY = """
import os, rich.table
from mailwarden.cli import setup
os.seteuid(65534)
try:
    setup.setup({words!r})
finally:
    os.seteuid(0)
"""


@pytest.fixture
def root() -> Iterator[Path]:
    with bare_root() as root:
        yield root


@pytest.fixture
def machine() -> Iterator[PrivateMachine]:
    with private_machine() as machine:
        yield machine


def set_up(root: Path, *words: str) -> Done:
    return run(command("setup", "--root", str(root), *words))


def tree(root: Path) -> dict[str, tuple[int, ...]]:
    """Everything below a directory, with what a change would change."""
    statuses = ((path, path.lstat()) for path in sorted(root.rglob("*")))
    return {
        str(path): (one.st_mode, one.st_uid, one.st_gid, one.st_size, one.st_ctime_ns)
        for path, one in statuses
    }


def rows(done: Done) -> dict[str, str]:
    """What was said of each piece."""
    table = done.out.partition("\n\n")[0].splitlines()
    return dict(re.split(r"  +", line.strip(), maxsplit=1) for line in table)


@pytest.mark.parametrize("service", ["systemd", "daemontools", "none"])
def test_a_dry_run_says_what_would_be_made_and_changes_nothing(root: Path, service: str) -> None:
    before = tree(root)
    done = set_up(root, "--dry-run", "--service", service)
    assert done.code == 0
    assert set(rows(done).values()) == {"would be made"}
    assert tree(root) == before
    would = rows(done).keys()
    assert would == rows(set_up(root, "--service", service)).keys()


@pytest.mark.parametrize("service", ["systemd", "daemontools", "none"])
def test_the_second_run_finds_everything_right_and_changes_nothing(
    root: Path, service: str
) -> None:
    first = set_up(root, "--service", service)
    assert (first.code, first.err) == (0, "")
    assert set(rows(first).values()) == {"made"}
    before = tree(root)
    second = set_up(root, "--service", service)
    assert rows(second) == dict.fromkeys(rows(first), "is right")
    assert "Nothing to change" in second.out
    assert tree(root) == before


def test_what_is_wrong_is_corrected_and_named(root: Path) -> None:
    set_up(root)
    spool = root / "var/lib/mailwarden/spool"
    spool.chmod(0o755)
    os.chown(spool, 0, 0)
    would = rows(set_up(root, "--dry-run"))["/var/lib/mailwarden/spool"]
    assert would == (
        "would correct: owner root, not mailwarden, group root, not mailwarden, mode 0755, not 0700"
    )
    assert stat.S_IMODE(spool.stat().st_mode) == 0o755
    done = set_up(root)
    assert rows(done)["/var/lib/mailwarden/spool"].startswith("corrected: owner root, ")
    assert "\n1 of " in done.out
    assert stat.S_IMODE(spool.stat().st_mode) == 0o700


def test_what_others_own_below_the_daemons_directories_is_named_and_left(root: Path) -> None:
    set_up(root)
    kept = root / "var/lib/mailwarden/quarantine/viruses"
    kept.mkdir()
    done = set_up(root)
    assert done.out.count("Not owned by mailwarden: ") == 1
    assert "Not owned by mailwarden: /var/lib/mailwarden/quarantine/viruses, " in done.out
    assert "\n  chown -hR mailwarden:mailwarden /var/lib/mailwarden\n" in done.out
    assert kept.stat().st_uid == 0


def test_settings_and_service_files_of_the_administrator_stay(root: Path) -> None:
    set_up(root, "--service", "systemd")
    unit = root / "etc/systemd/system/mailwarden.service"
    settings = root / "etc/mailwarden/mailwarden.toml"
    for path in (unit, settings):
        path.write_text("# mine\n")
    words = rows(set_up(root, "--service", "systemd"))
    assert words["/etc/systemd/system/mailwarden.service"] == "left alone: was changed here"
    assert words["/etc/mailwarden/mailwarden.toml"] == "is right"
    assert unit.read_text() == settings.read_text() == "# mine\n"


def test_what_is_found_is_written_into_new_settings_only(root: Path) -> None:
    queue_program = root / "usr/sbin/qmail-queue"
    queue_program.parent.mkdir(parents=True)
    queue_program.write_bytes(b"")
    queue_program.chmod(0o755)
    done = set_up(root)
    settings = root / "etc/mailwarden/mailwarden.toml"
    assert 'Written into the new settings:\n    queue.program = "/usr/sbin/qmail-queue"' in done.out
    assert '\nprogram = "/usr/sbin/qmail-queue"\n' in settings.read_text()
    assert 'MAILWARDEN_QMAIL_QUEUE="/usr/sbin/qmail-queue"' in done.out
    assert "Check in your settings" not in set_up(root).out
    settings.write_text("")
    assert "Check in your settings:\n    queue.program" in set_up(root).out
    assert settings.read_text() == ""


def test_the_daemons_user_joins_the_group_of_a_closed_clamd_socket(root: Path) -> None:
    (root / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{root}/run/clamd.sock")
        (root / "run/clamd.sock").chmod(0o660)
        os.chown(root / "run/clamd.sock", 102, 105)
        first, second = set_up(root), set_up(root)
    assert rows(first)["mailwarden in group clamav"] == "made"
    assert rows(second)["mailwarden in group clamav"] == "is right"
    hint = "restart the daemon if it runs: only then it has the new group"
    assert (hint in first.out, hint in second.out) == (True, False)
    assert "clamav:x:105:mailwarden\n" in (root / "etc/group").read_text()


def test_a_piece_that_cannot_be_made_fails_alone(root: Path) -> None:
    (root / "var").mkdir()
    (root / "var/log").write_bytes(b"")
    done = set_up(root)
    assert done.code == 1
    assert rows(done)["/var/log/mailwarden"] == "cannot be looked at: Not a directory"
    assert rows(done)["/var/lib/mailwarden"] == "made"


def test_without_accounts_the_error_is_useradds_own(tmp_path: Path) -> None:
    (tmp_path / "etc").write_bytes(b"")
    done = set_up(tmp_path)
    assert done.code == 1
    assert rows(done)["user and group mailwarden"].startswith(("FAILED: ", "cannot be looked at"))


def test_who_is_not_root_is_refused_and_can_look(root: Path) -> None:
    words = ["--root", str(root)]
    before = tree(root)
    refused = run(python(AS_NOBODY.format(words=words)))
    assert refused.code == 2
    assert refused.err == (
        "mailwarden: setup makes users and directories: run it as root, or look with --dry-run\n"
    )
    looked = run(python(AS_NOBODY.format(words=[*words, "--dry-run"])))
    assert looked.code == 0
    assert set(rows(looked).values()) == {"would be made"}
    assert tree(root) == before


def test_rules_of_tcpserver_are_compared_and_never_written(root: Path) -> None:
    rules = root / "tcp.smtp"
    rules.write_text('127.:allow,RELAYCLIENT=""\n:allow\n')
    done = set_up(root, "--dry-run", "--tcp-smtp", str(rules))
    client = installed("mailwarden-queue")
    assert f'-:allow\n+:allow,QMAILQUEUE="{client}"\n' in done.out
    assert rules.read_text() == '127.:allow,RELAYCLIENT=""\n:allow\n'
    rules.write_text(f':allow,QMAILQUEUE="{client}"\n')
    assert "tcp.smtp: nothing to change\n" in set_up(root, "--tcp-smtp", str(rules)).out


def test_programs_are_named_as_the_path_knows_them(root: Path) -> None:
    programs = root / "usr/local/bin"
    programs.mkdir(parents=True)
    for name in ("mailwarden", "mailwarden-queue"):
        (programs / name).symlink_to(installed(name))
    words = command("setup", "--root", str(root), "--service", "systemd")
    done = run(words, {"PATH": f"{programs}:{os.environ['PATH']}"})
    assert f':allow,QMAILQUEUE="{programs}/mailwarden-queue"\n' in done.out
    unit = root / "etc/systemd/system/mailwarden.service"
    assert f"ExecStart={programs}/mailwarden serve" in unit.read_text()


def test_control_signs_in_rules_are_shown_as_signs(root: Path) -> None:
    rules = root / "tcp.smtp"
    rules.write_bytes(b"# \x1b[2J \xff\n")
    out = set_up(root, "--tcp-smtp", str(rules)).out
    assert " # \\x1b[2J \\udcff\n" in out


def test_something_far_too_large_is_no_file_of_rules(root: Path) -> None:
    rules = root / "tcp.smtp"
    with rules.open("wb") as file:
        file.truncate(10_000_001)
    done = set_up(root, "--tcp-smtp", str(rules))
    assert done.code == 2
    assert "larger than 10000000 bytes" in done.err


def test_on_a_terminal_of_80_columns_no_line_of_the_table_is_broken(root: Path) -> None:
    words = command("setup", "--root", str(root), "--service", "daemontools")
    with terminal(words) as screen:
        assert screen.finish() == 0
    table = screen.text.partition("\n\n")[0].splitlines()
    assert all(line.rstrip().endswith(" made") and len(line) <= 80 for line in table)


def test_a_machine_is_set_up_for_systemd_and_nothing_is_started(machine: PrivateMachine) -> None:
    accounts = Path("/etc/passwd").read_bytes()
    program = installed("mailwarden")
    first = machine.must(program, "setup", "--service", "systemd")
    assert " is right" not in first
    assert machine.must("getent", "passwd", "mailwarden").endswith(
        ":/var/lib/mailwarden:/usr/sbin/nologin\n"
    )
    assert machine.must("stat", "-c", "%U:%G %a", "/etc/mailwarden/mailwarden.toml") == (
        "root:mailwarden 640\n"
    )
    machine.must(program, "config", "check")
    units = machine.must("find", "/etc/systemd/system", "-name", "mailwarden*").split()
    assert len(units) > 1
    machine.must("systemd-analyze", "verify", *units)
    assert machine.run("pgrep", "-f", "mailwarden serve").returncode == 1
    assert "Nothing to change" in machine.must(program, "setup", "--service", "systemd")
    assert Path("/etc/passwd").read_bytes() == accounts
