"""What hides in a message is found through the whole gate: client, daemon, helpers, clamd.

clamd here takes nothing apart itself; the marker is harmless text that it calls a virus.
"""

import base64
import binascii
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator

import pytest

from support import samples
from support.clamd import MARKER, running_clamd
from support.gate import Gate, gate

ENVELOPE = b"Fann@sender.example\0Tbob@recipient.example\0\0"
TOP = b"From: ann@sender.example\nSubject: files\nMIME-Version: 1.0\n"
BODY = base64.encodebytes(MARKER)


@pytest.fixture(scope="module")
def running() -> Iterator[Gate]:
    with (
        running_clamd(ScanArchive="no", ScanMail="no") as clamd,
        gate(["clamd"], {"clamd": {"addresses": [clamd.address]}}) as started,
    ):
        yield started


@pytest.fixture(autouse=True)
def _empty(running: Gate) -> None:
    running.clear()


def tarred(name: str, octets: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(octets)
        archive.addfile(entry, io.BytesIO(octets))
    return buffer.getvalue()


def uuencoded(octets: bytes) -> bytes:
    lines = (binascii.b2a_uu(octets[at : at + 45]) for at in range(0, len(octets), 45))
    return b"begin 644 notes.txt\n" + b"".join(lines) + b"`\nend\n"


NESTED = samples.zip_archive(
    {"a.tar.gz": gzip.compress(tarred("b.xz", lzma.compress(samples.zip_archive({"c": MARKER}))))}
)
HIDDEN = {
    "four archives deep": samples.with_attachment(b"a.zip", NESTED),
    "a mail in an archive": samples.with_attachment(
        b"a.zip",
        samples.zip_archive({"m.eml": samples.with_attachment(b"notes.txt", MARKER)}),
    ),
    "uuencoded text in an archive": samples.with_attachment(
        b"a.zip", samples.zip_archive({"notes": uuencoded(MARKER)})
    ),
    "an attached message that is encoded as a whole": TOP
    + b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
    + base64.encodebytes(samples.with_attachment(b"notes.txt", MARKER)),
    "the second boundary": TOP
    + b"Content-Type: multipart/mixed; boundary=b; boundary=c\n\n"
    + b"--b\nContent-Type: text/plain\n\none\n--b--\n"
    + b"--c\nContent-Type: text/plain; name=notes.txt\n"
    + b"Content-Transfer-Encoding: base64\n\n"
    + BODY
    + b"--c--\n",
    "a bare CR in the header": TOP
    + b"X-A: b\rContent-Type: application/octet-stream; name=notes\r"
    + b"Content-Transfer-Encoding: base64\n\n"
    + BODY,
    "an encoding with a comment": TOP
    + b"Content-Type: application/octet-stream; name=notes\n"
    + b"Content-Transfer-Encoding: (x)base64\n\n"
    + BODY,
}


@pytest.mark.parametrize("raw", HIDDEN.values(), ids=HIDDEN)
def test_hidden_content_is_found_and_kept(running: Gate, raw: bytes) -> None:
    assert running.run(raw, ENVELOPE) == 0
    assert running.quarantined("viruses") == [raw], running.log()
    assert running.queue.is_empty()


def test_an_honest_archive_passes(running: Gate) -> None:
    raw = samples.with_attachment(b"a.zip", samples.zip_archive({"one.txt": b"hello"}))
    assert running.run(raw, ENVELOPE) == 0
    assert not running.queue.is_empty()
    assert running.is_quarantine_empty()
