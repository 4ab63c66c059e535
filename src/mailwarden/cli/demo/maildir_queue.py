"""Stands where qmail-queue would in the demo: message and envelope in, a file in a Maildir out.

Run as a program of its own (`python -I -S maildir_queue.py MAILDIR`), with the standard library
only: it is started for each message.
"""

import os
import sys


def main(maildir: str) -> int:
    """Deliver descriptor 0 into `maildir` when the envelope on descriptor 1 is whole."""
    message = _read_all(0)
    envelope = _read_all(1)
    if not envelope.startswith(b"F") or not envelope.endswith(b"\0\0"):
        return 91
    name = f"{os.getpid()}.{os.urandom(6).hex()}"
    temporary = f"{maildir}/tmp/{name}"  # noqa: S108 - the Maildir's own
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - pathlib costs more than all the rest
        file.write(message)
        file.flush()
        os.fsync(descriptor)
    os.rename(temporary, f"{maildir}/new/{name}")  # noqa: PTH104
    return 0


def _read_all(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, 65_536):
        pieces.append(piece)
    return b"".join(pieces)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except OSError:
        sys.exit(53)
