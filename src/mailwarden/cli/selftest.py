"""`mailwarden selftest`: the original's installation test, through the installed QMAILQUEUE.

Each message goes in from the outside, as qmail-smtpd would hand it over; only what stands behind
the gate is exchanged for a program that keeps what it is given, so that nobody gets test mail.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailwarden.cli import samples
from mailwarden.cli.installed import queue_client
from mailwarden.cli.loading import TEMPORARY_EXIT, complain, fail, settings_or_exit
from mailwarden.wire.envelope import Envelope, encode_envelope

if TYPE_CHECKING:
    from mailwarden.settings.model import Settings

_SENDER = "selftest@mailwarden.invalid"
# Longer than mailwarden-queue's own deadline, which is what should end a hanging gate.
_PROGRAM_SECONDS = 330.0
# Not 82, which flavours with a text use for refusals and deferrals alike: see _run.
_REJECTED = 31
# A client from outside (RFC 5737), so that it is scored and may be rejected.
_OUTSIDE = {"TCPREMOTEIP": "192.0.2.25", "QS_SPAMASSASSIN": "on"}
# What stands behind the gate: message first, then envelope, as qmail-queue reads them.
_KEEP_ALL = """\
#!/bin/sh
cat >"$SELFTEST_FOLDER/message" && exec cat <&1 >"$SELFTEST_FOLDER/envelope"
"""


class Seen(Enum):
    """What became of a test message, seen from outside; the value is for people."""

    PASSED = "passed"
    TAGGED = "tagged as spam"
    STOPPED = "kept or deleted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    CHANGED = "passed, its bytes changed"
    BELIEVED = "passed, its forged field too"
    READDRESSED = "passed, to somebody else"


_STOPPED = frozenset({Seen.STOPPED, Seen.REJECTED})


@dataclass(frozen=True, slots=True)
class Probe:
    """A test message, what may become of it, and which scanner it needs to be seen."""

    sample: samples.Sample
    expected: frozenset[Seen]
    scanner: str = ""


PROBES = (
    Probe(samples.Sample("harmless", samples.clean), frozenset({Seen.PASSED})),
    Probe(samples.Sample("Eicar.com, zeros", samples.forbidden_attachment), _STOPPED),
    Probe(samples.Sample("EICAR in sneaky.txt", samples.eicar_attached), _STOPPED, "clamd"),
    Probe(samples.Sample("GTUBE", samples.gtube), _STOPPED | {Seen.TAGGED}, "spamd"),
    # Only a gate that scores spam itself moves the fields of others aside.
    Probe(
        samples.Sample("forged X-Spam-Status", samples.forged_spam_status),
        frozenset({Seen.PASSED}),
        "spamd",
    ),
)


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
@click.pass_obj
def selftest(config_path: Path | None, program: Path | None, recipient: str) -> None:
    """Send the installation test's messages through the installed gate and check what comes out.

    The daemon must be running. Nothing is delivered to anybody; what is caught stays in
    quarantine, as it should. Exit status: 0 all as expected, 1 something is not, 75 the gate
    could not answer.
    """
    settings = settings_or_exit(config_path)
    tested = program or Path(os.environ.get("QMAILQUEUE") or queue_client())
    environment = {**os.environ, "MAILWARDEN_SOCKET": str(settings.queue.socket)}
    click.echo(f"Testing {tested}")
    rows = [_row(probe, settings, tested, recipient, environment) for probe in PROBES]
    _print_rows(rows)
    _print_summary(rows, settings)
    sys.exit(_exit_code(rows))


Row = tuple[Probe, Seen | None]


def _row(
    probe: Probe,
    settings: "Settings",
    program: Path,
    recipient: str,
    environment: Mapping[str, str],
) -> Row:
    """Try one message; nothing was seen where its scanner is not asked at all."""
    if probe.scanner and not {probe.scanner, "test-patterns"} & set(settings.scanners):
        return probe, None
    return probe, _try(program, probe, recipient, environment)


def _try(program: Path, probe: Probe, recipient: str, environment: Mapping[str, str]) -> Seen:
    """Hand one message over as qmail-smtpd does, and look at what came out behind."""
    message = probe.sample.write(_SENDER, recipient)
    envelope = encode_envelope(Envelope(_SENDER.encode(), (recipient.encode(),)))
    with tempfile.TemporaryDirectory(prefix="mailwarden-selftest-") as folder:
        keeper = Path(folder, "queue-program")
        keeper.write_text(_KEEP_ALL)
        keeper.chmod(0o700)
        variables = {
            **environment,
            **_OUTSIDE,
            "MAILWARDEN_QMAIL_QUEUE": str(keeper),
            "SELFTEST_FOLDER": folder,
        }
        code = _run(program, message, envelope, variables)
        if code == 0 and _content(folder, "envelope") not in (None, envelope):
            return Seen.READDRESSED
        return _seen(code, message, _content(folder, "message"))


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


def _seen(code: int, message: bytes, queued: bytes | None) -> Seen:
    if code == _REJECTED:
        return Seen.REJECTED
    if code:
        return Seen.DEFERRED
    if queued is None:
        return Seen.STOPPED
    lines = b"\n" + queued
    if b"\nX-Spam-Status: Yes" in lines.partition(b"\n\n")[0]:
        return Seen.TAGGED
    is_forged = message.startswith(b"X-Spam-Status")
    if is_forged and lines.endswith(b"\n" + message):
        return Seen.BELIEVED
    kept = message.partition(b"\n")[2] if is_forged else message
    return Seen.PASSED if lines.endswith(b"\n" + kept) else Seen.CHANGED


def _exit_code(rows: list[Row]) -> int:
    seen = [(probe, what) for probe, what in rows if what is not None]
    if any(what is Seen.DEFERRED for _, what in seen):
        return TEMPORARY_EXIT
    return 0 if all(what in probe.expected for probe, what in seen) else 1


def _print_rows(rows: list[Row]) -> None:
    from rich.table import Table

    from mailwarden.cli.printing import console, shown

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("message", "became", ""):
        table.add_column(heading)
    for probe, seen in rows:
        if seen is None:
            verdict = shown(f"not tried: {probe.scanner} is not among the scanners", "yellow")
        elif seen is Seen.DEFERRED:
            verdict = shown("no answer", "bold magenta")
        elif seen in probe.expected:
            verdict = shown("as it should", "green")
        else:
            expected = " or ".join(sorted(one.value for one in probe.expected))
            verdict = shown(f"WRONG, expected: {expected}", "bold red")
        table.add_row(probe.sample.name, seen.value if seen else "", verdict)
    console().print(table)


def _print_summary(rows: list[Row], settings: "Settings") -> None:
    tried = [(probe, seen) for probe, seen in rows if seen is not None]
    good = sum(seen in probe.expected for probe, seen in tried)
    click.echo(f"{good} of {len(tried)} as they should")
    if any(seen is Seen.DEFERRED for _, seen in tried):
        complain(
            "the gate could not answer: is mailwarden serve running, "
            f"with its socket at {settings.queue.socket}, and are its scanners? Its log says why."
        )
