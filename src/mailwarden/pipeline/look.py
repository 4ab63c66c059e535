"""What is seen of a message in process: every reading, the leaves to open, what is wrong in form.

Recipients may have settings of their own, so what is wrong is said for each group of them; what
costs time is done once for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mailwarden.message.headers import Header, value_of
from mailwarden.message.leaves import leaves
from mailwarden.message.readings import Readings, read_every_way
from mailwarden.pipeline.extraction import SortedLeaf, sort_leaves
from mailwarden.pipeline.options import Group, PathOptions
from mailwarden.verdict.arrival import Arrival
from mailwarden.verdict.release_mark import NAME as RELEASE_MARK
from mailwarden.verdict.release_mark import read_mark
from mailwarden.verdict.report import Finding, Kind
from mailwarden.verdict.structure import check_reading_limits, check_structure

# Released messages carry one mark; each costs a digest of the message, so few are believed.
_MOST_MARKS = 3
_TEXT_TYPES = ("text", "")


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in process; `findings` has those of each group, in the groups' order.

    `leaves` is empty when the message is too large for every group.
    """

    readings: Readings
    leaves: tuple[SortedLeaf, ...]
    findings: tuple[tuple[Finding, ...], ...]
    released: frozenset[str]

    @property
    def header(self) -> Header:
        """The message's own header."""
        return self.readings.primary.root.header

    @property
    def is_text_only(self) -> bool:
        """Nothing is attached, and all there is to see is text."""
        return all(
            one.file_type in _TEXT_TYPES and not one.is_openable and not one.leaf.names
            for one in self.leaves
        )


def look_at(
    arrival: Arrival, groups: Sequence[Group], options: PathOptions, release_key: bytes
) -> Look:
    """Read the message in every way and check its form, for each group of recipients."""
    readings = read_every_way(arrival.raw, options.reading)
    released = _released(arrival, readings.primary.root.header, release_key)
    if all(is_oversize(arrival, group) for group in groups):
        findings = tuple(_size_findings(arrival) for _ in groups)
        return Look(readings, (), findings, released)
    found = sort_leaves(leaves(readings), arrival.raw)
    findings = _findings(arrival, groups, readings, found)
    return Look(readings, found, findings, released)


def is_oversize(arrival: Arrival, group: Group) -> bool:
    """The message is larger than these recipients' messages may be."""
    return arrival.size_bytes > group.options.settings.limits.message_bytes


def _size_findings(arrival: Arrival) -> tuple[Finding, ...]:
    detail = f"the message has {arrival.size_bytes} bytes"
    return (Finding("limits", Kind.OVERSIZE, "message-size", detail=detail),)


def _findings(
    arrival: Arrival, groups: Sequence[Group], readings: Readings, found: Sequence[SortedLeaf]
) -> tuple[tuple[Finding, ...], ...]:
    """Check the form once for each way of judging it; limits that were hit count for everybody."""
    is_exempt = arrival.origin.is_exempt_from_structure_checks
    octets = [one.leaf for one in found]
    ways = {None if is_exempt else group.options.passed for group in groups}
    by_way = {
        passed: check_reading_limits(readings)
        if passed is None
        else check_structure(readings, octets, passed)
        for passed in ways
    }
    return tuple(
        _size_findings(arrival)
        if is_oversize(arrival, group)
        else by_way[None if is_exempt else group.options.passed]
        for group in groups
    )


def _released(arrival: Arrival, header: Header, release_key: bytes) -> frozenset[str]:
    keys: frozenset[str] = frozenset()
    for field in header.all(RELEASE_MARK)[:_MOST_MARKS]:
        value = value_of(arrival.raw, field)
        keys |= read_mark(release_key, value, arrival.raw, field.end, arrival.at)
    return keys
