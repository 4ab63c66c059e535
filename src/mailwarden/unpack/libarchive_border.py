"""The border to the native library libarchive: one archive in memory, read entry by entry.

Nothing is written, and only the formats and filters that are asked for are switched on: among the
others are some that open files by name (mtree) or start programs. What libarchive calls failed or
fatal is a `LibarchiveError`; its warnings are about times, owners and the like.
Source: archive_read(3), archive_read_data(3), archive_entry_paths(3) of libarchive 3.6.
"""

import ctypes
import locale
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from mailwarden.unpack.members import UnsupportedError

_OK = 0  # ARCHIVE_OK
_END = 1  # ARCHIVE_EOF
_WARN = -20  # ARCHIVE_WARN
_FATAL = -30  # ARCHIVE_FATAL
# What archive_read_has_encrypted_entries(3) answers for "yes"; negative is "cannot say".
_HAS_ENCRYPTED = 1


@dataclass(frozen=True, slots=True)
class Way:
    """What libarchive may try: its names of formats and filters, and its options."""

    formats: tuple[str, ...]
    filters: tuple[str, ...] = ()
    options: bytes = b""
    may_be_nameless: bool = False  # members need no names in this format


class LibarchiveError(Exception):
    """Reading failed; the text is the library's and may quote names: it goes nowhere."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.is_fatal = code == _FATAL
        # The library has one error number for everything; only its words tell these apart.
        self.is_unsupported = any(
            words in text.lower() for words in ("unsupported", "not supported", "unknown codec")
        )


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """The header of one entry, as octets; `name` and `size_bytes` are None when it has none.

    `mode` is the type as in stat(2), 0 when the format does not say.
    """

    name: bytes | None
    link_target: bytes | None
    size_bytes: int | None
    mode: int
    is_encrypted: bool


class Reading:
    """One pass over an archive: its entries in order, and for each the blocks of its content."""

    def __init__(self, archive: int, entry: int) -> None:
        self._archive = archive
        self._entry = entry

    @property
    def has_encrypted_entries(self) -> bool:
        """Whether anything seen so far, the list of entries included, needs a password."""
        return bool(_library().read_has_encrypted_entries(self._archive) == _HAS_ENCRYPTED)

    @property
    def has_filters(self) -> bool:
        """Whether one of the filters was recognised; one that passes everything always is."""
        return bool(_library().filter_count(self._archive) > 1)

    def entries(self) -> Iterator[ArchiveEntry]:
        """Go through the entries; raises `LibarchiveError`, after which there are no more."""
        library = _library()
        while _call(library.read_next_header2, self._archive, self._entry) != _END:
            yield _entry(library, self._entry)

    def blocks(self) -> Iterator[tuple[int, memoryview]]:
        """Content of the entry at hand: where each block begins, and the block, to copy at once.

        Raises `LibarchiveError`, also for a warning without octets: some formats give it forever
        where the octets end early. A hole shows as a block that begins after the last one's end.
        """
        read_block = _library().read_data_block
        place, length, offset = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_longlong()
        while (code := _call(read_block, self._archive, place, length, offset)) != _END:
            if place.value is None or not length.value:
                if code == _WARN:
                    raise LibarchiveError(code, str(_library().error_string(self._archive)))
                yield offset.value, memoryview(b"")
                continue
            block = (ctypes.c_char * length.value).from_address(place.value)
            yield offset.value, memoryview(block)


@contextmanager
def reading(octets: bytes, way: Way) -> Iterator[Reading]:
    """Begin to read; raises `UnsupportedError` without the library, `LibarchiveError`."""
    library = _library()
    archive, entry = library.read_new(), library.entry_new()
    try:
        for name in way.filters:
            _switch_on(library.get_read_filter_function(name), archive)
        for name in way.formats:
            _switch_on(library.get_read_format_function(name), archive)
        if way.options:
            _call(library.read_set_options, archive, way.options)
        _call(library.read_open_memory, archive, _address(octets), len(octets))
        yield Reading(archive, entry)
    finally:
        library.entry_free(entry)
        with suppress(LibarchiveError):
            _call(library.read_free, archive)


@cache
def _library() -> ModuleType:
    """Load libarchive and declare what libarchive-c leaves out; raises `UnsupportedError`."""
    try:
        # With no libarchive13 on this machine, the import itself fails, in one of these ways.
        from libarchive import ffi  # type: ignore[import-untyped]  # it ships no types
    except (ImportError, OSError, AttributeError) as error:
        raise UnsupportedError("the library libarchive is not installed") from error
    pointer, number = ctypes.c_void_p, ctypes.c_int
    ffi.ffi("entry_is_encrypted", [pointer], number)
    ffi.ffi("read_has_encrypted_entries", [pointer], number)
    ffi.ffi("read_set_options", [pointer, ctypes.c_char_p], number, ffi.check_int)
    # Its warnings quote names from the archive.
    logging.getLogger("libarchive").disabled = True
    # libarchive turns UTF-16 names into those of the locale, and gives them up in any but UTF-8.
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error as error:
        raise UnsupportedError("the locale C.UTF-8, which libarchive needs, is missing") from error
    library: ModuleType = ffi
    return library


def _switch_on(function: Callable[[int], int], archive: int) -> None:
    """Allow a format or filter; a warning says that the library would start a program for it."""
    if _call(function, archive) != _OK:
        raise UnsupportedError("libarchive was built without this format")


def _call(function: Callable[..., int], *arguments: object) -> int:
    """Call the library; raises `LibarchiveError`."""
    from libarchive.exception import ArchiveError  # type: ignore[import-untyped]  # no types

    try:
        return int(function(*arguments))
    except ArchiveError as error:
        raise LibarchiveError(error.retcode or _FATAL, str(error.msg)) from error


def _address(octets: bytes) -> ctypes.c_void_p:
    """Where octets lie; whoever reads there keeps them alive."""
    return ctypes.cast(ctypes.c_char_p(octets), ctypes.c_void_p)


def _entry(library: ModuleType, entry: int) -> ArchiveEntry:
    return ArchiveEntry(
        name=library.entry_pathname(entry),
        link_target=library.entry_symlink(entry) or library.entry_hardlink(entry),
        size_bytes=library.entry_size(entry) if library.entry_size_is_set(entry) else None,
        mode=library.entry_filetype(entry),
        is_encrypted=bool(library.entry_is_encrypted(entry)),
    )


# The nursery loads this module once and forks; to look for the library takes a program, which a
# child would have to start each time.
with suppress(UnsupportedError):
    _library()
