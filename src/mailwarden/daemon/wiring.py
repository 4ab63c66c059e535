"""From settings to a working path: the only place that names doors and scanners."""

import datetime as dt
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from mailwarden.fronts.queue.door import Journal, Moments, QueueDoor
from mailwarden.net.payload import spool_file
from mailwarden.pipeline.examine import Examiner
from mailwarden.pipeline.options import path_options
from mailwarden.pipeline.perform import Keepers, Performer
from mailwarden.ports.keeping import Maildir
from mailwarden.ports.scanner import Scanner
from mailwarden.ports.unpacker import Unpacker
from mailwarden.quarantine.archive import ArchiveKeeper
from mailwarden.quarantine.folder import QuarantineFolder
from mailwarden.quarantine.keeper import QuarantineKeeper
from mailwarden.quarantine.release import release_key
from mailwarden.sandbox.folders import sweep
from mailwarden.sandbox.program import NurseryProgram
from mailwarden.sandbox.unpacker import Sandbox
from mailwarden.scanners.clamd import ClamdScanner
from mailwarden.scanners.spamd import SpamdScanner
from mailwarden.scanners.test_patterns import TestPatternScanner, TestPatternSpamScanner
from mailwarden.settings.model import LogSettings, Settings
from mailwarden.settings.profiles import Profiles, profiles_of
from mailwarden.store.errands import StoredErrands
from mailwarden.store.records import StoredRecords
from mailwarden.store.schema import open_database
from mailwarden.store.writer import BatchWriter

_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_BITS_A_LETTER = 5
_ID_RANDOM = 8


@dataclass(frozen=True, slots=True)
class Gate:
    """Everything that one worker works with."""

    door: QueueDoor
    scanners: tuple[Scanner, ...]
    unpacker: Sandbox
    writer: BatchWriter
    engine: Engine

    async def close(self) -> None:
        """Give connections back, end the helper processes and write the last records."""
        for scanner in self.scanners:
            await scanner.close()
        await self.unpacker.close()
        self.writer.close()
        self.engine.dispose()


def build_scanners(profiles: Profiles) -> tuple[Scanner, ...]:
    """The scanners that the settings name, for whomever, in their order."""
    settings, distinct = profiles.site, profiles.distinct()
    names = dict.fromkeys(name for one in distinct for name in one.scanners)
    return tuple(scanner for name in names for scanner in _BUILDERS[name](settings, distinct))


def _spamd(settings: Settings, distinct: Sequence[Settings]) -> tuple[Scanner, ...]:
    report = any(one.spam.report or one.spam.debug for one in distinct)
    return (SpamdScanner(settings.spamd, report=report),)


_BUILDERS: dict[str, Callable[[Settings, Sequence[Settings]], tuple[Scanner, ...]]] = {
    "clamd": lambda settings, _: (ClamdScanner(settings.clamd),),
    "spamd": _spamd,
    "test-patterns": lambda _settings, _distinct: (TestPatternScanner(), TestPatternSpamScanner()),
}


def build_unpacker(settings: Settings, folder: Path) -> Sandbox:
    """Who takes payloads apart; `folder` is where its helper processes get folders of their own."""
    return Sandbox(NurseryProgram(folder), settings.unpacking.helpers)


def build_examiner(
    settings: Settings, scanners: tuple[Scanner, ...], unpacker: Unpacker, key: bytes
) -> Examiner:
    """The part of the path that looks and decides."""
    return Examiner(path_options(settings), scanners, unpacker, key, time.monotonic)


def prepare_directories(settings: Settings) -> None:
    """Make what the workers need, before there are any.

    Raises `OSError`, `StoreError` or `KeepingError`, each naming the place.
    """
    for directory in (settings.spool.directory, settings.store.database.parent):
        directory.mkdir(0o700, parents=True, exist_ok=True)
    spool_file(settings.spool.directory).close()  # or every large message would find out
    sweep(settings.spool.directory)
    folder = QuarantineFolder(settings.quarantine.directory)
    folder.make({*Maildir, *(one.spam.maildir for one in profiles_of(settings).distinct())})
    folder.sweep()
    if _writes_logs(settings.log):
        settings.log.directory.mkdir(0o750, parents=True, exist_ok=True)
    if settings.archive.matching:
        ArchiveKeeper(settings.archive).make()
    settings.quarantine.release_key.parent.mkdir(0o700, parents=True, exist_ok=True)
    release_key(settings.quarantine.release_key)
    open_database(settings.store.database).dispose()


def _writes_logs(log: LogSettings) -> bool:
    return log.quarantine_log or "mailstats" in log.details or log.queue_log != "no"


def build_gate(settings: Settings, journal: Journal, complain: Callable[[str], None]) -> Gate:
    """All of a worker; call it in the worker's own process, after `prepare_directories`."""
    options = path_options(settings)  # once: those of many profiles take seconds and 100 MB
    scanners = build_scanners(options.profiles)
    engine = open_database(settings.store.database)
    writer = BatchWriter(engine, complain)
    folder = QuarantineFolder(settings.quarantine.directory)
    unpacker = build_unpacker(settings, settings.spool.directory)
    key = release_key(settings.quarantine.release_key)
    examiner = Examiner(options, scanners, unpacker, key, time.monotonic)
    keepers = Keepers(
        QuarantineKeeper(folder, writer, complain),
        StoredRecords(writer, complain),
        StoredErrands(writer, complain),
        ArchiveKeeper(settings.archive) if settings.archive.matching else None,
    )
    performer = Performer(options, keepers)
    moments = Moments(now=time.time, new_id=new_message_id)
    door = QueueDoor(options, examiner, performer, journal, moments)
    return Gate(door, scanners, unpacker, writer, engine)


def new_message_id(now: float) -> str:
    """A new id that sorts by time and says it: `20261122-154500-k3f9q2ab` (UTC)."""
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    bits = secrets.randbits(_BITS_A_LETTER * _ID_RANDOM)
    letters = (bits >> _BITS_A_LETTER * place & 31 for place in range(_ID_RANDOM))
    random = "".join(_ID_ALPHABET[letter] for letter in letters)
    return f"{moment:%Y%m%d-%H%M%S}-{random}"
