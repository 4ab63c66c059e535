"""The files of an old installation, read and never written.

A folder is looked through for the names that are known, itself and a few folders inside where
installations keep them; everything else in it is left alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mailwarden.migrate.decisions import Loss
from mailwarden.migrate.recognition import named_kind

# The largest known is the program with 150 kB; rules for tens of thousands of hosts have some MB.
FILE_BYTES = 10_000_000
# `--from /var/qmail` finds bin/qmail-scanner-queue.pl and control/simcontrol.
_INSIDE = ("", "bin", "control", "etc")
# A folder with more entries is no place for settings: it is the quarantine or a queue.
_MOST_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file with all that it holds; `path` is absolute."""

    path: Path
    octets: bytes


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read, and what could not be."""

    files: tuple[InputFile, ...]
    losses: tuple[Loss, ...]


def gathered(files: Iterable[Path], folders: Iterable[Path]) -> Gathered:
    """Read these files, and those with known names in these folders; each once."""
    read: list[InputFile] = []
    losses: list[Loss] = []
    found = [*files, *(path for folder in folders for path in _known_in(folder, losses))]
    for path in dict.fromkeys(path.absolute() for path in found):
        try:
            read.append(_read(path))
        except OSError as error:
            losses.append(_unreadable(path, error))
    return Gathered(tuple(read), tuple(losses))


def _known_in(folder: Path, losses: list[Loss]) -> Iterator[Path]:
    for name in _INSIDE:
        try:
            yield from _known_directly_in(folder / name)
        except OSError as error:
            losses.append(_unreadable(folder / name, error))


def _known_directly_in(place: Path) -> list[Path]:
    try:
        entries = tuple(islice(place.iterdir(), _MOST_ENTRIES))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(path for path in entries if named_kind(path.name) and path.is_file())


def _unreadable(path: Path, error: OSError) -> Loss:
    return Loss(str(path), f"cannot be read: {error.strerror or error}")


def _read(path: Path) -> InputFile:
    """Read a regular file; a pipe or device would wait or never end."""
    if not path.exists():
        raise OSError("there is no such file")
    if not path.is_file():
        raise OSError("a regular file was expected")
    with path.open("rb") as file:
        octets = file.read(FILE_BYTES + 1)
    if len(octets) > FILE_BYTES:
        raise OSError(f"larger than {FILE_BYTES:_} bytes")
    return InputFile(path, octets)
