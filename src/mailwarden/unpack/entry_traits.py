"""What the header of an archive's entry says to rules, whatever the format."""

import re

from mailwarden.unpack.member_names import leads_out
from mailwarden.unpack.members import Entry, Trait

_TRAIT_OF_ENTRY = {Entry.LINK: Trait.LINK, Entry.DEVICE: Trait.DEVICE}

_SEPARATOR = re.compile(r"[/\\]")
_DEPTH_OF_STEP = {"": 0, ".": 0, "..": -1}


def entry_traits(
    entry: Entry,
    names: tuple[str, ...],
    link_targets: tuple[str, ...] = (),
    *,
    is_encrypted: bool = False,
) -> tuple[Trait, ...]:
    """The traits of an entry with all of its candidate names and, for a link, targets."""
    is_outside = any(map(leads_out, names)) or any(
        _points_out(name, target) for name in names for target in link_targets
    )
    found = (
        Trait.ENCRYPTED if is_encrypted else None,
        _TRAIT_OF_ENTRY.get(entry),
        Trait.PATH_TRAVERSAL if is_outside else None,
    )
    return tuple(trait for trait in found if trait)


def _points_out(name: str, target: str) -> bool:
    """Whether a link points out of the archive's folder; a target counts from the link's own."""
    if not leads_out(target):
        return False
    steps = _SEPARATOR.split(target)
    is_absolute = not steps[0] or steps[0].endswith(":")
    return is_absolute or _climbs_out([*_SEPARATOR.split(name)[:-1], *steps])


def _climbs_out(steps: list[str]) -> bool:
    depth = 0
    for step in steps:
        depth += _DEPTH_OF_STEP.get(step.strip(" "), 1)
        if depth < 0:
            return True
    return False
