"""RAR archives: listed by rarfile, unpacked by libarchive if it can do all, else by unar.

libarchive ends early in every second archive of the kinds that exist, so what it gives counts only
when it agrees with the list and its checksums.
"""

from collections.abc import Iterator
from dataclasses import replace
from zlib import crc32

from mailwarden.unpack.budget import Meter, OverLimitError
from mailwarden.unpack.formats.archives.first_whole import BROKEN, Attempt, attempt, furthest
from mailwarden.unpack.formats.archives.libarchive_archive import open_with_libarchive
from mailwarden.unpack.formats.archives.rar_listing import RarEntry, RarListing, list_rar
from mailwarden.unpack.formats.archives.unar import Wanted, open_unar, unpack
from mailwarden.unpack.libarchive_border import Way
from mailwarden.unpack.members import Entry, Member, Opened, Trait, UnreadableError

_RAR = Way(("rar", "rar5"))

_SPLIT = "it begins or goes on in another volume"
_NOT_UNPACKED = "neither libarchive nor unar can unpack it"

# The octets of each entry of a list, None where they could not be had.
Contents = list[bytes | None]


def open_rar(octets: bytes, meter: Meter) -> Iterator[Opened]:
    """Open a RAR archive of any version."""
    try:
        listing = list_rar(octets, meter)
    except UnreadableError:
        listing = RarListing()
    yield from listing.traits
    if listing.are_names_encrypted:
        yield Trait.ENCRYPTED
        return
    first = attempt(_open_with_libarchive, octets, meter)
    if isinstance(first.error, OverLimitError):
        yield from first.tell()
    if not listing.is_whole:
        # The other two may see more than the list, but that is not all of it.
        yield from furthest((first, attempt(open_unar, octets, meter))).tell()
        raise UnreadableError(BROKEN)
    contents = _agreeing(listing, first) or _with_unar(listing, octets, meter)
    for entry, content in zip(listing.entries, contents, strict=True):
        yield _member(entry, content)


def _open_with_libarchive(octets: bytes, meter: Meter) -> Iterator[Opened]:
    return open_with_libarchive(octets, meter, _RAR)


def _agreeing(listing: RarListing, first: Attempt) -> Contents | None:
    """What libarchive gave, None where it is not what the list says."""
    found = [item for item in first.found if isinstance(item, Member)]
    if len(found) != len(listing.entries):
        return None
    for entry, member in zip(listing.entries, found, strict=True):
        if entry.is_wanted and not _is_right(entry, member.octets):
            return None
    return [
        member.octets if entry.is_wanted else None
        for entry, member in zip(listing.entries, found, strict=True)
    ]


def _is_right(entry: RarEntry, content: bytes | None) -> bool:
    """Whether a content has the size and checksum of the list, as far as it knows them."""
    return (
        content is not None
        and entry.size_bytes in (None, len(content))
        and entry.checksum in (None, crc32(content))
    )


def _with_unar(listing: RarListing, octets: bytes, meter: Meter) -> Contents:
    """What unar gives; it numbers the headers in the same order."""
    wanted = [
        Wanted(index, entry.size_bytes)
        for index, entry in enumerate(listing.entries)
        if entry.is_wanted and entry.size_bytes is not None
    ]
    contents: Contents = [None] * len(listing.entries)
    meter.start_over()
    for _ in listing.entries:
        meter.count_member()
    for one, content in zip(wanted, unpack(octets, meter, wanted), strict=True):
        if _is_right(listing.entries[one.index], content):
            contents[one.index] = content
    return contents


def _member(entry: RarEntry, content: bytes | None) -> Member:
    if entry.entry is Entry.LINK and content is not None:
        entry, content = replace(entry, link_target=content.decode("utf-8", "replace")), None
    return Member(
        names=tuple(dict.fromkeys(filter(None, (*entry.names, entry.link_target)))),
        octets=content,
        size_bytes=entry.size_bytes,
        entry=entry.entry,
        traits=entry.traits,
        unopened=_reason(entry, content),
    )


def _reason(entry: RarEntry, content: bytes | None) -> str:
    """Why a file has no octets; empty when it has, or needs a password, or is no file."""
    if content is not None or entry.is_encrypted or entry.entry is not Entry.FILE:
        return ""
    return _SPLIT if entry.is_split else _NOT_UNPACKED
