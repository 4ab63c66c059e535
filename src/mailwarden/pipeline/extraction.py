"""Taking a message's leaves apart, and what scanners are shown besides the raw message.

Leaves are opened one after the other, under one budget for the message, each in a helper process.
What a scanner that reads mail sees in the raw message is not shown to it again.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from mailwarden.message.leaves import Leaf
from mailwarden.message.raw import Raw
from mailwarden.net.payload import MemoryPayload
from mailwarden.ports.scanner import ExtractedPart
from mailwarden.ports.unpacker import Unpacked, Unpacker
from mailwarden.unpack.budget import Limit, Spent, UnpackLimits
from mailwarden.unpack.contents import Contents, Item, Reason, Unopened
from mailwarden.unpack.file_types import file_type, formats_by_type
from mailwarden.unpack.walk import Job
from mailwarden.verdict.report import Fault

# What a helper process takes beside its work, so that a thousand small archives are no way round
# the limit of seconds.
_HELPER = Spent(seconds=0.01)
# ClamAV looks into 17 levels of parts and archives (MaxRecursion in clamd.conf(5)), and is silent
# about what lies deeper unless AlertExceedsMax is set; ordinary mail has five.
SEEN_DEPTH = 8
# By what ClamAV knows a file as mail and takes it apart, whatever follows; after any other first
# field it may see nothing but text. Mail that came by SMTP begins with a server's Received.
MAIL_BEGINNINGS = (
    *(b"Received: ", b"Return-Path: ", b"Delivered-To: ", b"MIME-Version: ", b"Message-ID: "),
    *(b"From: ", b"To: ", b"Subject: ", b"Date: "),
)
_BEGINNING_BYTES = 20


@dataclass(frozen=True, slots=True)
class SortedLeaf:
    """A leaf with its real type, and whether it may have something inside.

    `is_in_raw`: whoever is shown the raw message sees it there.
    """

    leaf: Leaf
    file_type: str
    is_openable: bool
    is_in_raw: bool


def sort_leaves(leaves: Iterable[Leaf], raw: Raw) -> tuple[SortedLeaf, ...]:
    """Say of each leaf of the message `raw` what it is by content."""
    is_mail = raw[:_BEGINNING_BYTES].startswith(MAIL_BEGINNINGS)
    return tuple(_sorted(leaf, is_mail=is_mail) for leaf in leaves)


def _sorted(leaf: Leaf, *, is_mail: bool) -> SortedLeaf:
    word = file_type(leaf.octets)
    formats = formats_by_type(word, leaf.octets, leaf.names, leaf.media_type)
    is_near = leaf.path.count(".") < SEEN_DEPTH
    is_in_raw = not leaf.octets or (leaf.is_plain and is_mail and is_near)
    return SortedLeaf(leaf, word, is_openable=bool(formats), is_in_raw=is_in_raw)


@dataclass(slots=True)
class Extraction:
    """What came out of one message; a context, because the octets are given back at its end.

    `spent` is what all of its payloads together cost.
    """

    spent: Spent = field(default_factory=Spent)
    faults: list[Fault] = field(default_factory=list)
    parts: list[ExtractedPart] = field(default_factory=list)
    _items: list[Item] = field(default_factory=list)
    _unopened: list[Unopened] = field(default_factory=list)
    _held: ExitStack = field(default_factory=ExitStack)

    @property
    def contents(self) -> Contents:
        """Everything that the message contains."""
        return Contents(tuple(self._items), tuple(self._unopened))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()

    def add_leaf(self, sorted_leaf: SortedLeaf) -> None:
        """Take in a leaf that is nothing but itself."""
        leaf = sorted_leaf.leaf
        self._items.append(_item(sorted_leaf))
        if not sorted_leaf.is_in_raw:
            self._show(leaf)

    def add_unpacked(self, sorted_leaf: SortedLeaf, unpacked: Unpacked) -> None:
        """Take in a leaf with everything inside."""
        leaf, items = sorted_leaf.leaf, unpacked.contents.items
        self._items.extend(items or (_item(sorted_leaf),))
        self._unopened.extend(unpacked.contents.unopened)
        self.faults.extend(unpacked.faults)
        if not sorted_leaf.is_in_raw and not (items and items[0].is_archive):
            self._show(leaf)
        self._show_extracted(unpacked)

    def add_spent(self, spent: Spent) -> None:
        """Count what one payload cost."""
        total = self.spent
        self.spent = Spent(
            total.bytes_produced + spent.bytes_produced,
            total.files + spent.files,
            total.seconds + spent.seconds,
        )

    def leave_shut(self, sorted_leaf: SortedLeaf, limit: Limit) -> None:
        """Take in a leaf that is not opened, because the message has spent what it may."""
        leaf = sorted_leaf.leaf
        self.add_leaf(sorted_leaf)
        filename = next(iter(leaf.names), "")
        self._unopened.append(
            Unopened(Reason.OVER_LIMIT, sorted_leaf.file_type, leaf.path, filename, limit)
        )

    def _show(self, leaf: Leaf) -> None:
        name = next(iter(leaf.names), "")
        self.parts.append(ExtractedPart(leaf.path, name, MemoryPayload(leaf.octets)))

    def _show_extracted(self, unpacked: Unpacked) -> None:
        """Show each of the extracted octets once, under the first name that they had."""
        store = unpacked.store
        if store is None:
            return
        self._held.callback(store.close)
        shown = set()
        for item in unpacked.contents.items:
            if item.extracted is not None and item.extracted not in shown:
                shown.add(item.extracted)
                name = next(iter(item.names), "")
                self.parts.append(ExtractedPart(item.path, name, store.payload(item.extracted)))


async def extract(
    leaves: Sequence[SortedLeaf],
    unpacker: Unpacker,
    limits: UnpackLimits,
    deadline: float,
    *,
    redundant: bool,
) -> Extraction:
    """Take all leaves apart; `deadline` is on the event loop's clock."""
    with ExitStack() as undo:
        extraction = undo.enter_context(Extraction())
        for one in leaves:
            if not one.is_openable:
                extraction.add_leaf(one)
                continue
            if not limits.seconds:
                extraction.leave_shut(one, Limit.SECONDS)
                continue
            leaf = one.leaf
            job = Job(leaf.path, leaf.names, leaf.media_type, limits, redundant)
            unpacked = await unpacker.unpack(leaf.octets, job, deadline)
            extraction.add_unpacked(one, unpacked)
            extraction.add_spent(unpacked.contents.spent)
            limits = limits.without(unpacked.contents.spent).without(_HELPER)
        undo.pop_all()
    return extraction


def _item(one: SortedLeaf) -> Item:
    leaf = one.leaf
    return Item(
        path=leaf.path,
        names=leaf.names,
        containers=("message",),
        size_bytes=len(leaf.octets),
        file_type=one.file_type,
        media_type=leaf.media_type,
    )
