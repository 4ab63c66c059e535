r"""One mail to who delivers it: qmail-queue, or a program like sendmail.

qmail-queue reads the message from descriptor 0 and the envelope from 1 (qmail-queue(8)); its exit
codes 11 to 40 are permanent.
A program like sendmail gets `-i -f sender -- recipient` and the message on its standard input.
An empty argument after -f is the empty sender for qmail's, Postfix's and Exim's sendmail alike;
without -i, Postfix's and Exim's would end the message at a line that holds only a dot.
They read the recipient as RFC 5322 has addresses, so that a comma or a blank in it must be quoted.
All lines of a mail end with LF.
Whoever is stopped after `_PATIENCE_SECONDS` may have taken the mail all the same: who tries again
may send it twice.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from mailwarden.settings.model import Settings
from mailwarden.verdict.record import bytes_of
from mailwarden.wire.envelope import ADDRESS_BYTES, Envelope, encode_envelope

# qmail-queue gives up by itself after 24 hours; a queue that takes minutes is broken.
_PATIENCE_SECONDS = 300.0
# qmail.c's own reading of the exit codes of qmail-queue: DESIGN section 2, facts 1.2.
_PERMANENT_CODES = range(11, 41)
# The end of what a program said on its standard error: for a log line.
_SAID_BYTES = 300
# The gate would look at our own mail; flags for qmail-inject are somebody's own; the rest is
# between the service manager, or the gate, and this process.
_NOT_PASSED_ON = ("QMAILQUEUE", "QMAILINJECT", "MAILWARDEN_", "NOTIFY_", "WATCHDOG_", "LISTEN_")
_CONTROL = re.compile(rb"[\0-\x1f\x7f]")
_DOT_STRING = re.compile(rb"[^\0-\x20\"(),.:;<>@\[\\\]]+(?:\.[^\0-\x20\"(),.:;<>@\[\\\]]+)*")
_TO_ESCAPE = re.compile(rb'(["\\])')


class SendError(Exception):
    """The mail was not taken; the text says by whom and why, `temporary` whether to try again."""

    def __init__(self, text: str, *, temporary: bool) -> None:
        super().__init__(text)
        self.temporary = temporary


def send_mail(settings: Settings, sender: str, recipient: str, octets: bytes) -> None:
    """Have a mail delivered; an empty sender is `<>`; raises `SendError`."""
    send_pieces(settings, sender, recipient, [octets])


def send_pieces(
    settings: Settings, sender: str, recipient: str, pieces: Sequence[bytes | IO[bytes]]
) -> None:
    """The same for a mail of several pieces, octets or open files; raises `SendError`."""
    envelope = Envelope(_address(sender, may_be_empty=True), (_address(recipient),))
    try:
        with tempfile.TemporaryFile() as message:
            for piece in pieces:
                _append(message, piece)
            message.flush()
            if settings.outbox.command:
                _run_command(settings.outbox.command, envelope, message)
            else:
                queue_file(settings.queue.program, envelope, message)
    except OSError as error:
        raise SendError(f"the mail could not be written: {error}", temporary=True) from error


def queue_file(program: Path, envelope: Envelope, message: IO[bytes]) -> None:
    """Have qmail-queue take a message, from the beginning of its file; raises `SendError`."""
    try:
        with tempfile.TemporaryFile() as addresses:
            addresses.write(encode_envelope(envelope))
            addresses.seek(0)
            message.seek(0)
            code, said = _run([str(program).encode()], message, addresses)
    except OSError as error:
        raise SendError(f"the envelope could not be written: {error}", temporary=True) from error
    if code:
        is_permanent = code in _PERMANENT_CODES
        raise SendError(f"{program} exited with {code}{said}", temporary=not is_permanent)


def _address(text: str, *, may_be_empty: bool = False) -> bytes:
    """An address as bytes; raises `SendError` for one that no program could be told safely."""
    try:
        address = bytes_of(text)
    except UnicodeEncodeError as error:
        raise SendError("an address is not text", temporary=False) from error
    if lack := _objection(address, may_be_empty=may_be_empty):
        raise SendError(f"an address {lack}", temporary=False)
    return address


def _objection(address: bytes, *, may_be_empty: bool) -> str:
    if not address:
        return "" if may_be_empty else "is empty"
    if address.startswith(b"-"):
        return "begins with -, as options do"
    if _CONTROL.search(address):
        return "has a control character"
    return f"is longer than {ADDRESS_BYTES} bytes" if len(address) > ADDRESS_BYTES else ""


def _append(message: IO[bytes], piece: bytes | IO[bytes]) -> None:
    if isinstance(piece, bytes):
        message.write(piece)
        return
    while chunk := piece.read(1_048_576):
        message.write(chunk)


def _run_command(command: Sequence[str], envelope: Envelope, message: IO[bytes]) -> None:
    message.seek(0)
    words = [word.encode() for word in command]
    options = [b"-i", b"-f", _argument(envelope.sender), b"--"]
    code, said = _run([*words, *options, _argument(envelope.recipients[0])], message, None)
    if code:
        raise SendError(f"{command[0]} exited with {code}{said}", temporary=True)


def _argument(address: bytes) -> bytes:
    """An address as RFC 5322 section 3.4.1 writes it, its local part quoted where need be."""
    local, at, domain = address.rpartition(b"@") if b"@" in address else (address, b"", b"")
    if not local or _DOT_STRING.fullmatch(local):
        return address
    return b'"' + _TO_ESCAPE.sub(rb"\\\1", local) + b'"' + at + domain


def _run(words: Sequence[bytes], stdin: IO[bytes], stdout: IO[bytes] | None) -> tuple[int, str]:
    """Run a program to its end: its exit code, and the end of what it said, for a log line.

    In a session of its own, so that Ctrl-C on a terminal does not end it halfway.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_PASSED_ON)}
    with tempfile.TemporaryFile() as complaints:
        try:
            done = subprocess.run(
                words,
                stdin=stdin,
                stdout=subprocess.DEVNULL if stdout is None else stdout,
                stderr=complaints,
                env=environment,
                cwd="/",
                start_new_session=True,
                timeout=_PATIENCE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            name = os.fsdecode(words[0])
            raise SendError(f"{name} could not be run: {_told(error)}", temporary=True) from error
        return done.returncode, _said(complaints)


def _told(error: OSError | subprocess.TimeoutExpired) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"no answer within {_PATIENCE_SECONDS:g} s"


def _said(complaints: IO[bytes]) -> str:
    end = complaints.seek(0, os.SEEK_END)
    complaints.seek(max(0, end - _SAID_BYTES))
    text = " ".join(complaints.read().decode("utf-8", "backslashreplace").split())
    return f": {text}" if text else ""
