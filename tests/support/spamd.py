"""A real spamd with a rule that gives any score asked for, and answers for scripted ones.

The rules are the tests' own, so that spamd starts in a third of a second and needs no system rules:

    X-Test-Score: 8.7           the message gets 8.7 points (test name TEST_POINTS)
    X-Test-Sleep: /tmp/x/mark   spamd makes the file `mark`, then sleeps (to be killed in mid-scan)
    the GTUBE string            1000 points, as in SpamAssassin's own rules

Required are 6.5 points; `alice@example.com` asks for 3.0 in her own preferences.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.scripted import Peer, Script

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0

_PLUGINS = """\
loadplugin Mail::SpamAssassin::Plugin::Check
loadplugin Mail::SpamAssassin::Plugin::Bayes
loadplugin Mail::SpamAssassin::Plugin::TestPoints {site}/points.pm
"""

_POINTS = """\
package Mail::SpamAssassin::Plugin::TestPoints;
use strict;
use warnings;
use Mail::SpamAssassin::Plugin;
our @ISA = qw(Mail::SpamAssassin::Plugin);

sub new {
  my ($class, $main) = @_;
  my $self = $class->SUPER::new($main);
  bless($self, ref($class) || $class);
  $self->register_eval_rule('test_points');
  $self->register_eval_rule('test_sleep');
  return $self;
}

sub test_points {
  my ($self, $pms) = @_;
  my ($points) = ($pms->get('X-Test-Score', '') =~ /^\\s*(-?\\d+(?:\\.\\d+)?)\\s*$/) or return 0;
  $pms->got_hit('TEST_POINTS', '', score => $points, ruletype => 'eval');
  return 0;
}

sub test_sleep {
  my ($self, $pms) = @_;
  my ($path) = ($pms->get('X-Test-Sleep', '') =~ /^\\s*(\\S+)\\s*$/) or return 0;
  open(my $mark, '>', $path) or return 0;
  close($mark);
  sleep(60);
  return 0;
}

1;
"""

_RULES = r"""
required_score 6.5
report_safe 0
bayes_path {root}/bayes/tokens
bayes_auto_learn 0
clear_headers
add_header all Checker-Version SpamAssassin _VERSION_ (_SUBVERSION_) on _HOSTNAME_
add_header spam Flag _YESNOCAPS_
add_header all Level _STARS(*)_
add_header all Status "_YESNO_, score=_SCORE_ required=_REQD_ tests=_TESTS_ version=_VERSION_"
clear_report_template
report Content preview:  _PREVIEW_
report
report Content analysis details:   (_SCORE_ points, _REQD_ required)
report
report " pts rule name              description"
report  ---- ---------------------- --------------------------------------------------
report _SUMMARY_
header TEST_POINTS eval:test_points()
describe TEST_POINTS The points that the message asks for
score TEST_POINTS 0.001
header TEST_SLEEP eval:test_sleep()
body GTUBE /XJS\*C4JDBQADN1\.NSBN3\*2IDNEN\*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL\*C\.34X/
describe GTUBE Generic Test for Unsolicited Bulk Email
score GTUBE 1000
"""


@dataclass(frozen=True, slots=True)
class Spamd:
    """A running spamd: its two addresses as settings write them, and its process group."""

    unix: str
    tcp: str
    directory: Path
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """Kill spamd and its children at once, as the kernel would when memory runs out."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_STOP_SECONDS)


def scored_message(score: str = "0", *, subject: str = "hello", body: bytes = b"hello\n") -> bytes:
    """A small message that gets `score` points."""
    head = f"From: a@example.com\nSubject: {subject}\nX-Test-Score: {score}\n\n"
    return head.encode() + body


@contextlib.contextmanager
def running_spamd(rules: str = "", *, allow_tell: bool = True) -> Iterator[Spamd]:
    """Run spamd with the tests' rules and these lines after them; stopped at the end."""
    directory = Path(tempfile.mkdtemp(prefix="spamd-", dir="/tmp"))
    try:
        with _started(directory, rules, allow_tell=allow_tell) as spamd:
            yield spamd
    finally:
        shutil.rmtree(directory)


@contextlib.contextmanager
def _started(directory: Path, rules: str, *, allow_tell: bool) -> Iterator[Spamd]:
    _write_settings(directory, rules)
    port = _free_port()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(directory, port, allow_tell=allow_tell),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    spamd = Spamd(f"unix:{directory}/socket", f"tcp:127.0.0.1:{port}", directory, process)
    try:
        _wait_for_pong(spamd)
        yield spamd
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        spamd.kill()


def _command(directory: Path, port: int, *, allow_tell: bool) -> list[str]:
    # spamd scores nothing as root.
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    return [
        "spamd",
        "--local",
        "--nouser-config",
        f"--username={user}",
        f"--configpath={directory}/rules",
        f"--siteconfigpath={directory}/site",
        f"--virtual-config-dir={directory}/users/%u",
        f"--listen={directory}/socket",
        f"--listen=127.0.0.1:{port}",
        "--min-children=1",
        "--max-children=2",
        "--syslog=stderr",
        *(["--allow-tell"] if allow_tell else []),
    ]


def _write_settings(directory: Path, rules: str) -> None:
    site = directory / "site"
    texts = {
        site / "init.pre": _PLUGINS.format(site=site),
        site / "points.pm": _POINTS,
        directory / "rules" / "10_test.cf": _RULES.replace("{root}", str(directory)) + rules,
        directory / "users" / "alice@example.com" / "user_prefs": "required_score 3.0\n",
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    directory.chmod(0o755)
    for writable in (directory / "bayes", directory / "marks"):
        writable.mkdir()
        writable.chmod(0o777)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_pong(spamd: Spamd) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _pongs(spamd.directory / "socket"):
        if spamd.process.poll() is not None or time.monotonic() > deadline:
            log = (spamd.directory / "log").read_text(errors="replace")
            raise RuntimeError(f"spamd did not start:\n{log}")
        time.sleep(0.02)


def _pongs(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(_START_SECONDS)
        try:
            stream.connect(str(path))
            stream.sendall(b"PING SPAMC/1.5\r\n\r\n")
            return b"PONG" in stream.recv(1024)
        except OSError:
            return False


def answering(answer: bytes, requests: list[bytes] | None = None) -> Script:
    """A script that reads the request to its end, keeps it in `requests`, answers and closes."""

    async def script(peer: Peer) -> None:
        request = b""
        while octets := await peer.read():
            request += octets
        if requests is not None:
            requests.append(request)
        await peer.say(answer)

    return script
