"""One payload taken apart to the last member, under one budget.

Each thing found is looked at by content and by name; every format that it may be is tried. Nothing
is ever written under a member's name: octets go to `keep`, which says where they lie.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from mailwarden.unpack.budget import Budget, Limit, OverLimitError, UnpackLimits
from mailwarden.unpack.contents import Contents, Item, Reason, Span, Unopened
from mailwarden.unpack.file_types import file_type, formats_of, is_by_content, is_certain
from mailwarden.unpack.members import (
    Entry,
    Member,
    Opened,
    Trait,
    UnreadableError,
    UnsupportedError,
)

if TYPE_CHECKING:
    # The table brings every foreign library, which only helper processes may load.
    from mailwarden.unpack.openers import Format

# An archive's name stands in the path of each of its members.
_SHOWN_NAME_LENGTH = 255
_DIGEST_BYTES = 16
# Traits that say that a container holds more than its members show.
_NOT_ALL = frozenset((Trait.ENCRYPTED, Trait.VOLUME, Trait.HIDDEN_DATA))

Keep = Callable[[bytes], Span]


@dataclass(frozen=True, slots=True)
class Job:
    """One payload to take apart: where it lies, its candidate names, and what may be spent.

    With `keeps_archives`, archives inside are kept for scanners although all of their members are
    (`redundant`).
    """

    path: str
    names: tuple[str, ...]
    media_type: str
    limits: UnpackLimits
    keeps_archives: bool = False


def unpack_payload(
    octets: bytes,
    job: Job,
    formats: Mapping[str, "Format"],
    clock: Callable[[], float],
    keep: Keep,
) -> Contents:
    """Take a payload apart; `keep` stores octets that scanners should see and says where.

    The first item of the result is the payload itself, which is not kept again.
    """
    walk = _Walk(job, formats, Budget(job.limits, clock), keep)
    walk.look_into(
        Item(job.path, job.names, ("message",), len(octets), media_type=job.media_type), octets, ()
    )
    return Contents(tuple(walk.items), tuple(walk.unopened), walk.budget.spent)


@dataclass(slots=True)
class _Opening:
    """What opening one thing told about itself."""

    traits: list[Trait]
    is_opened: bool = False  # as at least one format
    is_all: bool = True  # nothing in it stayed shut


@dataclass(slots=True)
class _Walk:
    """The state of one job; it ends with it. Its recursion is bounded by the limit of depth."""

    job: Job
    formats: Mapping[str, "Format"]
    budget: Budget
    keep: Keep
    items: list[Item] = field(default_factory=list)
    unopened: list[Unopened] = field(default_factory=list)
    kept: dict[bytes, Span] = field(default_factory=dict)

    def look_into(self, item: Item, octets: bytes, ancestors: tuple[bytes, ...]) -> None:
        """Record an item, and open it as everything that it may be."""
        place = len(self.items)
        item = replace(item, file_type=file_type(octets))
        self.items.append(item)
        digest = blake2b(octets, digest_size=_DIGEST_BYTES).digest()
        opening = _Opening(list(item.traits))
        candidates = formats_of(octets, item.names, item.media_type)
        for name in candidates:
            self._open(name, item, octets, (*ancestors, digest), opening)
        is_whole = opening.is_opened and opening.is_all
        is_archive = is_whole and self._is_archive(candidates, octets)
        is_kept = ancestors and item.is_scanned and (self.job.keeps_archives or not is_archive)
        self.items[place] = replace(
            item,
            traits=tuple(dict.fromkeys(opening.traits)),
            extracted=self._keep(digest, octets) if is_kept else None,
            is_archive=is_archive,
        )

    def _is_archive(self, candidates: tuple[str, ...], octets: bytes) -> bool:
        """Whether it was nothing but its members: no document, nothing around the members."""
        formats = (self.formats[name] for name in candidates if name in self.formats)
        if any(one.is_document for one in formats):
            return False
        return any(is_by_content(name, octets) for name in candidates)

    def _open(
        self, name: str, item: Item, octets: bytes, ancestors: tuple[bytes, ...], opening: _Opening
    ) -> None:
        """Open a thing as one format; a name that only seemed to say the format is no finding."""
        has_begun = False
        try:
            for found in self._found(name, item, octets, ancestors):
                has_begun = True
                self._take(found, name, item, ancestors, opening)
            opening.is_opened = True
        except OverLimitError as error:
            opening.is_all = False
            self._shut(Reason.OVER_LIMIT, name, item, error.limit)
        except UnsupportedError as error:
            opening.is_all = False
            self._shut(Reason.UNSUPPORTED, name, item, str(error))
        except UnreadableError as error:
            opening.is_all = False
            if has_begun or is_certain(name, octets, item.names):
                self._shut(Reason.UNREADABLE, name, item, str(error))

    def _found(
        self, name: str, item: Item, octets: bytes, ancestors: tuple[bytes, ...]
    ) -> Iterator[Opened]:
        """Begin to open; an archive that holds itself is as deep as can be."""
        *above, digest = ancestors
        if digest in above or item.depth > self.budget.limits.depth:
            raise OverLimitError(Limit.DEPTH)
        if name not in self.formats:
            raise UnsupportedError("this format cannot be opened here")
        return self.formats[name].opener(octets, self.budget.meter(len(octets)))

    def _take(
        self,
        found: Opened,
        name: str,
        item: Item,
        ancestors: tuple[bytes, ...],
        opening: _Opening,
    ) -> None:
        if isinstance(found, Trait):
            opening.traits.append(found)
            opening.is_all = opening.is_all and found not in _NOT_ALL
            return
        inside = _inside(found, name, item)
        if found.unopened:
            opening.is_all = False
            self._shut(Reason.UNSUPPORTED, name, inside, found.unopened)
        if found.octets is None:
            opening.is_all = opening.is_all and found.entry is not Entry.FILE
            self.items.append(inside)
        else:
            self.look_into(inside, found.octets, ancestors)

    def _keep(self, digest: bytes, octets: bytes) -> Span:
        """Keep octets once, however often they are found."""
        if digest not in self.kept:
            self.kept[digest] = self.keep(octets)
        return self.kept[digest]

    def _shut(self, reason: Reason, name: str, item: Item, detail: str) -> None:
        self.unopened.append(Unopened(reason, name, item.path, _shown_name(item), detail))


def _inside(member: Member, name: str, container: Item) -> Item:
    names = member.names or _names_without_ending(container.names)
    if member.entry is Entry.FOLDER:
        names = tuple(f"{name.rstrip('/')}/" for name in names)
    places = (
        (container.path, _shown_name(container) or name)
        if container.depth == 1
        else (container.path,)
    )
    shown = next(iter(names), "?")[:_SHOWN_NAME_LENGTH]
    return Item(
        path="/".join(place for place in (*places, shown) if place),
        names=names,
        containers=(*container.containers, name),
        size_bytes=member.size_bytes if member.octets is None else len(member.octets),
        media_type=member.media_type,
        traits=member.traits,
        is_scanned=member.is_scanned,
    )


def _names_without_ending(names: tuple[str, ...]) -> tuple[str, ...]:
    """What `report.pdf.gz` holds, where the format itself does not say: `report.pdf`."""
    return tuple(name.rpartition(".")[0] for name in names if name.rpartition(".")[0])


def _shown_name(item: Item) -> str:
    return next(iter(item.names), "")[:_SHOWN_NAME_LENGTH]
