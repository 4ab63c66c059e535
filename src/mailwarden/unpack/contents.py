"""What was found in a message or payload: every item that somebody could open, and what is shut."""

from dataclasses import dataclass, field
from enum import StrEnum

from mailwarden.unpack.budget import Spent
from mailwarden.unpack.members import Trait


class Reason(StrEnum):
    """Why something could not be looked through."""

    OVER_LIMIT = "over-limit"
    UNREADABLE = "unreadable"  # broken, or not what it says
    UNSUPPORTED = "unsupported"  # a format or method that cannot be opened here
    FAILED = "failed"  # whoever opened it died of it, or lied


@dataclass(frozen=True, slots=True)
class Span:
    """Where the octets of an item lie in what was extracted, from `start` up to `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Item:
    """Something that a recipient could open: a part, or a member of a container.

    `path` is the part's, for a member followed by the names of containers and member
    (`1.2/invoice.zip/a.exe`). `names` are all candidates. `containers` are the formats that it lies
    in, outermost first (`("message", "zip")`). `size_bytes` is what it has or is said to have.
    `file_type` is its real type by content (`file_types`), `media_type` what a mail says of a part.
    `extracted` is where its octets are, None when they are not kept. `is_archive` says that it is
    nothing but its members, all of which are here; `is_scanned` is as in `Member`.
    """

    path: str
    names: tuple[str, ...]
    containers: tuple[str, ...]
    size_bytes: int | None = None
    file_type: str = ""
    media_type: str = ""
    traits: tuple[Trait, ...] = ()
    extracted: Span | None = None
    is_archive: bool = False
    is_scanned: bool = True

    @property
    def depth(self) -> int:
        """How many containers it lies in; a part of the message lies in one."""
        return len(self.containers)


@dataclass(frozen=True, slots=True)
class Unopened:
    """Something that was not, or not wholly, looked through.

    `format` is the container's (`zip`), `path` and `filename` say which, `detail` is our own text:
    the limit's name, or what is wrong.
    """

    reason: Reason
    format: str
    path: str
    filename: str
    detail: str


@dataclass(frozen=True, slots=True)
class Contents:
    """All items in order, parents before what is in them; what stayed shut; what it cost."""

    items: tuple[Item, ...] = ()
    unopened: tuple[Unopened, ...] = ()
    spent: Spent = field(default_factory=Spent)
