"""Archives: what must be told of broken zips, and what rar files list.

yauzl's `failure/` holds zips whose file name is the error that must come; its `success/` those that
open. rarfile's `NAME.rar.exp` lists each member with its size and kind.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from agreement.frame import Case, Result, Tools
from mailwarden.unpack.contents import Contents, Item
from mailwarden.unpack.members import Trait

YAUZL = "archives/yauzl"
RARFILE = "archives/rarfile"

# Traits that are told as findings, whatever the rules are.
_TELLING = frozenset(
    (
        Trait.ENCRYPTED,
        Trait.PATH_TRAVERSAL,
        Trait.DIRECTORIES_DISAGREE,
        Trait.MEMBERS_OVERLAP,
        Trait.HIDDEN_DATA,
        Trait.VOLUME,
    )
)
_EXPECTED = {"failure": "wrong", "success": "opened"}
_MEMBER = re.compile(
    r"^(?:FILE|R5_FILE): .* is=(?P<kind>\S+)\n(?P<facts>(?:  .*\n?)*)", re.MULTILINE
)
_NAME = re.compile(r"^  name=(.*)$", re.MULTILINE)
_SIZE = re.compile(r" dec=(\d+)")


def compare_yauzl(tools: Tools) -> Result:
    """Say of each zip whether something is told about it, or it opens."""
    folder = tools.corpus / YAUZL
    return Result(
        [
            Case(f"{kind}/{path.name}", "zip", _opened(tools, path), expected)
            for kind, expected in _EXPECTED.items()
            for path in sorted((folder / kind).iterdir())
        ]
    )


def _opened(tools: Tools, path: Path) -> str:
    """Say `opened` when all is looked through, else `wrong` with what is told."""
    contents = tools.path.unpack(path.read_bytes(), "a.zip").contents
    return "wrong" if told(contents) else "opened"


def told(contents: Contents) -> list[str]:
    """Give in words what is told of a file by itself: what is shut, and telling traits."""
    traits = (trait for item in contents.items for trait in item.traits if trait in _TELLING)
    shut = (f"{one.reason}: {one.detail}" for one in contents.unopened)
    return [*dict.fromkeys((*traits, *shut))]


def compare_rarfile(tools: Tools) -> Result:
    """Compare the members of each rar with its list."""
    folder = tools.corpus / RARFILE
    return Result([_listed(tools, expected) for expected in sorted(folder.glob("*.exp"))])


def _listed(tools: Tools, expected: Path) -> Case:
    archive = expected.with_suffix("")
    items = tools.path.unpack(archive.read_bytes(), archive.name).contents.items
    theirs = sorted(_their_members(expected.read_text(encoding="utf-8")))
    return Case(
        archive.name, "members", "; ".join(sorted(map(_our_member, items[1:]))), "; ".join(theirs)
    )


def _their_members(listing: str) -> Iterator[str]:
    """Yield name and size; a link or a copy of another member has none."""
    for member in _MEMBER.finditer(listing):
        facts = member["facts"]
        name, size = _NAME.search(facts), _SIZE.search(facts)
        is_link = "L" in member["kind"] or " redir: " in facts
        size_bytes = int(size[1]) if size and not is_link else 0
        yield _member(name[1] if name else "", size_bytes, is_link=is_link)


def _our_member(item: Item) -> str:
    is_link = Trait.LINK in item.traits
    return _member(item.names[0], 0 if is_link else item.size_bytes or 0, is_link=is_link)


def _member(name: str, size_bytes: int, *, is_link: bool) -> str:
    return f"{name.rstrip('/')} {'link' if is_link else size_bytes}"
