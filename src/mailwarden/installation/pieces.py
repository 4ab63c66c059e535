"""What can be asked for: accounts, memberships, directories and files, as values.

A path is the one on the installed machine, whatever directory stands for its root.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A system user and the group of the same name; nobody can log in as it."""

    name: str
    home: Path

    def __str__(self) -> str:
        return f"user and group {self.name}"


@dataclass(frozen=True, slots=True)
class Membership:
    """A further group of a user."""

    user: str
    group: str

    def __str__(self) -> str:
        return f"{self.user} in group {self.group}"


@dataclass(frozen=True, slots=True)
class Rights:
    """Who owns a file or directory, and who may do what with it."""

    owner: str
    group: str
    mode: int

    def __str__(self) -> str:
        return f"{self.owner}:{self.group} {self.mode:04o}"


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory."""

    path: Path
    rights: Rights

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class File:
    """A file that is made with this content where it is absent, and never overwritten.

    `is_ours` says that a file with another content is worth a word.
    """

    path: Path
    rights: Rights
    content: bytes
    is_ours: bool = True

    def __str__(self) -> str:
        return str(self.path)


Piece = Account | Membership | Folder | File
