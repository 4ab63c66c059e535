"""One member of a zip archive: what all its headers say together, and its data.

Where headers contradict each other, each is taken at its word, and every distinct data is had.
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from mailwarden.unpack.budget import Meter
from mailwarden.unpack.decompression import ENDS_EARLY
from mailwarden.unpack.entry_traits import entry_traits
from mailwarden.unpack.formats.zip.zip_headers import (
    CENTRAL_SIGNATURE,
    LOCAL_SIGNATURE,
    SPLIT_SIGNATURE,
    Account,
)
from mailwarden.unpack.formats.zip.zip_methods import LZMA, STORED, stream_of
from mailwarden.unpack.member_names import name_readings
from mailwarden.unpack.members import Entry, Member

_CODE_PAGE = "cp437"  # of names that are not UTF-8 (APPNOTE appendix D)
# No system takes a longer target of a link.
_TARGET_BYTES = 4_096

_BYTES_LEFT = "packed bytes are left after its end"
_MISMATCH = "its length or checksum is not the announced one"
_UNKNOWN_LENGTH = "where it ends is not known"

# What `zip` reads from a pipe is said to be one (S_IFIFO); it is a file to every program.
_ENTRIES = {
    stat.S_IFLNK: Entry.LINK,
    stat.S_IFDIR: Entry.FOLDER,
    stat.S_IFCHR: Entry.DEVICE,
    stat.S_IFBLK: Entry.DEVICE,
    stat.S_IFSOCK: Entry.DEVICE,
}


@dataclass(frozen=True, slots=True)
class Description:
    """What headers say of one member; the directory's accounts stand first."""

    accounts: tuple[Account, ...]
    modes: frozenset[int] = frozenset()
    is_dos_folder: bool = False

    @property
    def size_bytes(self) -> int | None:
        """The largest size announced, None for none."""
        return max(_known(account.size_bytes for account in self.accounts), default=None)

    @property
    def packed_bytes(self) -> int | None:
        """The largest packed size announced, None for none."""
        return max(_known(account.packed_bytes for account in self.accounts), default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """All candidate names."""
        readings = (name for account in self.accounts for name in _names(account))
        return tuple(dict.fromkeys(readings))


@dataclass(frozen=True, slots=True)
class Expanded:
    """One reading of a member's data; `end` is where its packed bytes end.

    `octets` is None when they cannot be had; `unopened` as in `Member`.
    """

    octets: bytes | None
    end: int
    unopened: str = ""


def contradict(central: Account, local: Account) -> bool:
    """Whether the two headers of a member are not alike."""
    if local.is_masked:
        return False
    pairs = (
        (central.checksum, local.checksum),
        (central.packed_bytes, local.packed_bytes),
        (central.size_bytes, local.size_bytes),
    )
    return (
        central.name != local.name
        or central.method != local.method
        or central.is_encrypted != local.is_encrypted
        or any(None not in pair and pair[0] != pair[1] for pair in pairs)
    )


def expand(octets: bytes, meter: Meter, start: int, description: Description) -> Iterator[Expanded]:
    """Have the data at `start` in every way that a header says; raises `OverLimitError`."""
    open_accounts = [one for one in description.accounts if not one.is_encrypted]
    if not open_accounts:
        yield Expanded(None, start + (description.packed_bytes or 0))
    for method in dict.fromkeys(account.method for account in open_accounts):
        accounts = [account for account in open_accounts if account.method == method]
        if method == STORED:
            yield from _stored(octets, meter, start, accounts)
        else:
            yield _unpacked(octets, meter, start, accounts)


def member(description: Description, expanded: Expanded) -> Member:
    """Make a member of one reading."""
    names = description.names
    entry = _entry(description, names, expanded)
    target = (expanded.octets or b"")[:_TARGET_BYTES] if entry is Entry.LINK else b""
    targets = name_readings(target, _CODE_PAGE) if target else ()
    is_encrypted = any(account.is_encrypted for account in description.accounts)
    return Member(
        names=names + targets,
        octets=None if entry is Entry.FOLDER else expanded.octets,
        size_bytes=description.size_bytes,
        entry=entry,
        traits=entry_traits(entry, names, targets, is_encrypted=is_encrypted),
        unopened=expanded.unopened,
    )


def _stored(octets: bytes, meter: Meter, start: int, accounts: list[Account]) -> Iterator[Expanded]:
    """Cut out stored data, once for each length that a header gives."""
    lengths = dict.fromkeys(
        _known(size for account in accounts for size in (account.packed_bytes, account.size_bytes))
    )
    if not lengths:
        end = _end_of_unknown(octets, start)
        meter.count_bytes(end - start)
        yield Expanded(octets[start:end], end, _UNKNOWN_LENGTH)
    for length in lengths:
        end = min(start + length, len(octets))
        meter.count_bytes(end - start)
        cut = octets[start:end]
        is_short = len(cut) < length
        yield Expanded(cut, end, ENDS_EARLY if is_short else _mismatch(cut, accounts))


def _unpacked(octets: bytes, meter: Meter, start: int, accounts: list[Account]) -> Expanded:
    """Unpack data to its own end, or to the largest length that a header gives."""
    packed_bytes = max(_known(account.packed_bytes for account in accounts), default=None)
    announced_end = start + (len(octets) if packed_bytes is None else packed_bytes)
    method = accounts[0].method
    stream = stream_of(octets, start, min(announced_end, len(octets)), accounts[0])
    if stream is None:
        return Expanded(None, start + (packed_bytes or 0), f"method {method} is not known")
    content = meter.collect(stream.pieces())
    problem = stream.problem
    if method == LZMA and problem == ENDS_EARLY and any(_known(one.size_bytes for one in accounts)):
        problem = ""
    unopened = problem or _mismatch(content, accounts)
    if not unopened and packed_bytes is not None and stream.consumed_to < announced_end:
        unopened = _BYTES_LEFT
    return Expanded(content, stream.consumed_to, unopened)


def _mismatch(content: bytes, accounts: list[Account]) -> str:
    """What is wrong when the content's length or checksum is not what any header says."""
    sizes = {account.size_bytes for account in accounts} - {None}
    checksums = {account.checksum for account in accounts} - {None}
    fits = (not sizes or len(content) in sizes) and (not checksums or crc32(content) in checksums)
    return "" if fits else _MISMATCH


def _end_of_unknown(octets: bytes, start: int) -> int:
    """Where stored data of unknown length ends at the latest: at the next thing with a signature.

    Only programs that read as it comes get here, and most of them refuse (APPNOTE 4.4.4, bit 3).
    """
    end = len(octets)
    # The next member comes first: what is searched for the others then ends there.
    for signature in (LOCAL_SIGNATURE, CENTRAL_SIGNATURE, SPLIT_SIGNATURE):
        place = octets.find(signature, start, end)
        end = place if place >= 0 else end
    return end


def _entry(description: Description, names: tuple[str, ...], expanded: Expanded) -> Entry:
    """What kind it is: of those that only Unix knows, the data is a file to everybody else."""
    kinds = {_ENTRIES.get(stat.S_IFMT(mode)) for mode in description.modes}
    is_folder = (
        description.is_dos_folder
        or Entry.FOLDER in kinds
        or any(name.endswith(("/", "\\")) for name in names)
    )
    if is_folder and not expanded.octets and not description.size_bytes:
        return Entry.FOLDER
    return next((kind for kind in (Entry.LINK, Entry.DEVICE) if kind in kinds), Entry.FILE)


def _names(account: Account) -> Iterator[str]:
    """Candidate names of one header, the one that says to be Unicode first."""
    if account.unicode_name:
        yield account.unicode_name.decode("utf-8", "replace")
    if account.name and not account.is_masked:
        yield from name_readings(account.name, _CODE_PAGE)


def _known(numbers: Iterator[int | None]) -> Iterator[int]:
    return (number for number in numbers if number is not None)
