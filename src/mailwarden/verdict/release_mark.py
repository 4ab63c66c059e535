r"""The field that a released message carries, so that it is not caught again for the same reason.

    X-Mailwarden-Released: v=1; id=<id>; t=<seconds>; for=<base64 of a JSON list>; mac=<hex>\n

The MAC (HMAC-SHA-256 with the installation's key) covers id, time, keys and the digest of every
byte after the field, line ends taken as LF: fields that servers put above it do no harm, and
nobody can move the field to another message or forgive more than was forgiven.
A mark counts for as long as a queue may hold the message, not for ever: it stays in the delivered
message, whose reader could send it on.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator

from mailwarden.message.raw import Raw

NAME = b"X-Mailwarden-Released"
# An id is our own, keys are as many as a message has findings; more is not one of our fields.
_VALUE_BYTES = 16_384
_VALUE = re.compile(
    rb"v=1; (id=[A-Za-z0-9.-]{1,80}; t=(\d{1,12}); for=([A-Za-z0-9+/=]{0,16000}));"
    rb" mac=([0-9a-f]{64})"
)
# qmail's queuelifetime (qmail-send(8)), after which a message in the queue is given up.
LIFETIME_SECONDS = 604_800
CHUNK_BYTES = 1_048_576


def make_mark(key: bytes, message_id: str, keys: Iterable[str], raw: Raw, at: float) -> bytes:
    """Return the whole field, with LF, to be put on top of `raw`; `at` is seconds of the epoch."""
    listed = base64.b64encode(json.dumps(sorted(set(keys))).encode("ascii"))
    claims = b"id=%s; t=%d; for=%s" % (message_id.encode("ascii"), at, listed)
    return b"%s: v=1; %s; mac=%s\n" % (NAME, claims, _mac(key, claims, raw, 0))


def read_mark(key: bytes, value: bytes, raw: Raw, after: int, now: float) -> frozenset[str]:
    """Return the forgiven keys of a mark whose field ends at offset `after`.

    Empty when it is forged, or older than `LIFETIME_SECONDS` at `now`.
    """
    match = _VALUE.fullmatch(value.strip()) if len(value) <= _VALUE_BYTES else None
    if not match or now > int(match[2]) + LIFETIME_SECONDS:
        return frozenset()
    claims, _, listed, mac = match.groups()
    if not hmac.compare_digest(_mac(key, claims, raw, after), mac):
        return frozenset()
    try:
        return frozenset(json.loads(base64.b64decode(listed, validate=True)))
    except ValueError:
        return frozenset()


def _mac(key: bytes, claims: bytes, raw: Raw, start: int) -> bytes:
    digest = hashlib.sha256()
    for chunk in _lf_chunks(raw, start):
        digest.update(chunk)
    covered = b"\n".join((claims, digest.hexdigest().encode("ascii")))
    return hmac.new(key, covered, hashlib.sha256).hexdigest().encode("ascii")


def _lf_chunks(raw: Raw, start: int) -> Iterator[bytes]:
    """The bytes from `start` on with CRLF as LF, also where a chunk's end splits the pair."""
    carried = b""
    for position in range(start, len(raw), CHUNK_BYTES):
        chunk = carried + raw[position : position + CHUNK_BYTES]
        carried = b"\r" if chunk.endswith(b"\r") else b""
        yield chunk[: len(chunk) - len(carried)].replace(b"\r\n", b"\n")
    yield carried
