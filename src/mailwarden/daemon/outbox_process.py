"""The process that sends mail: one at a time for each database, beside the workers or alone.

It is none of the workers, because qmail-queue is a setuid program, which the daemon's own unit for
systemd does not let run (NoNewPrivileges), and because sending may take as long as it likes.
A lock on a file beside the database keeps a second one waiting; the kernel takes it from a process
that dies.
It ends on SIGTERM, SIGINT, or when the other end of its pipe is closed (the supervisor is gone),
each time after the mail that it is about to send.
"""

import fcntl
import os
import select
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TextIO

import structlog

from mailwarden.daemon.journal import log_text, make_log
from mailwarden.daemon.wiring import new_message_id
from mailwarden.notify.outbox import Hands, OutboxRunner, Outcome, What
from mailwarden.notify.rendering import render
from mailwarden.notify.sending import SendError, queue_file
from mailwarden.notify.template_folder import TemplateError
from mailwarden.ports.keeping import Maildir
from mailwarden.quarantine.folder import KeptMessage, NoSuchMessageError, QuarantineFolder
from mailwarden.quarantine.release import ReleaseError, original_envelope
from mailwarden.settings.model import Settings
from mailwarden.wire.envelope import Envelope

# A second process looks so often whether the first is gone.
_LOCK_SECONDS = 1.0
_LEVELS = {
    What.SENT: "info",
    What.POSTPONED: "warning",
    What.HELD: "warning",
    What.GIVEN_UP: "error",
    What.GONE: "warning",
    What.SET_ASIDE: "error",
    What.TROUBLE: "error",
}


def run_outbox(settings: Settings, pipe: int | None = None, stream: TextIO = sys.stderr) -> None:
    """Send mail until told to end; `pipe` is the writing end of a pipe that the supervisor reads.

    The log goes to `stream`. Call it in the main thread of a process of its own.
    """
    log = make_log(settings.log, stream).bind(outbox=os.getpid())
    bell = _Bell(pipe)
    lock = _take_lock(lock_path(settings), bell, log)
    if lock is None:
        return
    log.info("outbox-ready")
    OutboxRunner(settings, _hands(settings, bell, log)).run()
    os.close(lock)
    log.info("outbox-stopped")


def lock_path(settings: Settings) -> Path:
    """The file that the one process at work holds a lock on."""
    database = settings.store.database
    return database.with_name(f"{database.name}.outbox-lock")


class _Bell:
    """Sleeps, until it is time to end."""

    def __init__(self, pipe: int | None) -> None:
        self._is_over = False
        self._poll = select.poll()
        self._wake, waker = socket.socketpair()
        for end in (self._wake, waker):
            end.setblocking(False)  # noqa: FBT003 - the standard library's signature
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ring)
        signal.set_wakeup_fd(waker.detach(), warn_on_full_buffer=False)
        self._poll.register(self._wake, select.POLLIN)
        if pipe is not None:
            self._poll.register(pipe, 0)  # told of its breaking alone

    def rest(self, seconds: float) -> bool:
        """Sleep; false as soon as it is time to end."""
        deadline = time.monotonic() + seconds
        while not self._is_over:
            left_seconds = max(0.0, deadline - time.monotonic())
            for descriptor, _ in self._poll.poll(left_seconds * 1_000):
                self._hear(descriptor)
            if time.monotonic() >= deadline:
                break
        return not self._is_over

    def _hear(self, descriptor: int) -> None:
        if descriptor == self._wake.fileno():
            self._wake.recv(4_096)
        else:
            self._is_over = True

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        self._is_over = True


def _take_lock(path: Path, bell: _Bell, log: structlog.typing.FilteringBoundLogger) -> int | None:
    """The lock, waited for; nothing when it is time to end. Each new obstacle is a log line."""
    said = ""
    while bell.rest(_LOCK_SECONDS if said else 0.0):
        try:
            return _lock(path)
        except BlockingIOError:
            obstacle = f"another outbox is at work: it holds {path}"
        except OSError as error:
            obstacle = f"{path}: {error.strerror}"
        if obstacle != said:
            log.warning("outbox-waits", detail=obstacle)
        said = obstacle
    return None


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _hands(settings: Settings, bell: _Bell, log: structlog.typing.FilteringBoundLogger) -> Hands:
    folder = QuarantineFolder(settings.quarantine.directory)
    return Hands(
        render=partial(render, complain=lambda problem: _complain_of_template(log, problem)),
        kept_file=lambda kept_as: _find(folder, kept_as).path,
        redeliver=lambda kept_as: _redeliver(settings, folder, kept_as, log),
        tell=lambda outcome: _write_line(log, outcome),
        now=time.time,
        new_id=new_message_id,
        rest=bell.rest,
    )


def _complain_of_template(
    log: structlog.typing.FilteringBoundLogger, problem: TemplateError
) -> None:
    log.warning(
        "template",
        template=log_text(problem.template),
        detail=f"ours is used: {log_text(problem.error)}",
    )


def _find(folder: QuarantineFolder, kept_as: str) -> KeptMessage:
    try:
        return folder.find(kept_as)
    except NoSuchMessageError as error:
        raise FileNotFoundError(str(error)) from error


def _redeliver(
    settings: Settings,
    folder: QuarantineFolder,
    kept_as: str,
    log: structlog.typing.FilteringBoundLogger,
) -> None:
    """Queue a late copy as it was to be queued, then take it out of quarantine."""
    if not (settings.quarantine.directory / Maildir.UNDELIVERED).is_dir():
        raise SendError(f"{settings.quarantine.directory} is not there", temporary=True)
    kept = _find(folder, kept_as)
    try:
        envelope = original_envelope(kept)
    except ReleaseError as error:
        raise SendError(str(error), temporary=True) from error
    _queue(settings.queue.program, kept, envelope)
    try:
        folder.remove(kept)
    except OSError as error:
        # Queued it is: another try would deliver it once more.
        detail = f"queued, but still in quarantine: {error.filename}: {error.strerror}"
        log.warning("redelivered", id=log_text(kept_as), detail=detail)


def _queue(program: Path, kept: KeptMessage, envelope: Envelope) -> None:
    try:
        message = kept.path.open("rb")
    except OSError as error:
        raise SendError(f"{kept.path}: {error.strerror}", temporary=True) from error
    with message:
        queue_file(program, envelope, message)


def _write_line(log: structlog.typing.FilteringBoundLogger, outcome: Outcome) -> None:
    """One line for what became of a mail."""
    write = getattr(log, _LEVELS[outcome.what])
    if outcome.what is What.TROUBLE:
        write("outbox", detail=log_text(outcome.detail))
        return
    write(
        f"errand-{outcome.what.value}",
        kind=outcome.kind,
        id=log_text(outcome.id),
        recipient=log_text(outcome.recipient),
        topic=log_text(outcome.topic),
        count=outcome.count,
        tries=outcome.tries,
        detail=log_text(outcome.detail),
    )
