"""Archives that libarchive opens: cpio, ar and xar here, others in files of their own.

Each opener lets libarchive try that one format only. Entries are read block by block under the
meter; nothing is extracted to a disk.
"""

import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.entry_traits import entry_traits
from mailwarden.unpack.formats.archives.first_whole import BROKEN, METHOD
from mailwarden.unpack.libarchive_border import (
    ArchiveEntry,
    LibarchiveError,
    Reading,
    Way,
    reading,
)
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import (
    Entry,
    Member,
    Opened,
    Trait,
    UnreadableError,
    UnsupportedError,
)

# What names may be in that are not UTF-8, where the format does not say; endings are ASCII in each.
_CODE_PAGES = ("cp437", "latin-1")

_AFTER_BROKEN = "what comes before it is broken"
_NAMELESS = "its name cannot be read"

_ENTRY_OF_MODE = {
    0: Entry.FILE,  # formats need not say
    stat.S_IFREG: Entry.FILE,
    stat.S_IFDIR: Entry.FOLDER,
    stat.S_IFLNK: Entry.LINK,
}


_CPIO = Way(("cpio",))
_AR = Way(("ar",))
_XAR = Way(("xar",))


def open_cpio(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a cpio archive of any of its four kinds."""
    return open_with_libarchive(octets, meter, _CPIO)


def open_ar(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open an ar archive, which Debian packages are as well."""
    return open_with_libarchive(octets, meter, _AR)


def open_xar(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a xar archive."""
    return open_with_libarchive(octets, meter, _XAR)


def open_with_libarchive(octets: bytes, meter: Meter, way: Way) -> Iterator[Opened]:
    """Open an archive as the formats of `way`; an archive without any member is unreadable."""
    passed = 0
    try:
        with reading(octets, way) as archive:
            try:
                for entry in archive.entries():
                    meter.count_member()
                    passed += 1
                    yield from _member(archive, entry, meter, way)
            except LibarchiveError:
                if not passed and archive.has_encrypted_entries:
                    yield Trait.ENCRYPTED
                    return
                raise
    except LibarchiveError as error:
        yield from _rest(octets, meter, way, passed)
        raise _told(error) from error
    if not passed:
        raise UnreadableError("no member was found")


def _member(archive: Reading, entry: ArchiveEntry, meter: Meter, way: Way) -> Iterator[Member]:
    """Give an entry with its content; raises `LibarchiveError` after it when nothing can follow."""
    content, error = (
        (b"", None) if entry.is_encrypted or _is_folder(entry) else _content(archive, meter)
    )
    member = _with_content(entry, content, error)
    is_lost = entry.name is None and not way.may_be_nameless
    yield replace(member, unopened=member.unopened or (_NAMELESS if is_lost else ""))
    if error and error.is_fatal:
        raise error


def _content(archive: Reading, meter: Meter) -> tuple[bytes, LibarchiveError | None]:
    """Read one entry's content, holes as zeros; what came out until an error, and the error."""
    kept = bytearray()
    try:
        for offset, block in archive.blocks():
            hole = max(offset - len(kept), 0)
            meter.count_bytes(hole + len(block))
            kept += bytes(hole)
            kept += block
    except LibarchiveError as error:
        return bytes(kept), error
    return bytes(kept), None


def _with_content(entry: ArchiveEntry, content: bytes, error: LibarchiveError | None) -> Member:
    member = _without_content(entry)
    if member.entry is not Entry.FILE and not content:
        return replace(member, unopened=reason(error))
    if entry.is_encrypted:
        return member
    is_short = member.entry is Entry.FILE and len(content) < (entry.size_bytes or 0)
    return replace(
        member,
        octets=content if content or not error else None,
        unopened=reason(error) or (BROKEN if is_short else ""),
    )


def _without_content(entry: ArchiveEntry, unopened: str = "") -> Member:
    names, targets = _names(entry.name), _names(entry.link_target)
    kind = Entry.LINK if entry.link_target else _ENTRY_OF_MODE.get(entry.mode, Entry.DEVICE)
    return Member(
        names=tuple(dict.fromkeys((*names, *targets))),
        octets=None,
        size_bytes=entry.size_bytes,
        entry=kind,
        traits=entry_traits(kind, names, targets, is_encrypted=entry.is_encrypted),
        unopened=unopened,
    )


def _names(stored: bytes | None) -> tuple[str, ...]:
    readings = (name for page in _CODE_PAGES for name in name_readings(stored or b"", page))
    return tuple(dict.fromkeys(filter(None, readings)))


def _is_folder(entry: ArchiveEntry) -> bool:
    return entry.mode == stat.S_IFDIR


def _rest(octets: bytes, meter: Meter, way: Way, passed: int) -> Iterator[Member]:
    """List by name what comes after a member that broke the reading, as far as it goes."""
    with suppress(LibarchiveError), reading(octets, way) as archive:
        for place, entry in enumerate(archive.entries()):
            if place >= passed:
                meter.count_member()
                yield _without_content(entry, "" if entry.is_encrypted else _AFTER_BROKEN)


def reason(error: LibarchiveError | None) -> str:
    """Why a member is not all there; empty when nothing is wrong."""
    if error is None:
        return ""
    return METHOD if error.is_unsupported else BROKEN


def _told(error: LibarchiveError) -> UnreadableError | UnsupportedError:
    return UnsupportedError(METHOD) if error.is_unsupported else UnreadableError(BROKEN)
