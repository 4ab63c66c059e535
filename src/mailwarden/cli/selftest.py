"""`mailwarden selftest`: the original's installation test and more, through the installed gate.

Each message goes in from the outside, as qmail-smtpd would hand it over; only what stands behind
the gate is exchanged for a program that keeps what it is given, so that nobody gets test mail.
What must become of each is in `expectations`; this looks at what did.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailwarden.cli.expectations import Probe, Seen, probes
from mailwarden.cli.installed import queue_client
from mailwarden.cli.loading import TEMPORARY_EXIT, complain, fail, settings_or_exit
from mailwarden.wire.envelope import Envelope, encode_envelope

if TYPE_CHECKING:
    from mailwarden.settings.model import Settings

DIFFERENT_EXIT = 1
_SENDER = "selftest@mailwarden.invalid"
# As the original's test was found in the mail log: egrep " qmail-scanner\[.* Qmail-Scanner_".
_SUBJECT = b"Subject: Qmail-Scanner test: "
# Longer than mailwarden-queue's own deadline, which is what should end a hanging gate.
_PROGRAM_SECONDS = 330.0
# Not 82, which flavours with a text use for refusals and deferrals alike: see _run.
_REJECTED = 31
# A client from outside (RFC 5737), so that it is scored and may be rejected; no other says more.
_OUTSIDE = {"TCPREMOTEIP": "192.0.2.25", "QS_SPAMASSASSIN": "on"}
_NOT_OUTSIDE = frozenset({"RELAYCLIENT", "BMC_WHITELIST", "SA_ONLYDELETE_HOST"})
# What stands behind the gate: message first, then envelope, as qmail-queue reads them.
_KEEP_ALL = """\
#!/bin/sh
cat >"$SELFTEST_FOLDER/message" && exec cat <&1 >"$SELFTEST_FOLDER/envelope"
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """The program that is tested, its environment, and the prefix of its own header fields."""

    program: Path
    environment: Mapping[str, str]
    prefix: str


@dataclass(frozen=True, slots=True)
class Row:
    """A test message and what became of it: nothing, where it was not tried."""

    probe: Probe
    seen: Seen | None

    @property
    def verdict(self) -> str:
        """What to think of it."""
        if self.seen is None:
            return "not tried"
        if self.seen is self.probe.expected:
            return "good"
        return "no answer" if self.seen is Seen.DEFERRED else "WRONG"


@click.command()
@click.option(
    "--program",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
    help="The program to test (else $QMAILQUEUE, else the installed mailwarden-queue).",
)
@click.option(
    "--recipient",
    default="selftest@mailwarden.invalid",
    show_default=True,
    help="Whom the messages are addressed to; nobody gets them.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each test.")
@click.pass_obj
def selftest(
    config_path: Path | None,
    program: Path | None,
    recipient: str,
    as_json: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """Send a set of test messages through the installed gate and check what comes out.

    The daemon must be running. Nothing is delivered to anybody; what is caught stays in
    quarantine, as it should. What must become of each message follows from the recipient's
    settings. Exit status: 0 all as expected, 1 something is not, 75 the gate could not answer.
    """
    settings = settings_or_exit(config_path)
    from mailwarden.settings.profiles import profiles_of

    theirs = profiles_of(settings).settings_for(recipient.encode())
    gate = _gate(program, settings, theirs)
    if not as_json:
        click.echo(f"Testing {gate.program}")
    rows = [Row(probe, _seen_of(gate, probe, recipient)) for probe in probes(theirs)]
    if as_json:
        _print_json(rows)
    else:
        _print_rows(rows)
        _print_summary(rows, settings)
    sys.exit(_exit_code(rows))


def _gate(program: Path | None, settings: "Settings", theirs: "Settings") -> Gate:
    tested = program or Path(os.environ.get("QMAILQUEUE") or queue_client())
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_OUTSIDE}
    socket = {"MAILWARDEN_SOCKET": str(settings.queue.socket)}
    return Gate(tested, {**inherited, **socket, **_OUTSIDE}, theirs.headers.prefix)


def _seen_of(gate: Gate, probe: Probe, recipient: str) -> Seen | None:
    return _try(gate, probe, recipient) if probe.expected else None


def _try(gate: Gate, probe: Probe, recipient: str) -> Seen:
    """Hand one message over as qmail-smtpd does, and look at what came out behind."""
    message = probe.write(_SENDER, recipient).replace(b"Subject: ", _SUBJECT, 1)
    envelope = encode_envelope(Envelope(_SENDER.encode(), (recipient.encode(),)))
    with tempfile.TemporaryDirectory(prefix="mailwarden-selftest-") as folder:
        keeper = Path(folder, "queue-program")
        keeper.write_text(_KEEP_ALL)
        keeper.chmod(0o700)
        behind = {"MAILWARDEN_QMAIL_QUEUE": str(keeper), "SELFTEST_FOLDER": folder}
        code = _run(gate.program, message, envelope, {**gate.environment, **behind})
        if code == 0 and _content(folder, "envelope") not in (None, envelope):
            return Seen.READDRESSED
        return _seen(code, message, _content(folder, "message"), gate.prefix.encode())


def _run(program: Path, message: bytes, envelope: bytes, environment: Mapping[str, str]) -> int:
    reading, writing = os.pipe()
    os.write(writing, envelope)  # a few bytes: they fit the pipe
    os.close(writing)
    try:
        done = subprocess.run(
            [str(program)],
            input=message,
            stdout=reading,
            stderr=subprocess.DEVNULL,  # a pipe could take the flavour's text: 31 and 71 say more
            env=environment,
            timeout=_PROGRAM_SECONDS,
            check=False,
        )
    except OSError as error:
        raise fail(f"{program}: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        return TEMPORARY_EXIT
    else:
        return done.returncode
    finally:
        os.close(reading)


def _content(folder: str, name: str) -> bytes | None:
    """What came out behind the gate; nothing when nothing did."""
    try:
        return Path(folder, name).read_bytes()
    except FileNotFoundError:
        return None


def _seen(code: int, message: bytes, queued: bytes | None, prefix: bytes) -> Seen:
    if code == _REJECTED:
        return Seen.REJECTED
    if code:
        return Seen.DEFERRED
    if queued is None:
        return Seen.STOPPED
    if b"\nX-Spam-Status: Yes" in b"\n" + queued.partition(b"\n\n")[0]:
        return Seen.TAGGED
    return _passed(message, queued, prefix)


def _passed(message: bytes, queued: bytes, prefix: bytes) -> Seen:
    """What was done to a message on its way: fields on top, and one of its own moved aside."""
    is_forged = message.startswith(b"X-Spam-Status")
    moved = prefix + b"-MOVED-" + message if is_forged else message
    on_top = b"\n" + queued.removesuffix(moved)
    if not (b"\n" + queued).endswith(b"\n" + moved):
        is_as_it_came = (b"\n" + queued).endswith(b"\n" + message)
        return Seen.BELIEVED if is_as_it_came else Seen.CHANGED
    if b"\n" + prefix + b"-Unscanned:" in on_top:
        return Seen.UNSCANNED
    if b"\n" + prefix + b"-Found:" in on_top:
        return Seen.WARNED
    return Seen.MOVED if is_forged else Seen.PASSED


def _exit_code(rows: Sequence[Row]) -> int:
    """75 before 1: who could not answer may yet be good."""
    verdicts = {row.verdict for row in rows}
    if "no answer" in verdicts:
        return TEMPORARY_EXIT
    return DIFFERENT_EXIT if "WRONG" in verdicts else 0


def _print_json(rows: Sequence[Row]) -> None:
    for row in rows:
        said = {
            "test": row.probe.name,
            "expected": row.probe.expected.value if row.probe.expected else None,
            "seen": row.seen.value if row.seen else None,
            "verdict": row.verdict.lower(),
            "why": row.probe.why,
        }
        click.echo(json.dumps(said))


def _print_rows(rows: Sequence[Row]) -> None:
    from rich.table import Table

    from mailwarden.cli.printing import console, shown

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("test", "expected", "seen", "verdict"):
        table.add_column(heading)
    for row in rows:
        expected = row.probe.expected.value if row.probe.expected else ""
        seen = row.seen.value if row.seen else ""
        table.add_row(row.probe.name, expected, seen, shown(row.verdict, _STYLES[row.verdict]))
    console().print(table)


_STYLES = {
    "good": "green",
    "not tried": "yellow",
    "no answer": "bold magenta",
    "WRONG": "bold red",
}


def _print_summary(rows: Sequence[Row], settings: "Settings") -> None:
    for row in rows:
        if row.seen is None:
            click.echo(f"{row.probe.name} was not tried: {row.probe.why}")
    tried = [row.verdict for row in rows if row.seen is not None]
    click.echo(f"{tried.count('good')} of {len(tried)} as they should")
    if "no answer" in tried:
        complain(
            "the gate could not answer: is mailwarden serve running, "
            f"with its socket at {settings.queue.socket}, and are its scanners? Its log says why."
        )
