"""The list of what a RAR archive holds, as its headers say; nothing is unpacked.

The library `rarfile` reads the headers of RAR 1.5 to 5. Every file's header counts here, also those
that it leaves out of its own list: old versions, and files that began in another volume.
"""

import io
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Protocol

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.entry_traits import entry_traits
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import Entry, Trait, UnreadableError, UnsupportedError

# RAR 5: the size was not known when the header was written (RAR 5.0 technote, "File header").
_SIZE_UNKNOWN = 0x0008
# A block that holds a second stream of the file before it, on NTFS.
_STREAM = "STM"
# What names of RAR 1.5 to 3 may be in that are not Unicode.
_CODE_PAGE = "cp437"


class _Header(Protocol):
    """What rarfile tells of a header, with None for what headers of its kind do not have."""

    type: int
    flags: int
    filename: str | None
    orig_filename: bytes | None
    file_size: int
    CRC: int | None
    file_redir: tuple[int, int, str] | None

    def needs_password(self) -> bool: ...
    def is_symlink(self) -> bool: ...
    def is_dir(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class RarEntry:
    """One header of a file, folder or link.

    `checksum` is the CRC-32 of what comes out, None when the archive has none. `is_split` says that
    it begins or goes on in another volume.
    """

    names: tuple[str, ...]
    link_target: str
    entry: Entry
    size_bytes: int | None
    checksum: int | None
    is_encrypted: bool
    is_split: bool

    @property
    def traits(self) -> tuple[Trait, ...]:
        """What its header says to rules."""
        targets = (self.link_target,) if self.link_target else ()
        return entry_traits(self.entry, self.names, targets, is_encrypted=self.is_encrypted)

    @property
    def is_wanted(self) -> bool:
        """Whether its octets can be had at all; those of a link of RAR 3 are where it leads."""
        has_octets = self.entry is Entry.FILE or (self.entry is Entry.LINK and not self.link_target)
        return has_octets and not self.is_encrypted and not self.is_split


@dataclass(slots=True)
class RarListing:
    """All headers in order, traits of the archive, and whether the list came to its proper end."""

    entries: list[RarEntry] = field(default_factory=list)
    traits: list[Trait] = field(default_factory=list)
    is_whole: bool = False
    are_names_encrypted: bool = False


def list_rar(octets: bytes, meter: Meter) -> RarListing:
    """List a RAR archive, counting members; raises `UnreadableError` when it cannot be begun."""
    rarfile = _library()
    reading = _Reading(rarfile, meter)
    try:
        archive = rarfile.RarFile(
            io.BytesIO(octets), info_callback=reading.take, crc_check=False, part_only=True
        )
    except _errors(rarfile) as error:
        if not reading.listing.entries:
            raise UnreadableError("its headers are broken") from error
        return reading.listing
    listing = reading.listing
    listing.is_whole = archive.strerror() is None and (reading.has_end or reading.may_lack_end)
    listing.are_names_encrypted = bool(archive.needs_password()) and not listing.entries
    return listing


@dataclass(slots=True)
class _Reading:
    """What the library's callback gathers; `OverLimitError` passes through the library."""

    rarfile: ModuleType
    meter: Meter
    listing: RarListing = field(default_factory=RarListing)
    has_end: bool = False
    may_lack_end: bool = True  # RAR up to 3: then the last octet was read as a header

    def take(self, header: _Header) -> None:
        """Take one header of any kind."""
        rarfile = self.rarfile
        self.meter.count_bytes(0)
        self.may_lack_end = isinstance(header, rarfile.Rar3Info)
        if header.type == rarfile.RAR_BLOCK_FILE:
            self.meter.count_member()
            self.listing.entries.append(_entry(rarfile, header))
        elif header.type == rarfile.RAR_BLOCK_MAIN and header.flags & rarfile.RAR_MAIN_VOLUME:
            self.listing.traits.append(Trait.VOLUME)
        elif header.type == rarfile.RAR_BLOCK_SUB and header.filename == _STREAM:
            self.listing.traits.append(Trait.HIDDEN_DATA)
        elif header.type == rarfile.RAR_BLOCK_ENDARC:
            self.has_end = True


@cache
def _library() -> ModuleType:
    try:
        import rarfile  # type: ignore[import-untyped]  # it ships no types
    except ImportError as error:
        raise UnsupportedError("the library rarfile is not installed") from error
    # For a packed comment it would start a program, with the comment in a file; so none is read.
    rarfile.RAR_MAX_COMMENT = -1
    library: ModuleType = rarfile
    return library


def _errors(rarfile: ModuleType) -> tuple[type[Exception], ...]:
    """What the library raises on hostile bytes, its own errors and those of offsets that lie."""
    return (
        rarfile.Error,
        ValueError,
        LookupError,
        ArithmeticError,
        TypeError,
        OSError,
        struct.error,
    )


def _entry(rarfile: ModuleType, header: _Header) -> RarEntry:
    flags = header.flags
    redirection = header.file_redir
    is_size_known = not (getattr(header, "file_flags", 0) & _SIZE_UNKNOWN)
    return RarEntry(
        names=_names(header),
        link_target=_text(redirection[2]) if redirection else "",
        entry=_kind(header),
        size_bytes=header.file_size if is_size_known else None,
        checksum=header.CRC,
        is_encrypted=bool(header.needs_password()),
        is_split=bool(flags & (rarfile.RAR_FILE_SPLIT_BEFORE | rarfile.RAR_FILE_SPLIT_AFTER)),
    )


def _names(header: _Header) -> tuple[str, ...]:
    stored = name_readings(header.orig_filename or b"", _CODE_PAGE)
    return tuple(dict.fromkeys(filter(None, (_text(header.filename or ""), *stored))))


def _kind(header: _Header) -> Entry:
    if header.is_symlink() or header.file_redir:
        return Entry.LINK
    return Entry.FOLDER if header.is_dir() else Entry.FILE


def _text(name: str) -> str:
    """A text that any charset can carry: RAR 3 may store halves of surrogate pairs."""
    return name.encode("utf-8", "replace").decode("utf-8")


# The nursery loads this module once, its children only fork it: importing takes a while.
with suppress(UnsupportedError):
    _library()
