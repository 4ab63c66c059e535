"""The members of a zip archive, listed from its central directory, nothing extracted.

Only the standard library's `zipfile` reads the format; this file holds its exceptions and its
hunger for memory in check. Source: APPNOTE.TXT 6.3.10, sections 4.3.12 and 4.4.4.
"""

import io
import struct
import zipfile
from dataclasses import dataclass

_MEMBER = b"PK\x03\x04"
# A member, an empty archive, the mark of a split one (APPNOTE 4.3.7, 4.3.16, 8.5.3).
SIGNATURES = (_MEMBER, b"PK\x05\x06", b"PK\x07\x08")

_DIRECTORY_ENTRY = b"PK\x01\x02"
# Bit 0: encrypted, 6: strongly encrypted, 13: the directory's own values are masked.
_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13

# What `zipfile` is known to raise on bytes that are no zip: NotImplementedError for versions it
# does not know, ValueError also for names that are not the UTF-8 they say, the others for offsets
# and sizes that lie.
_ZIPFILE_ERRORS = (
    zipfile.BadZipFile,
    NotImplementedError,
    ValueError,
    OverflowError,
    IndexError,
    EOFError,
    OSError,
    struct.error,
)


class UnreadableError(Exception):
    """The bytes are no zip archive, or a broken one."""


class TooManyMembersError(Exception):
    """The archive may have more members than are listed."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file in an archive: every candidate name, its announced size, whether it is encrypted."""

    names: tuple[str, ...]
    size_bytes: int
    is_encrypted: bool


def list_zip(octets: bytes, most_members: int) -> tuple[Member, ...]:
    """List an archive's files and folders; raises `UnreadableError` or `TooManyMembersError`."""
    # zipfile makes an object for each entry whatever number was announced, so entries are counted
    # first. An archive stored inside counts too: rather too many than too few.
    if octets.count(_DIRECTORY_ENTRY) > most_members:
        raise TooManyMembersError(f"more than {most_members} members")
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            members = tuple(map(_member, archive.infolist()))
    except _ZIPFILE_ERRORS as error:
        raise UnreadableError("not a readable zip archive") from error
    if not members and octets.startswith(_MEMBER):
        raise UnreadableError("a zip archive that hides its members from the directory")
    return members


def _member(entry: zipfile.ZipInfo) -> Member:
    """Make a member; `orig_filename` still has what follows a NUL in the name."""
    names = tuple(dict.fromkeys((entry.filename, entry.orig_filename)))
    return Member(names, entry.file_size, bool(entry.flag_bits & _ENCRYPTED))
