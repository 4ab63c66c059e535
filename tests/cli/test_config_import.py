"""`mailwarden config import`, as it is typed."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailwarden.cli.config import check_settings
from mailwarden.cli.config_import import import_settings
from mailwarden.settings.load import parse_settings
from support.old_installations import (
    NEW_LINE,
    RULES,
    SIMCONTROL,
    TCP_RULES,
    program,
    written,
)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(import_settings, [str(word) for word in words])


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An old installation, as /var/qmail and the spool are, in one folder."""
    return written(
        tmp_path / "old",
        {
            "bin/qmail-scanner-queue.pl": program(
                ["my $sa_quarantine='2.1';", "@scanners_default=('clamdscan_scanner');"],
                recorded="./configure --domain a.example",
            ),
            "quarantine-attachments.txt": RULES,
            "etc/tcp.smtp": TCP_RULES,
        },
    )


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_settings_go_to_standard_output_and_the_report_to_standard_error() -> None:
    done = run("--configure", NEW_LINE)
    assert done.exit_code == 0
    assert parse_settings(done.stdout, "stdout").notices.admin == "antivirus@mydomain.com"
    assert done.stderr.startswith("Carried without a setting, or worth knowing:\n")


def test_a_folder_becomes_a_checked_file_a_report_and_rules_and_stays_as_it_was(
    old: Path, tmp_path: Path
) -> None:
    before = contents(old)
    output, report = tmp_path / "new.toml", tmp_path / "report.txt"
    done = run("--from", old, "--output", output, "--report", report)
    assert (done.exit_code, done.output) == (0, "")
    assert contents(old) == before
    assert check_settings(output, is_named=True) == 0
    assert "worth knowing" in report.read_text()
    rules = (tmp_path / "new.tcp.smtp").read_bytes()
    ours = b"/usr/local/bin/mailwarden-queue"
    assert rules == TCP_RULES.replace(b"/var/qmail/bin/qmail-scanner-queue.pl", ours)


def test_a_folder_may_be_named_like_a_file(old: Path) -> None:
    assert "quarantine_above = 2.1" in run(old).stdout


def test_what_is_missing_ends_with_1_and_is_written_all_the_same(tmp_path: Path) -> None:
    output = tmp_path / "new.toml"
    done = run("--configure", f"{NEW_LINE} --frobnicate yes", "--output", output)
    assert done.exit_code == 1
    assert "--frobnicate yes in the configure line: an option that is not known" in done.stderr
    assert "--frobnicate" in output.read_text()


def test_where_a_report_is_written_the_screen_says_that_something_is_missing(
    tmp_path: Path,
) -> None:
    report = tmp_path / "report.txt"
    output = tmp_path / "new.toml"
    done = run("--configure", "./configure --frobnicate", "--output", output, "--report", report)
    assert done.exit_code == 1
    assert done.output == (
        f"mailwarden: some of it could not be carried over: {report} says what and why\n"
    )


def test_rules_without_a_place_to_write_them_are_missing(old: Path) -> None:
    done = run(old / "etc/tcp.smtp")
    assert done.exit_code == 1
    assert "give --output" in done.stderr


def test_the_program_of_the_rules_can_be_named(old: Path, tmp_path: Path) -> None:
    words = ("--output", tmp_path / "a.toml", "--program", "/opt/mw/queue")
    assert run(old / "etc/tcp.smtp", *words).exit_code == 0
    assert b'"/opt/mw/queue"' in (tmp_path / "a.tcp.smtp").read_bytes()


def test_two_files_of_rules_have_a_copy_each(tmp_path: Path) -> None:
    written(tmp_path, {"a/tcp.smtp": TCP_RULES, "b/tcp.smtp": b":deny\n"})
    run(tmp_path / "a", tmp_path / "b/tcp.smtp", "--output", tmp_path / "n.toml")
    assert b"mailwarden" not in (tmp_path / "n.tcp.smtp").read_bytes()
    assert b"mailwarden" in (tmp_path / "n.tcp.smtp.2").read_bytes()


@pytest.mark.parametrize("taken", ["new.toml", "new.tcp.smtp", "report.txt"])
def test_nothing_is_written_where_one_file_is_there_already_unless_forced(
    taken: str, old: Path, tmp_path: Path
) -> None:
    written(tmp_path, {taken: "mine"})
    words: list[str | Path] = [
        "--from",
        old,
        "--output",
        tmp_path / "new.toml",
        "--report",
        tmp_path / "report.txt",
    ]
    done = run(*words)
    assert done.exit_code == 2
    assert done.stderr == (
        f"mailwarden: {tmp_path / taken}: is there already; --force writes over it\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["old", taken])
    assert run(*words, "--force").exit_code == 0
    assert (tmp_path / taken).read_text() != "mine"


def test_what_was_read_is_never_written_over(old: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(old / "quarantine-attachments.txt")
    done = run("--from", old, "--output", link, "--force")
    assert done.exit_code == 2
    assert "was read, and what was read is not changed" in done.stderr
    assert (old / "quarantine-attachments.txt").read_bytes() == RULES


@pytest.mark.parametrize("words", [(), ("--configure", "  "), ("--from", ".")])
def test_nothing_to_import_is_wrong_usage(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.exit_code == 2
    assert "nothing to import" in done.stderr


def test_a_file_that_is_not_there_or_a_place_that_cannot_be_written_is_wrong_usage(
    tmp_path: Path,
) -> None:
    done = run(tmp_path / "no\x1bne")
    assert (done.exit_code, "no\\x1bne: there is no such file" in done.stderr) == (2, True)
    done = run("--configure", NEW_LINE, "--output", tmp_path / "no/new.toml")
    assert (done.exit_code, "No such file or directory" in done.stderr) == (2, True)


def test_a_simscan_installation_is_imported_from_its_control_folder(tmp_path: Path) -> None:
    written(tmp_path, {"control/simcontrol": SIMCONTROL})
    done = run("--from", tmp_path)
    assert done.exit_code == 1  # senders are not looked up here
    assert [one.match for one in parse_settings(done.stdout, "stdout").profile] == [
        ("postmaster@example.com",),
        ("example.com",),
    ]
