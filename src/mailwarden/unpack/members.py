"""What openers yield: the members of a container, and traits of the container itself.

An opener is `open_x(octets, meter)`: it yields `Member`s and `Trait`s in the order of the
container. It counts every member, then every byte with the meter before it keeps any; it raises
`UnreadableError` or `UnsupportedError` where it cannot go on (what was yielded before counts) and
lets `OverLimitError` pass. It never writes a file under a member's name, and it never says
"nothing" for "I could not".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mailwarden.unpack.budget import Meter


class Entry(StrEnum):
    """What kind of member it is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"  # symbolic or hard: where it points to is one of its names
    DEVICE = "device"  # also sockets, pipes and whatever else is no file


class Trait(StrEnum):
    """Something about a container or member that rules and dispositions know by this word."""

    ENCRYPTED = "encrypted"  # needs a password to be read
    PATH_TRAVERSAL = "path-traversal"  # a name leads out of the folder: .., absolute, a drive
    LINK = "link"
    DEVICE = "device"
    DIRECTORIES_DISAGREE = "directories-disagree"  # two lists of the same archive, not alike
    MEMBERS_OVERLAP = "members-overlap"  # two members share packed bytes
    HIDDEN_DATA = "hidden-data"  # bytes before, between or after members that are an archive again
    VOLUME = "volume"  # one of several volumes: the rest is not here
    MACROS = "macros"
    AUTO_MACROS = "auto-macros"  # macros that run when the document is opened or closed
    XLM_MACROS = "xlm-macros"  # macros of Excel 4
    REMOTE_TEMPLATE = "remote-template"
    EXTERNAL_LINK = "external-link"  # an object or frame loaded from elsewhere
    DDE = "dde"  # a field that starts programs: Dynamic Data Exchange
    EMBEDDED_OBJECT = "embedded-object"
    EMBEDDED_FILE = "embedded-file"
    ACTIVE_CONTENT = "active-content"  # scripts in a PDF
    LAUNCH_ACTION = "launch-action"  # a PDF that starts a program
    AMBIGUOUS = "ambiguous"  # a mail inside that readers take differently


@dataclass(frozen=True, slots=True)
class Member:
    """Something inside a container.

    `names` are all candidates, the one to show first, as found (with folders, `..` and all), never
    to be used as a path; empty when the format stores none. `octets` is None when they could not be
    had (`unopened` says why) or there are none (folders, links). `size_bytes` is what the container
    announces, None when it does not. `unopened` is one plain sentence part like
    `method 97 is not known`, empty when `octets` is all there is. `is_scanned` is False for what
    says nothing without its container, which scanners have: the XML of a document.
    """

    names: tuple[str, ...]
    octets: bytes | None
    size_bytes: int | None = None
    entry: Entry = Entry.FILE
    traits: tuple[Trait, ...] = ()
    unopened: str = ""
    media_type: str = ""
    is_scanned: bool = True


class UnreadableError(Exception):
    """The container is broken, or not what it seems; the text is ours and plain."""


class UnsupportedError(Exception):
    """The container cannot be opened here (a method, a missing library); the text is ours."""


Opened = Member | Trait
Opener = Callable[[bytes, Meter], Iterator[Opened]]
