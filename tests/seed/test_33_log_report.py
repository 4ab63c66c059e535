"""log-report: a quick statistic from qmail-queue.log, and a mail with it after a rotation."""

import gzip
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from support.clamd import Clamd
from support.commands import command, run
from support.old_logs import SAMPLE, SPAM, VIRUSES, as_octets, original_sample_log, our_sample_log
from support.seed import ADMIN, Site, fields_of, infected, scored, site, text_of
from support.spamd import Spamd
from support.waiting import wait_until

# What an administrator writes to be told after a rotation (logrotate(8)).
ROTATION = """\
{log} {{
    rotate 14
    missingok
    nocreate
    compress
    lastaction
        {mailwarden} --config {settings} report {log}.1.gz --mail
    endscript
}}
"""


def is_written(running: Site) -> bool:
    """All eight messages are in the log."""
    log = running.log_file("qmail-queue.log")
    return sum(log.count(verb) for verb in ("quarantining: ", "tagging: ", "rejecting: ")) == 8


@pytest.mark.parametrize(
    "lines", [our_sample_log, original_sample_log], ids=["our_log", "log_of_the_original"]
)
def test_33_1_the_sample_of_the_page_is_reproduced(
    lines: Callable[[], Iterable[str]], tmp_path: Path
) -> None:
    log = tmp_path / "qmail-queue.log.1.gz"
    log.write_bytes(gzip.compress(as_octets(lines())))
    done = run(command("report", "qmail-queue.log.1.gz"), folder=tmp_path)
    assert done.code == 0
    assert done.out.splitlines()[: len(SAMPLE) + 1] == [*SAMPLE, ""]


def test_33_2_who_goes_on_with_awk_finds_count_and_name_in_two_columns(tmp_path: Path) -> None:
    (tmp_path / "qmail-queue.log").write_bytes(as_octets(our_sample_log()))
    (tmp_path / "report").write_bytes(run(command("report", tmp_path / "qmail-queue.log")).stdout)
    program = 'NF == 0 { exit } $2 ~ /^W32/ { sum += $1 } $2 == "tagging" { print $1 } '
    program += "END { print sum }"
    done = run(["awk", program, tmp_path / "report"])
    assert done.out.split() == [str(SPAM["tagging"]), str(sum(VIRUSES.values()))]


def test_33_3_you_can_send_a_mail_after_rotating_the_logs(
    clamd: Clamd, spamd: Spamd, tmp_path: Path
) -> None:
    spam = {"quarantine_above": 2.1, "delete_above": 4.2, "reject": True}
    with site(clamd, spamd, spam=spam) as running:
        for message in (infected("a"), infected("b"), scored("7"), scored("8.7"), scored("8.8")):
            assert running.run(message) == 0
        for _ in range(3):
            assert running.run(scored("10.8")) == 31
        running.clear()
        wait_until(lambda: is_written(running), 20, "the log is written")
        rules = tmp_path / "rotation"
        rules.write_text(
            ROTATION.format(
                log=running.folder / "logs/qmail-queue.log",
                mailwarden=Path(sys.executable).with_name("mailwarden"),
                settings=running.folder / "mailwarden.toml",
            )
        )
        done = run(["/usr/sbin/logrotate", "--force", "--state", tmp_path / "state", rules])
        assert (done.code, done.err) == (0, "")
        (mail,) = running.mail()
    assert mail.envelope == f"F\0T{ADMIN}\0\0".encode()
    assert fields_of(mail.message, "To") == [ADMIN]
    table = [line.split() for line in text_of(mail.message).splitlines()]
    for row in ("2 Test.Eicar.UNOFFICIAL", "3 rejecting", "1 tagging", "2 quarantining"):
        assert row.split() in table
