"""The machine under a root directory: where paths are, and who its users and groups are.

Names and numbers of users are those of that root's `etc/passwd` and `etc/group`; of the running
machine itself they come from everything that it asks for users, LDAP and the like included.
"""

import grp
import pwd
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_HERE = Path("/")
_SHORTEST_LINE = 4


@dataclass(frozen=True, slots=True)
class Machine:
    """An installed system, running or not, below `root`."""

    root: Path = _HERE

    @property
    def is_running_one(self) -> bool:
        """This machine, not a directory that will become one."""
        return self.root == _HERE

    def at(self, path: Path) -> Path:
        """Where a path of that machine is found from here."""
        return self.root / path.relative_to("/")

    def user_number(self, name: str) -> int | None:
        """The number of a user; nothing when there is none of that name."""
        if self.is_running_one:
            with suppress(KeyError):
                return pwd.getpwnam(name).pw_uid
            return None
        return _number(self._accounts("passwd"), name)

    def group_number(self, name: str) -> int | None:
        """The number of a group; nothing when there is none of that name."""
        if self.is_running_one:
            with suppress(KeyError):
                return grp.getgrnam(name).gr_gid
            return None
        return _number(self._accounts("group"), name)

    def user_name(self, number: int) -> str:
        """The name of a user, else its number."""
        if self.is_running_one:
            with suppress(KeyError):
                return pwd.getpwuid(number).pw_name
            return str(number)
        return _name(self._accounts("passwd"), number)

    def group_name(self, number: int) -> str:
        """The name of a group, else its number."""
        if self.is_running_one:
            with suppress(KeyError):
                return grp.getgrgid(number).gr_name
            return str(number)
        return _name(self._accounts("group"), number)

    def is_member(self, user: str, group: str) -> bool:
        """The group lists the user among its members."""
        if self.is_running_one:
            with suppress(KeyError):
                return user in grp.getgrnam(group).gr_mem
            return False
        return any(
            line[0] == group and user in line[3].split(",") for line in self._accounts("group")
        )

    def _accounts(self, name: str) -> list[list[str]]:
        try:
            text = (self.root / "etc" / name).read_text(errors="surrogateescape")
        except FileNotFoundError:
            return []
        lines = (line.split(":") for line in text.splitlines())
        return [line for line in lines if len(line) >= _SHORTEST_LINE]


def _number(accounts: list[list[str]], name: str) -> int | None:
    found = (line[2] for line in accounts if line[0] == name and line[2].isdecimal())
    return next((int(number) for number in found), None)


def _name(accounts: list[list[str]], number: int) -> str:
    return next((line[0] for line in accounts if line[2] == str(number)), str(number))
