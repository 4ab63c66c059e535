"""Giving a quarantined message back: into the real queue, marked so that it passes."""

import contextlib
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mailwarden.ports.keeping import KeepingError
from mailwarden.quarantine.folder import KeptMessage
from mailwarden.verdict.disposition import Disposition
from mailwarden.verdict.record import Json, bytes_of
from mailwarden.verdict.release_mark import make_mark
from mailwarden.wire.envelope import Envelope, encode_envelope
from mailwarden.wire.errors import UsageError

_KEY_BYTES = 32
# qmail-queue gives up by itself after 24 hours; a queue that takes minutes is broken.
_QUEUE_SECONDS = 300.0


class ReleaseError(Exception):
    """The message was not released and is still in quarantine; the text says why."""


def release_key(path: Path) -> bytes:
    """The installation's secret, made when absent; raises `KeepingError`.

    Made under another name and linked into place, so that two makers agree on one.
    """
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise KeepingError(f"release key {path}: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise KeepingError(f"release key {path}: expected {_KEY_BYTES} bytes, found {len(key)}")
    return key


def original_envelope(kept: KeptMessage, *, needed: bool = True) -> Envelope:
    """The envelope that the message came with.

    When its slip is gone: empty where it is not `needed`, else raises `ReleaseError`.
    """
    envelope = _slip_envelope(kept.slip)
    if needed and not envelope:
        raise ReleaseError(f"{kept.id} has lost its envelope; name recipients with --to")
    return envelope or Envelope(b"", ())


def envelope_to(original: Envelope, recipients: Sequence[str]) -> Envelope:
    """The original sender, and other recipients."""
    return Envelope(original.sender, tuple(map(bytes_of, recipients)))


def _slip_envelope(slip: Json) -> Envelope | None:
    """The envelope that a slip tells; nothing when any of it is missing or broken."""
    sender, recipients = slip.get("sender"), slip.get("recipients")
    if not isinstance(sender, str) or not isinstance(recipients, list):
        return None
    addresses = [one.get("address") for one in recipients if isinstance(one, dict)]
    texts = [address for address in addresses if isinstance(address, str)]
    if not texts or len(texts) < len(recipients):
        return None
    try:
        return Envelope(bytes_of(sender), tuple(map(bytes_of, texts)))
    except UnicodeEncodeError:
        return None


def forgiven_keys(slip: Json) -> list[str]:
    """The reasons that a release forgives: all that were found, as `verdict.decide` names them.

    A fault that asked for another try is none of them: it says that somebody has not looked yet.
    """
    reasons = slip.get("reasons")
    listed = reasons if isinstance(reasons, list) else []
    keys = [
        reason.get("key") for reason in listed if isinstance(reason, dict) and _is_found(reason)
    ]
    return sorted({key for key in keys if isinstance(key, str)})


def _is_found(reason: Json) -> bool:
    is_fault = str(reason.get("key")).startswith("fault:")
    return not is_fault or reason.get("disposition") != Disposition.DEFER.word


def queue_message(
    kept: KeptMessage, envelope: Envelope, key: bytes, program: Path, environment: dict[str, str]
) -> None:
    """Hand the marked message to the queue program; raises `ReleaseError`."""
    without_gate = {k: v for k, v in environment.items() if k != "QMAILQUEUE"}
    try:
        raw = kept.path.read_bytes()
        mark = make_mark(key, kept.id, forgiven_keys(kept.slip), raw, time.time())
        with tempfile.TemporaryFile() as message, tempfile.TemporaryFile() as addresses:
            message.write(mark + raw)
            addresses.write(encode_envelope(envelope))
            message.seek(0)
            addresses.seek(0)
            code = _run_queue(program, message.fileno(), addresses.fileno(), without_gate)
    except (OSError, UsageError, UnicodeEncodeError) as error:
        raise ReleaseError(f"{kept.id} could not be given to {program}: {error}") from error
    if code:
        raise ReleaseError(f"{program} refused {kept.id} with exit code {code}")


def _run_queue(program: Path, message: int, envelope: int, environment: dict[str, str]) -> int:
    """Run the queue program with the message at 0 and the envelope at 1, as qmail does."""
    try:
        done = subprocess.run(
            [str(program)],
            stdin=message,
            stdout=envelope,
            env=environment,
            timeout=_QUEUE_SECONDS,
            check=False,
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ReleaseError(f"{program} could not be run: {reason}") from error
    except subprocess.TimeoutExpired as error:
        raise ReleaseError(f"{program} did not end in {_QUEUE_SECONDS} seconds") from error
    return done.returncode


def _make_key(path: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        os.write(descriptor, secrets.token_bytes(_KEY_BYTES))
        os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.close(descriptor)
        Path(name).unlink()
