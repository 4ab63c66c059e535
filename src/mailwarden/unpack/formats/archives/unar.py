"""What Debian's `unar` opens: ARJ, and what libarchive leaves of RAR, 7z, LHA and CAB.

`lsar` lists, `unar` unpacks to its standard output: nothing is written anywhere, and members are
asked for by their numbers. The output is one stream without marks, so it is cut by the sizes in the
list; where it is not as long as these say, each member is asked for by itself.
Source: unar(1) and lsar(1) 1.10; the keys of the list are those of XADMaster.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.child_program import INPUT, output_of
from mailwarden.unpack.entry_traits import entry_traits
from mailwarden.unpack.members import Entry, Member, Opened, UnreadableError

# A member's line in the list is about a kilobyte, and lists of solid archives grow by the square.
_MOST_LIST_BYTES = 32_000_000
# Each run takes a twentieth of a second or more, and reads a solid archive from its beginning.
_MOST_SINGLE_RUNS = 20
_LIST = ("lsar", "-json-ascii", "-no-recursion", INPUT)
_TEST = (*_LIST, "-test")
_UNPACK = ("unar", "-quiet", "-no-recursion", "-output-directory", "-", "-indexes", INPUT)

# No file is larger (off_t).
_MOST_NUMBER = 2**63 - 1

# What lsar's test says of what is well, None without a test; unar itself tells nobody that it made
# something up.
_GOOD_TESTS = ("ok", "no_checksum", None)

_NOT_UNPACKED = "unar cannot unpack it"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A member to unpack: its number in unar's list, and the size that it is to have."""

    index: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """A line of lsar's list."""

    index: int
    name: str
    link_target: str
    size_bytes: int
    entry: Entry
    is_encrypted: bool
    is_good: bool

    @property
    def is_wanted(self) -> bool:
        return self.entry is Entry.FILE and not self.is_encrypted


def open_unar(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open whatever unar recognises by content."""
    listing = _listing(octets, meter)
    lines = _lines(listing)
    for _ in lines:
        meter.count_member()
    wanted = [Wanted(line.index, line.size_bytes) for line in lines if line.is_wanted]
    unpacked = iter(unpack(octets, meter, wanted))
    for line in lines:
        yield _member(line, next(unpacked) if line.is_wanted else None)
    if not lines or listing.get("lsarError") or _is_corrupted(listing):
        raise UnreadableError("the archive is broken or ends early")


def unpack(octets: bytes, meter: Meter, wanted: Sequence[Wanted]) -> list[bytes | None]:
    """Unpack members in the order of the archive; None for each that unar could not make whole."""
    sizes = [member.size_bytes for member in wanted]
    stream = _unpacked(octets, meter, [member.index for member in wanted]) if any(sizes) else b""
    if stream is not None and len(stream) == sum(sizes):
        ends = list(accumulate(sizes))
        return [stream[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    return [
        _unpack_one(octets, meter, member) if run < _MOST_SINGLE_RUNS else None
        for run, member in enumerate(wanted)
    ]


def _unpack_one(octets: bytes, meter: Meter, member: Wanted) -> bytes | None:
    content = _unpacked(octets, meter, [member.index])
    return content if content is not None and len(content) == member.size_bytes else None


def _unpacked(octets: bytes, meter: Meter, indexes: list[int]) -> bytes | None:
    """Run unar once; None when it failed."""
    arguments = (*_UNPACK, *map(str, indexes))
    try:
        return meter.collect(output_of(arguments, octets, lambda: meter.count_bytes(0)))
    except UnreadableError:
        return None


def _listing(octets: bytes, meter: Meter) -> dict[str, Any]:  # JSON
    """List with a test of each member; without one where lsar gives up at an encrypted member."""
    try:
        return _read_json(_output(_TEST, octets, meter))
    except UnreadableError:
        return _read_json(_output(_LIST, octets, meter))


def _output(arguments: tuple[str, ...], octets: bytes, meter: Meter) -> bytes:
    """What lsar writes, nothing if it is too long; that it failed, it says there as well."""
    kept = bytearray()
    with suppress(UnreadableError):
        for piece in output_of(arguments, octets, lambda: meter.count_bytes(0)):
            kept += piece
            if len(kept) > _MOST_LIST_BYTES:
                return b""
    return bytes(kept)


def _read_json(octets: bytes) -> dict[str, Any]:  # JSON
    """The list as lsar writes it; raises `UnreadableError`."""
    try:
        listing = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("lsar could not list it") from error
    if not isinstance(listing, dict):
        raise UnreadableError("lsar could not list it")
    return listing


def _lines(listing: dict[str, Any]) -> list[_Listed]:  # JSON
    contents = listing.get("lsarContents")
    if not isinstance(contents, list):
        return []
    lines = [line for line in contents if isinstance(line, dict)]
    return [_listed(line, place) for place, line in enumerate(lines)]


def _listed(line: dict[str, Any], place: int) -> _Listed:  # JSON
    entry = _entry(line)
    name, target = _text(line.get("XADFileName")), _text(line.get("XADLinkDestination"))
    if entry is Entry.LINK and not target:
        # LHA for Unix stores `name|target` as the name (LHA header, method -lhd-).
        name, _, target = name.partition("|")
    return _Listed(
        index=_number(line.get("XADIndex", place)),
        name=name,
        link_target=target,
        size_bytes=_number(line.get("XADFileSize")),
        entry=entry,
        is_encrypted=bool(line.get("XADIsEncrypted")),
        is_good=line.get("lsarTestResult") in _GOOD_TESTS,
    )


def _text(value: object) -> str:
    """A text that any charset can carry: JSON may hold halves of surrogate pairs."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def _number(value: object) -> int:
    """A size or an index; a negative one would be an option to unar."""
    return value if isinstance(value, int) and 0 <= value <= _MOST_NUMBER else 0


def _entry(line: dict[str, Any]) -> Entry:  # JSON
    if line.get("XADIsLink"):
        return Entry.LINK
    if line.get("XADIsDirectory"):
        return Entry.FOLDER
    if line.get("XADIsCharacterDevice") or line.get("XADIsBlockDevice") or line.get("XADIsFIFO"):
        return Entry.DEVICE
    return Entry.FILE


def _is_corrupted(listing: dict[str, Any]) -> bool:  # JSON
    properties = listing.get("lsarProperties")
    return isinstance(properties, dict) and bool(properties.get("XADIsCorrupted"))


def _member(line: _Listed, content: bytes | None) -> Member:
    return Member(
        names=tuple(filter(None, (line.name, line.link_target))),
        octets=content,
        size_bytes=line.size_bytes,
        entry=line.entry,
        traits=entry_traits(
            line.entry, (line.name,), (line.link_target,), is_encrypted=line.is_encrypted
        ),
        unopened=_NOT_UNPACKED if line.is_wanted and (content is None or not line.is_good) else "",
    )
