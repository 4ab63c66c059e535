"""What must hold for any container: one function of bytes for each invariant."""

import time
from collections.abc import Callable

from mailwarden.sandbox.messages import Outcome, decode_outcome, encode
from mailwarden.unpack.budget import OverLimitError, UnpackLimits
from mailwarden.unpack.contents import Span
from mailwarden.unpack.file_types import file_type, formats_of, is_certain
from mailwarden.unpack.members import Opener
from mailwarden.unpack.openers import FORMATS
from mailwarden.unpack.walk import Job, unpack_payload
from support.opening import opened

# Small, so that a fuzzer reaches each of them.
LIMITS = UnpackLimits(bytes_produced=2_000_000, files=50, depth=3, ratio=100, seconds=5.0)
_JOB = Job("1", (), "", LIMITS, keeps_archives=True)
_MEDIA_TYPES = ("", "application/zip", "message/rfc822", "text/plain")
# One sentence part of ours: it never quotes the container.
_MOST_REASON_CHARACTERS = 100
# No format has room for more, and readers of JSON need not take it.
_MOST_SIZE_BYTES = 2**64 - 1


def opens(opener: Opener) -> Callable[[bytes], None]:
    """The invariant of one opener."""

    def check(octets: bytes) -> None:
        """Any octets give members, traits or a named error, and never more than may be spent."""
        outcome = opened(opener, octets, LIMITS)
        assert sum(len(member.octets or b"") for member in outcome.members) <= LIMITS.bytes_produced
        assert len(outcome.members) <= LIMITS.files
        for member in outcome.members:
            assert 0 <= (member.size_bytes or 0) <= _MOST_SIZE_BYTES
            _check_reason(member.unopened)
        if outcome.error is not None and not isinstance(outcome.error, OverLimitError):
            _check_reason(str(outcome.error))

    return check


def _check_reason(text: str) -> None:
    assert text.isascii()
    assert not text or text.isprintable()
    assert len(text) <= _MOST_REASON_CHARACTERS


def file_types(octets: bytes) -> None:
    """Any octets under any name have a type or none, and formats that each come once."""
    name, _, content = octets.partition(b"\n")
    names = (name.decode("latin-1"), name.decode("utf-8", "replace"))
    for each in (octets, content):
        assert isinstance(file_type(each), str)
        for media_type in _MEDIA_TYPES:
            formats = formats_of(each, names, media_type)
            assert len(set(formats)) == len(formats)
            assert all(is_certain(format_, each, names) in {True, False} for format_ in formats)


def walk(octets: bytes) -> None:
    """A payload is taken apart within its budget, and what was found can be told in full."""
    kept = bytearray()

    def keep(content: bytes) -> Span:
        start = len(kept)
        kept.extend(content)
        return Span(start, len(kept))

    contents = unpack_payload(octets, _JOB, FORMATS, time.monotonic, keep)
    assert len(kept) <= LIMITS.bytes_produced
    # The payload itself is an item, and is none that was unpacked.
    assert len(contents.items) <= LIMITS.files + 1
    assert max(item.depth for item in contents.items) <= LIMITS.depth + 1
    for unopened in contents.unopened:
        _check_reason(unopened.detail)
    told = decode_outcome(encode(Outcome(contents)), len(kept)).contents
    assert told is not None
    assert [item.extracted for item in told.items] == [item.extracted for item in contents.items]
