"""Where the installed programs are."""

import shutil
import sysconfig
from pathlib import Path

from mailwarden.cli.loading import fail


def queue_client() -> Path:
    """The installed mailwarden-queue: beside this Python's other commands, else on the PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "mailwarden-queue"
    found = beside if beside.exists() else shutil.which("mailwarden-queue")
    if not found:
        raise fail("mailwarden-queue is not installed beside mailwarden, nor on the PATH")
    return Path(found)
