"""A disk that is full after a few kilobytes: a tmpfs of its own, which needs root."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

_MOUNT_SECONDS = 30


@contextlib.contextmanager
def tiny_disk(size_kilobytes: int = 64) -> Iterator[Path]:
    """A folder on a disk of that size, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mwt", dir="/tmp"))
    try:
        options = f"size={size_kilobytes}k,mode=755"
        mount = ["mount", "-t", "tmpfs", "-o", options, "mailwarden-test", str(folder)]
        subprocess.run(mount, check=True, timeout=_MOUNT_SECONDS)
        try:
            yield folder
        finally:
            # Lazily, so that a descriptor that a failed test left open keeps nothing else busy.
            subprocess.run(["umount", "-l", str(folder)], check=True, timeout=_MOUNT_SECONDS)
    finally:
        folder.rmdir()
