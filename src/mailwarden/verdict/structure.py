"""Structure checks: messages whose form hides something from other readers.

What the reader found odd is judged here by its weight (`message.anomalies`): what no honest program
writes is malformed; what two clients could show differently is ambiguous, and how much that
matters depends on whether anything but text is involved. These are the rules of Qmail-Scanner's
`--fix-mime`, and those that follow from reading in every way.
Source: facts 3.5; RFC 7103.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from mailwarden.message.anomalies import Anomaly, Weight, sentence_of, weight_of
from mailwarden.message.headers import value_of
from mailwarden.message.leaves import Leaf
from mailwarden.message.readings import Readings
from mailwarden.unpack.file_types import reads_as_text
from mailwarden.verdict.report import Finding, Kind

# The first few say enough; a hostile message has thousands.
FINDINGS = 20
# Anomalies that `--ignore-eol-check` lets pass.
END_OF_LINE = frozenset({"nul-in-header", "cr-in-header"})

# Qmail-Scanner's "MIME Header Buffer Overflow": `.{100,}` in these fields (facts 3.5).
_SHORT_FIELDS = (b"date", b"mime-version", b"resent-date")
_SHORT_FIELD_BYTES = 100

_MIME_FIELDS = (b"mime-version", b"content-type", b"content-transfer-encoding")


def check_structure(
    readings: Readings, leaves: Sequence[Leaf], passed: frozenset[str]
) -> tuple[Finding, ...]:
    """Say what is malformed or ambiguous, and which limits the reading hit.

    Anomalies whose codes are in `passed` are not judged. A message that says nothing of MIME is
    judged only when some reader would find more in it than text.
    """
    limits = check_reading_limits(readings)
    if not _is_mime(readings) and all(leaf.is_plain or _is_text(leaf) for leaf in leaves):
        return limits
    anomalies = (*readings.anomalies, *_overlong_fields(readings), *_broken_encodings(leaves))
    judged = (
        one
        for one in dict.fromkeys(anomalies)
        if one.code not in passed and not _is_cut_return(one, readings)
    )
    found = islice(_findings(judged, leaves, may_hold_parts=_may_hold_parts(readings)), FINDINGS)
    return (*found, *limits)


def check_reading_limits(readings: Readings) -> tuple[Finding, ...]:
    """Say which limits the reading hit; for clients exempt from the other checks, too."""
    return tuple(
        Finding(
            by="structure",
            kind=Kind.OVER_LIMIT,
            name=limit,
            detail="The message was not wholly taken apart.",
        )
        for limit in readings.exceeded
    )


def _is_mime(readings: Readings) -> bool:
    return any(readings.primary.root.header.first(name) for name in _MIME_FIELDS)


def _is_cut_return(anomaly: Anomaly, readings: Readings) -> bool:
    """Reports of failed delivery bring the message back cut off, often before its first part."""
    root = readings.primary.root
    return (
        anomaly.code == "multipart-without-parts"
        and anomaly.part != root.path
        and root.media_type == "multipart/report"
    )


def _overlong_fields(readings: Readings) -> Iterator[Anomaly]:
    root = readings.primary.root
    fields = (field for name in _SHORT_FIELDS for field in root.header.all(name))
    raw = readings.primary.raw
    if any(len(value_of(raw, field)) >= _SHORT_FIELD_BYTES for field in fields):
        yield Anomaly("overlong-field", root.path)


def _broken_encodings(leaves: Iterable[Leaf]) -> Iterator[Anomaly]:
    """Broken text is seen by whoever reads it; in an attachment it hides something."""
    return (Anomaly("broken-encoding", leaf.path) for leaf in leaves if leaf.is_broken_file)


def _may_hold_parts(readings: Readings) -> bool:
    """Whether what has no parts in a reading has some for who takes another of its types.

    Clients choose at each level anew; not all of their choices together can be tried.
    """
    parts = chain.from_iterable(one.walk() for one in (readings.primary, *readings.others))
    return any(
        not part.children
        and len(part.content.media_types) > 1
        and any(map(_is_container, part.content.media_types))
        for part in parts
    )


def _is_container(media_type: str) -> bool:
    return media_type.startswith(("multipart/", "message/"))


def _findings(
    anomalies: Iterable[Anomaly], leaves: Sequence[Leaf], *, may_hold_parts: bool
) -> Iterator[Finding]:
    for anomaly in anomalies:
        kind = _kind(anomaly, leaves, may_hold_parts=may_hold_parts)
        if kind is not None:
            yield Finding(
                by="structure",
                kind=kind,
                name=anomaly.code,
                part=anomaly.part,
                filename=_filename(anomaly.part, leaves),
                detail=sentence_of(anomaly.code),
            )


def _filename(path: str, leaves: Iterable[Leaf]) -> str:
    """The name under which a person would look for the odd part."""
    names = (leaf.names[0] for leaf in leaves if leaf.path == path and leaf.names)
    return next(names, "") if path else ""


def _kind(anomaly: Anomaly, leaves: Sequence[Leaf], *, may_hold_parts: bool) -> Kind | None:
    match weight_of(anomaly.code):
        case Weight.HARMLESS:
            return None
        case Weight.MALFORMED:
            return Kind.MALFORMED
        case Weight.AMBIGUOUS:
            involved = (leaf for leaf in leaves if _is_involved(leaf, anomaly))
            is_text = not may_hold_parts and all(map(_is_text, involved))
            return Kind.AMBIGUOUS_TEXT if is_text else Kind.AMBIGUOUS


def _is_involved(leaf: Leaf, anomaly: Anomaly) -> bool:
    """What lies at or under the odd part, and whatever only other readings find."""
    if not anomaly.part or not leaf.is_plain:
        return True
    return f"{leaf.path}.".startswith(f"{anomaly.part}.")


def _is_text(leaf: Leaf) -> bool:
    return reads_as_text(leaf.octets, leaf.media_type)
