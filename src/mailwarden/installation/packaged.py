"""The files of `packaging/` that are installed on a machine: units, run scripts, samples.

A wheel carries them as `mailwarden/installation/files`; in a checkout they are in `packaging/`.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

SAMPLE = "mailwarden.toml"
# The folders and files of packaging/ that concern a machine; the rest is for building packages.
_BEGINNINGS = ("systemd", "daemontools", "logrotate", "mailwarden.")

# Name below packaging/, as `systemd/mailwarden.service` -> content.
Packaged = Mapping[str, bytes]


def packaged_files() -> Packaged:
    """Every file for a machine, sorted by name."""
    return dict(sorted(_read(_source(), "")))


def _source() -> Traversable:
    carried = files("mailwarden.installation").joinpath("files")
    return carried if carried.is_dir() else Path(__file__).parents[3] / "packaging"


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = prefix + entry.name
        if not name.startswith(_BEGINNINGS):
            continue
        if entry.is_dir():
            yield from _read(entry, f"{name}/")
        else:
            yield name, entry.read_bytes()
