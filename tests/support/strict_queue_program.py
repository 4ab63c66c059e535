#!/usr/bin/python3 -IS
"""A qmail-queue that checks every byte: the program; `strict_queue` installs it and reads back.

It does what qmail-queue does as its caller sees it: the message from descriptor 0 to its end, then
the envelope from descriptor 1, both on disk before it exits with 0, else one of qmail-queue's codes
and nothing in the queue.
It is stricter in two things: an envelope without recipients, or with anything after its last NUL,
is a format error (91).
Nothing is added to the message, so that a test can compare bytes.

    STRICT_QUEUE_DIR         the queue: `tmp/` and `new/`, an entry is a folder `time.pid`
    STRICT_QUEUE_EXIT        read and check everything, queue nothing, exit with this code
    STRICT_QUEUE_DIE_AFTER   die by SIGKILL once this many bytes of the message were read

An entry holds `message`, `envelope`, `environment` (NAME=value, each ended by NUL) and
`descriptors` (what was open at the start, one `number target` a line).
`strict-queue.c` is the same program for benchmarks; one test file holds for both.
Sources: qmail-queue(8) and facts 1.1, 1.2.
"""

import os
import signal
import sys
import time
from typing import NoReturn

# qmail-queue counts to 1003 with the closing NUL.
ADDRESS_BYTES = 1002
CHUNK_BYTES = 65_536
# qmail-queue itself waits a day; a test that hangs is to end.
DEATH_SECONDS = 300

ADDRESS_TOO_LONG = 11
TIMEOUT = 52
WRITE_ERROR = 53
READ_ERROR = 54
QUEUE_DIRECTORY = 62
ENVELOPE_FORMAT = 91

NAMES = ("message", "envelope", "environment", "descriptors")


def main() -> NoReturn:
    """Queue one message and exit as qmail-queue would."""
    signal.signal(signal.SIGALRM, lambda *_: os._exit(TIMEOUT))
    signal.alarm(DEATH_SECONDS)
    descriptors = open_descriptors()
    entry = f"{time.time_ns()}.{os.getpid()}"
    try:
        os.chdir(os.environ.get("STRICT_QUEUE_DIR", ""))
        os.mkdir(f"tmp/{entry}")
        os.chdir(f"tmp/{entry}")
    except OSError:
        sys.exit(QUEUE_DIRECTORY)
    code = receive(descriptors)
    if code == 0 and "STRICT_QUEUE_EXIT" in os.environ:
        code = int(os.environ["STRICT_QUEUE_EXIT"])
    elif code == 0:
        os.rename(f"../../tmp/{entry}", f"../../new/{entry}")
        sys.exit(0)
    remove(entry)
    sys.exit(code)


def open_descriptors() -> bytes:
    """What is open, one `number target` a line; the listing's own descriptor is closed by then."""
    lines = []
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        lines.append(os.fsencode(f"{number} {target}\n"))
    return b"".join(lines)


def receive(descriptors: bytes) -> int:
    """Read and check everything, write it into the current directory; an exit code."""
    if code := receive_message():
        return code
    try:
        envelope = read_to_end(1)
    except OSError:
        return READ_ERROR
    environment = b"".join(name + b"=" + value + b"\0" for name, value in os.environb.items())
    try:
        write_file("envelope", envelope)
        write_file("environment", environment)
        write_file("descriptors", descriptors)
    except OSError:
        return WRITE_ERROR
    return check_envelope(envelope)


def receive_message() -> int:
    """Copy descriptor 0 into the file `message`, synced; an exit code."""
    die_after = int(os.environ.get("STRICT_QUEUE_DIE_AFTER", "-1"))
    size_bytes = 0
    with open("message", "wb", buffering=0) as file:
        while True:
            if 0 <= die_after <= size_bytes:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                chunk = os.read(0, CHUNK_BYTES)
            except OSError:
                return READ_ERROR
            if not chunk:
                break
            size_bytes += len(chunk)
            try:
                write_all(file.fileno(), chunk)
            except OSError:
                return WRITE_ERROR
        try:
            os.fsync(file.fileno())
        except OSError:
            return WRITE_ERROR
    return 0


def read_to_end(descriptor: int) -> bytes:
    """Everything until the other side closes."""
    chunks = []
    while chunk := os.read(descriptor, CHUNK_BYTES):
        chunks.append(chunk)
    return b"".join(chunks)


def write_file(name: str, octets: bytes) -> None:
    """Write a file of the current directory, synced."""
    with open(name, "wb", buffering=0) as file:
        write_all(file.fileno(), octets)
        if name == "envelope":
            os.fsync(file.fileno())


def write_all(descriptor: int, octets: bytes) -> None:
    """Write all of `octets`."""
    rest = memoryview(octets)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def check_envelope(envelope: bytes) -> int:
    """Walk through the envelope as qmail-queue does; an exit code."""
    place = 0
    addresses = 0
    while addresses == 0 or envelope[place : place + 1] != b"\0":
        if place == len(envelope):
            return READ_ERROR
        if envelope[place : place + 1] != (b"T" if addresses else b"F"):
            return ENVELOPE_FORMAT
        end = envelope.find(b"\0", place + 1, place + 1 + ADDRESS_BYTES + 1)
        if end < 0:
            is_cut = len(envelope) <= place + 1 + ADDRESS_BYTES
            return READ_ERROR if is_cut else ADDRESS_TOO_LONG
        place = end + 1
        addresses += 1
    is_whole = place + 1 == len(envelope) and addresses > 1
    return 0 if is_whole else ENVELOPE_FORMAT


def remove(entry: str) -> None:
    """Take back what was written."""
    for name in NAMES:
        try:
            os.unlink(name)
        except FileNotFoundError:
            continue
    os.rmdir(f"../../tmp/{entry}")


if __name__ == "__main__":
    main()
