"""Attachment rules: which names may not pass, whichever of its names a mail program would use.

What could not be looked through is said here too: encrypted members, limits, broken archives.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from mailwarden.unpack.opening import Contents, Item, Unopened
from mailwarden.verdict.report import Finding, Kind

# One finding decides as much as thousands from a hostile archive, and a record must stay small.
FINDINGS_PER_RULE = 20


@dataclass(frozen=True, slots=True)
class AttachmentRules:
    """Extensions in lower case, without the dot, that no attachment or archive member may have."""

    forbidden_extensions: frozenset[str]


def check_attachments(contents: Contents, rules: AttachmentRules) -> tuple[Finding, ...]:
    """Say what is forbidden, encrypted, over a limit or broken; at most a few of each."""
    return (
        *islice(_forbidden(contents.items, rules), FINDINGS_PER_RULE),
        *islice(_encrypted(contents.items), FINDINGS_PER_RULE),
        *islice(map(_exceeded, contents.exceeded), FINDINGS_PER_RULE),
        *islice(map(_unreadable, contents.unreadable), FINDINGS_PER_RULE),
    )


def _forbidden(items: Iterable[Item], rules: AttachmentRules) -> Iterator[Finding]:
    for item in items:
        extensions = {
            extension: name for name in reversed(item.names) for extension in extensions_of(name)
        }
        for extension in sorted(rules.forbidden_extensions.intersection(extensions)):
            yield Finding(
                by="attachments",
                kind=Kind.POLICY,
                name=f"extension-{extension}",
                part=item.path,
                filename=extensions[extension],
                detail=f"A file name ends in .{extension}, which is not allowed.",
            )


def extensions_of(name: str) -> frozenset[str]:
    """Return what mail programs could take for a name's extension, in lower case, without the dot.

    Some end a name at its first NUL, and some leave out what cannot be seen.
    """
    endings = (_extension(name.partition("\0")[0]), _extension(name))
    return frozenset(extension for extension in endings if extension)


def _extension(name: str) -> str:
    """Dots and blanks at the end do not count: Windows drops them."""
    visible = "".join(filter(str.isprintable, name)).rstrip(". ")
    return visible.rpartition(".")[2].strip().lower() if "." in visible else ""


def _encrypted(items: Iterable[Item]) -> Iterator[Finding]:
    for item in items:
        if item.is_encrypted:
            yield Finding(
                by="unpack",
                kind=Kind.ENCRYPTED,
                name=f"{item.container}-encrypted",
                part=item.path,
                filename=item.names[0],
                detail="An archive member can only be opened with a password.",
            )


def _exceeded(unopened: Unopened) -> Finding:
    return Finding(
        by="unpack",
        kind=Kind.OVER_LIMIT,
        name=str(unopened.reason),
        part=unopened.path,
        filename=unopened.filename,
        detail="An archive announces more than is looked through.",
    )


def _unreadable(unopened: Unopened) -> Finding:
    return Finding(
        by="unpack",
        kind=Kind.MALFORMED,
        name=f"{unopened.container}-unreadable",
        part=unopened.path,
        filename=unopened.filename,
        detail="An archive is broken, or is not what its name says.",
    )
