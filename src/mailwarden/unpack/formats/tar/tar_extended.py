"""What stands before a member of a tar archive: long names of GNU tar, records of pax.

Source: POSIX.1-2017, "pax Extended Header"; the manual of GNU tar, "Storing Sparse Files".
"""

from collections import ChainMap
from dataclasses import dataclass, field

from mailwarden.unpack.formats.tar.tar_headers import Header, decimal, pax_records
from mailwarden.unpack.formats.tar.tar_sparse import SparseMap, old_map, pax_map
from mailwarden.unpack.members import UnreadableError

LONG_NAME, LONG_LINK = b"L", b"K"
PAX, SOLARIS_PAX, GLOBAL_PAX = b"x", b"X", b"g"
KINDS = frozenset({LONG_NAME, LONG_LINK, PAX, SOLARIS_PAX, GLOBAL_PAX})
_OLD_SPARSE = b"S"

# Some programs take the first of several long names, some the last; honest ones write one.
_MOST_LONG_NAMES = 16

# The keywords of pax that say what a member is; all others are for its owner and times.
_KEYWORDS = frozenset(
    {
        b"path",
        b"linkpath",
        b"size",
        b"GNU.sparse.name",
        b"GNU.sparse.major",
        b"GNU.sparse.size",
        b"GNU.sparse.realsize",
        b"GNU.sparse.map",
    }
)
# Version 0.0 repeats these two, once for each segment.
_REPEATED = frozenset({b"GNU.sparse.offset", b"GNU.sparse.numbytes"})


@dataclass(slots=True)
class Extended:
    """What was said before one member, and (`everywhere`) for all that follow."""

    everywhere: dict[bytes, bytes]
    long_names: tuple[bytes, ...] = ()
    long_links: tuple[bytes, ...] = ()
    own: dict[bytes, bytes] = field(default_factory=dict)
    sparse_pairs: list[bytes] = field(default_factory=list)

    def take(self, kind: bytes, content: bytes) -> None:
        """Take one header of `KINDS`; raises `UnreadableError` for what it cannot read."""
        match kind:
            case b"L":
                self.long_names = _with_last(self.long_names, content)
            case b"K":
                self.long_links = _with_last(self.long_links, content)
            case b"g":
                self._take_records(content, self.everywhere)
            case _:
                self._take_records(content, self.own)

    def _take_records(self, content: bytes, pax: dict[bytes, bytes]) -> None:
        for keyword, value in pax_records(content):
            if keyword == b"size" and decimal(value) is None:
                raise UnreadableError("a size in an extended header is no number")
            if keyword in _KEYWORDS:
                pax[keyword] = value
            elif keyword in _REPEATED:
                self.sparse_pairs.append(value)

    @property
    def _pax(self) -> ChainMap[bytes, bytes]:
        return ChainMap(self.own, self.everywhere)

    def names(self, header: Header) -> tuple[bytes, ...]:
        """All names, the one that counts first."""
        pax = self._pax
        stored = (pax.get(b"GNU.sparse.name"), pax.get(b"path"), *self.long_names, header.name)
        return tuple(dict.fromkeys(name for name in stored if name))

    def link_targets(self, header: Header) -> tuple[bytes, ...]:
        """All targets of a link, the one that counts first."""
        stored = (self._pax.get(b"linkpath"), *self.long_links, header.link_target)
        return tuple(dict.fromkeys(target for target in stored if target))

    def size_bytes(self, header: Header) -> int:
        """How long the member's data is in the archive."""
        size_bytes = decimal(self._pax.get(b"size", b""))
        return header.size_bytes if size_bytes is None else size_bytes

    def is_sparse(self, header: Header) -> bool:
        """Whether the member's data has a map of holes."""
        pax = self._pax
        return (
            header.kind == _OLD_SPARSE
            or bool(self.sparse_pairs)
            or b"GNU.sparse.map" in pax
            or b"GNU.sparse.major" in pax
        )

    def sparse_map(
        self, octets: bytes, header: Header, start: int, size_bytes: int
    ) -> SparseMap | None:
        """Read the map of holes; None when there is none, or it is broken."""
        if header.kind == _OLD_SPARSE:
            return old_map(octets, header.block, start, size_bytes)
        if self.is_sparse(header):
            return pax_map(octets, self._pax, self.sparse_pairs, start, start + size_bytes)
        return None


def _with_last(names: tuple[bytes, ...], content: bytes) -> tuple[bytes, ...]:
    """Put the name that came last in front of those before it."""
    return (content.rstrip(b"\0"), *names)[:_MOST_LONG_NAMES]
