"""Files embedded in documents by OLE: the `Ole10Native` stream and the older object headers.

The Packager's format is documented nowhere; what is read here is what every Office since 1997
writes. The headers are those of [MS-OLEDS] 2.2.4 and 2.2.5; RTF carries them as hexadecimal.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.members import Entry, Member, Opened, Trait, UnreadableError

_LINKED = 1  # FormatID, [MS-OLEDS] 2.2.4
_EMBEDDED = 2
_PACKAGE_CLASS = b"package"
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKAGE = 2  # the first word
_PACKED_LINK = 1  # where a packed file has 3
# Windows paths end at 32,767 characters; shorter is what the Packager itself writes.
_MOST_NAME_BYTES = 32_767


@dataclass(frozen=True, slots=True)
class Package:
    """A packed file: every name that is stored with it, and its octets; None for a mere link."""

    names: tuple[str, ...]
    octets: bytes | None


def open_native(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open an `Ole10Native` stream: a length, then a package or whatever the program keeps."""
    yield Trait.EMBEDDED_OBJECT
    yield from _native_member(octets[4:], "Ole10Native", meter)


def open_object(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open an object with its header ([MS-OLEDS] 2.2.5).

    Without one, all octets are a member: from where a compound file begins in them, if one does.
    """
    try:
        kind, class_name, native = _header(octets)
    except UnreadableError:
        yield Trait.EMBEDDED_OBJECT
        yield _member(("object",), octets[max(octets.find(_COMPOUND_FILE), 0) :], meter)
        return
    if kind == _LINKED:
        yield Trait.EXTERNAL_LINK
        return
    yield Trait.EMBEDDED_OBJECT
    if class_name.lower() == _PACKAGE_CLASS:
        yield from _native_member(native, "Package", meter)
    else:
        yield _member((class_name.decode("latin-1") or "object",), native, meter)


def package(octets: bytes) -> Package:
    """Read what the Packager keeps; raises `UnreadableError`.

    Two bytes of 2; label and path, each ending in NUL; two bytes, and two that tell a file from a
    link; of a file a counted second path, the counted octets, and from newer writers the names
    once more in UTF-16.
    """
    reader = _Reader(octets)
    if reader.word() != _PACKAGE:
        raise UnreadableError("not the Packager's format")
    names = [reader.text(), reader.text()]
    reader.skip(2)
    if reader.word() == _PACKED_LINK:
        return Package(_texts(names), None)
    names.append(reader.counted().rstrip(b"\0"))
    content = reader.counted()
    path, *others = (*_wide_names(reader), "")
    wide = (*others, path)
    return Package(tuple(dict.fromkeys(filter(None, (*wide, *_texts(names))))), content)


def _texts(names: list[bytes]) -> tuple[str, ...]:
    """Names in the packer's code page, which nothing tells."""
    return tuple(dict.fromkeys(name.decode("cp1252", "replace") for name in names if name))


def _native_member(octets: bytes, name: str, meter: Meter) -> Iterator[Opened]:
    try:
        packed = package(octets)
    except UnreadableError:
        yield _member((name,), octets, meter)
        return
    if packed.octets is None:
        meter.count_member()
        yield Trait.EXTERNAL_LINK
        yield Member(packed.names, None, entry=Entry.LINK)
        return
    yield _member(packed.names or (name,), packed.octets, meter)


def _member(names: tuple[str, ...], octets: bytes, meter: Meter) -> Member:
    meter.count_member()
    meter.count_bytes(len(octets))
    return Member(names, octets)


def _header(octets: bytes) -> tuple[int, bytes, bytes]:
    """Kind, class name and native octets; raises `UnreadableError`."""
    reader = _Reader(octets)
    reader.skip(4)
    kind = reader.length()
    if kind not in (_LINKED, _EMBEDDED):
        raise UnreadableError("neither a linked nor an embedded object")
    class_name = reader.counted().rstrip(b"\0")
    reader.counted()
    reader.counted()
    return kind, class_name, reader.rest_as_counted() if kind == _EMBEDDED else b""


def _wide_names(reader: "_Reader") -> Iterator[str]:
    """The names in UTF-16, each with its count of characters; most writers have none."""
    for _ in range(3):
        try:
            name = reader.taken(2 * reader.length())
        except UnreadableError:
            return
        yield name.decode("utf-16-le", "replace").rstrip("\0")


class _Reader:
    """Takes numbers and texts off octets; each step raises `UnreadableError` at their end."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._position = 0

    def taken(self, count: int) -> bytes:
        end = self._position + count
        if end > len(self._octets):
            raise UnreadableError("an embedded object that ends early")
        taken = self._octets[self._position : end]
        self._position = end
        return taken

    def skip(self, count: int) -> None:
        self.taken(count)

    def word(self) -> int:
        return int.from_bytes(self.taken(2), "little")

    def length(self) -> int:
        (length,) = struct.unpack("<I", self.taken(4))
        return int(length)

    def counted(self) -> bytes:
        return self.taken(self.length())

    def rest_as_counted(self) -> bytes:
        """What is counted, or what is left of it: Office opens objects that were cut short."""
        length = self.length()
        return self._octets[self._position : self._position + length]

    def text(self) -> bytes:
        end = self._octets.find(b"\0", self._position, self._position + _MOST_NAME_BYTES)
        if end < 0:
            raise UnreadableError("a name in an embedded object without end")
        text = self._octets[self._position : end]
        self._position = end + 1
        return text
