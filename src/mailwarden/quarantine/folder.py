"""The quarantine as files; every function returns only when the disk has it (fsync)."""

import contextlib
import json
import math
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mailwarden.ports.keeping import KeepingError, Maildir
from mailwarden.ports.scanner import Payload
from mailwarden.verdict.record import Json

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,79}")
_WRITE_BYTES = 1_048_576
# Maildir's own rule for tmp is 36 hours; ours are finished within minutes.
_STALE_SECONDS = 86_400
_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


class NoSuchMessageError(Exception):
    """No message of that id is in quarantine; the text names the id and the folder."""


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message in quarantine: its file, its Maildir, and its slip (the record as JSON)."""

    id: str
    path: Path
    maildir: str
    slip: Json


@dataclass(frozen=True, slots=True)
class StagedMessage:
    """A message and its slip on the disk; `final` is where it is when it is kept."""

    temporary: Path
    final: Path
    slip: Path

    def commit(self) -> None:
        """Put it into quarantine, synced; raises `KeepingError`."""
        try:
            self.temporary.rename(self.final)
            _sync_directory(self.final.parent)
        except OSError as error:
            raise KeepingError(f"quarantine {self.final}: {error.strerror}") from error

    def discard(self) -> None:
        """Remove it, wherever it is."""
        for path in (self.final, self.temporary, self.slip):
            _remove_quietly(path)


class QuarantineFolder:
    """The quarantine below `directory`; made where absent, with modes for its owner alone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._slips = directory / "envelopes"

    def make(self, maildirs: Iterable[str] = tuple(Maildir)) -> None:
        """Make all folders; raises `OSError`."""
        _make_directory(self._directory)
        _make_directory(self._slips)
        for maildir in maildirs:
            _make_directory(self._directory / maildir)
            for state in ("tmp", "new", "cur"):
                _make_directory(self._directory / maildir / state)

    def stage(self, message_id: str, payload: Payload, maildir: str, slip: Json) -> StagedMessage:
        """Write a message whole and synced; raises `KeepingError` and leaves nothing."""
        staged = StagedMessage(
            temporary=self._directory / maildir / "tmp" / message_id,
            final=self._directory / maildir / "new" / message_id,
            slip=self._slip_path(message_id),
        )
        try:
            # In the folder of another user even this question is refused.
            if not _ID.fullmatch(message_id) or staged.final.exists():
                raise KeepingError(f"quarantine {self._directory}: {message_id!r} is no new id")
            _write_synced(staged.temporary, _chunks(payload))
            self._write_slip(staged.slip, {**slip, "maildir": maildir})
        except OSError as error:
            staged.discard()
            raise KeepingError(f"quarantine {self._directory}: {error.strerror}") from error
        return staged

    def keep(self, message_id: str, payload: Payload, maildir: str, slip: Json) -> None:
        """Keep a message whole and synced; raises `KeepingError` and leaves nothing."""
        staged = self.stage(message_id, payload, maildir, slip)
        try:
            staged.commit()
        except KeepingError:
            staged.discard()
            raise

    def find(self, message_id: str) -> KeptMessage:
        """The message of that id; raises `NoSuchMessageError`."""
        if _ID.fullmatch(message_id):
            for maildir in self._maildirs():
                for state in ("new", "cur"):
                    for path in self._named(self._directory / maildir / state, message_id):
                        return KeptMessage(message_id, path, maildir, self._read_slip(message_id))
        raise NoSuchMessageError(f"no message {message_id!r} in {self._directory}")

    def all_ids(self) -> Iterator[tuple[str, str]]:
        """Every kept message and its Maildir, in no order."""
        for maildir in self._maildirs():
            for state in ("new", "cur"):
                with contextlib.suppress(FileNotFoundError):
                    for path in (self._directory / maildir / state).iterdir():
                        message_id = path.name.partition(":")[0]
                        if _ID.fullmatch(message_id):
                            yield message_id, maildir

    def slip(self, message_id: str) -> Json:
        """The slip of a kept message; empty where it is gone or broken."""
        return self._read_slip(message_id)

    def remove(self, kept: KeptMessage) -> None:
        """Take a message out: the message first, then its slip; raises `OSError`."""
        kept.path.unlink()
        _sync_directory(kept.path.parent)
        self._slip_path(kept.id).unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove what crashes left more than a day ago; returns how many files."""
        oldest = time.time() - _STALE_SECONDS
        kept = {message_id for message_id, _ in self.all_ids()}
        stale = [path for path in self._leftovers(kept) if _changed_at(path) < oldest]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _leftovers(self, kept: set[str]) -> Iterator[Path]:
        for maildir in self._maildirs():
            yield from (self._directory / maildir / "tmp").iterdir()
        yield from (path for path in self._slips.iterdir() if path.stem not in kept)

    def _maildirs(self) -> list[str]:
        """Every Maildir that is there, also one that no setting names any more."""
        with contextlib.suppress(FileNotFoundError):
            return sorted(
                path.name for path in self._directory.iterdir() if (path / "new").is_dir()
            )
        return []

    def _slip_path(self, message_id: str) -> Path:
        return self._slips / f"{message_id}.json"

    def _write_slip(self, path: Path, slip: Json) -> None:
        temporary = path.with_suffix(".tmp")
        try:
            _write_synced(temporary, iter([json.dumps(slip, indent=1).encode("ascii")]))
            temporary.rename(path)
        except OSError:
            _remove_quietly(temporary)
            raise
        _sync_directory(path.parent)

    def _read_slip(self, message_id: str) -> Json:
        try:
            slip = json.loads(self._slip_path(message_id).read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return slip if isinstance(slip, dict) else {}

    @staticmethod
    def _named(directory: Path, message_id: str) -> Iterator[Path]:
        """The file of that id, also after a mail program added its flags (`<id>:2,S`)."""
        if (directory / message_id).is_file():
            yield directory / message_id
        yield from directory.glob(f"{message_id}:2,*")


def _make_directory(path: Path) -> None:
    path.mkdir(_DIRECTORY_MODE, parents=True, exist_ok=True)


def _chunks(payload: Payload) -> Iterator[bytes]:
    for start in range(0, payload.size_bytes, _WRITE_BYTES):
        yield payload.chunk(start, _WRITE_BYTES)


def _write_synced(path: Path, chunks: Iterator[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
        for chunk in chunks:
            view = memoryview(chunk)
            while view:
                view = view[file.write(view) :]
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _changed_at(path: Path) -> float:
    """When the file was written; never for one that its writer has moved meanwhile."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return math.inf


def _remove_quietly(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
