"""The page's two `configure` lines, imported as they are, and a gate that runs with the result."""

import tomllib
from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest

from support import samples
from support.clamd import Clamd
from support.commands import command, run
from support.old_installations import NEW_LINE, UPGRADE_LINE, folded
from support.seed import Site, fields_of, scored, site, text_of
from support.spamd import Spamd
from support.waiting import wait_until

LINES = {"old_installation": UPGRADE_LINE, "standard_installation": NEW_LINE}
PREFIX = "X-Antivirus-MYDOMAIN"
ADMIN = "antivirus@mydomain.com"
# What the line says, in its order.
SAID: Mapping[str, object] = {
    "notices.local_domains": ["mydomain.com"],
    "notices.admin": ADMIN,
    "notices.admin_name": "Antivirus MYDOMAIN",
    "headers.descriptive": "yes",
    "headers.prefix": PREFIX,
    "structure.ignore_eol": True,
    "unpacking.redundant": True,
    "unpacking.unpacked_bytes": 50_000_000,
    "viruses.delete": ["mydoom"],
    "dispositions.encrypted": "quarantine",
    "spam.quarantine_above": 2.1,
    "spam.delete_above": 4.2,
    "spam.reject": True,
    "spam.subject": "SPAM *** ",
    "spam.delta": 0.5,
    "spam.debug": True,
    "spam.report": True,
    "spamd.addresses": ["unix:/var/run/spamd"],
}


def imported(line: str, output: Path) -> dict[str, Any]:  # as TOML has it
    """The settings that the installed command makes of a line; nothing is lost."""
    done = run(command("config", "import", "--configure", line, "--output", output))
    assert done.code == 0
    assert "Could not be carried over" not in done.err
    return tomllib.loads(output.read_text())


@pytest.fixture(scope="module")
def shared(clamd: Clamd, spamd: Spamd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gate with the settings of the line; only spamd's socket is where the tests have one."""
    line = UPGRADE_LINE.replace("/var/run/spamd", spamd.unix.removeprefix("unix:"))
    settings = imported(line, tmp_path_factory.mktemp("import") / "imported.toml")
    assert settings.pop("scanners") == ["clamd", "spamd"]
    settings["log"] = {**settings["log"], "syslog_socket": "@FOLDER@/syslog"}
    with site(clamd, spamd, sections=settings) as running:
        yield running


@pytest.fixture
def running(shared: Site) -> Site:
    shared.clear()
    return shared


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_34_1_the_line_becomes_exactly_the_settings_that_it_says(line: str, tmp_path: Path) -> None:
    settings = imported(line, tmp_path / "imported.toml")
    for key, value in SAID.items():
        table, _, name = key.partition(".")
        assert (key, settings[table][name]) == (key, value)
    assert run(command("config", "check", tmp_path / "imported.toml")).code == 0


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_34_1_also_as_it_is_copied_from_the_page_with_its_line_ends_lost(
    line: str, tmp_path: Path
) -> None:
    copied = imported(folded(line), tmp_path / "copied.toml")
    assert copied == imported(line, tmp_path / "typed.toml")


def test_34_2_the_lines_differ_in_user_and_group_which_are_ours_here(tmp_path: Path) -> None:
    upgrade = imported(UPGRADE_LINE, tmp_path / "upgrade.toml")
    assert upgrade == imported(NEW_LINE, tmp_path / "new.toml")
    told = (tmp_path / "upgrade.toml").read_text()
    assert "--qs-user qmailq in the configure line" in told
    assert "--qs-group qmail in the configure line" in told


@pytest.mark.parametrize(
    ("score", "subject"),
    [
        ("6.4", "offer"),
        ("6.5", "SPAM *** LOW offer"),
        ("7.0", "SPAM *** MEDIUM offer"),
        ("8.6", "SPAM *** HIGH offer"),
    ],
)
def test_34_3_it_runs_and_marks_spam_low_medium_and_high(
    running: Site, score: str, subject: str
) -> None:
    assert running.run(scored(score)) == 0
    assert fields_of(running.gate.queue.only_message().message, "Subject") == [subject]


def test_34_3_it_quarantines_over_8_6_and_rejects_over_10_7(running: Site) -> None:
    for score in ("8.7", "10.7"):
        assert running.run(scored(score)) == 0
    assert sorted(running.kept("spam")) == sorted([scored("8.7"), scored("10.7")])
    assert running.run(scored("10.8")) == 31
    assert running.gate.queue.is_empty()


def test_34_3_it_tells_the_administrator_in_the_name_of_the_line_with_tests_and_scores(
    running: Site,
) -> None:
    assert running.run(scored("8.7")) == 0
    (mail,) = running.mail()
    assert mail.envelope == f"F\0T{ADMIN}\0\0".encode()
    (author,) = fields_of(mail.message, "From")
    assert parseaddr(author) == ("Antivirus MYDOMAIN", ADMIN)
    assert "TEST_POINTS" in text_of(mail.message)


def test_34_3_it_writes_report_and_descriptive_headers_and_the_log_has_the_tests(
    running: Site,
) -> None:
    assert running.run(scored("7.3")) == 0
    queued = running.gate.queue.only_message()
    assert fields_of(queued.message, "X-Spam-Report")
    (told,) = fields_of(queued.message, PREFIX)
    assert told.endswith(f" Process {queued.pid})")
    wanted = f":{queued.pid}: SA: tests TEST_POINTS=7.3"
    wait_until(lambda: wanted in running.log_file("qmail-queue.log"), 20, "the log is written")


def test_34_3_it_blocks_a_password_protected_archive(running: Site) -> None:
    assert running.run(samples.encrypted_zip()) == 0
    assert running.kept("policy") == [samples.encrypted_zip()]


def test_34_3_it_ignores_wrong_line_ends_in_headers(running: Site) -> None:
    odd = samples.multipart(samples.text_part()).replace(b"\nMIME-", b"\rX-Odd: 1\nMIME-")
    assert running.run(odd) == 0
    assert running.gate.queue.only_message().message.endswith(odd)
