"""What must hold for whatever an old installation's files and logs hold."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path, PurePosixPath

from mailwarden.migrate.gathering import InputFile
from mailwarden.migrate.importing import imported
from mailwarden.reports.sources import LogSource
from mailwarden.settings.load import read_text
from mailwarden.settings.per_domain_files import FileKind, read_per_domain_file

# 22 November 2026; a year that lines without one are of.
_NOW = 1_795_000_000.0
_NAMES = (
    "qmail-scanner-queue.pl",
    "qs_config.sh",
    "tcp.smtp",
    "simcontrol",
    "ssattach",
    "qmailscannerdomains",
)


def imports(octets: bytes) -> None:
    """Whatever an old file holds, what is written of it is a settings file."""
    for name in _NAMES:
        file = InputFile(Path("/old") / name, octets)
        read_text(imported([file], [], PurePosixPath("/q/mailwarden-queue")).settings, "imported")


def per_domain_files(octets: bytes) -> None:
    """A per-domain file gives profiles and mistakes, never an error, each with its line."""
    with _file(octets) as path:
        for kind in FileKind:
            read = read_per_domain_file(path, kind)
            last = octets.count(b"\n") + 1
            assert all(0 <= mistake.line <= last for mistake in read.mistakes)
            assert all(profile.match for profile in read.profiles)


def logs(octets: bytes) -> None:
    """Lines of any log give events whose texts can be shown on any terminal."""
    with _file(octets) as path:
        source = LogSource(str(path), _NOW, UTC)
        for event in source.events():
            texts = (event.name, event.sender or "", *event.recipients, *event.found_by)
            assert all(text.isprintable() for text in texts)
        assert source.summary.events <= source.summary.lines


@contextmanager
def _file(octets: bytes) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(octets)
        file.flush()
        yield Path(file.name)
