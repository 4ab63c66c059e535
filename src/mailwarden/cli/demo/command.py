"""`mailwarden demo`: start everything, send the samples, show what became of them, end."""

import contextlib
import json
import os
import shlex
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from mailwarden.cli.demo import maildir_queue
from mailwarden.cli.installed import queue_client
from mailwarden.cli.loading import fail
from mailwarden.cli.samples import SAMPLES, Sample
from mailwarden.settings.addresses import TcpAddress, parse_address

_SENDER = "sender@example.net"
_RECIPIENT = "you@example.org"
_START_SECONDS = 30.0
_MESSAGE_SECONDS = 120.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02
# How shells say that a signal ended a program: this and the signal's number.
_SIGNAL_EXIT = 128
# A scanner that is running here answers a ping at once.
_PROBE_SECONDS = 1.0
# scanner -> what it is asked, and what it answers with (clamd(8); spamd's PROTOCOL)
_PINGS = {
    "clamd": (b"zPING\0", b"PONG"),
    "spamd": (b"PING SPAMC/1.5\r\n\r\n", b"PONG"),
}
_PING_ANSWER_BYTES = 1_024


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo keeps everything; nothing outside this folder is touched."""

    root: Path

    @property
    def settings(self) -> Path:
        """The settings file that the daemon is started with."""
        return self.root / "mailwarden.toml"

    @property
    def log(self) -> Path:
        """The daemon's log, one JSON object a line."""
        return self.root / "log"

    @property
    def maildir(self) -> Path:
        """Where delivered messages end."""
        return self.root / "Maildir"

    @property
    def queue_program(self) -> Path:
        """What mailwarden-queue executes instead of qmail-queue."""
        return self.root / "queue-program"

    @property
    def socket(self) -> Path:
        """The daemon's socket."""
        return self.root / "queue.sock"


@click.command()
@click.option("--keep", is_flag=True, help="Leave everything up until interrupted.")
def demo(keep: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show the whole system at work on this machine: no root, no mail server, nothing left running.

    Starts the real daemon and a small SMTP server on loopback, sends sample messages through
    mailwarden-queue, and shows what became of each and why. Uses clamd and spamd when they run.
    """
    from mailwarden.settings.addresses import spamd_addresses
    from mailwarden.settings.model import ClamdSettings, SpamdSettings

    spamd = spamd_addresses(SpamdSettings().addresses, Path("/"))
    run_demo({"clamd": ClamdSettings().addresses, "spamd": spamd}, keep=keep)


def run_demo(places: Mapping[str, Sequence[str]], *, keep: bool) -> None:
    """Run the demo; `places` says where clamd and spamd are, if they are running."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    place = Place(Path(tempfile.mkdtemp(prefix="mailwarden-demo-")))
    running = {name: addresses for name, addresses in places.items() if _answers(name, addresses)}
    click.echo(
        f"{len(SAMPLES)} sample messages now go through a whole Mailwarden on this machine: "
        "by SMTP\nto mailwarden-queue, to the daemon and its scanners, and on to a Maildir.\n"
        f"Everything is kept in {place.root}; nothing else is touched.\n\n"
        f"Scanners: {_scanner_words(running)}"
    )
    _write_files(place, running)
    with _daemon(place), _door(place) as port:
        rows = [(sample, *_send(place, port, sample)) for sample in SAMPLES]
        _print_rows(rows)
        _print_places(place)
        if keep:
            _wait_for_interrupt(place, port)


def _end(number: int, _frame: object) -> NoReturn:
    """End in good order, so that the daemon is not left behind."""
    sys.exit(_SIGNAL_EXIT + number)


def _answers(name: str, addresses: Sequence[str]) -> bool:
    """A scanner that accepts connections but says nothing would only make the demo wait."""
    return any(_pongs(address, *_PINGS[name]) for address in addresses)


def _pongs(text: str, ping: bytes, pong: bytes) -> bool:
    address = parse_address(text)
    is_tcp = isinstance(address, TcpAddress)
    with socket.socket(socket.AF_INET if is_tcp else socket.AF_UNIX) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(
                (address.host, address.port) if isinstance(address, TcpAddress) else address.path
            )
            probe.sendall(ping)
            return pong in probe.recv(_PING_ANSWER_BYTES)
        except OSError:
            return False


def _scanner_words(running: Mapping[str, object]) -> str:
    missing = [name for name in _PINGS if name not in running]
    if not missing:
        return ", ".join(running)
    listed = ", ".join([*running, "test patterns (EICAR and GTUBE only)"])
    return f"{listed}, because {' and '.join(missing)} {_are(missing)} not running here"


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _write_files(place: Place, running: Mapping[str, Sequence[str]]) -> None:
    """The settings, the Maildir, and the program that stands for qmail-queue."""
    place.settings.write_text(_settings_text(place, running))
    for state in ("tmp", "new", "cur"):
        (place.maildir / state).mkdir(parents=True)
    words = [sys.executable, "-I", "-S", maildir_queue.__file__, str(place.maildir)]
    place.queue_program.write_text(f"#!/bin/sh\nexec {shlex.join(words)}\n")
    place.queue_program.chmod(0o700)


def _settings_text(place: Place, running: Mapping[str, Sequence[str]]) -> str:
    """Our own patterns stand in for what is not running; JSON's texts and lists are TOML's, too."""
    text, root = json.dumps, place.root
    scanners = [*running] if len(running) == len(_PINGS) else [*running, "test-patterns"]
    addresses = "".join(f"[{name}]\naddresses = {text([*running[name]])}\n" for name in running)
    return f"""# The demo's settings; every other one is the default (mailwarden config describe).
scanners = {text(scanners)}
{addresses}[queue]
socket = {text(str(place.socket))}
program = {text(str(place.queue_program))}
[daemon]
workers = 1
[spam]
subject = "SPAM *** "
quarantine_above = 2.1
delete_above = 4.2
reject = true
[quarantine]
directory = {text(f"{root}/quarantine")}
release_key = {text(f"{root}/release.key")}
[store]
database = {text(f"{root}/mailwarden.db")}
[spool]
directory = {text(f"{root}/spool")}
[log]
format = "json"
"""


@contextlib.contextmanager
def _daemon(place: Place) -> Iterator[None]:
    """The real daemon, as a process of its own; ended in the end."""
    words = [sys.executable, "-P", "-m", "mailwarden", "--config", str(place.settings), "serve"]
    with place.log.open("wb") as log:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_until_ready(place, process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(place: Place, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not any(event["event"] == "ready" for event in _events(place)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise fail(f"the daemon did not start:\n{place.log.read_text()}")
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def _door(place: Place) -> Iterator[int]:
    """The SMTP server on a free port of loopback; yields the port."""
    from aiosmtpd.controller import Controller

    from mailwarden.cli.demo.door import QueueHandler

    environment = {
        **os.environ,
        "MAILWARDEN_SOCKET": str(place.socket),
        "MAILWARDEN_QMAIL_QUEUE": str(place.queue_program),
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    handler = QueueHandler(queue_client(), environment)
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def _send(place: Place, port: int, sample: Sample) -> tuple[dict[str, object], str]:
    """Send one sample; returns the daemon's log line about it and the SMTP answer."""
    before = len(_messages(place))
    with smtplib.SMTP("127.0.0.1", port, timeout=_MESSAGE_SECONDS) as client:
        try:
            client.sendmail(_SENDER, [_RECIPIENT], sample.write(_SENDER, _RECIPIENT))
            answer = "250 ok"
        except smtplib.SMTPResponseException as error:
            # Its words are for other servers; the first digit says what it means (RFC 5321 4.2.1).
            answer = f"{error.smtp_code} {'refused' if error.smtp_code >= 500 else 'try later'}"
    deadline = time.monotonic() + _START_SECONDS
    while len(_messages(place)) == before:
        if time.monotonic() > deadline:
            raise fail(f"the daemon said nothing about {sample.name}; see {place.log}")
        time.sleep(_POLL_SECONDS)
    return _messages(place)[-1], answer


def _events(place: Place) -> list[dict[str, object]]:
    lines = place.log.read_text().split("\n")[:-1]  # the last is not whole yet, or empty
    return [json.loads(line) for line in lines if line.startswith("{")]


def _messages(place: Place) -> list[dict[str, object]]:
    return [event for event in _events(place) if event["event"] in ("message", "trouble", "bug")]


def _print_rows(rows: list[tuple[Sample, dict[str, object], str]]) -> None:
    from rich.table import Table

    from mailwarden.cli.printing import console, disposition_text, shown

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("sample", "became"):
        table.add_column(heading, no_wrap=True)
    for heading in ("why", "sender heard"):
        table.add_column(heading)
    for sample, event, answer in rows:
        word = str(event.get("disposition", event["event"]))
        why = str(event.get("detail") or "nothing was found")
        table.add_row(sample.name, disposition_text(word), shown(why), answer)
    click.echo()
    console().print(table)


def _print_places(place: Place) -> None:
    """Say where to look, in lines that can be copied: none is folded."""
    rows = (
        ("delivered", f"{place.maildir}/new"),
        ("kept", f"{shlex.quote(sys.argv[0])} --config {place.settings} quarantine list"),
        ("log", str(place.log)),
        ("settings", str(place.settings)),
        ("clean up", f"rm -r {place.root}"),
    )
    click.echo("\nWhere to look:")
    for name, where in rows:
        click.echo(f"  {name:<10} {where}")


def _wait_for_interrupt(place: Place, port: int) -> None:
    click.echo(
        f"\nStill up until you press Ctrl-C: SMTP on 127.0.0.1:{port}, "
        f"mailwarden-queue with MAILWARDEN_SOCKET={place.socket}"
    )
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
