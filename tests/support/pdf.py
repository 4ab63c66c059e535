"""PDFs of our own making, written by hand: no tables, which our reader does not look at."""

import io
import zlib
from collections.abc import Iterable

import pikepdf

HEADER = b"%PDF-1.7\n"


def pdf(*objects: bytes, trailer: bytes = b"<< /Root 1 0 R >>") -> bytes:
    """A document of these objects, numbered from 1."""
    return HEADER + b"".join(numbered(objects)) + b"trailer\n" + trailer + b"\n%%EOF\n"


def numbered(objects: Iterable[bytes]) -> Iterable[bytes]:
    """Objects with their numbers around them."""
    for number, value in enumerate(objects, 1):
        yield b"%d 0 obj\n%s\nendobj\n" % (number, value)


def stream(octets: bytes, entries: bytes = b"", packed: bytes | None = None) -> bytes:
    """A stream object; `packed` is what stands there, by default deflated."""
    if packed is None:
        packed = zlib.compress(octets)
        entries += b" /Filter /FlateDecode"
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(packed), entries, packed)


def object_stream(objects: dict[int, bytes]) -> bytes:
    """An object stream that holds these objects."""
    offsets: list[bytes] = []
    body = b""
    for number, value in objects.items():
        offsets.append(b"%d %d" % (number, len(body)))
        body += value + b" "
    header = b" ".join(offsets) + b"\n"
    entries = b"/Type /ObjStm /N %d /First %d" % (len(objects), len(header))
    return stream(header + body, entries)


def encrypted(user_password: str | None) -> bytes:
    """A document with an embedded file `a.exe` of two octets, encrypted by qpdf unless None."""
    encryption = user_password is not None and pikepdf.Encryption(owner="owner", user=user_password)
    written = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.attachments["a.exe"] = b"MZ"
        document.save(
            written,
            encryption=encryption,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
    return written.getvalue()
