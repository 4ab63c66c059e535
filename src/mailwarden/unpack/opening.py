"""What a message contains: its parts, and the members of the archives among them.

Only parts that may be archives are decoded: by name, by media type, or by their first octets.
Archives inside archives are listed as members, not opened.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from mailwarden.message.parts import Part, Reading
from mailwarden.message.raw import Raw
from mailwarden.message.transfer import decode
from mailwarden.unpack.zip_listing import (
    SIGNATURES,
    Member,
    TooManyMembersError,
    UnreadableError,
    list_zip,
)

# Encoded bytes that surely decode to the four octets of a signature, folds and blanks included.
_HEAD_BYTES = 256
# An archive's name stands in the path of each of its members.
_SHOWN_NAME_LENGTH = 255

_ZIP_TYPES = frozenset(
    {"application/zip", "application/x-zip", "application/x-zip-compressed", "multipart/x-zip"}
)


class Container(StrEnum):
    """What kind of thing an item lies in."""

    MESSAGE = "message"
    ZIP = "zip"


class Reason(StrEnum):
    """Why an archive could not be looked through."""

    MEMBERS = "archive-members"
    BYTES = "archive-bytes"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class OpeningLimits:
    """What all archives of one message may announce together: members, and bytes unpacked."""

    archive_members: int
    archive_bytes: int


@dataclass(frozen=True, slots=True)
class Item:
    """Something that a recipient could open: a part, or a member of an archive.

    `path` is the part's, for a member followed by the names of archive and member
    (`1.2/invoice.zip/a.exe`). `size_bytes` is what the archive announces, None when unknown.
    """

    path: str
    names: tuple[str, ...]
    size_bytes: int | None
    is_encrypted: bool
    container: Container


@dataclass(frozen=True, slots=True)
class Unopened:
    """An archive that was not, or not wholly, looked through; `path` and `filename` say which."""

    reason: Reason
    container: Container
    path: str
    filename: str


@dataclass(frozen=True, slots=True)
class Contents:
    """All items in the order of the message; `exceeded` hit a limit, `unreadable` are broken."""

    items: tuple[Item, ...]
    exceeded: tuple[Unopened, ...]
    unreadable: tuple[Unopened, ...]


def open_parts(raw: Raw, reading: Reading, limits: OpeningLimits) -> Contents:
    """List everything that a message contains."""
    opening = _Opening(limits.archive_members, limits.archive_bytes)
    for part in reading.walk():
        opening.items.append(_part_item(part))
        if _may_be_zip(raw, part):
            opening.open_zip(part, reading.payload(raw, part).octets)
    return Contents(tuple(opening.items), tuple(opening.exceeded), tuple(opening.unreadable))


def _may_be_zip(raw: Raw, part: Part) -> bool:
    if part.children:
        return False
    if part.media_type in _ZIP_TYPES or any(_is_zip_name(name) for name in part.names):
        return True
    head = raw[part.body_start : min(part.body_end, part.body_start + _HEAD_BYTES)]
    return decode(head, part.encoding).octets.startswith(SIGNATURES)


def _is_zip_name(name: str) -> bool:
    return name.lower().rstrip(". ").endswith(".zip")


@dataclass(slots=True)
class _Opening:
    """What was found so far, and what is left of the limits."""

    members_left: int
    bytes_left: int
    items: list[Item] = field(default_factory=list)
    exceeded: list[Unopened] = field(default_factory=list)
    unreadable: list[Unopened] = field(default_factory=list)

    def open_zip(self, part: Part, octets: bytes) -> None:
        """List one archive, or say why not."""
        try:
            members = list_zip(octets, self.members_left)
        except TooManyMembersError:
            self._note(part, Reason.MEMBERS)
            return
        except UnreadableError:
            self._note(part, Reason.UNREADABLE)
            return
        self.members_left -= len(members)
        self.bytes_left -= sum(member.size_bytes for member in members)
        if self.bytes_left < 0:
            self._note(part, Reason.BYTES)
        self.items.extend(_member_item(part, member) for member in members)

    def _note(self, part: Part, reason: Reason) -> None:
        unopened = Unopened(reason, Container.ZIP, part.path, _shown_name(part))
        match reason:
            case Reason.MEMBERS | Reason.BYTES:
                self.exceeded.append(unopened)
            case Reason.UNREADABLE:
                self.unreadable.append(unopened)
            case _:
                assert_never(reason)


def _part_item(part: Part) -> Item:
    return Item(
        part.path, part.names, size_bytes=None, is_encrypted=False, container=Container.MESSAGE
    )


def _member_item(part: Part, member: Member) -> Item:
    places = (part.path, _shown_name(part) or "zip", member.names[0])
    path = "/".join(place for place in places if place)
    return Item(path, member.names, member.size_bytes, member.is_encrypted, Container.ZIP)


def _shown_name(part: Part) -> str:
    return next(iter(part.names), "")[:_SHOWN_NAME_LENGTH]
