"""All logs together: as the settings ask, beside each other, rotated by the real logrotate."""

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwarden.logs.qmail_scanner import QmailScannerLogs, open_logs
from mailwarden.settings.model import LogSettings
from mailwarden.verdict.disposition import Disposition
from support.log_records import POLICY, VIRUS, record, spam
from support.waiting import wait_until

PATIENCE_SECONDS = 20.0
ALL: dict[str, object] = {
    "quarantine_log": True,
    "queue_log": "important",
    "details": ["mailstats"],
}
SNIPPET = Path(__file__).parents[2] / "packaging/logrotate/mailwarden"
NAMES = ("mailstats.csv", "qmail-queue.log", "quarantine.log")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one, for the sockets in it."""
    with tempfile.TemporaryDirectory(prefix="mwl", dir="/tmp") as name:
        yield Path(name)


def settings(folder: Path, **given: object) -> LogSettings:
    return LogSettings.model_validate(
        {"directory": str(folder), "syslog_socket": str(folder / "socket"), **given}
    )


def logs_of(wanted: LogSettings, said: list[str], *, spam_debug: bool = False) -> QmailScannerLogs:
    logs = open_logs(wanted, said.append, spam_debug=spam_debug)
    assert logs
    return logs


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_nothing_is_written_where_nothing_is_asked_for(folder: Path) -> None:
    assert open_logs(settings(folder), print, spam_debug=True) is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"quarantine_log": True}, "quarantine.log"),
        ({"details": ["mailstats"]}, "mailstats.csv"),
        ({"queue_log": "important"}, "qmail-queue.log"),
    ],
)
def test_each_log_is_written_where_it_alone_is_asked_for(
    folder: Path, given: dict[str, object], name: str
) -> None:
    said: list[str] = []
    logs = logs_of(settings(folder, **given), said)
    logs.write(record(Disposition.QUARANTINE, VIRUS), "answered")
    logs.close()
    (path,) = folder.iterdir()
    assert path.name == name
    assert len(lines(path)) == 1
    assert said == []


def test_syslogd_writes_lines_in_which_the_test_of_the_original_finds_all(folder: Path) -> None:
    said: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(folder / "socket"))
        receiver.settimeout(PATIENCE_SECONDS)
        logs = logs_of(settings(folder, details=["syslog"], crypto=True), said)
        logs.write(record(subject="Qmail-Scanner test (1/4)"), "handed-over")
        infected = record(Disposition.QUARANTINE, VIRUS, subject="Qmail-Scanner test (3/4)")
        logs.write(infected, "answered")
        logs.close()
        received = [receiver.recv(2_000) for _ in range(2)]
    mail_log = folder / "maillog"
    mail_log.write_bytes(b"".join(map(as_syslogd_writes, received)))
    awk = subprocess.run(
        ["awk", "{print $6, $9, $10, $11, $12}", mail_log],
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert awk.stdout.decode().splitlines() == [
        (
            "Clear:RC:0(192.0.2.7): yykk62@hotmail.com mike@example.net"
            " Qmail-Scanner_test_(1/4) <1@hotmail.com>"
        ),
        (
            "CLAMDSCAN:Worm.SomeFool.I:RC:0(192.0.2.7): yykk62@hotmail.com mike@example.net"
            " Qmail-Scanner_test_(3/4) <1@hotmail.com>"
        ),
    ]
    grep = subprocess.run(
        ["grep", "-cE", r" qmail-scanner\[.* Qmail-Scanner_", mail_log],
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert grep.stdout == b"2\n"
    assert said == []


def as_syslogd_writes(datagram: bytes) -> bytes:
    """The priority goes, the host's name comes in after the time (RFC 3164 section 4.1)."""
    assert datagram.startswith(b"<22>")
    stamp, rest = datagram[4:19], datagram[19:]
    return stamp + b" server" + rest + b"\n"


def test_a_syslog_that_is_away_takes_nothing_from_the_other_logs(folder: Path) -> None:
    said: list[str] = []
    logs = logs_of(settings(folder, **{**ALL, "details": ["mailstats", "syslog"]}), said)
    for _ in range(10):
        logs.write(record(Disposition.REJECT, VIRUS), "answered")
    logs.close()
    assert [len(lines(folder / name)) for name in NAMES] == [10, 10, 10]
    assert said == [
        f"syslog at {folder}/socket: No such file or directory; lines are lost until that is over"
    ]


def test_a_missing_folder_is_complained_of_for_each_log(folder: Path) -> None:
    said: list[str] = []
    missing = folder / "missing"
    logs = logs_of(settings(missing, **ALL), said)
    logs.write(record(Disposition.REJECT, VIRUS), "answered")
    logs.close()
    assert sorted(said) == [
        f"{missing}/{name}: No such file or directory; lines are lost until that is over"
        for name in NAMES
    ]


def test_the_tests_of_spamassassin_are_written_for_those_who_asked(folder: Path) -> None:
    for spam_debug in (False, True):
        logs = logs_of(settings(folder, queue_log="debug"), [], spam_debug=spam_debug)
        logs.write(record(Disposition.TAG, spam("7.5", "BAYES_99")), "handed-over")
        logs.close()
        text = (folder / "qmail-queue.log").read_text()
        assert ("tests BAYES_99" in text) is spam_debug


@pytest.mark.parametrize("way", ["as shipped", "copytruncate"])
def test_logrotate_takes_the_files_away_and_no_line_is_lost(folder: Path, way: str) -> None:
    said: list[str] = []
    (folder / "logs").mkdir(mode=0o700)
    logs = logs_of(settings(folder / "logs", **ALL), said)
    logs.write(record(Disposition.REJECT, VIRUS), "answered")
    wait_for_lines(folder / "logs")
    rotate(folder, way)
    assert [len(lines(folder / "logs" / f"{name}.1")) for name in NAMES] == [1, 1, 1]
    logs.write(record(Disposition.REJECT, POLICY), "answered")
    logs.close()
    assert [len(lines(folder / "logs" / name)) for name in NAMES] == [1, 1, 1]
    assert "A name ends in .exe." in (folder / "logs" / "quarantine.log").read_text()
    assert said == []


def wait_for_lines(folder: Path) -> None:
    wait_until(
        lambda: all(lines(folder / name) for name in NAMES), PATIENCE_SECONDS, "all is written"
    )


def rotate(folder: Path, way: str) -> None:
    """Run logrotate on the shipped snippet, its place and its user exchanged."""
    text = SNIPPET.read_text().replace("/var/log/mailwarden", str(folder / "logs"))
    text = text.replace("su mailwarden mailwarden", "")
    if way == "copytruncate":
        text = text.replace("nocreate", "copytruncate")
    snippet = folder / "snippet"
    snippet.write_text(text)
    snippet.chmod(0o644)
    subprocess.run(
        ["/usr/sbin/logrotate", "--force", "--state", folder / "state", snippet],
        check=True,
        capture_output=True,
        timeout=30,
    )
